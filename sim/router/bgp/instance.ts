// One `router bgp`: its neighbours, its table, and what it tells to whom.
import { type Random } from "../../../impl/ports.ts";
import { ERRORS } from "../../../impl/wire/bgp/error-codes.ts";
import { type Family, type Ip, type Ipv4 } from "../../../impl/wire/ip.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { type TcpHandler, type TcpSocket } from "../../host/tcp.ts";
import { type BgpConfig, type PeerSettings, type RouterConfig } from "../config/model.ts";
import { Alarm, type Daemon } from "../daemon.ts";
import { type Fib } from "../fib.ts";
import { type NextHops } from "../next-hops.ts";
import { type Habits } from "../profile.ts";
import { type Prefix } from "../../../impl/wire/prefix.ts";
import { AdjRibOut } from "./adj-rib-out.ts";
import { Announcer, type AnnouncerOwner } from "./announcer.ts";
import { hopsOf } from "./connect-options.ts";
import { type Ending } from "./fsm.ts";
import { Listener } from "./listener.ts";
import { type Agreement, type LocalSpeaker } from "./negotiation.ts";
import { Neighbor, type NeighborIdentity, type NeighborOwner } from "./neighbor.ts";
import { needsReset, policyText } from "./neighbor-change.ts";
import { identityOf, Neighbors, rangeFor } from "./neighbors.ts";
import { NeighborRoutes, type RoutesOwner } from "./neighbor-routes.ts";
import { type PathSource, type Route } from "./path.ts";
import { type Inbound, judgeInbound } from "./policy-in.ts";
import { type RouteMessage } from "./session.ts";
import { routerIdOf } from "./own-addresses.ts";
import { BgpTable } from "./table.ts";
import { Ways } from "./ways.ts";

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

interface Row {
  readonly neighbor: Neighbor;
  readonly routes: NeighborRoutes;
  readonly out: AdjRibOut;
  /** Runs while the neighbour waits for its prefixes to have become fewer. */
  readonly overflow: Alarm;
}

export class BgpInstance implements NeighborOwner, RoutesOwner, AnnouncerOwner {
  readonly daemon: Daemon;
  readonly random: Random;
  readonly habits: Habits;
  readonly table: BgpTable;
  readonly #context: InstanceContext;
  readonly #neighbors = new Neighbors();
  readonly #rows = new Map<Neighbor, Row>();
  readonly #listener: Listener;
  readonly #announcer: Announcer;
  readonly #ways: Ways;
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
    this.#announcer = new Announcer(this);
    this.#ways = new Ways(context.daemon.host, context.nextHops, () => this.#bgp);
    this.#listener = new Listener(this.daemon, bgp.vrf, (socket) => this.#welcome(socket));
  }

  start(): void {
    this.#listener.setKeys(this.#bgp);
    this.#applyNeighbors();
    this.#announcer.originate();
  }

  /** `no router bgp`. */
  stop(): void {
    for (const neighbor of this.neighbors()) this.#remove(neighbor);
    this.#announcer.stop();
    this.#listener.close();
  }

  get vrf(): string | undefined {
    return this.#bgp.vrf;
  }

  get config(): BgpConfig {
    return this.#bgp;
  }

  /** With the prefix-lists and route-maps that it names. */
  get lists(): RouterConfig {
    return this.#lists;
  }

  get nextHops(): NextHops {
    return this.#context.nextHops;
  }

  get isStatic(): (prefix: Prefix) => boolean {
    return this.#context.isStatic;
  }

  neighbors(): readonly Neighbor[] {
    return this.#neighbors.values();
  }

  routesOf(neighbor: Neighbor): NeighborRoutes | undefined {
    return this.#rows.get(neighbor)?.routes;
  }

  #isTaken(prefix: Prefix): boolean {
    return this.daemon.host.routesTo(prefix, this.vrf).some(({ protocol }) => protocol !== "daemon");
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
    this.#announcer.originate();
    this.table.reconsider();
    for (const { out } of this.#rows.values()) out.all();
  }

  /** Links went, came or changed their addresses, or routes of others did. */
  surroundingsChanged(): void {
    for (const neighbor of this.neighbors()) {
      if (neighbor.isEstablished && this.#bgp.fastExternalFailover && this.#ways.isLost(neighbor)) {
        neighbor.drop("the link is down");
      } else neighbor.retry();
    }
    this.#announcer.originate();
    this.table.reconsider();
  }

  /** The kernel's table is another: next hops that are reached by BGP's own routes may have moved. */
  routesChanged(): void {
    const recursive = this.neighbors().some(({ agreement }) => agreement?.internal === true);
    if (recursive) this.table.reconsider();
  }

  /** BFD found the neighbour dead. */
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
      announcement: (prefix) => this.#announcer.announcement(neighbor, prefix),
      prefixes: () => this.#announcer.prefixes(),
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
    return this.#ways.connect(neighbor, handler);
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
    return this.#ways.sourceOf(neighbor, agreement);
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
}
