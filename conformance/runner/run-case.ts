import { inMillis } from "../../impl/wire/time.ts";
import { type Driver } from "../drivers/driver.ts";
import { ExpectationFailed } from "../expect.ts";
import { type Topology } from "../topology/model.ts";
import { type Case } from "./catalogue.ts";

export interface RunOptions {
  readonly seed: string;
  readonly shuffle: boolean;
  readonly capture: boolean;
  readonly lines: number;
}

/** `expectation`: the scenario's own words failed; `invariant`: a rule that holds for all; `error`: something threw. */
export type Failure = "expectation" | "invariant" | "error";

export interface CaseResult {
  readonly name: string;
  readonly driver: string;
  readonly seed: string;
  readonly outcome: "passed" | "failed" | "notRunnable";
  readonly failure?: Failure;
  readonly because?: string;
  readonly hash?: string;
  /** Time in the world. */
  readonly elapsedMs: number;
  readonly tookMs: number;
  readonly lines: readonly string[];
  readonly pcapng?: Uint8Array;
  readonly notes?: readonly string[];
}

/** Runs one case once. Never rejects. */
export async function runCase(
  driver: Driver,
  topology: Topology,
  { name, scenario, variant }: Case,
  options: RunOptions,
): Promise<CaseResult> {
  const started = performance.now();
  const base = { name, driver: driver.name, seed: options.seed };
  const lacking = scenario.needs.filter((need) => !driver.capabilities.has(need));
  const refusal = await driver.refuses?.(topology);
  if (lacking.length > 0 || refusal !== undefined) {
    const because = refusal ?? `${driver.name} lacks ${lacking.join(", ")}`;
    return { ...base, outcome: "notRunnable", because, elapsedMs: 0, tookMs: 0, lines: [] };
  }
  let failure: Failure | undefined;
  let because = "";
  const fail = (kind: Failure, error: unknown): void => {
    failure ??= kind;
    because ||=
      error instanceof ExpectationFailed
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error);
  };
  try {
    const open = await driver.open(topology, { ...options, settings: scenario.settings ?? {} });
    try {
      await scenario.run(open.world, variant);
    } catch (error) {
      fail(error instanceof ExpectationFailed ? "expectation" : "error", error);
    }
    const remains = await open.close();
    const [violation] = remains.violations;
    if (violation !== undefined) fail("invariant", violation);
    return {
      ...base,
      outcome: failure === undefined ? "passed" : "failed",
      ...(failure === undefined ? {} : { failure, because }),
      ...(remains.hash === undefined ? {} : { hash: remains.hash }),
      elapsedMs: inMillis(remains.elapsed),
      tookMs: performance.now() - started,
      lines: remains.lines,
      ...(remains.pcapng === undefined ? {} : { pcapng: remains.pcapng }),
      ...(remains.notes === undefined ? {} : { notes: remains.notes }),
    };
  } catch (error) {
    fail("error", error);
    return {
      ...base,
      outcome: "failed",
      failure: failure ?? "error",
      because,
      elapsedMs: 0,
      tookMs: performance.now() - started,
      lines: [],
    };
  }
}
