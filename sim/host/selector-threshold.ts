// RFC 2992 (hash-threshold) as Linux does it: nh_hthr_group_rebalance and nexthop_select_path_hthr of net/ipv4/nexthop.c.
import { type Micros } from "../../impl/wire/time.ts";
import { type NextHop } from "./next-hop.ts";
import { type Selector } from "./selector.ts";

const HASHES = 2 ** 31;

interface Region {
  readonly nextHop: NextHop;
  /** The last hash that belongs to it. */
  readonly upperBound: number;
}

export class ThresholdSelector implements Selector {
  #regions: readonly Region[] = [];

  setNextHops(nextHops: readonly NextHop[]): void {
    const total = nextHops.reduce((sum, { weight }) => sum + weight, 0);
    let weights = 0;
    this.#regions = nextHops.map((nextHop) => {
      weights += nextHop.weight;
      // DIV_ROUND_CLOSEST.
      return { nextHop, upperBound: Math.floor((weights * HASHES + (total >>> 1)) / total) - 1 };
    });
  }

  /** The region of one that does not answer falls to the next that does; that of the last ones to the first. */
  select(hash: number, _now: Micros, isGood: (nextHop: NextHop) => boolean): NextHop | undefined {
    let first: NextHop | undefined;
    for (const { nextHop, upperBound } of this.#regions) {
      if (!isGood(nextHop)) continue;
      if (hash <= upperBound) return nextHop;
      first ??= nextHop;
    }
    return first ?? this.#regions[0]?.nextHop;
  }

  used(): void {}
}
