// One `router bgp`: its neighbours, its table, and what it tells to whom.
import { type Random } from "../../../impl/ports.ts";
import { ERRORS } from "../../../impl/wire/bgp/error-codes.ts";
import { type Announcement } from "../../../impl/wire/bgp/path-attributes.ts";
import { type Family, familyOf, type Ip, type Ipv4 } from "../../../impl/wire/ip.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { type TcpHandler, type TcpSocket } from "../../host/tcp.ts";
import { type BgpConfig, type PeerSettings, type RouterConfig } from "../config/model.ts";
import { Alarm, type Daemon } from "../daemon.ts";
import { type Fib } from "../fib.ts";
import { type NextHops } from "../next-hops.ts";
import { type Habits } from "../profile.ts";
import { type Prefix, parsePrefix, prefixFamily } from "../../../impl/wire/prefix.ts";
import { AdjRibOut } from "./adj-rib-out.ts";
import { connectOptions, hopsOf } from "./connect-options.ts";
import { type Ending } from "./fsm.ts";
import { Listener } from "./listener.ts";
import { type Agreement, FAMILIES, type LocalSpeaker } from "./negotiation.ts";
import { Neighbor, type NeighborIdentity, type NeighborOwner } from "./neighbor.ts";
import { needsReset, outboundText, policyText } from "./neighbor-change.ts";
import { identityOf, Neighbors, rangeFor } from "./neighbors.ts";
import { NeighborRoutes, type RoutesOwner } from "./neighbor-routes.ts";
import { localPath, originate } from "./origination.ts";
import { ownNextHop, routerIdOf } from "./own-addresses.ts";
import { LOCAL, type Path, type PathSource, type Route } from "./path.ts";
import { type Inbound, judgeInbound } from "./policy-in.ts";
import { judgeOutbound } from "./policy-out.ts";
import { type RouteMessage } from "./session.ts";
import { BgpTable } from "./table.ts";

/** What an instance is given by the router. */
export interface InstanceContext {
  readonly daemon: Daemon;
  readonly random: Random;
  readonly habits: Habits;
  readonly nextHops: NextHops;
  readonly fib: Fib;
  /** The daemons came back after they had been killed. */
  readonly restarted: boolean;
  readonly isStatic: (prefix: Prefix) => boolean;
  /** Sessions came or went, or neighbours did: BFD may be wanted elsewhere. */
  neighborsChanged(): void;
}

const DEFAULT_ROUTES: readonly Prefix[] = [parsePrefix("0.0.0.0/0"), parsePrefix("::/0")];

interface Row {
  readonly neighbor: Neighbor;
  readonly routes: NeighborRoutes;
  readonly out: AdjRibOut;
  /** Runs while the neighbour waits for its prefixes to have become fewer. */
  readonly overflow: Alarm;
}

export class BgpInstance implements NeighborOwner, RoutesOwner {
  readonly daemon: Daemon;
  readonly random: Random;
  readonly habits: Habits;
  readonly table: BgpTable;
  readonly #context: InstanceContext;
  readonly #neighbors = new Neighbors();
  readonly #rows = new Map<Neighbor, Row>();
  readonly #listener: Listener;
  #originated: ReadonlyMap<Prefix, Path> = new Map();
  #bgp: BgpConfig;
  #lists: RouterConfig;

  constructor(context: InstanceContext, bgp: BgpConfig, lists: RouterConfig) {
    this.#context = context;
    this.daemon = context.daemon;
    this.random = context.random;
    this.habits = context.habits;
    this.#bgp = bgp;
    this.#lists = lists;
    this.table = new BgpTable({
      nextHops: context.nextHops,
      fib: context.fib,
      config: () => this.#bgp,
      isTaken: (prefix) => this.#isTaken(prefix),
      changed: ({ prefix }) => this.#tellAll(prefix),
      trace: (what, detail) => this.trace(what, detail),
    });
    this.#listener = new Listener(this.daemon, bgp.vrf, (socket) => this.#welcome(socket));
  }

  start(): void {
    this.#listener.setKeys(this.#bgp);
    this.#applyNeighbors();
    this.#originate();
  }

  /** `no router bgp`. */
  stop(): void {
    for (const neighbor of this.neighbors()) this.#remove(neighbor);
    for (const prefix of this.#originated.keys()) this.table.remove(prefix, LOCAL.key);
    this.#listener.close();
  }

  get vrf(): string | undefined {
    return this.#bgp.vrf;
  }

  get config(): BgpConfig {
    return this.#bgp;
  }

  neighbors(): readonly Neighbor[] {
    return this.#neighbors.values();
  }

  routesOf(neighbor: Neighbor): NeighborRoutes | undefined {
    return this.#rows.get(neighbor)?.routes;
  }

  #isTaken(prefix: Prefix): boolean {
    const { daemon, isStatic } = this.#context;
    return isStatic(prefix) || daemon.host.routesTo(prefix, this.vrf).some(({ protocol }) => protocol !== "daemon");
  }

  trace(what: string, detail: string): void {
    this.daemon.host.trace(what, this.vrf === undefined ? detail : `${this.vrf} ${detail}`);
  }

  // What changes it.

  configure(bgp: BgpConfig, lists: RouterConfig): void {
    const before = this.#bgp;
    const policy = policyText([this.#lists.prefixLists, this.#lists.communityLists, this.#lists.largeCommunityLists]);
    const maps = policyText(this.#lists.routeMaps);
    this.#bgp = bgp;
    this.#lists = lists;
    const listsChanged =
      policy !== policyText([lists.prefixLists, lists.communityLists, lists.largeCommunityLists]) ||
      maps !== policyText(lists.routeMaps);
    this.#listener.setKeys(bgp);
    const other = before.asn !== bgp.asn || before.routerId !== bgp.routerId;
    if (other)
      for (const neighbor of this.neighbors()) neighbor.reset("identity changed", ERRORS.otherConfigurationChange);
    this.#applyNeighbors(listsChanged || before.ebgpRequiresPolicy !== bgp.ebgpRequiresPolicy);
    this.#originate();
    this.table.reconsider();
    for (const { out } of this.#rows.values()) out.all();
  }

  /** Links went, came or changed their addresses, or routes of others did. */
  surroundingsChanged(): void {
    for (const neighbor of this.neighbors()) {
      if (neighbor.isEstablished && this.#bgp.fastExternalFailover && this.#hasLostLink(neighbor)) {
        neighbor.drop("the link is down");
      } else neighbor.retry();
    }
    this.#originate();
    this.table.reconsider();
  }

  /** The kernel's table is another: next hops that are reached by BGP's own routes may have moved. */
  routesChanged(): void {
    const recursive = this.neighbors().some(({ agreement }) => agreement?.internal === true);
    if (recursive) this.table.reconsider();
  }

  #hasLostLink(neighbor: Neighbor): boolean {
    const { socket, agreement, identity } = neighbor;
    if (socket === undefined || agreement?.internal !== false || !this.#isOneHop(neighbor.settings)) return false;
    return this.#context.nextHops.resolve(socket.remote.ip, identity.device)?.onLink !== true;
  }

  #isOneHop(settings: PeerSettings): boolean {
    const { ttl, minTtl, disableConnectedCheck } = settings;
    return !disableConnectedCheck && (minTtl === undefined ? ttl === 1 : minTtl === 255);
  }

  /** `neighbor PEER shutdown` and the like, for a neighbour that BFD found dead. */
  bfdDown(neighbor: Neighbor, controlPlaneIndependent: boolean): void {
    if (neighbor.isEstablished) neighbor.reset("BFD down", ERRORS.bfdDown);
    // RFC 5882 section 4.3.2: its BFD would have gone on through a restart.
    else if (controlPlaneIndependent) this.routesOf(neighbor)?.abandonRestart("BFD down");
  }

  clear(neighbor: Neighbor, how: "hard" | "soft"): void {
    if (how === "soft") {
      const { agreement } = neighbor;
      for (const family of agreement?.families ?? []) this.routesOf(neighbor)?.refresh(family);
      this.#rows.get(neighbor)?.out.all();
      return;
    }
    this.#rows.get(neighbor)?.overflow.clear();
    if (neighbor.heldDown === "maximum of prefixes") neighbor.start();
    else neighbor.reset("cleared", ERRORS.administrativeReset);
  }

  neighborHeard(device: string, address: Ip | undefined): void {
    this.#neighbors.get(`%${device}`)?.setAddress(address);
  }

  // Neighbours of the configuration.

  #applyNeighbors(listsChanged = false): void {
    const wanted = new Map(this.#bgp.neighbors.map((each) => [identityOf(each).key, each]));
    for (const neighbor of this.neighbors()) {
      const settings = neighbor.identity.dynamic
        ? rangeFor(this.#bgp, neighbor.identity.key as Ip)
        : wanted.get(neighbor.identity.key);
      if (settings === undefined) this.#remove(neighbor);
      else this.#change(neighbor, settings, listsChanged);
    }
    for (const [key, config] of wanted)
      if (this.#neighbors.get(key) === undefined) this.#add(identityOf(config), config);
    this.#context.neighborsChanged();
  }

  #add(identity: NeighborIdentity, settings: PeerSettings): Neighbor {
    const neighbor = new Neighbor(this, identity, settings, this.#neighbors.history(identity.key));
    const routes = new NeighborRoutes(this, neighbor);
    const out = new AdjRibOut(this.daemon, {
      interval: () => neighbor.settings.advertisementInterval,
      announcement: (prefix) => this.#announcement(neighbor, prefix),
      prefixes: () => [...DEFAULT_ROUTES, ...this.table.prefixes()],
      send: (message) => neighbor.send(message),
    });
    const overflow = new Alarm(this.daemon, () => neighbor.start());
    this.#rows.set(neighbor, { neighbor, routes, out, overflow });
    this.#neighbors.add(neighbor);
    if (!identity.key.startsWith("%")) neighbor.setAddress(identity.key as Ip);
    this.#startOrHold(neighbor);
    return neighbor;
  }

  #startOrHold(neighbor: Neighbor): void {
    const shutdown = neighbor.settings.shutdown ?? this.#bgp.shutdown;
    if (shutdown === undefined) return neighbor.start();
    neighbor.shutDown("shut down", shutdown.message ?? "");
  }

  #remove(neighbor: Neighbor): void {
    neighbor.holdDown("removed", ERRORS.peerDeconfigured);
    this.gone(neighbor);
  }

  gone(neighbor: Neighbor): void {
    const row = this.#rows.get(neighbor);
    // A neighbour of a range that restarts is waited for.
    if (row?.routes.waiting === true && neighbor.heldDown === undefined) return;
    row?.routes.forget();
    row?.out.lost();
    row?.overflow.clear();
    this.#rows.delete(neighbor);
    this.#neighbors.remove(neighbor);
    this.#context.neighborsChanged();
  }

  #change(neighbor: Neighbor, settings: PeerSettings, listsChanged: boolean): void {
    const before = neighbor.settings;
    neighbor.settings = settings;
    const wasShut = neighbor.heldDown === "shut down";
    const isShut = settings.shutdown !== undefined || this.#bgp.shutdown !== undefined;
    if (isShut !== wasShut) this.#startOrHold(neighbor);
    const reset = needsReset(before, settings);
    if (reset !== undefined) return neighbor.reset(`${reset} changed`, ERRORS.otherConfigurationChange);
    if (listsChanged || policyText(before.families) !== policyText(settings.families)) {
      this.routesOf(neighbor)?.policyChanged();
    }
  }

  #welcome(socket: TcpSocket): TcpHandler | undefined {
    const { ip } = socket.remote;
    const neighbor = this.#neighbors.byAddress(ip, socket.device) ?? this.#fromRange(ip);
    const handler = neighbor?.accept(socket);
    if (neighbor === undefined || handler === undefined) {
      this.trace("bgp", `${ip} refused: ${neighbor?.heldDown ?? "not configured"}`);
      return undefined;
    }
    socket.setHops(hopsOf(neighbor.settings, this.#bgp.asn));
    return handler;
  }

  #fromRange(ip: Ip): Neighbor | undefined {
    const settings = rangeFor(this.#bgp, ip);
    if (settings === undefined || this.#neighbors.dynamicCount() >= this.#bgp.listen.limit) return undefined;
    return this.#add({ key: ip, device: undefined, dynamic: true }, settings);
  }

  // What neighbours need.

  speaker({ settings }: Neighbor): LocalSpeaker {
    const { host } = this.daemon;
    const { gracefulRestart: restart, asn } = this.#bgp;
    return {
      asn: settings.localAs?.asn ?? asn,
      routerId: this.routerId,
      hostName: this.#lists.hostname ?? host.name,
      restart,
      restarting: this.#context.restarted,
    };
  }

  get routerId(): Ipv4 {
    return routerIdOf(this.#bgp, this.daemon.host);
  }

  connect(neighbor: Neighbor, handler: TcpHandler): TcpSocket | undefined {
    const { address, settings, identity } = neighbor;
    if (address === undefined) return undefined;
    const { host } = this.daemon;
    const resolution = this.#context.nextHops.resolve(address, identity.device);
    const external = hopsOf(settings, this.#bgp.asn).ttl === 1;
    if (resolution === undefined || (external && this.#isOneHop(settings) && !resolution.onLink)) return undefined;
    const options = connectOptions(settings, address, this.#bgp.asn, { host, vrf: this.vrf, link: identity.device });
    return host.tcp.connect({ ip: address, port: settings.port }, handler, options);
  }

  established(neighbor: Neighbor, agreement: Agreement): void {
    const row = this.#rows.get(neighbor);
    row?.routes.established(agreement);
    row?.out.established(agreement);
    this.#context.neighborsChanged();
  }

  received(neighbor: Neighbor, message: RouteMessage): void {
    this.routesOf(neighbor)?.receive(message);
  }

  lost(neighbor: Neighbor, agreement: Agreement, ending: Ending): void {
    const row = this.#rows.get(neighbor);
    row?.out.lost();
    row?.routes.lost(agreement, ending);
    this.#context.neighborsChanged();
  }

  // What the routes of neighbours need.

  stalePathTime(): Micros {
    return this.#bgp.gracefulRestart.stalePathTime;
  }

  source(neighbor: Neighbor, agreement: Agreement): PathSource {
    const { identity, settings, socket } = neighbor;
    const address = socket?.remote.ip ?? LOCAL.address;
    return {
      key: identity.key,
      address,
      asn: agreement.peerAsn,
      internal: agreement.internal,
      routerId: agreement.peerId,
      device: identity.device ?? socket?.device ?? this.#context.nextHops.linkTo(address),
      onLink: !agreement.internal && this.#isOneHop(settings),
      isClient: FAMILIES.some((family) => settings.families[family]?.routeReflectorClient),
    };
  }

  judge({ settings }: Neighbor, source: PathSource, route: Route): Inbound {
    const { host } = this.daemon;
    return judgeInbound(route, {
      lists: this.#lists,
      peer: source.address,
      bgp: this.#bgp,
      routerId: this.routerId,
      settings,
      source,
      isOwn: (ip) => host.isLocal(ip, this.vrf),
    });
  }

  resend(neighbor: Neighbor, family: Family): void {
    this.#rows.get(neighbor)?.out.refresh(family);
  }

  overflow(neighbor: Neighbor, restart: Micros | undefined, data: Uint8Array): void {
    neighbor.holdDown("maximum of prefixes", ERRORS.maximumNumberOfPrefixesReached, data);
    if (restart !== undefined) this.#rows.get(neighbor)?.overflow.set(restart);
  }

  // What is told.

  #tellAll(prefix: Prefix): void {
    for (const { out } of this.#rows.values()) out.changed(prefix);
  }

  #announcement(neighbor: Neighbor, prefix: Prefix): Announcement | undefined {
    const { agreement, socket, settings, identity } = neighbor;
    const best = this.table.choice(prefix)?.best ?? this.#defaultFor(neighbor, prefix);
    if (best === undefined || agreement === undefined || socket === undefined) return undefined;
    const { host } = this.daemon;
    const { nextHops } = this.#context;
    const { ip } = socket.remote;
    const device = identity.device ?? socket.device ?? nextHops.linkTo(ip);
    return judgeOutbound(best, {
      lists: this.#lists,
      peer: ip,
      bgp: this.#bgp,
      settings,
      agreement,
      routerId: this.routerId,
      neighbor: {
        key: identity.key,
        tellsBack: this.habits.tellsBack,
        hasCompany: () => this.#hasCompany(neighbor),
      },
      ownNextHop: (family) =>
        ownNextHop(host, family, { local: socket.local.ip, device, extendedNextHop: agreement.extendedNextHop }),
      sharesSubnet: (nextHop) =>
        device !== undefined && familyOf(nextHop) === familyOf(ip) && nextHops.linkTo(nextHop) === device,
    });
  }

  /** `default-originate`: told whether or not there is such a route. */
  #defaultFor({ settings }: Neighbor, prefix: Prefix): Path | undefined {
    const wanted =
      settings.families[prefixFamily(prefix)]?.defaultOriginate === true && DEFAULT_ROUTES.includes(prefix);
    return wanted ? localPath(prefix) : undefined;
  }

  /** FRR's update groups: neighbours of one kind with the same policy. */
  #hasCompany(neighbor: Neighbor): boolean {
    const { agreement } = neighbor;
    const policy = outboundText(neighbor.settings);
    return this.neighbors().some(
      (each) =>
        each !== neighbor &&
        each.isEstablished &&
        each.agreement?.internal === agreement?.internal &&
        outboundText(each.settings) === policy,
    );
  }

  #originate(): void {
    const { isStatic, daemon } = this.#context;
    const now = originate({ host: daemon.host, bgp: this.#bgp, lists: this.#lists, isStatic });
    for (const prefix of this.#originated.keys()) if (!now.has(prefix)) this.table.remove(prefix, LOCAL.key);
    for (const [prefix, path] of now) {
      if (policyText(path) !== policyText(this.#originated.get(prefix))) this.table.set(path);
    }
    this.#originated = now;
  }
}
