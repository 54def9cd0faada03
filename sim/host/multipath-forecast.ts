// What becomes of the flows to an address when the next hops to it change: told beforehand.
import { type Random } from "../../impl/ports.ts";
import { type Ip, ipFromBytes, ipToBytes } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { micros } from "../../impl/wire/time.ts";
import { type Tuple } from "./conntrack-tuple.ts";
import { type HashSettings, hashOfTuple } from "./multipath.ts";
import { type NextHop, nextHopKey } from "./next-hop.ts";
import { createSelector, RESILIENT, type SelectorSettings } from "./selector.ts";

/** Flows that take another next hop than before. */
export interface Disruption {
  readonly moved: number;
  /** Moved because their next hop is gone. */
  readonly forced: number;
  /** Moved although their next hop is still there. */
  readonly collateral: number;
}

/** What one selector does with some flows. */
export interface Forecast {
  readonly selector: SelectorSettings["kind"];
  /** How many flows each next hop gets, in the order of the route. */
  readonly shares: readonly { readonly nextHop: NextHop; readonly flows: number }[];
  /** What moves when this one goes. */
  readonly removals: readonly ({ readonly nextHop: NextHop } & Disruption)[];
}

const SELECTORS: readonly SelectorSettings[] = [{ kind: "modulo" }, { kind: "threshold" }, RESILIENT];
/** Flows are in use, and later than their buckets were given away: those of a resilient group do not count as idle. */
const USED_AT = micros(1);
const CHANGED_AT = micros(2);

/** Where flows with these hashes go before and after their next hops change. */
export function waysOf(
  settings: SelectorSettings,
  before: readonly NextHop[],
  after: readonly NextHop[],
  hashes: readonly number[],
): readonly (readonly [before: NextHop | undefined, after: NextHop | undefined])[] {
  const selector = createSelector(settings);
  const select = (hash: number): NextHop | undefined => selector.select(hash, USED_AT, () => true);
  selector.setNextHops(before, micros(0));
  const first = hashes.map(select);
  for (const hash of hashes) selector.used(hash, USED_AT);
  selector.setNextHops(after, CHANGED_AT);
  return hashes.map((hash, index) => [first[index], selector.select(hash, CHANGED_AT, () => true)]);
}

export function disruptionOf(
  settings: SelectorSettings,
  before: readonly NextHop[],
  after: readonly NextHop[],
  hashes: readonly number[],
): Disruption {
  const left = new Set(after.map(nextHopKey));
  const keyOf = (nextHop: NextHop | undefined): string => (nextHop === undefined ? "" : nextHopKey(nextHop));
  const moves = waysOf(settings, before, after, hashes)
    .map(([from, to]) => [keyOf(from), keyOf(to)] as const)
    .filter(([from, to]) => from !== to);
  const forced = moves.filter(([from]) => !left.has(from)).length;
  return { moved: moves.length, forced, collateral: moves.length - forced };
}

/** What each selector would do with `flows` over `nextHops`, and what when one of these goes. */
export function forecast(
  settings: HashSettings,
  nextHops: readonly NextHop[],
  flows: readonly Tuple[],
): readonly Forecast[] {
  const hashes = flows.map((flow) => hashOfTuple(settings, flow));
  return SELECTORS.map((selector) => {
    const ways = waysOf(selector, nextHops, nextHops, hashes);
    return {
      selector: selector.kind,
      shares: nextHops.map((nextHop) => ({ nextHop, flows: ways.filter(([way]) => way === nextHop).length })),
      removals: nextHops.map((nextHop) => {
        const after = nextHops.filter((other) => other !== nextHop);
        return { nextHop, ...disruptionOf(selector, nextHops, after, hashes) };
      }),
    };
  });
}

const FIRST_EPHEMERAL = 32_768;
const EPHEMERAL_PORTS = 28_232;

/** Connections to `vip` from neighbours of `source`: the last two bytes of the address are drawn, and the port. */
export function syntheticFlows(
  vip: Ip,
  options: { readonly port: number; readonly count: number; readonly source: Ip; readonly random: Random },
): readonly Tuple[] {
  const { port, count, source, random } = options;
  const draw = (below: number): number => Math.floor(random.next() * below);
  const bytes = ipToBytes(source);
  return Array.from({ length: count }, () => {
    bytes[bytes.length - 2] = draw(256);
    bytes[bytes.length - 1] = 1 + draw(254);
    return {
      protocol: IP_PROTOCOLS.tcp,
      source: ipFromBytes(bytes),
      sourcePort: FIRST_EPHEMERAL + draw(EPHEMERAL_PORTS),
      destination: vip,
      destinationPort: port,
    };
  });
}

/** How evenly flows are spread, from 0 (all on one of the ways) to 1 (equally): the entropy over that of an even spread. */
export function evenness(counts: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (counts.length < 2 || total === 0) return 1;
  const shares = counts.filter((count) => count > 0).map((count) => count / total);
  return shares.reduce((sum, share) => sum - share * Math.log(share), 0) / Math.log(counts.length);
}
