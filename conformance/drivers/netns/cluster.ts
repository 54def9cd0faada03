// A cluster on this machine's kernel: namespaces for a topology, the embedded API server, and real processes.
import {
  type EndpointSlice,
  type EventObject,
  type KubeObject,
  objectKey,
  type Service,
} from "../../../impl/api/kubernetes.ts";
import { type Ip, isIpv4, isLinkLocal } from "../../../impl/wire/ip.ts";
import { type Mac } from "../../../impl/wire/mac.ts";
import { plus, seconds, times } from "../../../impl/wire/time.ts";
import { createWorld, type World as SimWorld } from "../../../sim/create-world.ts";
import { ControlPlane } from "../../../sim/kube/control-plane.ts";
import { addControllers, type ClusterInputs } from "../../../sim/kube/controllers/create-controllers.ts";
import { KubeLink } from "../../../sim/kube/link.ts";
import { type StorageEvent } from "../../../sim/kube/storage.ts";
import { type Observation } from "../../invariants/invariant.ts";
import { Referee } from "../../invariants/referee.ts";
import { ApiHttpServer } from "../../lab/http-server.ts";
import { WallClock } from "../../lab/wall-clock.ts";
import { SYSTEM } from "../../objects.ts";
import { type Topology } from "../../topology/model.ts";
import { claimOf } from "../claims.ts";
import { type WorldOptions } from "../driver.ts";
import { nodeFacts, type NodeFacts, speakerPodName } from "../node-objects.ts";
import { bootObjects, createObject } from "../boot-objects.ts";
import { ipBatch } from "./command.ts";
import { bundle, type ProgramName, programIn } from "../../../impl/deploy/bundle.ts";
import { controllerCommand, type DaemonCommand, speakerCommand } from "./daemon-command.ts";
import { DaemonSlot } from "./daemon-slot.ts";
import { type SwitchEvent, type SwitchSpec } from "./protocol.ts";
import { type Entrance, Network } from "./network.ts";
import { ProcessSlot } from "./process-slot.ts";
import { macOfLinkLocal } from "./link-local.ts";
import { createSuite } from "./create-suite.ts";
import { type RoutingSuite, type SuiteName } from "./routing-suite.ts";
import { createRunFolder, removeRunFolder } from "./run-folder.ts";
import { serviceTable } from "./service-table.ts";
import { SLACK, Stage } from "./stage.ts";

/** Membership (LAN profile) may take this long to agree after a disturbance, and a burst follows. */
const OWNER_WINDOW = times(seconds(25), SLACK.factor);

const announcedSeries = (protocol: "bgp" | "layer2", service: string, node: string, ip: string): string =>
  `metallb_speaker_announced{service="${service}",protocol="${protocol}",node="${node}",ip="${ip}"} 1`;

/** A node's processes. */
export interface NodeSlots {
  readonly speaker: DaemonSlot;
  /** Its pods and its service proxy. */
  readonly agent: ProcessSlot;
}

export class NetnsCluster {
  readonly topology: Topology;
  readonly sim: SimWorld;
  readonly clock: WallClock;
  readonly stage: Stage;
  readonly network: Network;
  readonly controlPlane: ControlPlane;
  readonly referee = new Referee({ ownerWindow: OWNER_WINDOW });
  readonly controller: DaemonSlot;
  readonly macs: Map<Mac, { readonly station: string; readonly link: string }>;
  readonly #options: WorldOptions;
  readonly #facts: readonly NodeFacts[];
  /** Who has an address of an interface. */
  readonly #homes: Map<Ip, string>;
  readonly #nodes = new Map<string, NodeSlots>();
  readonly #clients = new Map<string, ProcessSlot>();
  readonly #watchers: ProcessSlot[] = [];
  readonly #daemons: DaemonSlot[] = [];
  readonly #routers = new Map<string, RoutingSuite>();
  readonly #links: { readonly owner: string; readonly link: KubeLink }[] = [];
  readonly #servers: ApiHttpServer[] = [];
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, EndpointSlice>();
  readonly #vips = new Map<string, readonly Ip[]>();
  readonly #entrances: ReadonlyMap<string, Entrance>;
  readonly #inputs: ClusterInputs;
  readonly #failures: string[] = [];
  readonly #notes: string[] = [];
  /** Unix sockets live here. */
  readonly #folder = createRunFolder();
  #programming: Promise<void> = Promise.resolve();
  #programmed = true;
  #controllers = 0;
  #faults = 0;
  #closed = false;

  /** `number` tells the worlds of one driver apart, `suite` is what routers run. Start it next. */
  constructor(topology: Topology, options: WorldOptions, number: number, suite: SuiteName) {
    this.topology = topology;
    this.#options = options;
    this.sim = createWorld({ seed: options.seed, capture: options.capture, lines: options.lines });
    this.clock = new WallClock(this.sim.scheduler);
    this.stage = new Stage(() => this.clock.now());
    this.network = new Network(topology, number);
    this.macs = new Map(this.network.owners());
    this.#entrances = new Map(this.network.entrances.map((entrance) => [entrance.point, entrance]));
    this.#facts = nodeFacts(topology, new Map());
    this.#homes = new Map(
      topology.stations.flatMap(({ name, interfaces }) =>
        interfaces.flatMap(({ addresses }) => addresses.map(({ ip }) => [ip, name] as const)),
      ),
    );
    const webhook = (options.settings.webhook ?? true) ? "on" : "off";
    this.controlPlane = new ControlPlane(this.sim, {
      seed: options.seed,
      serviceCidrs: topology.serviceSubnets,
      namespace: SYSTEM,
      webhook: () => webhook,
    });
    this.#inputs = addControllers(this.controlPlane);
    this.controlPlane.server.onChange((event) => this.#objectChanged(event));
    this.sim.onFrame(({ point, bytes }) => this.#frameSeen(point, bytes));
    for (const facts of this.#facts) this.#nodes.set(facts.name, this.#nodeSlots(facts));
    for (const name of topology.clients) this.#clients.set(name, this.#clientSlot(name));
    for (const { name } of topology.switches) this.#watchers.push(this.#watcherSlot(name));
    this.controller = this.#controllerSlot("controller");
    for (const { name, frr } of topology.stations) {
      if (frr !== undefined) this.#routers.set(name, this.#routingSuite(suite, name, frr.text));
    }
  }

  /** Builds the network and loads every program; then time begins, and all processes with it. */
  async start(): Promise<void> {
    await Promise.all([this.network.build(), bundle(this.#folder)]);
    const daemons = [this.controller, ...this.#speakers()];
    const slots = [...this.#watchers, ...this.#clients.values(), ...this.#agents()];
    for (const slot of slots) slot.start();
    await Promise.all([
      ...slots.map((slot) => slot.ready()),
      ...[...this.#routers.values()].map((router) => router.start()),
    ]);
    for (const object of bootObjects(this.topology, this.#facts)) createObject(this.controlPlane, object);
    this.clock.start();
    await Promise.all(daemons.map((slot) => this.startDaemon(slot)));
  }

  node(name: string): NodeSlots {
    const slots = this.#nodes.get(name);
    if (slots === undefined) throw new Error(`there is no node "${name}" in ${this.topology.name}`);
    return slots;
  }

  client(name: string): ProcessSlot {
    const slot = this.#clients.get(name);
    if (slot === undefined) throw new Error(`there is no client "${name}" in ${this.topology.name}`);
    return slot;
  }

  /** What a router runs. */
  routing(name: string): RoutingSuite {
    const suite = this.#routers.get(name);
    if (suite === undefined) throw new Error(`there is no router "${name}" in ${this.topology.name}`);
    return suite;
  }

  get routers(): readonly string[] {
    return [...this.#routers.keys()];
  }

  /** The node that has an address of an interface, or whose interface made it of its MAC. */
  nodeOf(ip: Ip): string | undefined {
    const mac = macOfLinkLocal(ip);
    const station = mac === undefined ? this.#homes.get(ip) : this.macs.get(mac)?.station;
    return station !== undefined && this.#nodes.has(station) ? station : undefined;
  }

  /** A station has taken or given up an address. */
  moveAddress(ip: Ip, station: string | undefined): void {
    if (station === undefined) this.#homes.delete(ip);
    else this.#homes.set(ip, station);
  }

  #routingSuite(suite: SuiteName, name: string, config: string): RoutingSuite {
    const { namespace, onFailure } = this.#common(name, name);
    return createSuite(suite, {
      name,
      namespace,
      config,
      nodeOf: (ip) => this.nodeOf(ip),
      onLine: (daemon, line) => this.trace(`${name}/${daemon}`, "says", line),
      onFailure: (daemon, how) => onFailure(`${daemon}: ${how}`),
    });
  }

  #agents(): readonly ProcessSlot[] {
    return [...this.#nodes.values()].map(({ agent }) => agent);
  }

  #speakers(): readonly DaemonSlot[] {
    return [...this.#nodes.values()].map(({ speaker }) => speaker);
  }

  /** Another controller on the first node. */
  addController(name: string): DaemonSlot {
    return this.#controllerSlot(name);
  }

  #controllerSlot(name: string): DaemonSlot {
    const [first = ""] = this.topology.nodes;
    const command = controllerCommand(name, this.#folder, this.#options.settings, this.#controllers++);
    return this.#daemonSlot(name, first, "controller", command);
  }

  #nodeSlots(facts: NodeFacts): NodeSlots {
    const command = speakerCommand(facts, this.#folder, this.#options.settings);
    const agent = new ProcessSlot({
      ...this.#common(`agent-${facts.name}`, facts.name),
      file: "node-agent.ts",
      args: () => [facts.name],
      onEvent: () => {},
    });
    return { agent, speaker: this.#daemonSlot(speakerPodName(facts.name), facts.name, "speaker", command) };
  }

  #daemonSlot(name: string, station: string, program: ProgramName, command: DaemonCommand): DaemonSlot {
    const slot = new DaemonSlot({
      ...this.#common(name, station),
      command,
      program: programIn(this.#folder, program),
      onLine: ({ event, ...line }) => this.trace(name, event, JSON.stringify(line)),
    });
    this.#daemons.push(slot);
    return slot;
  }

  #common(name: string, station: string) {
    return {
      name,
      namespace: this.network.namespace(station),
      onFailure: (how: string) => {
        if (this.#closed) return;
        this.trace(name, "ended", how);
        this.#failures.push(`${name} ended by itself: ${how}`);
      },
    };
  }

  #clientSlot(name: string): ProcessSlot {
    const common = this.#common(`client-${name}`, name);
    return new ProcessSlot({ ...common, file: "client-agent.ts", args: () => [], onEvent: () => {} });
  }

  #watcherSlot(name: string): ProcessSlot {
    const namespace = this.network.namespace(name);
    const ports = this.network.entrances.filter((entrance) => entrance.namespace === namespace);
    const spec: SwitchSpec = { ports, everything: this.#options.capture };
    return new ProcessSlot({
      ...this.#common(`watcher-${name}`, name),
      file: "switch-agent.ts",
      args: () => [JSON.stringify(spec)],
      onEvent: (event) => {
        const { point, frame } = event as SwitchEvent;
        this.clock.run(() => this.sim.capture.frame(point, Buffer.from(frame, "base64")));
      },
    });
  }

  /** Starts a controller or a speaker. */
  async startDaemon(slot: DaemonSlot): Promise<void> {
    await this.#serveApi(slot);
    await slot.start();
  }

  /** Gives a process a way to the API server of its own, once. */
  async #serveApi({ name, apiSocket }: DaemonSlot): Promise<void> {
    if (this.#links.some(({ owner }) => owner === name)) return;
    const server = new ApiHttpServer((deliver) => {
      const link = new KubeLink(this.sim, `${name}/api`, this.controlPlane, deliver);
      this.#links.push({ owner: name, link });
      return {
        request: (effect) => this.clock.run(() => link.request(effect)),
        abort: (request) => this.clock.run(() => link.abort(request)),
      };
    });
    this.#servers.push(server);
    await server.listen({ path: apiSocket });
  }

  /** Does something to the API connections of a process, or of all; the result undoes it. */
  apiLinks(owner: string | undefined, start: (link: KubeLink) => Disposable | void): () => void {
    return this.clock.run(() => {
      const chosen = this.#links.filter((item) => owner === undefined || item.owner === owner);
      const handles = chosen.map(({ link }) => start(link));
      return () => this.clock.run(() => handles.forEach((handle) => handle?.[Symbol.dispose]()));
    });
  }

  /** Whether a node's kubelet is heard. */
  setNodeAlive(node: string, alive: boolean): void {
    this.clock.run(() => this.#inputs.setNodeAlive(node, alive));
  }

  // What is seen.

  trace(component: string, what: string, detail: string): void {
    this.clock.run(() => this.sim.trace.write(component, what, detail));
  }

  /** Figures that a person may want to see. */
  note(what: string): void {
    this.trace("scenario", "measured", what);
    this.#notes.push(what);
  }

  get notes(): readonly string[] {
    return this.#notes;
  }

  observe(observation: Observation): void {
    this.clock.run(() => this.referee.observe(observation, this.sim.scheduler.now));
  }

  /** Something was done to the cluster; owners may move for a while. */
  disturb(what: string): void {
    this.trace("scenario", "does", what);
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

  #frameSeen(point: string, bytes: Uint8Array): void {
    const claim = claimOf(bytes);
    // Link-local addresses are the kernels' own.
    if (claim === undefined || isLinkLocal(claim.ip) || this.#homes.has(claim.ip)) return;
    const entrance = this.#entrances.get(point);
    if (entrance === undefined || !this.#nodes.has(entrance.station)) return;
    const macs = new Set([...this.macs].filter(([, owner]) => owner.station === entrance.station).map(([mac]) => mac));
    this.trace(point, "claim", `${claim.ip} at ${claim.mac} ${claim.how}`);
    this.observe({
      kind: "claim",
      claim,
      node: entrance.station,
      link: entrance.link,
      segment: entrance.segment,
      macs,
    });
  }

  #objectChanged({ type, object, previous }: StorageEvent): void {
    const deleted = type === "DELETED";
    // Stored objects are the API's kinds, whatever the storage calls them.
    const current = object as unknown as KubeObject;
    const kept =
      current.kind === "Service" ? this.#services : current.kind === "EndpointSlice" ? this.#slices : undefined;
    if (kept !== undefined) {
      if (deleted) kept.delete(objectKey(current));
      else kept.set(objectKey(current), current as Service & EndpointSlice);
      this.#program();
    }
    this.observe({ kind: "object", object: current, previous: previous as unknown as KubeObject | undefined, deleted });
  }

  // What kube-proxy does.

  /** Soon, and once for everything that changes meanwhile. */
  #program(): void {
    if (!this.#programmed) return;
    this.#programmed = false;
    this.#programming = this.#programming.then(async () => {
      this.#programmed = true;
      await Promise.all(this.topology.nodes.map((node) => this.programNode(node)));
    });
  }

  /** Gives a node the addresses of all Services, and its proxy the table. */
  async programNode(node: string): Promise<void> {
    if (this.#closed) return;
    const table = serviceTable(node, this.#services.values(), [...this.#slices.values()], this.#facts);
    const before = this.#vips.get(node) ?? [];
    this.#vips.set(node, table.vips);
    const prefix = (ip: Ip): string => `${ip}/${isIpv4(ip) ? 32 : 128}`;
    const lines = [
      ...before.filter((ip) => !table.vips.includes(ip)).map((ip) => `address del ${prefix(ip)} dev lo`),
      ...table.vips.filter((ip) => !before.includes(ip)).map((ip) => `address add ${prefix(ip)} dev lo`),
    ];
    try {
      await ipBatch(this.network.namespace(node), lines);
      if (this.node(node).agent.alive) await this.node(node).agent.ask(table.frontends, 10_000);
    } catch (error) {
      // A node that loses power meanwhile is programmed when it is back.
      if (this.node(node).agent.alive && !this.#closed) this.#failures.push(`${node}: ${String(error)}`);
    }
  }

  // The end.

  /**
   * After the last fault every address gets one owner, or an event says why it has none. Checked at the end of a run that
   * left no fault behind; membership gets the time it may need.
   */
  async settle(): Promise<void> {
    if (this.#faults > 0) return;
    const deadline = plus(this.clock.now(), OWNER_WINDOW);
    for (;;) {
      const problem = await this.#livenessProblem();
      if (problem === undefined) return;
      if (this.clock.now() > deadline) {
        this.#failures.push(`liveness: ${problem}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #livenessProblem(): Promise<string | undefined> {
    const speakers = [...this.#nodes].filter(([, { speaker }]) => speaker.alive);
    const exposed = await Promise.all(
      speakers.map(async ([node, { speaker }]) => ({ node, text: await speaker.metrics() })),
    );
    for (const [service, { status }] of this.#services) {
      for (const { ip = "" } of status?.loadBalancer?.ingress ?? []) {
        const by = (protocol: "bgp" | "layer2"): readonly string[] =>
          exposed.flatMap(({ node, text }) =>
            text.includes(announcedSeries(protocol, service, node, ip)) ? [node] : [],
          );
        const owners = by("layer2");
        const isWell =
          owners.length === 1 || (owners.length === 0 && (by("bgp").length > 0 || this.#isExplained(service)));
        if (isWell) continue;
        return `${service} (${ip}) is announced by ${owners.join(" and ") || "nobody, and nothing says why"}`;
      }
    }
    return undefined;
  }

  #isExplained(service: string): boolean {
    return [...this.controlPlane.storage.entries("events")].some(([, object]) => {
      const { involvedObject: about, type, source } = object as unknown as EventObject;
      return (
        type === "Warning" && source.component === "metallb-speaker" && service === `${about.namespace}/${about.name}`
      );
    });
  }

  violations(): readonly string[] {
    return [...this.#failures, ...this.referee.violations()];
  }

  #slots(): readonly (ProcessSlot | DaemonSlot)[] {
    return [...this.#daemons, ...this.#agents(), ...this.#clients.values(), ...this.#watchers];
  }

  async close(): Promise<void> {
    this.#closed = true;
    const routers = [...this.#routers.values()];
    await Promise.all([...this.#slots(), ...routers].map((each) => each.kill()));
    for (const router of routers) router.abandon();
    await this.#programming;
    await Promise.all(this.#servers.map((server) => server.close()));
    this.clock[Symbol.dispose]();
    await this.network.remove();
    removeRunFolder(this.#folder);
  }

  /** As close, at once, for a driver that is ending itself. */
  abandon(): void {
    this.#closed = true;
    for (const each of [...this.#slots(), ...this.#routers.values()]) each.abandon();
    this.network.removeNow();
    removeRunFolder(this.#folder);
  }
}
