// BGP at the end of a simulation, in tables.
import { table } from "../output.ts";
import { attributeWords, counted, few, peerWords, type RouteWords } from "../words.ts";
import { type Announcement, stateName, type Told } from "./announcements.ts";
import { type FlowForecast } from "./forecast.ts";
import { type RouterRoute } from "./routes.ts";
import { type BgpReport } from "./witness.ts";

/** Longer tables are for programs. */
const MOST_ROWS = 40;

/** The rest is counted. */
function shortTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = table([head, ...rows.slice(0, MOST_ROWS)]);
  return rows.length <= MOST_ROWS ? shown : `${shown}\n… and ${rows.length - MOST_ROWS} more rows: --json has them`;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly [T, ...T[]])[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

function peerTable({ nodes, silent }: BgpReport): string {
  const rows = nodes.flatMap(({ node, now, peers }) =>
    peers.map((peer) => {
      const { state, since, lastError, routes, bfd } = peer;
      const seconds = (time: number): string => `${((now - time) / 1e6).toFixed(1)} s`;
      return [
        node,
        peerWords(peer),
        stateName(state),
        since === undefined ? "-" : seconds(since),
        String(routes.length),
        bfd?.state ?? "-",
        lastError === undefined ? "" : `${seconds(lastError.at)} ago: ${lastError.text}`,
      ];
    }),
  );
  const gone = silent.map((node) => [node, "-", "no speaker", "-", "-", "-", ""]);
  return shortTable(["NODE", "PEER", "STATE", "UP FOR", "PREFIXES", "BFD", "LAST ERROR"], [...rows, ...gone]);
}

/** `203.0.113.0/32: next hop the node, AS path 64500`. */
function toldWords({ prefix, nextHop, ...attributes }: Told, own: boolean): string {
  return `${prefix}: next hop ${own ? "the node" : nextHop}, ${attributeWords(attributes)}`;
}

/** What one peer hears of one Service from some nodes is one row. */
function announcementTable({ announcements, nodes }: BgpReport): string {
  const locals = new Map(
    nodes.flatMap(({ node, peers }) => peers.map(({ name, local }) => [`${node} ${name}`, local?.address] as const)),
  );
  const wordsOf = ({ node, peer, told, because, missing }: Announcement): string => {
    const own = locals.get(`${node} ${peer}`);
    const routes = told.map((each) => toldWords(each, own !== undefined && own === each.nextHop));
    if (routes.length === 0) return `nothing: ${because ?? "no route"}`;
    return because === undefined
      ? routes.join("; ")
      : `${routes.join("; ")}; nothing of ${few(missing)}, as ${because}`;
  };
  // What a node does not announce, no peer hears from it.
  const peerOf = ({ peer, stage }: Announcement): string => (stage === "service" ? "every peer" : peer);
  const groups = groupBy(announcements, (each) => `${each.service} ${peerOf(each)} ${wordsOf(each)}`);
  const rows = groups.map((group) => {
    const [first] = group;
    return [first.service, peerOf(first), few([...new Set(group.map(({ node }) => node))]), wordsOf(first)];
  });
  return shortTable(["SERVICE", "PEER", "FROM", "WHAT IT IS TOLD"], rows);
}

const routeText = ({ asPath, localPref, med, communities, largeCommunities }: RouteWords): string =>
  attributeWords({ asPath, localPref, med, communities, largeCommunities });

function routeTable(routes: readonly RouterRoute[]): string {
  const waysOf = ({ nextHops }: RouterRoute): string => few([...new Set(nextHops.map(({ name }) => name))]);
  const wordsOf = (route: RouterRoute): string => {
    const stale = route.stale === 0 ? "" : `; ${route.stale} kept for a restart`;
    return `${routeText(route)}${stale}`;
  };
  const groups = groupBy(routes, (route) => `${route.router} ${waysOf(route)} ${route.paths} ${wordsOf(route)}`);
  const rows = groups.map((group) => {
    const [first] = group;
    return [
      first.router,
      few(group.map(({ prefix }) => prefix)),
      waysOf(first) || "nobody: it does not use what it was told",
      counted(first.paths, "path"),
      wordsOf(first),
    ];
  });
  return shortTable(["ROUTER", "PREFIX", "SENDS TO", "WAS TOLD", "BEST PATH"], rows);
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** In longer tables the least and the most of a router's next hops say enough. */
const MOST_FLOW_ROWS = 12;

function range(shares: readonly number[]): string {
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  return least === most ? percent(least) : `${percent(least)} to ${percent(most)}`;
}

const SELECTORS: Readonly<Record<FlowForecast["selector"], string>> = {
  modulo: "modulo",
  threshold: "hash-threshold",
  resilient: "resilient",
};

function flowRows(forecast: FlowForecast, inDetail: boolean): readonly (readonly string[])[] {
  const { router, prefix, alike, selector, nodes } = forecast;
  const about = [router, `${prefix}${alike === 0 ? "" : ` and ${alike} more`}`, SELECTORS[selector]];
  const cells = (name: string, parts: typeof nodes): readonly string[] => [
    ...about,
    name,
    range(parts.map(({ share }) => share)),
    range(parts.map(({ forced, collateral }) => forced + collateral)),
    range(parts.map(({ forced }) => forced)),
    range(parts.map(({ collateral }) => collateral)),
  ];
  return inDetail ? nodes.map((part) => cells(part.node, [part])) : [cells(`each of ${nodes.length}`, nodes)];
}

function flowTable(forecasts: readonly FlowForecast[]): string {
  const head = ["FLOWS AT", "TO", "SELECTOR", "NEXT HOP", "SHARE", "MOVED IF IT GOES", "FORCED", "COLLATERAL"];
  const [first] = forecasts;
  const inDetail = forecasts.reduce((rows, { nodes }) => rows + nodes.length, 0) <= MOST_FLOW_ROWS;
  const rows = forecasts.flatMap((each) => flowRows(each, inDetail));
  const caption = `A forecast for ${first?.flows ?? 0} connections of as many clients, hashed by addresses and ports: computed, not simulated.`;
  return `${caption}\n${shortTable(head, rows)}`;
}

/** Sections in their order, empty ones left out. */
export function bgpTables(bgp: BgpReport): readonly string[] {
  const { nodes, announcements, routes, forecasts } = bgp;
  return [
    ...(nodes.some(({ peers }) => peers.length > 0) ? [peerTable(bgp)] : []),
    ...(announcements.length === 0 ? [] : [announcementTable(bgp)]),
    ...(routes.length === 0 ? [] : [routeTable(routes)]),
    ...(forecasts.length === 0 ? [] : [flowTable(forecasts)]),
  ];
}
