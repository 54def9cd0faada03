import { didYouMean } from "../../impl/api/schema/spelling.ts";
import { findTopology } from "../topology/find.ts";
import { simDriver } from "../drivers/sim/driver.ts";
import { type Driver } from "../drivers/driver.ts";
import { type Case, loadCases, matchesPattern } from "../runner/catalogue.ts";
import { Progress } from "./progress.ts";
import { type CaseResult, runCase } from "../runner/run-case.ts";
import { runSuite } from "../runner/suite.ts";
import { checkWritable, paint, UsageError, writeResult } from "./output.ts";

export interface RunFlags {
  readonly driver: string;
  readonly router?: string;
  readonly seed: string;
  readonly twice?: boolean;
  readonly quiet?: boolean;
  readonly pcap?: string;
  readonly trace?: string;
  readonly json?: string;
}

async function findDriver(name: string, router = "frr"): Promise<Driver> {
  if (router !== "frr" && router !== "bird")
    throw new UsageError(`--router: there is no "${router}": frr and bird are`);
  if (name === "sim") return simDriver;
  if (name === "netns") return (await import("../drivers/netns/driver.ts")).createNetnsDriver(router);
  throw new UsageError(`there is no driver "${name}": sim and netns are`);
}

export async function selectCases(pattern: string | undefined): Promise<readonly Case[]> {
  const all = await loadCases();
  const chosen = all.filter(({ name }) => matchesPattern(name, pattern ?? "*"));
  if (chosen.length > 0) return chosen;
  const meant = didYouMean(pattern ?? "", [
    ...new Set(all.flatMap(({ name, scenario }) => [name, scenario.name, ...scenario.name.split("/")])),
  ]);
  const hint = meant === undefined ? "" : `, did you mean ${meant}?`;
  throw new UsageError(`no scenario is called anything like "${pattern ?? ""}"${hint}; assay list shows all`);
}

function reproduce(result: CaseResult, { router = "frr" }: Pick<RunFlags, "router">): string {
  const suite = router === "frr" ? "" : ` --router ${router}`;
  const driver = result.driver === "sim" ? "" : ` --driver ${result.driver}${suite}`;
  return `npx assay run '${result.name}'${driver} --seed ${result.seed}`;
}

function describe(result: CaseResult, flags: RunFlags): string {
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
    lines.push(
      ...result.lines.slice(-20).map((line) => `        | ${line}`),
      `        again: ${reproduce(result, flags)}`,
    );
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
      if (flags.pcap !== undefined && result.pcapng !== undefined) writeResult("--pcap", flags.pcap, result.pcapng);
      if (flags.trace !== undefined) writeResult("--trace", flags.trace, `${result.lines.join("\n")}\n`);
    }
  };
  await Promise.all(Array.from({ length: driver.parallel ?? 1 }, work));
  return results;
}

const count = (results: readonly CaseResult[], outcome: CaseResult["outcome"]): number =>
  results.filter((result) => result.outcome === outcome).length;

function checkFlags(pattern: string | undefined, flags: RunFlags, cases: readonly Case[]): void {
  for (const option of ["pcap", "trace", "json"] as const) checkWritable(`--${option}`, flags[option]);
  if (flags.seed === "") throw new UsageError("--seed: may not be empty");
  const single = flags.pcap !== undefined || flags.trace !== undefined;
  if (single && cases.length !== 1) {
    throw new UsageError(`--pcap and --trace are for one scenario, and "${pattern ?? "*"}" means ${cases.length}`);
  }
  if (flags.twice !== true) return;
  if (single) throw new UsageError("--twice compares traces and keeps none: leave --pcap and --trace away");
  if (flags.driver !== "sim")
    throw new UsageError(`--twice is for sim: worlds of ${flags.driver} leave no trace to compare`);
}

/** What has run so far, for whoever ends it early. */
class Watch implements Disposable {
  readonly #results: CaseResult[] = [];
  readonly #progress = new Progress();
  readonly #total: number;
  readonly #flags: RunFlags;
  readonly #say: (text: string) => void;
  readonly #onInterrupt = (): void => {
    this.#progress.clear();
    this.#say(`interrupted after ${this.#results.length} of ${this.#total}`);
    process.exit(130);
  };

  constructor(total: number, flags: RunFlags, say: (text: string) => void) {
    this.#total = total;
    this.#flags = flags;
    this.#say = say;
    process.on("SIGINT", this.#onInterrupt);
  }

  add(result: CaseResult, shown: boolean): void {
    this.#results.push(result);
    if (shown) {
      this.#progress.clear();
      this.#say(describe(result, this.#flags));
    }
    const failed = count(this.#results, "failed");
    this.#progress.show(() => `${this.#results.length} of ${this.#total} have run, ${failed} failed`);
  }

  get elapsedSeconds(): string {
    return (this.#progress.elapsedMs / 1000).toFixed(1);
  }

  [Symbol.dispose](): void {
    this.#progress.clear();
    process.off("SIGINT", this.#onInterrupt);
  }
}

/** Lines of the trace are kept of what failed. */
function resultsJson(driver: Driver, flags: RunFlags, results: readonly CaseResult[]): string {
  const kept = results.map(({ pcapng: _pcapng, lines, ...result }) =>
    result.outcome === "failed" ? { ...result, lines, again: reproduce({ ...result, lines }, flags) } : result,
  );
  const report = {
    driver: driver.name,
    seed: flags.seed,
    passed: count(results, "passed"),
    failed: count(results, "failed"),
    notRunnable: count(results, "notRunnable"),
    results: kept,
  };
  return `${JSON.stringify(report, null, 1)}\n`;
}

/** `assay run`: 0 all passed, 1 something failed, 2 nothing could run. */
export async function runCommand(pattern: string | undefined, flags: RunFlags): Promise<number> {
  const cases = await selectCases(pattern);
  checkFlags(pattern, flags, cases);
  const driver = await findDriver(flags.driver, flags.router);
  const say = (text: string): void => {
    if (flags.json !== "-") console.log(text);
  };
  const unavailable = driver.unavailable();
  if (unavailable !== undefined) {
    console.error(`could not run: ${unavailable}`);
    return 2;
  }
  using watch = new Watch(cases.length, flags, say);
  const show = (result: CaseResult): void => {
    const quiet = flags.quiet === true && result.outcome === "passed";
    const idle = result.outcome === "notRunnable" && pattern === undefined;
    watch.add(result, !quiet && !idle);
  };
  const here = driver.name !== "sim" || flags.pcap !== undefined || flags.trace !== undefined || cases.length === 1;
  const names = cases.map(({ name }) => name);
  const results =
    here && flags.twice !== true
      ? await runHere(cases, driver, flags, show)
      : await runSuite(names, { seed: flags.seed, twice: flags.twice === true, onResult: show });
  if (flags.json !== undefined) writeResult("--json", flags.json, resultsJson(driver, flags, results));
  const [passed, failed, not] = [count(results, "passed"), count(results, "failed"), count(results, "notRunnable")];
  const times = flags.twice === true ? ", each twice with the same trace" : "";
  const lacking = not === 0 ? "" : `; ${not} need what ${driver.name} lacks`;
  say(`${results.length - not} scenarios on ${driver.name}${times}${lacking}; ${watch.elapsedSeconds} s`);
  say(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : passed === 0 ? 2 : 0;
}
