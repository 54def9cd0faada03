// What a BGPAdvertisement says about a prefix, and what becomes of it in a session. RFC 4271 section 5.1.
import { pathOf } from "../../wire/bgp/as-path.ts";
import { type Community, community, type LargeCommunity } from "../../wire/bgp/communities.ts";
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
  /** RFC 8326: peers shall prefer every other path. */
  readonly gracefulShutdown: boolean;
}

/** RFC 4271 section 5.1.5 demands one within an AS; this is what routers assume. */
const DEFAULT_LOCAL_PREF = 100;
/** RFC 8326 sections 4.2 and 5: GRACEFUL_SHUTDOWN. */
const GRACEFUL_SHUTDOWN = community(0xffff, 0);

/** Equal for routes that say the same. */
export function routeKey({ localPref, prepend, gracefulShutdown, ...others }: Route, session?: Internal): string {
  const { communities, largeCommunities, multiExitDisc } = others;
  // A preference stays within the AS, and a path leaves it.
  const pref = session?.internal === false ? "-" : localPref;
  const path = session?.internal === true ? "-" : prepend;
  const numbers = `${pref} ${multiExitDisc ?? "-"} ${path} ${gracefulShutdown}`;
  return `${numbers} ${communities.join(",")} ${largeCommunities.join(",")}`;
}

type Internal = Pick<Negotiated, "internal">;

export function attributesOf(route: Route, localAsn: number, { internal }: Negotiated): PathAttributes {
  const { largeCommunities, multiExitDisc, prepend } = route;
  return {
    origin: "igp",
    asPath: internal ? [] : pathOf(...Array.from({ length: prepend + 1 }, () => localAsn)),
    multiExitDisc,
    localPref: internal ? localPrefOf(route) : undefined,
    communities: communitiesOf(route),
    largeCommunities,
  };
}

/** RFC 8326 section 4.2: the lowest there is. */
function localPrefOf({ localPref, gracefulShutdown }: Route): number {
  if (gracefulShutdown) return 0;
  return localPref === 0 ? DEFAULT_LOCAL_PREF : localPref;
}

/** In their order as numbers, in which this one is among the last. */
function communitiesOf({ communities, gracefulShutdown }: Route): readonly Community[] {
  if (!gracefulShutdown || communities.includes(GRACEFUL_SHUTDOWN)) return communities;
  const after = communities.findIndex((each) => each.startsWith("65535:"));
  const at = after < 0 ? communities.length : after;
  return [...communities.slice(0, at), GRACEFUL_SHUTDOWN, ...communities.slice(at)];
}
