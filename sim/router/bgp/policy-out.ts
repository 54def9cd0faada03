// RFC 4271 sections 5.1 and 9.2, RFC 1997, RFC 4456 section 8, RFC 8212, RFC 8326: what a neighbour is told of a path.
import { WELL_KNOWN_COMMUNITIES } from "../../../impl/wire/bgp/communities.ts";
import {
  type Announcement,
  ATTRIBUTE_TYPES,
  FLAGS,
  OPTIONAL,
  OPTIONAL_TRANSITIVE,
  type PathAttributes,
  type RawAttribute,
} from "../../../impl/wire/bgp/path-attributes.ts";
import {
  type Family,
  familyOf,
  type Ip,
  ipToBytes,
  type Ipv4,
  type Ipv6,
  isUnspecified,
} from "../../../impl/wire/ip.ts";
import { prefixFamily } from "../../../impl/wire/prefix.ts";
import { type BgpConfig, type NeighborFamilyConfig, type PeerSettings } from "../config/model.ts";
import { type Agreement } from "./negotiation.ts";
import { isLocalPath, type Path, type Route } from "./path.ts";
import { permits } from "./prefix-list.ts";
import { applyRouteMap, prepended, type RouteMapContext } from "./route-map.ts";

/** The addresses of this router as next hops for one neighbour. */
export interface OwnNextHop {
  readonly nextHop: Ip;
  readonly linkLocal: Ipv6 | undefined;
}

export interface OutboundNeighbor {
  readonly key: string;
  /** It is told its own routes as well. */
  readonly tellsBack: boolean;
  /** Others are told the same, which FRR writes only once for all of them. */
  readonly hasCompany: () => boolean;
}

export interface OutboundContext extends RouteMapContext {
  readonly bgp: BgpConfig;
  readonly settings: PeerSettings;
  readonly agreement: Agreement;
  /** RFC 4456 section 7: also names the cluster of who reflects. */
  readonly routerId: Ipv4;
  readonly neighbor: OutboundNeighbor;
  /** Undefined where there is none that the neighbour could use. */
  ownNextHop(family: Family): OwnNextHop | undefined;
  /** Both are on one subnet, so that this router is not needed between them. */
  sharesSubnet(nextHop: Ip): boolean;
}

/** Undefined: it is told nothing. */
export function judgeOutbound(path: Path, context: OutboundContext): Announcement | undefined {
  const { prefix } = path;
  const { settings, agreement, lists } = context;
  const family = prefixFamily(prefix);
  const config = settings.families[family];
  if (config === undefined || !agreement.families.includes(family) || isWithheld(path, config, context))
    return undefined;
  const { routeMapOut, prefixListOut } = config;
  if (prefixListOut !== undefined && !permits(lists.prefixLists, prefixListOut, prefix)) return undefined;
  const prepared = prepare(path, context);
  const mapped = routeMapOut === undefined ? prepared : applyRouteMap(routeMapOut, prepared, context);
  return mapped === undefined ? undefined : withNextHop(mapped, prepared, path, config, context);
}

function isWithheld(path: Path, config: NeighborFamilyConfig, context: OutboundContext): boolean {
  const { bgp, agreement, neighbor } = context;
  const { source, attributes } = path;
  if (source.key === neighbor.key && !neighbor.tellsBack) return true;
  const { internal } = agreement;
  // RFC 4271 section 9.2: internal neighbours tell each other; RFC 4456 section 6: unless one is a client of this router.
  if (internal && source.internal && !config.routeReflectorClient && !source.isClient) return true;
  const has = (community: (typeof WELL_KNOWN_COMMUNITIES)[keyof typeof WELL_KNOWN_COMMUNITIES]): boolean =>
    attributes.communities?.includes(community) === true;
  const { noAdvertise, noExport, noExportSubconfed } = WELL_KNOWN_COMMUNITIES;
  if (has(noAdvertise) || (!internal && (has(noExport) || has(noExportSubconfed)))) return true;
  const hasPolicy = config.routeMapOut !== undefined || config.prefixListOut !== undefined;
  return !internal && bgp.ebgpRequiresPolicy && !hasPolicy;
}

/** The route as the operator's map sees it. */
function prepare(path: Path, context: OutboundContext): Route {
  const { bgp, settings, agreement } = context;
  const { attributes } = path;
  const { internal } = agreement;
  const { gracefulShutdown } = WELL_KNOWN_COMMUNITIES;
  const communities = bgp.gracefulShutdown
    ? [...new Set([...(attributes.communities ?? []), gracefulShutdown])]
    : attributes.communities;
  const carried: PathAttributes = { ...attributes, communities, others: passedOn(attributes.others) };
  if (internal) {
    const localPref = attributes.localPref ?? bgp.bestPath.defaultLocalPreference;
    if (!path.source.internal) return { ...path, attributes: { ...carried, localPref } };
    const others = reflected(path, carried.others, context);
    // FRR writes the MED that it took a missing one for.
    return { ...path, attributes: { ...carried, localPref, others, multiExitDisc: attributes.multiExitDisc ?? 0 } };
  }
  const { localAs } = settings;
  const ownAsns = localAs === undefined ? [bgp.asn] : localAs.replaceAs ? [localAs.asn] : [localAs.asn, bgp.asn];
  return {
    ...path,
    attributes: {
      ...carried,
      asPath: prepended(attributes.asPath, ownAsns),
      // RFC 4271 section 5.1.5; section 5.1.4: the MED of another AS goes no further.
      localPref: undefined,
      multiExitDisc: isLocalPath(path) ? attributes.multiExitDisc : undefined,
    },
  };
}

/** RFC 4271 section 5: what nobody here knows goes on if it is transitive, marked as partial. */
function passedOn(others: readonly RawAttribute[] | undefined): readonly RawAttribute[] | undefined {
  return others
    ?.filter(({ flags }) => (flags & OPTIONAL_TRANSITIVE) === OPTIONAL_TRANSITIVE)
    .map((attribute) => ({ ...attribute, flags: attribute.flags | FLAGS.partial }));
}

/** RFC 4456 section 8: who brought the route into the AS, and through which reflectors it went. */
function reflected(
  { attributes, source }: Path,
  others: readonly RawAttribute[] = [],
  { routerId }: OutboundContext,
): readonly RawAttribute[] {
  const { originatorId, clusterList } = ATTRIBUTE_TYPES;
  const former = (type: number): Uint8Array | undefined =>
    attributes.others?.find((attribute) => attribute.type === type)?.value;
  const clusters = Uint8Array.of(...ipToBytes(routerId), ...(former(clusterList) ?? []));
  return [
    ...others,
    { flags: OPTIONAL, type: originatorId, value: former(originatorId) ?? ipToBytes(source.routerId) },
    { flags: OPTIONAL, type: clusterList, value: clusters },
  ];
}

function withNextHop(
  mapped: Route,
  prepared: Route,
  path: Path,
  { nextHopSelf }: NeighborFamilyConfig,
  context: OutboundContext,
): Announcement | undefined {
  const { prefix, attributes } = mapped;
  const announce = (nextHop: Ip, linkLocal: Ipv6 | undefined): Announcement => ({
    prefixes: [prefix],
    nextHop,
    linkLocal,
    attributes,
  });
  if (mapped.nextHop !== prepared.nextHop) return announce(mapped.nextHop, undefined);
  const { internal } = context.agreement;
  const isOurs = isLocalPath(path) || isUnspecified(path.nextHop);
  const asksForSelf = nextHopSelf === "force" || (nextHopSelf && !path.source.internal);
  // FRR keeps the next hop for external neighbours on its subnet, with IPv4 alone (RFC 4271 section 5.1.3, "third party").
  const shared = familyOf(path.nextHop) === "ipv4" && context.sharesSubnet(path.nextHop);
  const { key, hasCompany } = context.neighbor;
  const thirdParty = internal || (shared && (path.source.key !== key || hasCompany()));
  if (!isOurs && !asksForSelf && thirdParty) return announce(path.nextHop, undefined);
  const own = context.ownNextHop(prefixFamily(prefix));
  return own === undefined ? undefined : announce(own.nextHop, own.linkLocal);
}
