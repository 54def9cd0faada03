// npm test: the text of the code, the unit tests, and every scenario on the simulator, twice. Ends with one honest line.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

interface Count {
  readonly passed: number;
  readonly failed: number;
}

/** Where Node keeps what it compiled: the tools and the sources are the same in most runs. */
const COMPILED = "node_modules/.cache/node";

async function run(command: string, args: readonly string[]): Promise<number> {
  const env = { NODE_COMPILE_CACHE: COMPILED };
  const { exitCode } = await execa(command, args, { stdio: "inherit", reject: false, env });
  return exitCode ?? 1;
}

/** Counts from a JSON report; a run that left no report counts as one failure. */
function countsFrom(file: string, read: (report: unknown) => Count | undefined): Count {
  try {
    return read(JSON.parse(readFileSync(file, "utf8"))) ?? { passed: 0, failed: 1 };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

const numberAt = (report: unknown, key: string): number => {
  const value = typeof report === "object" && report !== null ? Reflect.get(report, key) : undefined;
  return typeof value === "number" ? value : 0;
};

const folder = mkdtempSync(join(tmpdir(), "assay-test-"));
const started = performance.now();
const totals: Count[] = [];

console.log("== check: types, lint, format, imports");
const check = await run("node", ["scripts/check.ts"]);
totals.push({ passed: check === 0 ? 1 : 0, failed: check === 0 ? 0 : 1 });

console.log("\n== unit tests");
const unitReport = join(folder, "unit.json");
await run("vitest", ["run", "--reporter=dot", "--reporter=json", `--outputFile.json=${unitReport}`]);
totals.push(
  countsFrom(unitReport, (report) => {
    const passed = numberAt(report, "numPassedTests");
    const suites = numberAt(report, "numFailedTestSuites");
    return { passed, failed: passed === 0 ? 1 : numberAt(report, "numFailedTests") || suites };
  }),
);

console.log("\n== every scenario on the simulator, twice");
const scenarioReport = join(folder, "scenarios.json");
await run("node", ["conformance/cli/main.ts", "run", "--twice", "--quiet", "--json", scenarioReport]);
totals.push(
  countsFrom(scenarioReport, (report) => ({ passed: numberAt(report, "passed"), failed: numberAt(report, "failed") })),
);

rmSync(folder, { recursive: true, force: true });
const passed = totals.reduce((sum, count) => sum + count.passed, 0);
const failed = totals.reduce((sum, count) => sum + count.failed, 0);
console.log(`\ntook ${((performance.now() - started) / 1000).toFixed(0)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
