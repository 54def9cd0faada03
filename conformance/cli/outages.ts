// What the gaps in a client's probes amount to, for a person.
import { type Micros, millis, seconds } from "../../impl/wire/time.ts";
import { type Gap } from "../world.ts";

/** A time in which a client was not served, or not always. */
export interface Outage {
  readonly from: Micros;
  readonly to: Micros;
  /** Requests without an answer. */
  readonly missed: number;
  /** No request was answered in between; otherwise some were. */
  readonly total: boolean;
}

export interface Served {
  /** When the first answer came; undefined: never. */
  readonly since: Micros | undefined;
  /** What happened after the first answer. */
  readonly outages: readonly Outage[];
}

/** A gap as long as this is an outage of its own … */
const LONG: Micros = millis(300);
/** … and shorter ones that are nearer to each other than this are one time of bad service. */
export const NEAR: Micros = seconds(1);

/** `started` is when the first request was sent: what a client waits for its first answer is no outage. */
export function served(gaps: readonly Gap[], started: Micros, answered: boolean): Served {
  if (!answered) return { since: undefined, outages: [] };
  const [first] = gaps;
  const waited = first !== undefined && first.from <= started;
  const outages: (Outage & { readonly short: boolean })[] = [];
  for (const { from, to, missed } of waited ? gaps.slice(1) : gaps) {
    const short = to - from < LONG;
    const last = outages.at(-1);
    if (last === undefined || !short || !last.short || from - last.to > NEAR) {
      outages.push({ from, to, missed, total: true, short });
    } else {
      outages.splice(-1, 1, { from: last.from, to, missed: last.missed + missed, total: false, short });
    }
  }
  return { since: waited ? first.to : started, outages: outages.map(({ short: _short, ...outage }) => outage) };
}

/** The longest time without any answer. */
export const longest = (outages: readonly Outage[]): Micros =>
  Math.max(0, ...outages.filter(({ total }) => total).map(({ from, to }) => to - from)) as Micros;
