// A simulated cluster: the network of a topology, an API server, and on every node what a node runs.
import {
  type EndpointSlice,
  type KubeObject,
  objectKey,
  type Pod,
  type Service,
} from "../../../impl/api/kubernetes.ts";
import { type Input } from "../../../impl/ports.ts";
import { createController } from "../../../impl/shell/controller-process.ts";
import { createSpeaker, type SpeakerProcess } from "../../../impl/shell/speaker-process.ts";
import { familyOf, type Ip, parseIp } from "../../../impl/wire/ip.ts";
import { prefixFamily } from "../../../impl/wire/prefix.ts";
import { millis, type Micros, minus, plus, seconds } from "../../../impl/wire/time.ts";
import { type CapturedFrame } from "../../../sim/capture.ts";
import { createWorld, type World as SimWorld } from "../../../sim/create-world.ts";
import { type Host } from "../../../sim/host/host.ts";
import { EchoServer, podRoutes } from "../../../sim/host/pods.ts";
import { ServiceProxy } from "../../../sim/host/proxy.ts";
import { type KubePort } from "../../../sim/host/process-ports.ts";

import { addControllers, type ClusterInputs } from "../../../sim/kube/controllers/create-controllers.ts";
import { ControlPlane } from "../../../sim/kube/control-plane.ts";
import { KubeLink } from "../../../sim/kube/link.ts";
import { type ServerRequest } from "../../../sim/kube/server.ts";
import { type StorageEvent } from "../../../sim/kube/storage.ts";
import { type Exchange, type Sink } from "../../../sim/kube/watch.ts";
import { Router } from "../../../sim/router/router.ts";
import { type Observation } from "../../invariants/invariant.ts";
import { Referee } from "../../invariants/referee.ts";
import { SYSTEM } from "../../objects.ts";
import { type Topology } from "../../topology/model.ts";
import { type Ending } from "../../world.ts";
import { type WorldOptions } from "../driver.ts";
import { ending } from "../ending.ts";
import { BgpWire } from "../bgp-wire.ts";
import { claimOf } from "../claims.ts";
import { problemsAtRest } from "./at-rest.ts";
import { Stage } from "./clock.ts";
import { CONTROLLER_POD, nodeFacts, type NodeFacts, SPEAKER_SELECTOR, speakerPodName } from "../node-objects.ts";
import { bootObjects, createObject } from "../boot-objects.ts";
import { ProcessSlot } from "./process-slot.ts";
import { buildNetwork, type Wiring } from "./wiring.ts";

/** Notices writes that change nothing. */
class WatchedControlPlane extends ControlPlane {
  readonly #idle: (what: string) => void;

  constructor(world: SimWorld, options: ConstructorParameters<typeof ControlPlane>[1], idle: (what: string) => void) {
    super(world, options);
    this.#idle = idle;
  }

  override handle(request: ServerRequest, sink: Sink): Exchange {
    const before = this.storage.revision;
    let accepted = false;
    const head: Sink["head"] = (status, headers) => {
      accepted = status < 300;
      sink.head(status, headers);
    };
    const watched: Sink = { head, chunk: (text) => sink.chunk(text), end: (error) => sink.end(error) };
    const exchange = super.handle(request, watched);
    const isWrite = request.method !== "GET";
    if (isWrite && accepted && this.storage.revision === before) this.#idle(`${request.method} ${request.path}`);
    return exchange;
  }
}

export type ControllerProcess = ReturnType<typeof createController>;

export interface SimOptions extends WorldOptions {
  /** On top of the nodes' own. */
  readonly nodeLabels?: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly onObservation?: (observation: Observation, now: Micros) => void;
  /** Where the load balancer runs. */
  readonly namespace?: string;
  /** Ports that every pod answers on, besides the usual ones. */
  readonly podPorts?: readonly number[];
}

/** Membership (LAN profile) may take this long to agree after a disturbance, and a burst follows. */
const OWNER_WINDOW: Micros = seconds(25);
/** Without layer 2 nobody waits for membership: a change has only to go through the API, the controller and the speakers. */
const CHANGE_WINDOW: Micros = seconds(10);
const LOOK: Micros = seconds(1);
const PROXY_DELAY: Micros = millis(100);
const MEMBERS_PORT = 7946;
const PORTS = [80, 81, 443, 8080];

interface ApiFault {
  /** Undefined: everybody's. */
  readonly owner: string | undefined;
  readonly start: (link: KubeLink) => Disposable;
  readonly handles: Disposable[];
}

const strikes = (fault: ApiFault, owner: string): boolean => fault.owner === undefined || fault.owner === owner;

export class SimCluster {
  readonly topology: Topology;
  readonly sim: SimWorld;
  readonly stage: Stage;
  readonly wiring: Wiring;
  readonly controlPlane: ControlPlane;
  readonly referee: Referee;
  readonly controller: ProcessSlot<ControllerProcess>;
  readonly #options: SimOptions;
  readonly #namespace: string;
  readonly #podPorts: readonly number[];
  readonly #facts: readonly NodeFacts[];
  readonly #speakers = new Map<string, ProcessSlot<SpeakerProcess>>();
  readonly #links: { readonly owner: string; readonly link: KubeLink }[] = [];
  readonly #apiFaults = new Set<ApiFault>();
  readonly #proxies = new Map<string, ServiceProxy>();
  readonly #pods = new Map<string, { readonly server: EchoServer; readonly identity: string }>();
  readonly #ownAddresses: ReadonlySet<Ip>;
  readonly #inputs: ClusterInputs;
  readonly #bgpWire = new BgpWire();
  readonly #routers = new Map<string, Router>();
  /** Nodes whose speaker does not run, and since when. */
  readonly #awaySince = new Map<string, Micros>();
  #hasPeers = false;
  #starts = 0;
  #faults = 0;
  #disturbedAt: Micros = millis(0);

  constructor(topology: Topology, options: SimOptions) {
    this.topology = topology;
    this.#options = options;
    this.#namespace = options.namespace ?? SYSTEM;
    const { lbClass, ignoreExcludeLb: ignoreExcludeLabel } = options.settings;
    this.referee = new Referee({
      ownerWindow: OWNER_WINDOW,
      namespace: this.#namespace,
      ...(lbClass === undefined ? {} : { lbClass }),
      ...(ignoreExcludeLabel === undefined ? {} : { ignoreExcludeLabel }),
    });
    this.#podPorts = [...new Set([...PORTS, ...(options.podPorts ?? [])])];
    this.sim = createWorld({ seed: options.seed, capture: options.capture, lines: options.lines });
    this.stage = new Stage(this.sim.scheduler);
    this.wiring = buildNetwork(this.sim, topology);
    this.#facts = nodeFacts(topology, options.nodeLabels ?? new Map());
    this.#ownAddresses = new Set([...this.wiring.hosts.values()].flatMap((host) => host.localAddresses()));
    const webhook = (options.settings.webhook ?? true) ? "on" : "off";
    const planeOptions = {
      seed: options.seed,
      serviceCidrs: topology.serviceSubnets,
      namespace: this.#namespace,
      webhook: () => webhook,
    } as const;
    this.controlPlane = new WatchedControlPlane(this.sim, planeOptions, (object) =>
      this.observe({ kind: "idleWrite", object }),
    );
    this.#inputs = addControllers(this.controlPlane);
    this.controlPlane.server.onChange((event) => this.#objectChanged(event));
    this.sim.onFrame((frame) => this.#frameSeen(frame));
    this.#buildNodes();
    this.#buildRouters();
    this.controller = this.addController("controller");
  }

  /** Puts what every cluster has into the API server and starts all processes, each at a moment of its own. */
  boot(): void {
    for (const object of bootObjects(this.topology, this.#facts, this.#namespace)) {
      createObject(this.controlPlane, object);
    }
    for (const router of this.#routers.values()) router.start();
    this.sim.scheduler.at(millis(1), () => this.controller.start());
    for (const [index, slot] of [...this.#speakers.values()].entries()) {
      this.sim.scheduler.at(millis(2 + index), () => slot.start());
    }
    if (this.#routers.size > 0) this.sim.scheduler.at(LOOK, () => this.#watchLeftovers());
  }

  host(name: string): Host {
    const host = this.wiring.hosts.get(name);
    if (host === undefined) throw new Error(`there is no station "${name}" in ${this.topology.name}`);
    return host;
  }

  router(name: string): Router {
    const router = this.#routers.get(name);
    if (router === undefined) throw new Error(`there is no router "${name}" in ${this.topology.name}`);
    return router;
  }

  /** In the order of the topology. */
  get routers(): readonly string[] {
    return [...this.#routers.keys()];
  }

  /** The node that has an address now. */
  nodeWith(ip: Ip): string | undefined {
    return this.topology.nodes.find((name) => {
      const host = this.host(name);
      return host.isLocal(ip) || this.wiring.vrfs.some((vrf) => host.hasDevice(vrf) && host.isLocal(ip, vrf));
    });
  }

  speaker(node: string): ProcessSlot<SpeakerProcess> {
    const slot = this.#speakers.get(node);
    if (slot === undefined) throw new Error(`there is no node "${node}" in ${this.topology.name}`);
    return slot;
  }

  get speakers(): ReadonlyMap<string, ProcessSlot<SpeakerProcess>> {
    return this.#speakers;
  }

  /** A controller on the first node. */
  addController(name: string): ProcessSlot<ControllerProcess> {
    const [first = ""] = this.topology.nodes;
    const { lbClass = "" } = this.#options.settings;
    const make = (): ControllerProcess =>
      createController({
        podName: CONTROLLER_POD,
        namespace: this.#namespace,
        lbClass,
        random: this.sim.random(`${name}/${this.#starts++}`),
      });
    return new ProcessSlot(name, this.host(first), make, (deliver) => this.#connect(name, deliver));
  }

  #buildNodes(): void {
    const networks = this.#facts.flatMap(({ name, podPrefixes, addresses }) =>
      podPrefixes.flatMap((podPrefix) => {
        const nodeAddress = addresses.find((ip) => familyOf(ip) === prefixFamily(podPrefix));
        return nodeAddress === undefined ? [] : [{ node: name, podPrefix, nodeAddress }];
      }),
    );
    for (const facts of this.#facts) {
      const host = this.host(facts.name);
      host.sysctl("net.ipv4.ip_forward", 1);
      host.sysctl("net.ipv6.conf.all.forwarding", 1);
      for (const { prefix, via } of podRoutes(facts.name, networks)) {
        // Nodes of another subnet are behind a router, which must know where their pods are.
        host.addRoute(prefix, { via: host.nextHopsTo(via)[0]?.via ?? via });
      }
      const proxy = new ServiceProxy(this.sim, host, {
        programmingDelay: PROXY_DELAY,
        mode: "iptables",
        podPrefixes: this.topology.podSubnets,
      });
      this.#proxies.set(facts.name, proxy);
      this.#speakers.set(facts.name, this.#speakerSlot(facts, host));
    }
  }

  #buildRouters(): void {
    for (const { name, frr } of this.topology.stations) {
      if (frr !== undefined) this.#routers.set(name, new Router(this.sim, this.host(name), frr.config, "frr"));
    }
  }

  #speakerSlot(facts: NodeFacts, host: Host): ProcessSlot<SpeakerProcess> {
    const { settings } = this.#options;
    const [bindAddress] = facts.addresses;
    const members =
      settings.memberlist === false || bindAddress === undefined
        ? undefined
        : { bindAddress, bindPort: MEMBERS_PORT, labels: SPEAKER_SELECTOR, wan: settings.membersWan ?? false };
    const name = speakerPodName(facts.name);
    const make = (): SpeakerProcess =>
      createSpeaker({
        nodeName: facts.name,
        podName: name,
        namespace: this.#namespace,
        lbClass: settings.lbClass ?? "",
        ignoreExcludeLb: settings.ignoreExcludeLb ?? false,
        excludeInterfaces: settings.excludeInterfaces ?? ["^lo$", "^veth.*", "^eth0$"],
        random: this.sim.random(`${name}/${this.#starts++}`),
        members,
        layer2: {
          ...(settings.refresh === undefined ? {} : { refresh: settings.refresh }),
          ...(settings.probeFirst === undefined ? {} : { probeFirst: settings.probeFirst }),
        },
        bgp: { requireTtl: settings.requireTtl ?? false },
      });
    return new ProcessSlot(name, host, make, (deliver) => this.#connect(name, deliver));
  }

  #connect(owner: string, deliver: (input: Input) => void): KubePort {
    const link = new KubeLink(this.sim, `${owner}/api`, this.controlPlane, deliver);
    this.#links.push({ owner, link });
    for (const fault of this.#apiFaults) if (strikes(fault, owner)) fault.handles.push(fault.start(link));
    return link;
  }

  /** A fault of the API connections of a process, or of all, those made later included; the result ends it. */
  faultApi(owner: string | undefined, start: (link: KubeLink) => Disposable): () => void {
    const fault: ApiFault = { owner, start, handles: [] };
    for (const item of this.#links) if (strikes(fault, item.owner)) fault.handles.push(start(item.link));
    this.#apiFaults.add(fault);
    return () => {
      this.#apiFaults.delete(fault);
      for (const handle of fault.handles) handle[Symbol.dispose]();
    };
  }

  /** Looks every second at what routers hold of nodes whose speaker does not run. */
  #watchLeftovers(): void {
    const { now } = this.sim.scheduler;
    for (const [node, { runs }] of this.#speakers) {
      if (runs) this.#awaySince.delete(node);
      else if (!this.#awaySince.has(node)) this.#awaySince.set(node, now);
    }
    if (this.#awaySince.size > 0) for (const [name, router] of this.#routers) this.#findLeftovers(name, router);
    this.sim.scheduler.at(plus(now, LOOK), () => this.#watchLeftovers());
  }

  #findLeftovers(name: string, router: Router): void {
    const seen = new Set<string>();
    for (const { peer: local, stale } of router.paths()) {
      const node = this.nodeWith(local);
      const since = node === undefined ? undefined : this.#awaySince.get(node);
      if (node === undefined || since === undefined || seen.has(`${local} ${stale}`)) continue;
      seen.add(`${local} ${stale}`);
      const away = minus(this.sim.scheduler.now, since);
      this.observe({ kind: "leftover", router: name, node, local, away, stale });
    }
  }

  /** Cuts every watch that is open now. */
  dropWatches(): void {
    for (const { link } of this.#links) link.dropWatches();
  }

  setNodeAlive(node: string, alive: boolean): void {
    this.#inputs.setNodeAlive(node, alive);
  }

  /**
   * After the last fault every address has one owner, or an event says why it has none. Checked at the end of a run that
   * left no fault behind; membership gets the time it may need.
   */
  settle(): void {
    this.stage.clear();
    if (this.#faults > 0) return;
    const { now } = this.sim.scheduler;
    const hasOwners = !this.controlPlane.storage.entries("l2advertisements.metallb.io")[Symbol.iterator]().next().done;
    const quiet = plus(this.#disturbedAt, hasOwners ? OWNER_WINDOW : CHANGE_WINDOW);
    if (quiet > now) this.sim.scheduler.advance(quiet);
    for (const problem of problemsAtRest(this.controlPlane.storage, this.#speakers)) this.referee.add(problem);
    this.referee.settle(this.sim.scheduler.now);
  }

  /** Carrier goes at both ends of the cable. */
  linkDown(station: string, link: string): Ending {
    const connection = this.wiring.connections.get(station)?.find((item) => item.link === link);
    if (connection === undefined) throw new Error(`${station} has no cable at ${link}`);
    const fault = this.lasting(`${station}: ${link} has no carrier`);
    connection.cable.setUp(false);
    return ending(() => {
      connection.cable.setUp(true);
      fault();
    });
  }

  // What is seen.

  observe(observation: Observation): void {
    const { now } = this.sim.scheduler;
    this.referee.observe(observation, now);
    this.#options.onObservation?.(observation, now);
    this.stage.touch();
  }

  /** Something was done to the cluster; owners may move for a while. */
  disturb(what: string): void {
    this.#disturbedAt = this.sim.scheduler.now;
    this.sim.trace.write("scenario", "does", what);
    this.observe({ kind: "disturbance", what });
  }

  /** As disturb, for what lasts: until the returned function is called, and a while after it, owners may differ. */
  lasting(what: string): () => void {
    this.disturb(what);
    const excuse = this.referee.excuse("I3");
    this.#faults += 1;
    return () => {
      this.#faults -= 1;
      excuse();
      this.disturb(`${what}: over`);
    };
  }

  #frameSeen({ point, bytes }: CapturedFrame): void {
    this.#bgpSeen(bytes);
    const claim = claimOf(bytes);
    if (claim === undefined || this.#ownAddresses.has(claim.ip)) return;
    this.stage.touch();
    const origin = this.wiring.origins.get(point);
    if (origin === undefined || !this.#speakers.has(origin.station)) return;
    const macs = new Set<string>(
      this.wiring.hosts
        .get(origin.station)
        ?.links()
        .map(({ mac }) => mac),
    );
    this.observe({ kind: "claim", claim, node: origin.station, link: origin.link, segment: origin.segment, macs });
  }

  /** What routers pass on was seen before, and reading it again tells nothing new. */
  #bgpSeen(frame: Uint8Array): void {
    if (!this.#hasPeers) return;
    for (const { connection, from, to, what: said } of this.#bgpWire.read(frame)) {
      const teller = this.nodeWith(from.ip);
      const node = teller ?? this.nodeWith(to.ip);
      if (node === undefined) continue;
      const [own, other] = teller === undefined ? [to, from] : [from, to];
      const ends = { local: own.ip, peer: other.ip, peerPort: other.port } as const;
      this.observe({ kind: "bgp", connection, node, ...ends, by: teller === undefined ? "peer" : "speaker", said });
    }
  }

  #objectChanged({ type, object, previous }: StorageEvent): void {
    const deleted = type === "DELETED";
    // Stored objects are the API's kinds, whatever the storage calls them.
    const current = object as unknown as KubeObject;
    if (current.kind === "BGPPeer") this.#hasPeers = true;
    if (current.kind === "Service") this.#serviceChanged(current as Service, deleted);
    if (current.kind === "EndpointSlice") this.#sliceChanged(current as EndpointSlice, deleted);
    if (current.kind === "Pod") this.#podChanged(current as Pod, deleted);
    this.observe({ kind: "object", object: current, previous: previous as unknown as KubeObject | undefined, deleted });
  }

  #serviceChanged(service: Service, deleted: boolean): void {
    for (const proxy of this.#proxies.values()) {
      if (deleted) proxy.removeService(objectKey(service));
      else proxy.setService(service);
    }
  }

  #sliceChanged(slice: EndpointSlice, deleted: boolean): void {
    for (const proxy of this.#proxies.values()) {
      if (deleted) proxy.removeSlice(objectKey(slice));
      else proxy.setSlice(slice);
    }
  }

  /** Pods that have a node and an address run there; those on the host's network are processes. */
  #podChanged(pod: Pod, deleted: boolean): void {
    const key = objectKey(pod);
    const node = pod.spec?.nodeName;
    const ips = (pod.status?.podIPs ?? []).map(({ ip }) => parseIp(ip));
    const runs = !deleted && node !== undefined && ips.length > 0 && !ips.some((ip) => this.#ownAddresses.has(ip));
    const identity = runs ? `${node} ${ips.join()}` : "";
    const running = this.#pods.get(key);
    if (running?.identity === identity || (running === undefined && !runs)) return;
    running?.server.remove();
    this.#pods.delete(key);
    if (!runs) return;
    const server = new EchoServer(this.sim, this.host(node), {
      name: pod.metadata.name,
      ips,
      tcpPorts: this.#podPorts,
      udpPorts: this.#podPorts,
    });
    this.#pods.set(key, { server, identity });
  }
}
