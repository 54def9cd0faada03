// RFC 4271 section 9.1.2.2 and RFC 4456 section 9, in the order of FRR (bgpd/bgp_route.c, bgp_path_info_cmp).
import { asPathLength } from "../../../impl/wire/bgp/as-path.ts";
import { ATTRIBUTE_TYPES, ORIGINS, type RawAttribute } from "../../../impl/wire/bgp/path-attributes.ts";
import { compareIp, type Ip, ipFromBytes } from "../../../impl/wire/ip.ts";
import { type BestPathConfig } from "../config/model.ts";
import { isLocalPath, type Path } from "./path.ts";

export interface DecisionContext {
  readonly config: BestPathConfig;
  /** How many next hops there may be. */
  readonly maximumPaths: { readonly ebgp: number; readonly ibgp: number };
  /** The metric of the way to the next hop; undefined where there is none, and the path cannot be used. */
  metric(path: Path): number | undefined;
}

export interface Decision {
  readonly best: Path | undefined;
  /** The best and those as good, which share the load. */
  readonly multipath: readonly Path[];
}

const MAX_MED = 0xffffffff;

/**
 * Chooses among the paths of one prefix, the newest first. `former` is whose path was the best: the oldest of equals stays.
 */
export function decide(paths: readonly Path[], former: string | undefined, context: DecisionContext): Decision {
  const usable = paths.filter((path) => context.metric(path) !== undefined);
  const best = bestOf(usable, former, context);
  if (best === undefined) return { best, multipath: [] };
  return { best, multipath: equals(usable, best, context) };
}

function bestOf(paths: readonly Path[], former: string | undefined, context: DecisionContext): Path | undefined {
  const isBetter = (one: Path, other: Path): boolean => compare(one, other, former, context) < 0;
  const choose = (among: readonly Path[]): Path | undefined => {
    let best: Path | undefined;
    for (const path of among) if (best === undefined || isBetter(path, best)) best = path;
    return best;
  };
  if (!context.config.deterministicMed) return choose(paths);
  // The best of each neighbouring AS first, so that the order in which paths came means nothing.
  const groups = Map.groupBy(paths, neighbouringAs);
  return choose([...groups.values()].flatMap((group) => choose(group) ?? []));
}

/** Negative where `one` is better. */
function compare(one: Path, other: Path, former: string | undefined, context: DecisionContext): number {
  const before = untilIgpMetric(one, other, context);
  return before !== 0 ? before : amongEquals(one, other, former, context.config);
}

function untilIgpMetric(one: Path, other: Path, context: DecisionContext): number {
  const { config } = context;
  return (
    other.weight - one.weight ||
    localPreference(other, config) - localPreference(one, config) ||
    Number(isLocalPath(other)) - Number(isLocalPath(one)) ||
    (config.ignoreAsPath ? 0 : asPathLength(one.attributes.asPath) - asPathLength(other.attributes.asPath)) ||
    ORIGINS[one.attributes.origin] - ORIGINS[other.attributes.origin] ||
    compareMed(one, other, config) ||
    Number(one.source.internal) - Number(other.source.internal) ||
    (context.metric(one) ?? 0) - (context.metric(other) ?? 0)
  );
}

const localPreference = ({ attributes }: Path, config: BestPathConfig): number =>
  attributes.localPref ?? config.defaultLocalPreference;

/** RFC 4271 section 9.1.2.2 (c): comparable only among paths of one neighbouring AS. */
function compareMed(one: Path, other: Path, config: BestPathConfig): number {
  const [first, second] = [neighbouringAs(one), neighbouringAs(other)];
  // Paths of the own AS have an empty AS_PATH, and are of one neighbouring AS.
  if (!config.alwaysCompareMed && first !== second) return 0;
  const missing = config.missingMedIsWorst ? MAX_MED : 0;
  return (one.attributes.multiExitDisc ?? missing) - (other.attributes.multiExitDisc ?? missing);
}

function neighbouringAs({ attributes }: Path): number | undefined {
  const [first] = attributes.asPath;
  return first?.kind === "sequence" ? first.asns[0] : undefined;
}

function amongEquals(one: Path, other: Path, former: string | undefined, config: BestPathConfig): number {
  // FRR's step 10: the oldest of external paths stays, so that nothing moves without need (RFC 5004).
  if (!config.compareRouterId && !one.source.internal && !other.source.internal) {
    if (one.source.key === former) return -1;
    if (other.source.key === former) return 1;
  }
  return (
    compareIp(routerIdOf(one), routerIdOf(other)) ||
    clusterListLength(one) - clusterListLength(other) ||
    compareIp(one.source.address, other.source.address)
  );
}

/** RFC 4456 section 9: ORIGINATOR_ID in place of the identifier. */
function routerIdOf(path: Path): Ip {
  const value = rawAttribute(path, ATTRIBUTE_TYPES.originatorId)?.value;
  return value?.length === 4 ? ipFromBytes(value) : path.source.routerId;
}

const clusterListLength = (path: Path): number =>
  (rawAttribute(path, ATTRIBUTE_TYPES.clusterList)?.value.length ?? 0) / 4;

const rawAttribute = ({ attributes }: Path, type: number): RawAttribute | undefined =>
  attributes.others?.find((attribute) => attribute.type === type);

/** The best path, and the paths as good as it in the order of their next hops, as many as are allowed. */
function equals(paths: readonly Path[], best: Path, context: DecisionContext): readonly Path[] {
  const { ebgp, ibgp } = context.maximumPaths;
  const most = best.source.internal ? ibgp : ebgp;
  if (most <= 1 || isLocalPath(best)) return [best];
  const others = paths.filter((path) => path !== best && shares(path, best, context));
  const inOrder = others.toSorted((one, other) => compareIp(one.nextHop, other.nextHop));
  return [best, ...distinct(inOrder, best).slice(0, most - 1)];
}

function shares(path: Path, best: Path, context: DecisionContext): boolean {
  if (untilIgpMetric(path, best, context) !== 0) return false;
  if (context.config.multipathRelax) return true;
  if (path.source.internal) return sameAsPath(path, best);
  return path.source.asn === best.source.asn;
}

const sameAsPath = (one: Path, other: Path): boolean =>
  JSON.stringify(one.attributes.asPath) === JSON.stringify(other.attributes.asPath);

/** A next hop counts once, whoever told it. */
function distinct(paths: readonly Path[], best: Path): readonly Path[] {
  const seen = new Set<string>([nextHopName(best)]);
  return paths.filter((path) => {
    const name = nextHopName(path);
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

const nextHopName = ({ nextHop, linkLocal, source }: Path): string => `${nextHop} ${linkLocal ?? ""} ${source.device}`;
