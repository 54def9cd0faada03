import { writeFileSync } from "node:fs";
import { findTopology } from "../topology/find.ts";
import { simDriver } from "../drivers/sim/driver.ts";
import { type Driver } from "../drivers/driver.ts";
import { type Case, loadCases, matchesPattern } from "../runner/catalogue.ts";
import { type CaseResult, runCase } from "../runner/run-case.ts";
import { runSuite } from "../runner/suite.ts";
import { paint, table, UsageError } from "./output.ts";

export interface RunFlags {
  readonly driver: string;
  readonly seed: string;
  readonly twice?: boolean;
  readonly quiet?: boolean;
  readonly pcap?: string;
  readonly trace?: string;
  readonly json?: string;
}

async function findDriver(name: string): Promise<Driver> {
  if (name === "sim") return simDriver;
  if (name === "netns") return (await import("../drivers/netns/driver.ts")).netnsDriver;
  throw new UsageError(`there is no driver "${name}": sim and netns are`);
}

async function select(pattern: string | undefined): Promise<readonly Case[]> {
  const all = await loadCases();
  const chosen = all.filter(({ name }) => matchesPattern(name, pattern ?? "*"));
  if (chosen.length === 0)
    throw new UsageError(`no scenario is called anything like "${pattern ?? ""}"; assay list shows all`);
  return chosen;
}

function reproduce(result: CaseResult): string {
  const driver = result.driver === "sim" ? "" : ` --driver ${result.driver}`;
  return `npx assay run '${result.name}'${driver} --seed ${result.seed}`;
}

function describe(result: CaseResult): string {
  const mark =
    result.outcome === "passed"
      ? paint("green", "passed")
      : result.outcome === "failed"
        ? paint("red", "FAILED")
        : "not run";
  const times =
    result.outcome === "notRunnable"
      ? ""
      : `  ${(result.elapsedMs / 1000).toFixed(1)} s in ${result.tookMs.toFixed(0)} ms`;
  const lines = [`${mark}  ${result.name}${times}`];
  if (result.because !== undefined) lines.push(`        ${result.failure ?? "because"}: ${result.because}`);
  for (const note of result.notes ?? []) lines.push(`        ${note}`);
  if (result.outcome === "failed") {
    lines.push(...result.lines.slice(-20).map((line) => `        | ${line}`), `        again: ${reproduce(result)}`);
  }
  return lines.join("\n");
}

/** In this thread, as many at once as the driver allows: what a pcapng, a trace or a real kernel needs. */
async function runHere(
  cases: readonly Case[],
  driver: Driver,
  flags: RunFlags,
  show: (r: CaseResult) => void,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  const waiting = [...cases];
  const work = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      const result = await runCase(driver, findTopology(item.scenario.topology), item, {
        seed: flags.seed,
        shuffle: false,
        capture: flags.pcap !== undefined,
        lines: flags.trace === undefined ? 200 : Number.POSITIVE_INFINITY,
      });
      show(result);
      results.push(result);
      if (flags.pcap !== undefined && result.pcapng !== undefined) writeFileSync(flags.pcap, result.pcapng);
      if (flags.trace !== undefined) writeFileSync(flags.trace, `${result.lines.join("\n")}\n`);
    }
  };
  await Promise.all(Array.from({ length: driver.parallel ?? 1 }, work));
  return results;
}

const count = (results: readonly CaseResult[], outcome: CaseResult["outcome"]): number =>
  results.filter((result) => result.outcome === outcome).length;

/** `assay run`: 0 all passed, 1 something failed, 2 nothing could run. */
export async function runCommand(pattern: string | undefined, flags: RunFlags): Promise<number> {
  const cases = await select(pattern);
  const driver = await findDriver(flags.driver);
  const unavailable = driver.unavailable();
  if (unavailable !== undefined) {
    console.log(`could not run: ${unavailable}`);
    return 2;
  }
  if ((flags.pcap !== undefined || flags.trace !== undefined) && cases.length !== 1) {
    throw new UsageError(`--pcap and --trace are for one scenario, and "${pattern ?? "*"}" means ${cases.length}`);
  }
  const started = performance.now();
  const show = (result: CaseResult): void => {
    const quiet = flags.quiet === true && result.outcome === "passed";
    const idle = result.outcome === "notRunnable" && pattern === undefined;
    if (!quiet && !idle) console.log(describe(result));
  };
  const here = driver.name !== "sim" || flags.pcap !== undefined || flags.trace !== undefined || cases.length === 1;
  const results =
    here && flags.twice !== true
      ? await runHere(cases, driver, flags, show)
      : await runSuite(
          cases.map(({ name }) => name),
          { seed: flags.seed, twice: flags.twice === true, onResult: show },
        );
  const passed = count(results, "passed");
  const failed = count(results, "failed");
  const not = count(results, "notRunnable");
  if (flags.json !== undefined) {
    const report = { driver: driver.name, seed: flags.seed, passed, failed, notRunnable: not, results };
    writeFileSync(
      flags.json,
      `${JSON.stringify(report, (key, value: unknown) => (key === "pcapng" ? undefined : value), 1)}\n`,
    );
  }
  const took = ((performance.now() - started) / 1000).toFixed(1);
  const times = flags.twice === true ? ", each twice with the same trace" : "";
  console.log(
    `${results.length - not} scenarios on ${driver.name}${times}; ${not} need what ${driver.name} lacks; ${took} s`,
  );
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : passed === 0 ? 2 : 0;
}

/** `assay list`. */
export async function listCommand(pattern: string | undefined, flags: { readonly json?: boolean }): Promise<number> {
  const cases = await select(pattern);
  const rows = cases.map(({ name, scenario }) => ({
    name,
    topology: scenario.topology,
    cites: scenario.cites,
    title: scenario.title,
  }));
  if (flags.json === true) console.log(JSON.stringify(rows, null, 1));
  else
    console.log(
      table([
        ["NAME", "TOPOLOGY", "CITES", "TITLE"],
        ...rows.map((row) => [row.name, row.topology, row.cites.join(", "), row.title]),
      ]),
    );
  return 0;
}
