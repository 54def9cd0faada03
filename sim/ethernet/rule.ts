// What a fault may do to a frame on its way through a cable.
import { type Random } from "../../impl/ports.ts";
import { unreachable } from "../../impl/wire/brand.ts";
import { type Micros, plus } from "../../impl/wire/time.ts";

export type Verdict =
  | { readonly kind: "pass" }
  | { readonly kind: "drop"; readonly because: string }
  | { readonly kind: "delay"; readonly by: Micros }
  /** A second copy arrives `after` the first. */
  | { readonly kind: "duplicate"; readonly after: Micros }
  | { readonly kind: "replace"; readonly bytes: Uint8Array; readonly because: string };

export type Judge = (frame: Uint8Array, now: Micros) => Verdict;

export interface FrameRule {
  /** Names the rule's random stream and stands in the trace: `loss`. */
  readonly name: string;
  /** Defaults to both. */
  readonly direction?: "both" | "aToB" | "bToA";
  /** Called once for each direction, so that each has a state and a random stream of its own. */
  start(random: Random): Judge;
}

export type Fate =
  | { readonly kind: "dropped"; readonly because: string }
  | {
      readonly kind: "delivered";
      readonly frame: Uint8Array;
      readonly arrivals: readonly Arrival[];
    };

/** One arrival of the frame at the other end; `note` says what was done to it. */
export interface Arrival {
  readonly delay: Micros;
  readonly note: string | undefined;
}

/** Asks the judges in order: the first that drops wins, delays add, a replacement is what later judges see. */
export function decideFate(frame: Uint8Array, judges: Iterable<Judge>, latency: Micros, now: Micros): Fate {
  let bytes = frame;
  let delay = latency;
  let note: string | undefined;
  const copies: Micros[] = [];
  for (const judge of judges) {
    const verdict = judge(bytes, now);
    switch (verdict.kind) {
      case "pass":
        break;
      case "drop":
        return { kind: "dropped", because: verdict.because };
      case "delay":
        delay = plus(delay, verdict.by);
        break;
      case "duplicate":
        copies.push(verdict.after);
        break;
      case "replace":
        bytes = verdict.bytes;
        note = note === undefined ? verdict.because : `${note}, ${verdict.because}`;
        break;
      default:
        unreachable(verdict);
    }
  }
  const duplicates = copies.map((after) => ({ delay: plus(delay, after), note: "duplicate" }));
  return { kind: "delivered", frame: bytes, arrivals: [{ delay, note }, ...duplicates] };
}
