// RFC 4271 section 9.2.1.2 leaves to configuration what a router announces of its own: `network` and `redistribute`.
import { UNSPECIFIED_V4, UNSPECIFIED_V6 } from "../../../impl/wire/ip.ts";
import { type Prefix, prefixFamily } from "../../../impl/wire/prefix.ts";
import { type Host } from "../../host/host.ts";
import { type Route as HostRoute } from "../../host/routes.ts";
import { type BgpConfig, type Redistribution } from "../config/model.ts";
import { LOCAL, type Path, type Route } from "./path.ts";
import { applyRouteMap, type RouteMapContext } from "./route-map.ts";
import { FAMILIES } from "./negotiation.ts";

/** FRR's weight of what starts at the router itself. */
const LOCAL_WEIGHT = 32_768;

export interface OriginationContext {
  readonly host: Host;
  readonly bgp: BgpConfig;
  readonly lists: RouteMapContext["lists"];
  readonly isStatic: (prefix: Prefix) => boolean;
}

/** The paths that start here now, one for a prefix. */
export function originate(context: OriginationContext): ReadonlyMap<Prefix, Path> {
  const { host, bgp, lists } = context;
  const found = new Map<Prefix, Path>();
  const add = (prefix: Prefix, origin: "igp" | "incomplete", metric: number, routeMap: string | undefined): void => {
    const route = localRoute(prefix, origin, metric);
    const mapped = routeMap === undefined ? route : applyRouteMap(routeMap, route, { lists, peer: undefined });
    if (mapped !== undefined && !found.has(prefix)) found.set(prefix, { ...mapped, source: LOCAL, stale: false });
  };
  for (const family of FAMILIES) {
    for (const { prefix, routeMap } of bgp.families[family].networks) {
      if (!bgp.networkImportCheck || host.routesTo(prefix, bgp.vrf).length > 0) add(prefix, "igp", 0, routeMap);
    }
  }
  for (const route of host.routes(bgp.vrf)) {
    const { prefix } = route;
    for (const each of bgp.families[prefixFamily(prefix)].redistribute) {
      if (isFrom(route, each, context)) add(prefix, "incomplete", each.metric ?? 0, each.routeMap);
    }
  }
  return found;
}

function localRoute(prefix: Prefix, origin: "igp" | "incomplete", metric: number): Route {
  return {
    prefix,
    nextHop: prefixFamily(prefix) === "ipv4" ? UNSPECIFIED_V4 : UNSPECIFIED_V6,
    linkLocal: undefined,
    attributes: { origin, asPath: [], multiExitDisc: metric },
    weight: LOCAL_WEIGHT,
    prefersGlobal: false,
  };
}

/** A route of this router's own that stands in no table. */
export const localPath = (prefix: Prefix): Path => ({ ...localRoute(prefix, "igp", 0), source: LOCAL, stale: false });

function isFrom({ protocol, prefix }: HostRoute, { source }: Redistribution, context: OriginationContext): boolean {
  // Link-local subnets and loopback addresses are nobody else's business.
  if (prefix.startsWith("fe80:") || prefix.startsWith("127.")) return false;
  switch (source) {
    case "connected":
      return protocol === "kernel";
    case "kernel":
      return protocol === "boot";
    case "static":
      return protocol === "daemon" && context.isStatic(prefix);
    default:
      return source satisfies never;
  }
}
