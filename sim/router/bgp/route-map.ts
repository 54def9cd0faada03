// Route-maps as FRR applies them (lib/routemap.c): the first entry that fits decides, unless it says to go on.
import { unreachable } from "../../../impl/wire/brand.ts";
import { type AsPath } from "../../../impl/wire/bgp/as-path.ts";
import { type PathAttributes } from "../../../impl/wire/bgp/path-attributes.ts";
import { type Ip } from "../../../impl/wire/ip.ts";
import { bitsOf, lengthOf, maskTo, type Prefix, prefixFamily } from "../../../impl/wire/prefix.ts";
import {
  type CommunityRule,
  type RouteMapEntry,
  type RouteMapMatch,
  type RouteMapSet,
  type RouterConfig,
} from "../config/model.ts";
import { type Route } from "./path.ts";
import { permits } from "./prefix-list.ts";

type Lists = Pick<RouterConfig, "prefixLists" | "communityLists" | "largeCommunityLists" | "routeMaps">;

export interface RouteMapContext {
  readonly lists: Lists;
  /** The neighbour that the route comes from or goes to. */
  readonly peer: Ip | undefined;
}

/** The route as the map leaves it; undefined where it is denied. A map that is not there denies. */
export function applyRouteMap(name: string, route: Route, context: RouteMapContext): Route | undefined {
  const entries = context.lists.routeMaps.get(name) ?? [];
  let result = route;
  let permitted = false;
  let from = 0;
  for (const entry of entries) {
    if (entry.sequence < from || !entry.matches.every((match) => fits(match, result, context))) continue;
    if (!entry.permit) return undefined;
    result = applySets(entry, result, context);
    permitted = true;
    if (entry.continueAt === undefined) return result;
    from = entry.continueAt;
  }
  return permitted ? result : undefined;
}

function fits(match: RouteMapMatch, route: Route, { lists, peer }: RouteMapContext): boolean {
  const { prefix, nextHop, attributes } = route;
  switch (match.kind) {
    case "prefixList":
      return prefixFamily(prefix) === match.family && permits(lists.prefixLists, match.name, prefix);
    case "nextHopPrefixList":
      return permits(lists.prefixLists, match.name, hostPrefix(nextHop)) && match.family === familyOfIp(nextHop);
    case "prefixLength":
      return prefixFamily(prefix) === match.family && lengthOf(prefix) === match.length;
    case "community":
      return fitsList(lists.communityLists.get(match.name), attributes.communities ?? [], match.exact);
    case "largeCommunity":
      return fitsList(lists.largeCommunityLists.get(match.name), attributes.largeCommunities ?? [], match.exact);
    case "localPreference":
      return attributes.localPref === match.value;
    case "metric":
      return (attributes.multiExitDisc ?? 0) === match.value;
    case "peer":
      return peer === match.ip;
    default:
      return unreachable(match);
  }
}

const familyOfIp = (ip: Ip): "ipv4" | "ipv6" => (ip.includes(":") ? "ipv6" : "ipv4");

export const hostPrefix = (ip: Ip): Prefix => maskTo(ip, bitsOf(familyOfIp(ip)));

/** `exact`: the path has the communities of the rule and no other. */
function fitsList<Value>(
  rules: readonly CommunityRule<Value>[] | undefined,
  values: readonly Value[],
  exact: boolean,
): boolean {
  const rule = rules?.find(({ communities }) => {
    const hasAll = communities.every((each) => values.includes(each));
    return hasAll && (!exact || values.every((each) => communities.includes(each)));
  });
  return rule?.permit ?? false;
}

function applySets({ sets }: RouteMapEntry, route: Route, context: RouteMapContext): Route {
  let result = route;
  for (const each of sets) result = applySet(each, result, context);
  return result;
}

function applySet(set: RouteMapSet, route: Route, { lists, peer }: RouteMapContext): Route {
  const { attributes } = route;
  const withAttributes = (change: Partial<PathAttributes>): Route => ({
    ...route,
    attributes: { ...attributes, ...change },
  });
  switch (set.kind) {
    case "localPreference":
      return withAttributes({ localPref: set.value });
    case "community":
      return withAttributes({ communities: merged(attributes.communities, set.communities, set.additive) });
    case "largeCommunity":
      return withAttributes({ largeCommunities: merged(attributes.largeCommunities, set.communities, set.additive) });
    case "deleteCommunities":
      return withAttributes({ communities: without(attributes.communities, lists.communityLists.get(set.list)) });
    case "metric":
      return withAttributes({ multiExitDisc: changedMetric(attributes.multiExitDisc ?? 0, set) });
    case "weight":
      return { ...route, weight: set.value };
    case "origin":
      return withAttributes({ origin: set.origin });
    case "prepend":
      return withAttributes({ asPath: prepended(attributes.asPath, set.asns) });
    case "nextHop":
      return withNextHop(route, set.nextHop === "peerAddress" ? peer : set.nextHop);
    case "preferGlobal":
      return { ...route, prefersGlobal: true };
    default:
      return unreachable(set);
  }
}

const withNextHop = (route: Route, nextHop: Ip | undefined): Route =>
  nextHop === undefined ? route : { ...route, nextHop, linkLocal: undefined };

const merged = <Value extends string>(
  old: readonly Value[] | undefined,
  more: readonly Value[],
  additive: boolean,
): readonly Value[] => inOrder([...(additive ? (old ?? []) : []), ...more]);

/** Each once, `64512:2` before `64512:10`: as FRR keeps and sends communities. */
export const inOrder = <Value extends string>(communities: readonly Value[]): readonly Value[] =>
  [...new Set(communities)].toSorted(numerically);

function numerically(one: string, other: string): number {
  const [first, second] = [one, other].map((each) => each.split(":").map(Number));
  for (const [index, number] of (first ?? []).entries()) {
    const difference = number - (second?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Each permitting rule of the list takes its communities away. */
function without<Value>(
  values: readonly Value[] | undefined,
  rules: readonly CommunityRule<Value>[] | undefined,
): readonly Value[] | undefined {
  const gone = new Set((rules ?? []).filter(({ permit }) => permit).flatMap(({ communities }) => communities));
  return values?.filter((value) => !gone.has(value));
}

function changedMetric(old: number, { value, change }: RouteMapSet & { readonly kind: "metric" }): number {
  if (change === "set") return value;
  return change === "add" ? Math.min(old + value, 0xffffffff) : Math.max(old - value, 0);
}

/** Puts numbers in front of a path, into its first segment where that is a sequence. */
export function prepended(path: AsPath, asns: readonly number[]): AsPath {
  if (asns.length === 0) return path;
  const [first, ...rest] = path;
  if (first?.kind !== "sequence") return [{ kind: "sequence", asns }, ...path];
  return [{ kind: "sequence", asns: [...asns, ...first.asns] }, ...rest];
}
