// The driver port: what a scenario may see and do, whichever world it runs in. Scenarios speak of VIPs, nodes, clients and
// faults; a driver (conformance/drivers) makes them happen. Everything is asynchronous, because real worlds are.
import { type EventObject, type KubeObject, type Service } from "../impl/api/kubernetes.ts";
import { type Family, type Ip } from "../impl/wire/ip.ts";
import { type Mac } from "../impl/wire/mac.ts";
import { type Micros } from "../impl/wire/time.ts";

/** What a scenario needs of its driver; a driver that lacks one cannot run it, and says so. */
export type Capability =
  /** Every process of a node can be stopped and started. */
  | "processFaults"
  /** A process can be frozen and thawed. */
  | "pause"
  /** A node can vanish without a frame, and come back. */
  | "powerOff"
  /** A kernel can stop answering with its link up. */
  | "hang"
  /** Interfaces can lose and regain carrier; addresses and flags of interfaces can change. */
  | "links"
  /** Frames can be lost, delayed, duplicated, corrupted, and networks partitioned. */
  | "frameFaults"
  /** Clocks of single nodes can step and drift. */
  | "clocks"
  /** The API server can fail for one client or all. */
  | "apiFaults"
  /** Routers speak BGP. */
  | "routers"
  /** Routers choose among next hops by a selector that can be told, and every flow's way is known. */
  | "flowPaths"
  /** A station can speak BGP as the scenario makes it, wrong bytes included. */
  | "rawBgp"
  /** Objects can be changed while the world runs. */
  | "kubernetes"
  /** Pods answer behind Services. */
  | "dataplane"
  /** Any node or station can send frames of the scenario's making. */
  | "rawFrames"
  /** A station can send and hear UDP datagrams of the scenario's making, TTL included. */
  | "rawDatagrams"
  /** What a process holds open can be counted. */
  | "resources"
  /** Time costs nothing, so that hours may pass. */
  | "virtualTime";

/** One parameter set of a scenario: a family, a policy … ; its name ends the scenario's name. */
export interface Variant {
  readonly name: string;
  readonly family?: Family;
  readonly policy?: "Cluster" | "Local";
  readonly protocol?: "TCP" | "UDP";
  readonly [parameter: string]: string | number | boolean | undefined;
}

/** A behaviour, written once. */
export interface Scenario {
  /** Unique, with its group first: `failover/power-loss`. */
  readonly name: string;
  /** One sentence that says what must be so. */
  readonly title: string;
  /** F-numbers of faults, and titles of upstream behaviours: `L2 3`. */
  readonly cites: readonly string[];
  /** A folder of `topologies`. */
  readonly topology: string;
  readonly needs: readonly Capability[];
  readonly variants?: readonly Variant[];
  /** Settings of the processes that differ from their defaults. */
  readonly settings?: Settings;
  readonly run: (world: World, variant: Variant) => Promise<void>;
}

/** Flags and files of the processes. */
export interface Settings {
  readonly lbClass?: string;
  readonly ignoreExcludeLb?: boolean;
  /** Regular expressions, as in excludel2.yaml. */
  readonly excludeInterfaces?: readonly string[];
  readonly memberlist?: boolean;
  readonly membersWan?: boolean;
  /** Send gratuitous frames again this often while announcing. */
  readonly refresh?: Micros;
  /** Probe an address before announcing it for the first time. */
  readonly probeFirst?: boolean;
  /** What eBGP peers on the link send must come with TTL 255 (RFC 5082). */
  readonly requireTtl?: boolean;
  /** Admission rules of the metallb.io kinds are enforced (true) or off. */
  readonly webhook?: boolean;
}

export type ClusterKind = string;

/** `default/web` or, for kinds without a namespace, `node-1`. */
export type ObjectName = string;

export interface Kubernetes {
  /** Creates or replaces each object, in order. Rejects with the API server's message. */
  apply(...objects: readonly KubeObject[]): Promise<void>;
  /** RFC 7386 merge patch. */
  patch(kind: ClusterKind, name: ObjectName, patch: object, subresource?: "status"): Promise<void>;
  remove(kind: ClusterKind, name: ObjectName): Promise<void>;
  get(kind: ClusterKind, name: ObjectName): Promise<KubeObject | undefined>;
  list(kind: ClusterKind): Promise<readonly KubeObject[]>;
  /** Events about an object, oldest first. */
  events(kind: ClusterKind, name: ObjectName): Promise<readonly EventObject[]>;
  service(name: ObjectName): Promise<Service | undefined>;
  /** How many writes (all clients but this one) the API server has accepted. */
  writes(): Promise<number>;
}

/** A handle on something that was started and can be ended; ending twice is harmless. */
export interface Ending {
  end(): Promise<void>;
}

export interface NodeControl {
  readonly name: string;
  /** MAC by interface, for those on a segment. */
  readonly macs: ReadonlyMap<string, Mac>;
  /** The process is killed: its kernel closes its sockets. */
  crashSpeaker(): Promise<void>;
  /** The process is asked to end (SIGTERM) and hands over. */
  stopSpeaker(): Promise<void>;
  startSpeaker(): Promise<void>;
  pauseSpeaker(): Promise<Ending>;
  /** Silence without a FIN or a carrier event for its peers on a switch; ends by booting again. */
  powerOff(): Promise<Ending>;
  hangKernel(): Promise<Ending>;
  /** Carrier goes at both ends of the cable. */
  linkDown(link: string): Promise<Ending>;
  /** `ip link|addr` on the node: what the speaker sees change. */
  setLink(link: string, change: LinkChange): Promise<void>;
  stepClock(by: Micros): Promise<void>;
  /** 2 makes the node's clock run twice as fast. */
  driftClock(rate: number): Promise<Ending>;
  /** The node's speaker cannot reach the API server. */
  cutFromApi(): Promise<Ending>;
  /** Value of a series of the speaker, `name{a="b"}`; undefined where it is not exposed. */
  metric(series: string): Promise<number | undefined>;
  /** Members that this node's speaker believes alive, itself among them; sorted. */
  members(): Promise<readonly string[]>;
  /** What the speaker holds open, by kind: interfaces, groups, streams, requests; and how many series it exposes. */
  resources(): Promise<Readonly<Record<string, number>>>;
}

export interface LinkChange {
  readonly up?: boolean;
  readonly noArp?: boolean;
  readonly mac?: Mac;
  readonly addAddress?: string;
  readonly removeAddress?: string;
}

export interface ControllerControl {
  crash(): Promise<void>;
  start(): Promise<void>;
  /** A second controller beside the first, until it is ended. */
  startSecond(): Promise<Ending>;
  metric(series: string): Promise<number | undefined>;
  cutFromApi(): Promise<Ending>;
}

/** One request and what came of it. */
export interface Answer {
  readonly outcome: "ok" | "timeout" | "refused" | "reset" | "unreachable";
  readonly pod?: string;
  /** The node that the pod runs on. */
  readonly node?: string;
  /** The client's address as the pod saw it. */
  readonly seenAs?: Ip;
}

export interface Gap {
  readonly from: Micros;
  readonly to: Micros;
  readonly missed: number;
}

export interface ProbeReport {
  readonly sent: number;
  readonly ok: number;
  readonly gaps: readonly Gap[];
  /** The longest gap, 0 where there was none. */
  readonly outage: Micros;
  readonly resets: number;
}

export interface Probe extends Ending {
  report(): Promise<ProbeReport>;
}

export interface Target {
  readonly vip: Ip;
  /** 80 unless told. */
  readonly port?: number;
  readonly protocol?: "TCP" | "UDP";
}

/** A station said where an address is, unasked or to somebody who asked. */
export interface Overheard {
  readonly at: Micros;
  readonly ip: Ip;
  readonly mac: Mac;
  readonly how: "answer" | "gratuitous";
}

export interface Listening extends Ending {
  /** What was said about an address since the start, in order. */
  about(ip: Ip): Promise<readonly Overheard[]>;
}

/** Who answered an ARP request or a neighbour solicitation. */
export interface Responder {
  readonly mac: Mac;
  readonly node: string | undefined;
  readonly link: string | undefined;
}

export interface Client {
  readonly name: string;
  request(target: Target & { readonly timeout?: Micros }): Promise<Answer>;
  /** A new request every `every` (10 ms unless told), each given up after `timeout` (200 ms unless told). */
  probe(target: Target & { readonly every?: Micros; readonly timeout?: Micros }): Promise<Probe>;
  /** One long-lived connection that sends something every `every`. */
  connection(target: Target & { readonly every?: Micros }): Promise<Probe>;
  /** Asks who has `vip`, broadcast (ARP) or to its solicited-node group (NDP), and collects the answers of one second. */
  whoHas(
    vip: Ip,
    options?: { readonly link?: string; readonly unicastTo?: Mac; readonly dad?: boolean },
  ): Promise<readonly Responder[]>;
  ping(vip: Ip): Promise<boolean>;
  /** Opens `count` connections at once, each of which says something every `every` (1 s unless told). */
  flows(target: Target & { readonly count: number; readonly every?: Micros; readonly router: string }): Promise<Flows>;
  /** Listens as a BGP speaker on port 179 of its own addresses; `greet`: what it sends at once to whoever connects. */
  rawBgp(options: { readonly greet?: readonly Uint8Array[]; readonly md5Key?: string }): Promise<RawBgp>;
  /** Hears UDP datagrams to a port of its own addresses. */
  datagrams(port: number): Promise<Datagrams>;
  /** The entry of its own kernel's neighbour cache. */
  neighbour(vip: Ip): Promise<{ readonly mac: Mac | undefined; readonly state: string } | undefined>;
  /** Takes an address as a foreign station would: answers for it and announces it. */
  claim(vip: Ip): Promise<Ending>;
  /** Writes down what stations say about addresses where the client can hear it. */
  listen(): Promise<Listening>;
  /** Sends a frame as it is. */
  send(frame: Uint8Array): Promise<void>;
  readonly mac: Mac;
}

/** A route that a router forwards by. */
export interface ForwardingEntry {
  readonly prefix: string;
  /** Sorted. */
  readonly nextHops: readonly { readonly ip: Ip; readonly link: string; readonly node: string | undefined }[];
}

/** A path that a router's BGP holds for a prefix, as it stands after its policy for what comes in. */
export interface BgpPath {
  readonly prefix: string;
  /** The neighbour that told it. */
  readonly peer: Ip;
  /** The node that the neighbour is. */
  readonly node: string | undefined;
  readonly nextHop: Ip;
  readonly linkLocal: Ip | undefined;
  readonly origin: "igp" | "egp" | "incomplete";
  readonly asPath: readonly number[];
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  /** Both in the field's notation (`64500:1`, `64500:1:2`), sorted. */
  readonly communities: readonly string[];
  readonly largeCommunities: readonly string[];
  readonly best: boolean;
  readonly multipath: boolean;
  /** RFC 4724 section 4.2: the session went, and the path is kept until the peer has come back or the time is over. */
  readonly stale: boolean;
}

/** What a router knows of a neighbour. */
export interface BgpNeighbor {
  readonly address: Ip;
  /** The interface of an unnumbered neighbour. */
  readonly link: string | undefined;
  readonly node: string | undefined;
  readonly state: "idle" | "connect" | "active" | "openSent" | "openConfirm" | "established";
  readonly remoteAs: number;
  readonly localAs: number;
  readonly routerId: Ip | undefined;
  /** Negotiated. */
  readonly holdTime: Micros | undefined;
  readonly keepalive: Micros | undefined;
  /** How often it was established. */
  readonly established: number;
  /** What the neighbour's OPEN says. */
  readonly capabilities: readonly (
    | "multiprotocolIpv4"
    | "multiprotocolIpv6"
    | "fourOctetAs"
    | "routeRefresh"
    | "gracefulRestart"
    | "extendedNextHop"
  )[];
  /** Prefixes that it told, and that the policy accepts. */
  readonly prefixes: number;
  /** NOTIFICATIONs, newest last: `4/0`. */
  readonly notificationsReceived: readonly string[];
  readonly notificationsSent: readonly string[];
}

export interface BfdPeer {
  readonly peer: Ip;
  readonly node: string | undefined;
  readonly multihop: boolean;
  readonly state: "adminDown" | "down" | "init" | "up";
  /** In use, after the negotiation. */
  readonly transmitInterval: Micros;
  readonly receiveInterval: Micros;
  readonly detectMultiplier: number;
  /** What the neighbour says. */
  readonly remote: {
    readonly transmitInterval: Micros;
    readonly receiveInterval: Micros;
    readonly detectMultiplier: number;
    readonly echoReceiveInterval: Micros;
  };
  /** How often it was up and went down. */
  readonly downs: number;
}

/** How a router spreads flows over several next hops; what is not told stays as it is. */
export interface Spread {
  /** Hash-threshold unless told, as in Linux; the buckets of a resilient group stay until they are idle. */
  readonly selector?:
    | { readonly kind: "modulo" }
    | { readonly kind: "threshold" }
    | {
        readonly kind: "resilient";
        readonly buckets: number;
        readonly idleTimer: Micros;
        readonly unbalancedTimer: Micros;
      };
  /** What is hashed: the addresses (l3), or the ports too (l4). */
  readonly hash?: "l3" | "l4";
  /** Of the hash: routers with the same one choose alike. */
  readonly seed?: number;
  /** Next hops that the neighbour cache knows to be silent are passed over. */
  readonly passOverSilent?: boolean;
}

export interface RouterControl {
  readonly name: string;
  spread(how: Spread): Promise<void>;
  /** Undefined: it has no route to exactly this prefix (an address is its /32 or /128). */
  fib(prefix: string): Promise<ForwardingEntry | undefined>;
  /** The BGP table: paths to a prefix, or all. */
  paths(prefix?: string): Promise<readonly BgpPath[]>;
  neighbors(): Promise<readonly BgpNeighbor[]>;
  bfdPeers(): Promise<readonly BfdPeer[]>;
  /** Lines for its configuration mode (`vtysh -c "configure terminal" -c …`), in order; the context starts anew. */
  configure(...lines: readonly string[]): Promise<void>;
  /** `clear bgp NEIGHBOR`; soft: ROUTE-REFRESH. */
  clear(neighbor: Ip, how: "hard" | "soft"): Promise<void>;
  /** The daemons are killed: the kernel closes their sockets, what they installed stays until they are back. */
  crashDaemons(): Promise<Ending>;
  /** The daemons run no more and their kernel goes on for them (SIGSTOP). */
  pauseDaemons(): Promise<Ending>;
  powerOff(): Promise<Ending>;
  linkDown(link: string): Promise<Ending>;
}

/** Datagrams of the scenario's making, and what comes back. */
export interface Datagrams extends Ending {
  /** From a port beyond 49151 that is another one for each TTL; the greatest unless told. */
  send(to: { readonly ip: Ip; readonly port: number }, bytes: Uint8Array, ttl?: number): Promise<void>;
  /** What came to the port, oldest first. */
  heard(): Promise<readonly HeardDatagram[]>;
}

export interface HeardDatagram {
  readonly at: Micros;
  readonly from: { readonly ip: Ip; readonly port: number };
  readonly ttl: number;
  readonly bytes: Uint8Array;
}

/** A BGP speaker of the scenario's making: it says what it is told, and writes down what it hears. */
export interface RawBgp extends Ending {
  /** Sends bytes over the newest connection. */
  send(bytes: Uint8Array): Promise<void>;
  /** Every connection that was made, oldest first. */
  connections(): Promise<readonly RawBgpConnection[]>;
  /** Ends the newest connection: FIN, or RST. */
  close(abort: boolean): Promise<void>;
  /** While this lasts, it reads nothing. */
  stopReading(): Promise<Ending>;
}

export interface RawBgpConnection {
  readonly at: Micros;
  readonly from: Ip;
  /** Whole messages that came, in order, header included. */
  readonly messages: readonly { readonly at: Micros; readonly bytes: Uint8Array }[];
  /** When and how the other side ended it. */
  readonly closed: { readonly at: Micros; readonly because: string } | undefined;
}

/** Many connections to one address, watched from end to end. */
export interface Flows extends Ending {
  /** From here on changes count. */
  mark(): Promise<void>;
  report(): Promise<FlowReport>;
}

/** What became of flows since the mark. */
export interface FlowReport {
  readonly flows: number;
  /** How many end at which node now. */
  readonly byNode: Readonly<Record<string, number>>;
  /** The router sends them to another next hop than at the mark. */
  readonly moved: number;
  /** Moved because their next hop is gone. */
  readonly forced: number;
  /** Moved although their next hop is still there. */
  readonly collateral: number;
  /** The client saw them end: a reset, or no answer for as long as it waits. */
  readonly broken: number;
  /** Broken by a reset. */
  readonly reset: number;
}

export interface FrameFault {
  /** One node, client or switch; faults strike its cables. */
  readonly at: string;
  /** The interface; all of them unless told. */
  readonly link?: string;
  /** As seen from `at`; both unless told. */
  readonly direction?: "in" | "out";
  /** What is struck; everything unless told. */
  readonly only?: "arp" | "ndp" | "gratuitous" | "members" | "tcp" | "udp";
  readonly loss?: number;
  readonly delay?: Micros;
  readonly jitter?: Micros;
  readonly duplicate?: number;
  readonly reorder?: number;
  readonly corrupt?: number;
}

export interface Network {
  fault(fault: FrameFault): Promise<Ending>;
  /** Nothing passes between stations of different groups; others reach everyone. `oneWay`: only from the first to the second. */
  partition(groups: readonly (readonly string[])[], options?: { readonly oneWay?: boolean }): Promise<Ending>;
}

export interface Api {
  /** Every request of every client fails (`refuse`), or hangs (`hang`). */
  outage(how: "refuse" | "hang"): Promise<Ending>;
  /** Every open watch is cut once. */
  dropWatches(): Promise<void>;
  /** Every watch answers 410 Gone once, so that its reader lists again. */
  expireWatches(): Promise<void>;
  /** This share of requests fails with this status. */
  errors(status: 409 | 429 | 500, share: number): Promise<Ending>;
  /** Watch events come twice and out of order within an object's history. */
  duplicateEvents(): Promise<Ending>;
}

export interface World {
  readonly driver: string;
  readonly seed: string;
  /** In the order of the topology. */
  readonly nodes: readonly string[];
  readonly clients: readonly string[];
  readonly routers: readonly string[];
  readonly kubernetes: Kubernetes;
  readonly controller: ControllerControl;
  readonly network: Network;
  readonly api: Api;
  node(name: string): NodeControl;
  /** The first client unless named. */
  client(name?: string): Client;
  /** The first router unless named. */
  router(name?: string): RouterControl;
  now(): Micros;
  /**
   * Resolves with what `read` returns once it is neither undefined nor false; reads again after everything that happens.
   * Fails as an expectation of the scenario when `within` has passed.
   */
  waitFor<T>(what: string, read: () => Promise<T | undefined | false>, within: Micros): Promise<T>;
  /** Fails as an expectation when `read` is ever false during `during`. */
  holds(what: string, read: () => Promise<boolean>, during: Micros): Promise<void>;
  /** Tells the invariants that from here on this many owners of a VIP are expected, and why (a partition, say). */
  excuse(invariant: string, because: string): Ending;
}
