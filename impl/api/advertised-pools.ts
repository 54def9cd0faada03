// Advertisements on the pools that they are for, and the rules that hold between advertisements of one pool.
import { type Family } from "../wire/ip.ts";
import { lengthOf } from "../wire/prefix.ts";
import { type AddressEntry } from "./address-range.ts";
import { type ParsedAdvertisement, type PoolChoice } from "./advertisement-config.ts";
import { type BgpAdvertisement, type L2Advertisement, type Pool } from "./config.ts";
import { type NodeObject } from "./kubernetes.ts";
import { type BGPAdvertisement, type L2Advertisement as L2AdvertisementObject } from "./metallb.ts";
import { assumptionOf, shareNode } from "./node-sharing.ts";
import { type ParsedPool } from "./pool-config.ts";
import { type ProblemList, type Report } from "./problem.ts";
import { matchesAny } from "./selector.ts";

export type ParsedL2 = ParsedAdvertisement<L2AdvertisementObject, L2Advertisement>;
export type ParsedBgp = ParsedAdvertisement<BGPAdvertisement, BgpAdvertisement>;

function isFor(choice: PoolChoice, pool: ParsedPool): boolean {
  if (choice.names.length + choice.selectors.length === 0) return true;
  return choice.names.includes(pool.name) || matchesAny(choice.selectors, pool.labels);
}

/** Equal for advertisements of which a second one would add nothing. */
function l2Identity(advertisement: L2Advertisement): string {
  const nodes = advertisement.nodeSelectors.map((selector) => selector.text).sort();
  const services = advertisement.serviceSelectors.map((selector) => selector.text);
  return JSON.stringify([nodes, [...new Set(advertisement.interfaces)].sort(), services]);
}

/** Without repetitions, except that advertisements with preferences stay: their weights add up. */
export function distinctL2(advertisements: readonly L2Advertisement[]): readonly L2Advertisement[] {
  const seen = new Set<string>();
  return advertisements.filter((advertisement) => {
    if (advertisement.preferredNodeSelectors.length > 0) return true;
    const identity = l2Identity(advertisement);
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
}

/** The length of the entry's widest prefix. */
function shortest(entry: AddressEntry): number {
  return Math.min(...entry.prefixes.map(lengthOf));
}

function reportAggregation(advertisement: BgpAdvertisement, pool: ParsedPool, report: Report): void {
  for (const entry of pool.entries) {
    const field = entry.range.family === "ipv4" ? "aggregationLength" : "aggregationLengthV6";
    const length = advertisement[field];
    const prefix = shortest(entry);
    if (length >= prefix) continue;
    const reason = `prefix ${prefix} in this pool is more specific than the aggregation length for addresses ${entry.text}`;
    report(`spec.${field}`, `invalid aggregation length ${length}: ${reason}`);
  }
}

/** True where no prefix of the pool can come out the same for both. */
function aggregateDifferently(a: BgpAdvertisement, b: BgpAdvertisement, families: ReadonlySet<Family>): boolean {
  const differs = {
    ipv4: a.aggregationLength !== b.aggregationLength,
    ipv6: a.aggregationLengthV6 !== b.aggregationLengthV6,
  };
  return [...families].every((family) => differs[family]);
}

function sharePeer(a: BgpAdvertisement, b: BgpAdvertisement): boolean {
  return a.peers.length === 0 || b.peers.length === 0 || a.peers.some((peer) => b.peers.includes(peer));
}

/** Whether one prefix, to one peer, from one node, would have to carry two values of LOCAL_PREF. */
export function localPrefsConflict(
  a: BgpAdvertisement,
  b: BgpAdvertisement,
  families: ReadonlySet<Family>,
  nodes: readonly NodeObject[],
): boolean {
  return (
    a.localPref !== b.localPref &&
    !aggregateDifferently(a, b, families) &&
    sharePeer(a, b) &&
    shareNode(a.nodeSelectors, b.nodeSelectors, nodes)
  );
}

function reportLocalPref(
  advertisement: BgpAdvertisement,
  others: readonly BgpAdvertisement[],
  pool: ParsedPool,
  nodes: readonly NodeObject[],
  report: Report,
): void {
  // Advertisements with service selectors are held against each other per Service, when it is announced.
  if (advertisement.serviceSelectors.length > 0) return;
  const families = new Set(pool.entries.map((entry) => entry.range.family));
  const rival = others.find(
    (other) => other.serviceSelectors.length === 0 && localPrefsConflict(advertisement, other, families, nodes),
  );
  if (rival === undefined) return;
  const set = `local preference ${rival.localPref} was already set for the same type of BGP update`;
  const advice = "Check existing BGP advertisements with common pools and aggregation lengths";
  report("spec.localPref", `invalid local preference ${advertisement.localPref}: ${set}. ${advice}`, {
    assuming: assumptionOf(advertisement.nodeSelectors, rival.nodeSelectors, nodes),
  });
}

function attachBgp(
  pools: readonly ParsedPool[],
  advertisements: readonly ParsedBgp[],
  nodes: readonly NodeObject[],
  problems: ProblemList,
): ReadonlyMap<ParsedPool, readonly BgpAdvertisement[]> {
  const attached = new Map<ParsedPool, BgpAdvertisement[]>(pools.map((pool) => [pool, []]));
  for (const { object, pools: choice, meaning } of advertisements) {
    const report = problems.about(object);
    for (const [pool, others] of attached) {
      if (!isFor(choice, pool)) continue;
      reportAggregation(meaning, pool, report);
      reportLocalPref(meaning, others, pool, nodes, report);
      others.push(meaning);
    }
  }
  return attached;
}

/** The pools of a configuration. Advertisements come in the order of their names. */
export function advertisePools(
  pools: readonly ParsedPool[],
  l2: readonly ParsedL2[],
  bgp: readonly ParsedBgp[],
  foreign: readonly ParsedBgp[],
  nodes: readonly NodeObject[],
  problems: ProblemList,
): ReadonlyMap<string, Pool> {
  const bgpAdvertisements = attachBgp(pools, bgp, nodes, problems);
  return new Map(
    pools.map((pool) => {
      const { name, labels, entries, autoAssign, avoidBuggyIPs, allocation } = pool;
      const own = l2.filter((advertisement) => isFor(advertisement.pools, pool));
      const parsed: Pool = {
        name,
        labels,
        prefixes: entries.flatMap((entry) => entry.prefixes),
        autoAssign,
        avoidBuggyIPs,
        allocation,
        l2Advertisements: distinctL2(own.map((advertisement) => advertisement.meaning)),
        bgpAdvertisements: bgpAdvertisements.get(pool) ?? [],
        foreignBgpAdvertisements: foreign
          .filter(({ pools: choice }) => isFor(choice, pool))
          .map(({ meaning }) => meaning),
      };
      return [name, parsed];
    }),
  );
}
