// What routers know about the addresses of Services, and by what they forward.
import { type Ip } from "../../../impl/wire/ip.ts";
import { contains, type Prefix, readPrefix } from "../../../impl/wire/prefix.ts";
import { type BgpPath, type World } from "../../world.ts";
import { type RouteWords } from "../words.ts";

export interface RouterRoute extends RouteWords {
  readonly router: string;
  readonly prefix: Prefix;
  /** By what it forwards; none: it does not use what it was told. */
  readonly nextHops: readonly {
    readonly ip: Ip;
    readonly link: string;
    /** The node or router that has the address. */
    readonly name: string;
  }[];
  /** How many paths it was told, after its policy. */
  readonly paths: number;
  /** Of those, kept for neighbours whose session is gone. */
  readonly stale: number;
}

/** For each router, the prefixes of its BGP table that hold one of `vips`. */
export async function routesOf(
  world: Pick<World, "router" | "routers">,
  vips: readonly Ip[],
  nameOf: (ip: Ip) => string,
): Promise<readonly RouterRoute[]> {
  const routes: RouterRoute[] = [];
  for (const router of world.routers) {
    const paths = await world.router(router).paths();
    const prefixes = new Map<Prefix, BgpPath[]>();
    for (const path of paths) {
      const prefix = readPrefix(path.prefix);
      if (prefix === undefined || !vips.some((vip) => contains(prefix, vip))) continue;
      prefixes.set(prefix, [...(prefixes.get(prefix) ?? []), path]);
    }
    for (const [prefix, known] of [...prefixes].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const best = known.find((path) => path.best) ?? known[0];
      const entry = await world.router(router).fib(prefix);
      routes.push({
        router,
        prefix,
        nextHops: (entry?.nextHops ?? []).map(({ ip, link, node }) => ({ ip, link, name: node ?? nameOf(ip) })),
        paths: known.length,
        stale: known.filter((path) => path.stale).length,
        asPath: best?.asPath ?? [],
        localPref: best?.localPref,
        med: best?.med,
        communities: best?.communities ?? [],
        largeCommunities: best?.largeCommunities ?? [],
      });
    }
  }
  return routes;
}
