// How routers would spread many flows over the next hops that they have, and what would move if a node went. Nothing of it
// is simulated: it is computed from the next hops, for each way to choose that routers know.
import { type Ip, readIp } from "../../../impl/wire/ip.ts";
import { addressOf, contains, type Prefix, prefixFamily } from "../../../impl/wire/prefix.ts";
import { type Forecast, forecast, syntheticFlows } from "../../../sim/host/multipath-forecast.ts";
import { random } from "../../../sim/random.ts";
import { type RouterRoute } from "./routes.ts";

export interface FlowForecast {
  readonly router: string;
  readonly prefix: Prefix;
  /** Others that the router sends the same ways. */
  readonly alike: number;
  readonly flows: number;
  readonly selector: Forecast["selector"];
  readonly nodes: readonly {
    readonly node: string;
    /** Of all flows, from 0 to 1, as all that follow. */
    readonly share: number;
    /** If this one goes: of those that it had, and of those that others had. */
    readonly forced: number;
    readonly collateral: number;
  }[];
}

const FLOWS = 10_000;
/** Clients are drawn from the 65,024 addresses around these. */
const SOURCES = { ipv4: readIp("198.51.100.1"), ipv6: readIp("2001:db8:0:51::1") } as const;

/** One forecast for each router, set of next hops and selector. */
export function forecastFlows(routes: readonly RouterRoute[], vips: readonly Ip[]): readonly FlowForecast[] {
  const groups = new Map<string, RouterRoute[]>();
  for (const route of routes) {
    if (route.nextHops.length < 2) continue;
    const key = `${route.router} ${route.nextHops.map(({ ip, link }) => `${ip}%${link}`).join()}`;
    groups.set(key, [...(groups.get(key) ?? []), route]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : forecastOf(first, group.length - 1, vips);
  });
}

function forecastOf(
  { router, prefix, nextHops }: RouterRoute,
  alike: number,
  vips: readonly Ip[],
): readonly FlowForecast[] {
  const source = SOURCES[prefixFamily(prefix)];
  if (source === undefined) return [];
  const vip = vips.find((ip) => contains(prefix, ip)) ?? addressOf(prefix);
  const flows = syntheticFlows(vip, { port: 80, count: FLOWS, source, random: random(router, prefix) });
  const ways = nextHops.map(({ ip, link }) => ({ via: ip, device: link, weight: 1 }));
  const names = new Map(nextHops.map(({ ip, link, name }) => [`${ip}%${link}`, name]));
  return forecast({ hash: "l4", seed: 1 }, ways, flows).map(({ selector, shares, removals }) => ({
    router,
    prefix,
    alike,
    flows: FLOWS,
    selector,
    nodes: shares.map(({ nextHop, flows: count }) => {
      const removal = removals.find((each) => each.nextHop === nextHop);
      return {
        node: names.get(`${nextHop.via ?? ""}%${nextHop.device}`) ?? "",
        share: count / FLOWS,
        forced: (removal?.forced ?? 0) / FLOWS,
        collateral: (removal?.collateral ?? 0) / FLOWS,
      };
    }),
  }));
}
