// What a BGPAdvertisement says about a prefix, and what becomes of it in a session. RFC 4271 section 5.1.
import { pathOf } from "../../wire/bgp/as-path.ts";
import { type Community, type LargeCommunity } from "../../wire/bgp/communities.ts";
import { type PathAttributes } from "../../wire/bgp/path-attributes.ts";
import { type Negotiated } from "./session/negotiation.ts";

export interface Route {
  /** 0: the default. */
  readonly localPref: number;
  /** Both sorted. */
  readonly communities: readonly Community[];
  readonly largeCommunities: readonly LargeCommunity[];
  /** Undefined: none is sent. */
  readonly multiExitDisc: number | undefined;
  /** How often our AS stands in the path beyond the once that it must. */
  readonly prepend: number;
}

/** RFC 4271 section 5.1.5 demands one within an AS; this is what routers assume. */
const DEFAULT_LOCAL_PREF = 100;

/** Equal for routes that are told alike. */
export function routeKey({ localPref, communities, largeCommunities, multiExitDisc, prepend }: Route): string {
  return `${localPref} ${multiExitDisc ?? "-"} ${prepend} ${communities.join(",")} ${largeCommunities.join(",")}`;
}

export function attributesOf(route: Route, localAsn: number, { internal }: Negotiated): PathAttributes {
  const { communities, largeCommunities, multiExitDisc, prepend } = route;
  return {
    origin: "igp",
    asPath: internal ? [] : pathOf(...Array.from({ length: prepend + 1 }, () => localAsn)),
    multiExitDisc,
    localPref: internal ? (route.localPref === 0 ? DEFAULT_LOCAL_PREF : route.localPref) : undefined,
    communities,
    largeCommunities,
  };
}
