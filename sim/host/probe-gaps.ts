import { type Micros, minus } from "../../impl/wire/time.ts";
import { type ProbeResult } from "./probe.ts";

/** A run of failed probes. */
export interface Gap {
  /** When the first of them was sent. */
  readonly from: Micros;
  /** When the next one that was answered was sent; undefined where none was yet. */
  readonly to: Micros | undefined;
  readonly missed: number;
  /** From `from` to `to`, or to the last failed probe: exact to one interval of the probe. */
  readonly outage: Micros;
}

/** `results` in the order in which the probes were sent. */
export function gapsOf(results: readonly ProbeResult[]): readonly Gap[] {
  const gaps: Gap[] = [];
  let missing: ProbeResult[] = [];
  for (const result of results) {
    if (result.outcome.kind === "failed") {
      missing.push(result);
    } else if (missing.length > 0) {
      gaps.push(gapOf(missing, result.at));
      missing = [];
    }
  }
  if (missing.length > 0) gaps.push(gapOf(missing, undefined));
  return gaps;
}

function gapOf(missing: readonly ProbeResult[], to: Micros | undefined): Gap {
  const from = missing[0]?.at ?? (0 as Micros);
  const last = missing.at(-1)?.at ?? from;
  return { from, to, missed: missing.length, outage: minus(to ?? last, from) };
}
