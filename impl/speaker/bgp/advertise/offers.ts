// What the advertisements of a Service say about its addresses: for each address and advertisement one prefix.
import { parseCommunity as readCommunityText } from "../../../api/community.ts";
import { type BgpAdvertisement } from "../../../api/config.ts";
import { type Community, community, type LargeCommunity, largeCommunity } from "../../../wire/bgp/communities.ts";
import { type Ip } from "../../../wire/ip.ts";
import { maskTo, type Prefix } from "../../../wire/prefix.ts";
import { type Route } from "../route.ts";
import { lengthFor } from "./eligibility.ts";

/** A prefix as one advertisement wants it told. */
export interface Offer {
  readonly prefix: Prefix;
  /** Of the advertisement. */
  readonly name: string;
  readonly route: Route;
  /** Names of peers; empty: all. */
  readonly peers: readonly string[];
}

/** Addresses that share a prefix after aggregation make one offer. */
export function offersFor(ips: readonly Ip[], advertisements: readonly BgpAdvertisement[]): readonly Offer[] {
  return advertisements.flatMap((advertisement) => {
    const { name, peers } = advertisement;
    const route = routeOf(advertisement);
    const prefixes = new Set(ips.map((ip) => maskTo(ip, lengthFor(advertisement, ip))));
    return [...prefixes].map((prefix): Offer => ({ prefix, name, route, peers }));
  });
}

/** The configuration holds communities checked, without aliases, and in their order. */
function routeOf(advertisement: BgpAdvertisement): Route {
  const { localPref, communities, multiExitDisc, prepend, gracefulShutdown } = advertisement;
  const standard: Community[] = [];
  const large: LargeCommunity[] = [];
  for (const text of communities) {
    const value = readCommunityText(text);
    if (value.kind === "standard") standard.push(community(...value.parts));
    else large.push(largeCommunity(...value.parts));
  }
  return { localPref, communities: standard, largeCommunities: large, multiExitDisc, prepend, gracefulShutdown };
}

/**
 * What one peer is told where several offers are for the same prefix: the union of the communities, preference and MED of
 * the first that has one, and the least attractive of what else they say. `offers` are in the order of their advertisements' names, so that every node says the same.
 */
export function mergeOffers(offers: readonly Offer[]): Route | undefined {
  const [first, ...rest] = offers;
  if (first === undefined || rest.length === 0) return first?.route;
  const routes = offers.map(({ route }) => route);
  return {
    localPref: routes.find(({ localPref }) => localPref !== 0)?.localPref ?? 0,
    communities: union(routes.map(({ communities }) => communities)),
    largeCommunities: union(routes.map(({ largeCommunities }) => largeCommunities)),
    multiExitDisc: routes.find(({ multiExitDisc }) => multiExitDisc !== undefined)?.multiExitDisc,
    prepend: Math.max(...routes.map(({ prepend }) => prepend)),
    gracefulShutdown: routes.some(({ gracefulShutdown }) => gracefulShutdown),
  };
}

function union<Text extends string>(lists: readonly (readonly Text[])[]): readonly Text[] {
  return [...new Set(lists.flat())].sort(compareNumbers);
}

/** RFC 1997 and RFC 8092 section 5: an order of numbers, not of text. */
function compareNumbers(a: string, b: string): number {
  const others = b.split(":").map(Number);
  for (const [at, number] of a.split(":").map(Number).entries()) {
    const difference = number - (others[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
