// Route maps and prefix lists of frr.conf as BIRD's filter language has them.
import { lengthOf } from "../../../impl/wire/prefix.ts";
import {
  type NeighborFamilyConfig,
  type PrefixRule,
  type RouteMapEntry,
  type RouteMapMatch,
  type RouteMapSet,
  type RouterConfig,
} from "../../../sim/router/config/model.ts";

/** frr.conf asks for what BIRD is not told here. */
export const untranslated = (what: string): never => {
  throw new Error(`BIRD is not told what frr.conf says by ${what}`);
};

/** Names of lists and maps may hold what BIRD's symbols may not. */
const symbol = (kind: string, name: string): string => `${kind}_${name.replaceAll(/\W/g, "_")}`;

const pair = (community: string): string => `(${community.split(":").join(", ")})`;

function prefixList(name: string, rules: readonly PrefixRule[]): string {
  const tests = rules.map(({ permit, prefix, atLeast, atMost }) => {
    const pattern = atLeast === lengthOf(prefix) && atMost === atLeast ? prefix : `${prefix}{${atLeast},${atMost}}`;
    return `  if net ~ [ ${pattern} ] then return ${permit};`;
  });
  return [`function ${name}()`, "{", ...tests, "  return false;", "}"].join("\n");
}

function communityTest(config: RouterConfig, kind: "community" | "largeCommunity", name: string): string {
  const [lists, attribute] =
    kind === "community"
      ? ([config.communityLists, "bgp_community"] as const)
      : ([config.largeCommunityLists, "bgp_large_community"] as const);
  const rules = lists.get(name) ?? [];
  if (rules.some(({ permit }) => !permit)) untranslated(`a community list that denies (${name})`);
  const tests = rules.map(({ communities }) =>
    communities.map((each) => `(${pair(each)} ~ ${attribute})`).join(" && "),
  );
  return tests.length === 0 ? "false" : `(${tests.map((test) => `(${test})`).join(" || ")})`;
}

function matchTest(config: RouterConfig, match: RouteMapMatch): string {
  switch (match.kind) {
    case "prefixList":
      return config.prefixLists[match.family].has(match.name)
        ? `${symbol(`prefixes_${match.family}`, match.name)}()`
        : "false";
    case "prefixLength":
      return `net.len = ${match.length}`;
    case "community":
    case "largeCommunity":
      return match.exact ? untranslated("exact-match") : communityTest(config, match.kind, match.name);
    case "localPreference":
      return `bgp_local_pref = ${match.value}`;
    case "metric":
      return `bgp_med = ${match.value}`;
    case "peer":
      return `from = ${match.ip}`;
    default:
      return untranslated(`match ${match.kind}`);
  }
}

const ORIGINS = { igp: "ORIGIN_IGP", egp: "ORIGIN_EGP", incomplete: "ORIGIN_INCOMPLETE" } as const;

function setLines(set: RouteMapSet): readonly string[] {
  switch (set.kind) {
    case "localPreference":
      return [`bgp_local_pref = ${set.value};`];
    case "metric":
      return set.change === "set" ? [`bgp_med = ${set.value};`] : untranslated("set metric +");
    case "community":
    case "largeCommunity": {
      const attribute = set.kind === "community" ? "bgp_community" : "bgp_large_community";
      const add = set.communities.map((each) => `${attribute}.add(${pair(each)});`);
      return set.additive ? add : [`${attribute}.empty;`, ...add];
    }
    case "prepend":
      // The last is prepended first.
      return set.asns.toReversed().map((asn) => `bgp_path.prepend(${asn});`);
    case "origin":
      return [`bgp_origin = ${ORIGINS[set.origin]};`];
    case "nextHop":
      return set.nextHop === "peerAddress"
        ? untranslated("set next-hop peer-address")
        : [`bgp_next_hop = ${set.nextHop};`];
    default:
      return untranslated(`set ${set.kind}`);
  }
}

function routeMap(config: RouterConfig, name: string, entries: readonly RouteMapEntry[]): string {
  const blocks = entries.flatMap(({ permit, matches, sets, continueAt }) => {
    if (continueAt !== undefined) untranslated("continue");
    const test = matches.map((match) => matchTest(config, match)).join(" && ") || "true";
    return [
      `  if ${test} then {`,
      ...(permit ? sets.flatMap(setLines).map((line) => `    ${line}`) : []),
      `    return ${permit};`,
      "  }",
    ];
  });
  return [`function ${name}()`, "{", ...blocks, "  return false;", "}"].join("\n");
}

/** A function for each list and map: whether a route passes. */
export function filterFunctions(config: RouterConfig): readonly string[] {
  const lists = (["ipv4", "ipv6"] as const).flatMap((family) =>
    [...config.prefixLists[family]].map(([name, rules]) => prefixList(symbol(`prefixes_${family}`, name), rules)),
  );
  return [...lists, ...[...config.routeMaps].map(([name, entries]) => routeMap(config, symbol("map", name), entries))];
}

/** What a neighbour's policy asks of a route; a list or map that is not there denies everything. */
export function policyTest(
  config: RouterConfig,
  family: "ipv4" | "ipv6",
  settings: NeighborFamilyConfig,
  direction: "in" | "out",
): string {
  const [map, list] =
    direction === "in" ? [settings.routeMapIn, settings.prefixListIn] : [settings.routeMapOut, settings.prefixListOut];
  const call = (known: boolean, name: string): string => (known ? `${name}()` : "false");
  return [
    ...(list === undefined ? [] : [call(config.prefixLists[family].has(list), symbol(`prefixes_${family}`, list))]),
    ...(map === undefined ? [] : [call(config.routeMaps.has(map), symbol("map", map))]),
  ].join(" && ");
}
