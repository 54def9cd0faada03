// Runs every scenario against every mutant and prints which kills which. A kill counts when a scenario's own expectation or
// an invariant failed, not because something threw. Fails when a mutant lives or a scenario kills nothing.
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type Mutant } from "../conformance/mutants/mutant.ts";
import { MUTANTS } from "../conformance/mutants/mutants.ts";
import { loadCases, matchesPattern } from "../conformance/runner/catalogue.ts";
import { type Failure } from "../conformance/runner/run-case.ts";
import { runSuite } from "../conformance/runner/suite.ts";

interface Verdict {
  readonly name: string;
  readonly outcome: string;
  readonly failure?: Failure;
  readonly because?: string;
}

const USAGE = `npm run mutants -- [--mutant NAME] [--scenario PATTERN] [--json FILE]
Breaks the load balancer in one place at a time and sees which scenario notices.`;

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

function runMutant(mutant: Mutant, cases: readonly string[]): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  const worker = new Worker(new URL("../conformance/mutants/mutant-worker.ts", import.meta.url), {
    workerData: { mutant, cases, seed: "1" },
  });
  return new Promise((resolve, reject) => {
    worker.on("message", (verdict: Verdict) => verdicts.push(verdict));
    worker.on("error", reject);
    worker.on("exit", () => resolve(verdicts));
  });
}

if (process.argv.includes("--help")) {
  console.log(USAGE);
  process.exit(0);
}
const only = option("--mutant");
const pattern = option("--scenario") ?? "*";
const mutants = MUTANTS.filter((mutant) => only === undefined || mutant.name === only);
const started = performance.now();
const chosen = (await loadCases()).map((item) => item.name).filter((name) => matchesPattern(name, pattern));
// Who fails without a mutant proves nothing about one.
const broken = (await runSuite(chosen, { seed: "1", twice: false })).filter(({ outcome }) => outcome !== "passed");
for (const { name, because } of broken) console.log(`FAILS unbroken: ${name}: ${because ?? ""}`);
const names = chosen.filter((name) => !broken.some((result) => result.name === name));
const kills = new Map<string, readonly string[]>();
const errors: string[] = [];

const waiting = [...mutants];
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { name } = mutant;
      const verdicts = await runMutant(mutant, names).catch((error: unknown) => {
        errors.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        return [];
      });
      const killers = verdicts
        .filter((verdict) => verdict.failure === "expectation" || verdict.failure === "invariant")
        .map((verdict) => verdict.name);
      for (const verdict of verdicts) {
        if (verdict.failure === "error")
          errors.push(`${name}: ${verdict.name} threw: ${verdict.because?.split("\n")[0] ?? ""}`);
      }
      kills.set(name, killers);
      const shown = killers.slice(0, 4).join(", ") + (killers.length > 4 ? ` and ${killers.length - 4} more` : "");
      console.log(`${killers.length === 0 ? "LIVES " : "killed"} ${name.padEnd(40)} ${shown}`);
    }
  }),
);

const survivors = mutants.filter((mutant) => (kills.get(mutant.name) ?? []).length === 0).map((mutant) => mutant.name);
const killed = new Set([...kills.values()].flat());
const idle = names.filter((name) => !killed.has(name));
if (option("--json") !== undefined) {
  writeFileSync(option("--json") ?? "", `${JSON.stringify(Object.fromEntries(kills), null, 2)}\n`);
}
for (const error of errors) console.log(`note: ${error}`);
console.log(
  `${mutants.length} mutants, ${survivors.length} live; ${names.length} scenarios, ${idle.length} kill nothing; ${((performance.now() - started) / 1000).toFixed(0)} s`,
);
for (const name of idle) console.log(`kills nothing: ${name}`);
const failures = broken.length + survivors.length + (only === undefined && pattern === "*" ? idle.length : 0);
console.log(`${mutants.length + chosen.length - failures} passed, ${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
