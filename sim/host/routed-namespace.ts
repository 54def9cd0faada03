import { type Ip, isIpv4 } from "../../impl/wire/ip.ts";
import { parsePrefix, type Prefix } from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type SimWorld } from "../world.ts";
import { type Tuple } from "./conntrack-tuple.ts";
import { type Interface } from "./interface.ts";
import { type Routing } from "./ip-layer.ts";
import { hashOfTuple, linuxMultipath, type MultipathSettings } from "./multipath.ts";
import { type NextHop } from "./next-hop.ts";
import { isValid } from "./nud.ts";
import { RouteTables } from "./route-tables.ts";
import { type Route, type RouteProtocol, RouteTable } from "./routes.ts";
import { createSelector } from "./selector.ts";

export interface RouteTarget {
  readonly via?: Ip | undefined;
  readonly device?: string | undefined;
  readonly metric?: number;
  /** `ip route add … vrf red`. */
  readonly vrf?: string | undefined;
}

/** Where a routing daemon wants packets to go. */
export interface DaemonRoute {
  /** In the order in which selectors see them. */
  readonly nextHops: readonly { readonly via?: Ip; readonly device: string; readonly weight?: number }[];
  /** 20 unless told, as FRR's zebra installs. */
  readonly metric?: number;
  readonly vrf?: string | undefined;
}

const DAEMON_METRIC = 20;

/** What `ip route` and `ip nexthop` configure. */
export abstract class RoutedNamespace {
  readonly name: string;
  readonly world: SimWorld;
  protected readonly interfaces = new Map<string, Interface>();
  protected readonly tables: RouteTables;
  #multipath: MultipathSettings;

  constructor(world: SimWorld, name: string) {
    this.name = name;
    this.world = world;
    this.#multipath = linuxMultipath(Math.floor(world.random(`${name}/multipath`).next() * 2 ** 32));
    this.tables = new RouteTables(() => this.#createTable());
  }

  /** What the IP layer asks for the way. */
  protected routing(): Routing {
    const multipath = (): MultipathSettings => this.#multipath;
    return {
      tables: this.tables,
      get multipath() {
        return multipath();
      },
    };
  }

  #createTable(): RouteTable {
    const now = (): Micros => this.world.scheduler.now;
    return new RouteTable({
      get now() {
        return now();
      },
      isUsable: (device, protocol) => this.#isUsable(device, protocol),
      isGood: (nextHop) => this.#multipath.passOverSilent !== true || this.#mayAnswer(nextHop),
      createSelector: () => createSelector(this.#multipath.selector),
    });
  }

  /** A route whose interface has no carrier stays in use, but next hop objects, which daemons install, go with it. */
  #isUsable(name: string, protocol: RouteProtocol): boolean {
    const device = this.interfaces.get(name)?.device;
    return (protocol === "daemon" ? device?.running : device?.up) ?? false;
  }

  /** ipv4_good_nh and ipv6_good_nh: of whom nothing is known may answer. */
  #mayAnswer({ device, via }: NextHop): boolean {
    const link = this.interfaces.get(device);
    if (via === undefined || link === undefined) return true;
    const known = (isIpv4(via) ? link.arp : link.ndp).table.get(via);
    return known === undefined || isValid(known);
  }

  /** The VRF that an interface belongs to; a VRF belongs to itself. */
  vrfOf(link: string): string | undefined {
    return this.tables.vrfOf(link);
  }

  /** The VRF of `ip link add NAME type vrf table NUMBER`. */
  vrfOfTable(number: number): string | undefined {
    return this.tables.vrfOfTable(number);
  }

  /** `ip route add`. Without a device it is the one that leads to `via`. */
  addRoute(prefix: string, { via, metric = 0, vrf, ...to }: RouteTarget): void {
    const table = this.tables.of(vrf);
    const device = to.device ?? (via === undefined ? undefined : table.lookup(via)?.nextHops[0]?.device);
    if (device === undefined) throw new Error(`${this.name}: no interface leads to ${via ?? prefix}`);
    const nextHops = [{ device, via, weight: 1 }];
    table.add({ prefix: parsePrefix(prefix), nextHops, metric, protocol: "boot" });
  }

  /** Sets a routing daemon's route to a prefix; what it was before is replaced at once. */
  setRoute(prefix: string, { nextHops, metric = DAEMON_METRIC, vrf }: DaemonRoute): void {
    if (nextHops.length === 0) throw new Error(`${this.name}: a route to ${prefix} needs a next hop`);
    this.tables.of(vrf).set({
      prefix: parsePrefix(prefix),
      nextHops: nextHops.map(({ device, via, weight = 1 }) => ({ device, via, weight })),
      metric,
      protocol: "daemon",
    });
  }

  /** Removes the routes to a prefix, but those of the kernel, which come and go with addresses. */
  removeRoute(prefix: string, via?: Ip, vrf?: string): void {
    const leads = ({ nextHops }: Route): boolean => via === undefined || nextHops.some((hop) => hop.via === via);
    this.tables.of(vrf).removeWhere((route) => route.protocol !== "kernel" && leads(route), parsePrefix(prefix));
  }

  /** How packets are spread where a route has several next hops. Setting it forgets what selectors remember. */
  get multipath(): MultipathSettings {
    return this.#multipath;
  }

  set multipath(settings: MultipathSettings) {
    this.#multipath = settings;
    for (const table of this.tables.all()) table.selectorsChanged();
  }

  /** Those that packets to `ip` can take now. */
  nextHopsTo(ip: Ip, vrf?: string): readonly NextHop[] {
    return this.tables.of(vrf).nextHops(ip);
  }

  /** Where a packet of a flow would go now: `ip route get`. */
  nextHopFor(tuple: Tuple, vrf?: string): NextHop | undefined {
    return this.tables.of(vrf).nextHop(tuple.destination, () => hashOfTuple(this.#multipath, tuple), false);
  }

  routes(vrf?: string): readonly Route[] {
    return this.tables.of(vrf).routes();
  }

  /** The routes to exactly this prefix, the one in use first. */
  routesTo(prefix: Prefix, vrf?: string): readonly Route[] {
    return this.tables.of(vrf).routesTo(prefix);
  }

  /** A route that has no next hop left is gone. */
  protected routesLeave(device: string): void {
    this.#rewriteRoutes(device, (nextHops) => nextHops.filter((hop) => hop.device !== device));
  }

  /** The interface `name` is now called `to`. */
  protected routesFollow(name: string, to: string): void {
    this.tables.rename(name, to);
    const moved = (hop: NextHop): NextHop => (hop.device === name ? { ...hop, device: to } : hop);
    this.#rewriteRoutes(name, (nextHops) => nextHops.map(moved));
  }

  #rewriteRoutes(device: string, rewrite: (nextHops: readonly NextHop[]) => readonly NextHop[]): void {
    const uses = ({ nextHops }: Route): boolean => nextHops.some((hop) => hop.device === device);
    for (const table of this.tables.all()) {
      const old = table.routes().filter(uses);
      table.removeWhere(uses);
      for (const route of old) {
        const nextHops = rewrite(route.nextHops);
        if (nextHops.length > 0) table.add({ ...route, nextHops });
      }
    }
  }
}
