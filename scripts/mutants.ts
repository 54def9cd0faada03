// Runs every scenario against every mutant and prints which kills which. A kill counts when a scenario's own expectation or
// an invariant failed, not because something threw. Fails when a mutant lives or a scenario kills nothing.
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type Mutant } from "../conformance/mutants/mutant.ts";
import { MUTANT_GROUPS } from "../conformance/mutants/mutants.ts";
import { loadCases, matchesPattern } from "../conformance/runner/catalogue.ts";
import { type Failure } from "../conformance/runner/run-case.ts";
import { runSuite } from "../conformance/runner/suite.ts";

interface Verdict {
  readonly name: string;
  readonly outcome: string;
  readonly failure?: Failure;
  readonly because?: string;
}

const USAGE = `npm run mutants -- [--mutant NAME] [--scenario PATTERN] [--all] [--json FILE]
Breaks the load balancer in one place at a time and sees which scenario notices. Each mutant meets the scenarios that are
about its subject; one that survives them meets all others too. With --all every mutant meets every scenario.`;

const errors: string[] = [];
/** A mutant may loop for ever. */
const PATIENCE_MS = 120_000;

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
    const alarm = setTimeout(() => {
      errors.push(
        `${mutant.name}: gave no answer in ${PATIENCE_MS / 1000} s after ${verdicts.length} of ${cases.length} scenarios`,
      );
      void worker.terminate();
    }, PATIENCE_MS);
    worker.on("error", reject);
    worker.on("exit", () => {
      clearTimeout(alarm);
      resolve(verdicts);
    });
  });
}

/** Which of the scenarios fail by their own words, or by an invariant, with the mutant in place. */
async function killersOf(mutant: Mutant, cases: readonly string[]): Promise<readonly string[]> {
  if (cases.length === 0) return [];
  const verdicts = await runMutant(mutant, cases).catch((error: unknown) => {
    errors.push(`${mutant.name}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  });
  for (const verdict of verdicts) {
    if (verdict.failure !== "error") continue;
    errors.push(`${mutant.name}: ${verdict.name} threw: ${verdict.because?.split("\n")[0] ?? ""}`);
  }
  return verdicts
    .filter(({ failure }) => failure === "expectation" || failure === "invariant")
    .map((verdict) => verdict.name);
}

if (process.argv.includes("--help")) {
  console.log(USAGE);
  process.exit(0);
}
const only = option("--mutant");
const pattern = option("--scenario") ?? "*";
const all = process.argv.includes("--all");
const mutants = MUTANT_GROUPS.flatMap(({ mutants: group, scenarios }) =>
  group.filter(({ name }) => only === undefined || name === only).map((mutant) => ({ mutant, scenarios })),
);
if (mutants.length === 0) {
  console.error(
    `there is no mutant "${only ?? ""}": ${MUTANT_GROUPS.flatMap((group) => group.mutants.map(({ name }) => name)).join(", ")}`,
  );
  process.exit(2);
}
const started = performance.now();
const chosen = (await loadCases()).map((item) => item.name).filter((name) => matchesPattern(name, pattern));
// Who fails without a mutant proves nothing about one.
const broken = (await runSuite(chosen, { seed: "1", twice: false })).filter(({ outcome }) => outcome !== "passed");
for (const { name, because } of broken) console.log(`FAILS unbroken: ${name}: ${because ?? ""}`);
const names = chosen.filter((name) => !broken.some((result) => result.name === name));
const kills = new Map<string, readonly string[]>();

const waiting = [...mutants];
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { mutant, scenarios } = next;
      const { name } = mutant;
      const isNear = (scenario: string): boolean => all || scenarios.some((start) => scenario.startsWith(start));
      const near = names.filter(isNear);
      let killers = await killersOf(mutant, near);
      if (killers.length === 0)
        killers = await killersOf(
          mutant,
          names.filter((scenario) => !isNear(scenario)),
        );
      kills.set(name, killers);
      const shown = killers.slice(0, 4).join(", ") + (killers.length > 4 ? ` and ${killers.length - 4} more` : "");
      console.log(`${killers.length === 0 ? "LIVES " : "killed"} ${name.padEnd(40)} ${shown}`);
    }
  }),
);

const survivors = mutants.filter(({ mutant }) => (kills.get(mutant.name) ?? []).length === 0);
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
