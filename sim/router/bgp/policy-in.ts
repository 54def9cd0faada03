// RFC 4271 sections 9.1.1 and 9.1.2 (loops), RFC 4456 section 8, RFC 8212, RFC 8326: what of a neighbour's routes is taken.
import { WELL_KNOWN_COMMUNITIES } from "../../../impl/wire/bgp/communities.ts";
import { ATTRIBUTE_TYPES } from "../../../impl/wire/bgp/path-attributes.ts";
import { type Ip, ipFromBytes, type Ipv4 } from "../../../impl/wire/ip.ts";
import { prefixFamily } from "../../../impl/wire/prefix.ts";
import { applyRouteMap, inOrder, prepended, type RouteMapContext } from "./route-map.ts";
import { type BgpConfig, type NeighborFamilyConfig, type PeerSettings } from "../config/model.ts";
import { permits } from "./prefix-list.ts";
import { type PathSource, type Route } from "./path.ts";

export interface InboundContext extends RouteMapContext {
  readonly bgp: BgpConfig;
  readonly routerId: Ipv4;
  readonly settings: PeerSettings;
  readonly source: PathSource;
  readonly isOwn: (ip: Ip) => boolean;
}

export type Refusal =
  | "notActivated"
  | "noPolicy"
  | "asLoop"
  | "originatorLoop"
  | "ownNextHop"
  | "prefixList"
  | "routeMap";

export type Inbound =
  | { readonly accepted: true; readonly route: Route }
  | { readonly accepted: false; readonly because: Refusal };

const refuse = (because: Refusal): Inbound => ({ accepted: false, because });

export function judgeInbound(route: Route, context: InboundContext): Inbound {
  const { source, settings, bgp } = context;
  const family = settings.families[prefixFamily(route.prefix)];
  if (family === undefined) return refuse("notActivated");
  const { routeMapIn, prefixListIn } = family;
  // RFC 8212 section 2.
  const hasPolicy = routeMapIn !== undefined || prefixListIn !== undefined;
  if (!source.internal && bgp.ebgpRequiresPolicy && !hasPolicy) return refuse("noPolicy");
  const loop = loopOf(route, family, context);
  if (loop !== undefined) return refuse(loop);
  if (prefixListIn !== undefined && !permits(context.lists.prefixLists, prefixListIn, route.prefix)) {
    return refuse("prefixList");
  }
  const told = asTold(route, context);
  const mapped = routeMapIn === undefined ? told : applyRouteMap(routeMapIn, told, context);
  return mapped === undefined ? refuse("routeMap") : { accepted: true, route: mapped };
}

function loopOf(route: Route, family: NeighborFamilyConfig, context: InboundContext): Refusal | undefined {
  const { bgp, routerId, isOwn, settings } = context;
  const { asPath, others } = route.attributes;
  const asns = asPath.flatMap((segment) => segment.asns);
  const count = (asn: number): number => asns.filter((each) => each === asn).length;
  if (count(bgp.asn) > family.allowAsIn) return "asLoop";
  if (settings.localAs !== undefined && count(settings.localAs.asn) > family.allowAsIn) return "asLoop";
  const originator = others?.find(({ type }) => type === ATTRIBUTE_TYPES.originatorId)?.value;
  if (originator?.length === 4 && ipFromBytes(originator) === routerId) return "originatorLoop";
  return isOwn(route.nextHop) ? "ownNextHop" : undefined;
}

/** What comes upon a route before the operator's map sees it. */
function asTold(route: Route, { bgp, source, settings }: InboundContext): Route {
  const { attributes } = route;
  const { localAs } = settings;
  const { asPath, communities = [], largeCommunities = [] } = attributes;
  const { gracefulShutdown } = WELL_KNOWN_COMMUNITIES;
  // RFC 8326 section 4.2; FRR does so without a policy, for what external neighbours tell.
  const shutsDown = !source.internal && (bgp.gracefulShutdown || communities.includes(gracefulShutdown));
  const prependsOwn = localAs !== undefined && !localAs.noPrepend && !source.internal;
  return {
    ...route,
    attributes: {
      ...attributes,
      asPath: prependsOwn ? prepended(asPath, [localAs.asn]) : asPath,
      communities: inOrder(shutsDown ? [...communities, gracefulShutdown] : communities),
      largeCommunities: inOrder(largeCommunities),
      localPref: shutsDown ? 0 : attributes.localPref,
    },
  };
}
