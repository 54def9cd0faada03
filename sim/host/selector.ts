import { unreachable } from "../../impl/wire/brand.ts";
import { type Micros, seconds } from "../../impl/wire/time.ts";
import { type NextHop } from "./next-hop.ts";
import { ResilientSelector } from "./selector-resilient.ts";
import { ModuloSelector } from "./selector-modulo.ts";
import { ThresholdSelector } from "./selector-threshold.ts";

/** Chooses among the next hops of one route by the hash of a flow. */
export interface Selector {
  /** Those that can be used from now on, in the order of the route. */
  setNextHops(nextHops: readonly NextHop[], now: Micros): void;
  /** `isGood` is false for those that do not answer. Undefined where there are none. */
  select(hash: number, now: Micros, isGood: (nextHop: NextHop) => boolean): NextHop | undefined;
  /** A packet went where `select` said. */
  used(hash: number, now: Micros): void;
}

export type SelectorSettings =
  /** The hash modulo the number of next hops, as many switches do it. */
  | { readonly kind: "modulo" }
  /** RFC 2992: each next hop has a region of the hashes. What Linux does unless told otherwise. */
  | { readonly kind: "threshold" }
  /** `ip nexthop … type resilient`. An unbalanced timer of 0 never moves a bucket that is in use. */
  | {
      readonly kind: "resilient";
      readonly buckets: number;
      readonly idleTimer: Micros;
      readonly unbalancedTimer: Micros;
    };

/** With the timers that Linux takes unless told otherwise (NH_RES_DEFAULT_*). */
export const RESILIENT: SelectorSettings = {
  kind: "resilient",
  buckets: 256,
  idleTimer: seconds(120),
  unbalancedTimer: seconds(0),
};

export function createSelector(settings: SelectorSettings): Selector {
  switch (settings.kind) {
    case "modulo":
      return new ModuloSelector();
    case "threshold":
      return new ThresholdSelector();
    case "resilient":
      return new ResilientSelector(settings);
    default:
      return unreachable(settings);
  }
}
