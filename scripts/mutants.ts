// Lets mutants meet scenarios. A mutant is killed when a scenario's own expectation or an invariant failed, not because something
// threw. Fails when a mutant lives or a scenario kills nothing.
import { availableParallelism } from "node:os";
import { Hunt, type Target, witnessesOf } from "../conformance/mutants/hunt.ts";
import { MUTANT_GROUPS } from "../conformance/mutants/mutants.ts";
import { readWitnesses, type Witnesses, writeWitnesses } from "../conformance/mutants/witnesses.ts";
import { loadCases, matchesPattern } from "../conformance/runner/catalogue.ts";
import { runSuite } from "../conformance/runner/suite.ts";

const USAGE = `npm run mutants -- [--mutant NAME] [--scenario PATTERN] [--all] [--record]
Breaks the load balancer in one place at a time and sees which cases notice. Each mutant meets the cases that noticed it when
conformance/mutants/witnesses.json was written. Cases that noticed nothing yet then meet all mutants of their subject, and mutants
that live all cases of theirs.
  --mutant NAME       only this one; it meets every case of its subject
  --scenario PATTERN  only these cases, and the mutants of their subjects
  --all               every mutant meets every case: hours
  --record            write who noticed what to witnesses.json`;

const SEED = "1";

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

async function onAllCores<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
    }),
  );
}

/** The cases that pass with nothing broken, the quickest first; who fails then proves nothing about a mutant. */
async function soundCases(chosen: readonly string[]): Promise<readonly string[]> {
  const results = await runSuite(chosen, { seed: SEED, twice: false });
  for (const { name, outcome, because } of results) {
    if (outcome !== "passed") console.log(`FAILS unbroken: ${name}: ${because ?? ""}`);
  }
  return results
    .filter(({ outcome }) => outcome === "passed")
    .sort((a, b) => a.tookMs - b.tookMs)
    .map(({ name }) => name);
}

function show(hunt: Hunt, target: Target): void {
  const killers = hunt.noticed(target);
  const shown = killers.slice(0, 4).join(", ") + (killers.length > 4 ? ` and ${killers.length - 4} more` : "");
  const because = killers.length === 0 ? (hunt.error(target) ?? "") : shown;
  console.log(`${killers.length === 0 ? "LIVES " : "killed"} ${target.mutant.name.padEnd(40)} ${because}`);
}

/** What was written before about mutants or cases that were not looked at now stays. */
function merged(before: Witnesses, now: Witnesses, mutants: readonly string[], cases: readonly string[]): Witnesses {
  const looked = new Set(cases);
  const keep = (name: string): readonly string[] => (before[name] ?? []).filter((item) => !looked.has(item));
  return Object.fromEntries(
    mutants
      .map((name) => [name, [...(now[name] ?? []), ...keep(name)]] as const)
      .filter(([, names]) => names.length > 0),
  );
}

function targets(): readonly Target[] {
  return MUTANT_GROUPS.flatMap(({ mutants, scenarios }) =>
    mutants.map((mutant) => ({ mutant, scenarios: [...scenarios, ...(mutant.scenarios ?? [])] })),
  );
}

/** Every mutant meets its witnesses; then idle cases meet the mutants of their subjects, and mutants that live all cases. */
async function lane(hunt: Hunt, wanted: readonly Target[], witnesses: Witnesses): Promise<void> {
  const found = async (target: Target, seek: () => Promise<void>): Promise<void> => {
    const before = hunt.noticed(target).length;
    await seek();
    if (hunt.noticed(target).length > before) show(hunt, target);
  };
  await onAllCores(wanted, (target) => found(target, () => hunt.meetAll(target, witnesses[target.mutant.name] ?? [])));
  for (const variants of ["one", "all"] as const) {
    await onAllCores(wanted, (target) => found(target, () => hunt.employIdle(target, variants)));
  }
  const survivors = wanted.filter((target) => hunt.noticed(target).length === 0);
  await onAllCores(survivors, (target) => found(target, () => hunt.seekWitness(target)));
}

/** For whoever writes a mutant: which cases notice it, and which of their neighbours do not. */
async function meetWhole(hunt: Hunt, wanted: readonly Target[], all: boolean): Promise<void> {
  await onAllCores(wanted, async (target) => {
    await hunt.meetAll(target, all ? hunt.cases : hunt.near(target));
    show(hunt, target);
  });
}

async function main(): Promise<number> {
  const only = option("--mutant");
  const pattern = option("--scenario") ?? "*";
  const all = process.argv.includes("--all");
  const chosen = (await loadCases()).map((item) => item.name).filter((name) => matchesPattern(name, pattern));
  const every = targets();
  const isWanted = ({ mutant, scenarios }: Target): boolean =>
    only === undefined
      ? scenarios.some((start) => chosen.some((name) => name.startsWith(start)))
      : mutant.name === only;
  const wanted = every.filter(isWanted);
  if (wanted.length === 0) {
    console.error(`there is no such mutant; there are ${every.map(({ mutant }) => mutant.name).join(", ")}`);
    return 2;
  }
  const hunt = new Hunt(await soundCases(chosen), SEED);
  const before = readWitnesses();
  if (only !== undefined || all) await meetWhole(hunt, wanted, all);
  else await lane(hunt, wanted, before);
  if (process.argv.includes("--record")) {
    const names = every.map(({ mutant }) => mutant.name);
    writeWitnesses(merged(before, witnessesOf(hunt, wanted), names, hunt.cases));
  }
  return report(hunt, wanted, chosen.length, only === undefined);
}

function report(hunt: Hunt, wanted: readonly Target[], chosen: number, judgesCases: boolean): number {
  const survivors = wanted.filter((target) => hunt.noticed(target).length === 0);
  const idle = judgesCases ? hunt.idle : [];
  for (const target of survivors) show(hunt, target);
  for (const name of idle) console.log(`kills nothing: ${name}`);
  const { user, system } = process.cpuUsage();
  const seconds = ((user + system) / 1e6).toFixed(0);
  console.log(
    `${wanted.length} mutants, ${survivors.length} live; ${hunt.cases.length} cases, ${idle.length} kill nothing; ` +
      `${seconds} s of CPU time`,
  );
  const failures = chosen - hunt.cases.length + survivors.length + idle.length;
  console.log(`${wanted.length + chosen - failures} passed, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}

if (process.argv.includes("--help")) {
  console.log(USAGE);
  process.exit(0);
}
process.exit(await main());
