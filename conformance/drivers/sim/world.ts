// The driver port on a simulated cluster.
import { type Mac } from "../../../impl/wire/mac.ts";
import { parseInterfaceAddress } from "../../../impl/wire/prefix.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { oneWayPartition, partition } from "../../../sim/ethernet/faults.ts";
import {
  type Api,
  type Client,
  type ControllerControl,
  type Ending,
  type FrameFault,
  type Kubernetes,
  type LinkChange,
  type Network,
  type NodeControl,
  type RouterControl,
  type World,
} from "../../world.ts";
import { ending } from "../ending.ts";
import { SimClient } from "./client.ts";
import { type SimCluster } from "./cluster.ts";
import { startFault } from "./faults.ts";
import { type Daemon, type ProcessSlot } from "./process-slot.ts";
import { SimRouter } from "./routers.ts";
import { attachmentsOf } from "./wiring.ts";

function metricOf(slot: ProcessSlot<Daemon>, series: string): number | undefined {
  const line = slot.process?.metrics
    .expose()
    .split("\n")
    .find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

class SimNode implements NodeControl {
  readonly name: string;
  readonly macs: ReadonlyMap<string, Mac>;
  readonly #cluster: SimCluster;

  constructor(cluster: SimCluster, name: string) {
    this.name = name;
    this.#cluster = cluster;
    this.macs = new Map(
      [...cluster.wiring.macs].filter(([, { station }]) => station === name).map(([mac, { link }]) => [link, mac]),
    );
  }

  get #speaker(): ReturnType<SimCluster["speaker"]> {
    return this.#cluster.speaker(this.name);
  }

  get #host(): ReturnType<SimCluster["host"]> {
    return this.#cluster.host(this.name);
  }

  async crashSpeaker(): Promise<void> {
    this.#cluster.disturb(`${this.name}: speaker killed`);
    this.#speaker.kill();
  }

  async stopSpeaker(): Promise<void> {
    this.#cluster.disturb(`${this.name}: speaker stopped`);
    this.#speaker.stop();
  }

  async startSpeaker(): Promise<void> {
    this.#cluster.disturb(`${this.name}: speaker started`);
    this.#speaker.start();
  }

  async pauseSpeaker(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: speaker paused`);
    const resume = this.#speaker.pause();
    return ending(() => {
      resume();
      fault();
    });
  }

  async powerOff(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: no power`);
    this.#host.powerOff();
    this.#cluster.setNodeAlive(this.name, false);
    return ending(() => {
      this.#host.powerOn();
      this.#cluster.setNodeAlive(this.name, true);
      this.#speaker.start();
      fault();
    });
  }

  async hangKernel(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: kernel hangs`);
    this.#host.hang();
    this.#cluster.setNodeAlive(this.name, false);
    return ending(() => {
      this.#host.unhang();
      this.#cluster.setNodeAlive(this.name, true);
      fault();
    });
  }

  async linkDown(link: string): Promise<Ending> {
    return this.#cluster.linkDown(this.name, link);
  }

  async setLink(link: string, change: LinkChange): Promise<void> {
    this.#cluster.disturb(`${this.name}: ${link} changed`);
    const host = this.#host;
    if (change.mac !== undefined) host.setMac(link, change.mac);
    if (change.noArp !== undefined) host.setNoArp(link, change.noArp);
    if (change.up !== undefined) host.setUp(link, change.up);
    if (change.addAddress !== undefined) host.addAddress(link, parseInterfaceAddress(change.addAddress));
    if (change.removeAddress !== undefined) host.removeAddress(link, parseInterfaceAddress(change.removeAddress).ip);
  }

  async stepClock(by: Micros): Promise<void> {
    this.#cluster.disturb(`${this.name}: clock stepped`);
    this.#host.stepClock(by);
  }

  async driftClock(rate: number): Promise<Ending> {
    this.#cluster.disturb(`${this.name}: clock rate ${rate}`);
    this.#host.setClockRate(rate);
    return ending(() => this.#host.setClockRate(1));
  }

  async cutFromApi(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: no API server`);
    const heal = this.#cluster.faultApi(this.#speaker.name, (link) => link.fault({ kind: "outage", how: "silent" }));
    return ending(() => {
      heal();
      fault();
    });
  }

  async metric(series: string): Promise<number | undefined> {
    return metricOf(this.#speaker, series);
  }

  async members(): Promise<readonly string[]> {
    return this.#speaker.process?.members() ?? [];
  }

  async resources(): Promise<Readonly<Record<string, number>>> {
    return this.#speaker.resources();
  }
}

export class SimulatedWorld implements World {
  readonly driver = "sim";
  readonly seed: string;
  readonly nodes: readonly string[];
  readonly clients: readonly string[];
  readonly routers: readonly string[];
  readonly kubernetes: Kubernetes;
  readonly controller: ControllerControl;
  readonly network: Network;
  readonly api: Api;
  readonly #cluster: SimCluster;
  readonly #nodes = new Map<string, SimNode>();
  readonly #clients = new Map<string, SimClient>();
  readonly #routers = new Map<string, SimRouter>();

  constructor(cluster: SimCluster, kubernetes: Kubernetes) {
    this.#cluster = cluster;
    this.seed = cluster.sim.seed;
    this.nodes = cluster.topology.nodes;
    this.clients = cluster.topology.clients;
    this.routers = cluster.routers;
    this.kubernetes = kubernetes;
    this.controller = controllerControl(cluster);
    this.network = networkControl(cluster);
    this.api = apiControl(cluster);
  }

  router(name = this.routers[0] ?? "router"): RouterControl {
    const known = this.#routers.get(name) ?? new SimRouter(this.#cluster, name);
    this.#routers.set(name, known);
    return known;
  }

  node(name: string): NodeControl {
    const known = this.#nodes.get(name) ?? new SimNode(this.#cluster, name);
    this.#nodes.set(name, known);
    return known;
  }

  client(name = this.clients[0] ?? ""): Client {
    const known =
      this.#clients.get(name) ??
      new SimClient(this.#cluster.sim, this.#cluster.host(name), this.#cluster.stage, this.#cluster.wiring);
    this.#clients.set(name, known);
    return known;
  }

  now(): Micros {
    return this.#cluster.stage.now();
  }

  waitFor<T>(what: string, read: () => Promise<T | undefined | false>, within: Micros): Promise<T> {
    return this.#cluster.stage.waitFor(what, read, within);
  }

  holds(what: string, read: () => Promise<boolean>, during: Micros): Promise<void> {
    return this.#cluster.stage.holds(what, read, during);
  }

  excuse(invariant: string, because: string): Ending {
    this.#cluster.sim.trace.write("referee", "excuse", `${invariant} ${because}`);
    return ending(this.#cluster.referee.excuse(invariant));
  }
}

function controllerControl(cluster: SimCluster): ControllerControl {
  const { controller } = cluster;
  return {
    async crash() {
      cluster.disturb("controller killed");
      controller.kill();
    },
    async start() {
      cluster.disturb("controller started");
      controller.start();
    },
    async startSecond() {
      const fault = cluster.lasting("a second controller runs");
      const second = cluster.addController("controller-2");
      second.start();
      return ending(() => {
        second.kill();
        fault();
      });
    },
    metric: async (series) => metricOf(controller, series),
    async cutFromApi() {
      const fault = cluster.lasting("controller: no API server");
      const heal = cluster.faultApi(controller.name, (link) => link.fault({ kind: "outage", how: "silent" }));
      return ending(() => {
        heal();
        fault();
      });
    },
  };
}

function networkControl(cluster: SimCluster): Network {
  const lasting = (what: string, start: () => Disposable): Ending => {
    const fault = cluster.lasting(what);
    const handle = start();
    return ending(() => {
      handle[Symbol.dispose]();
      fault();
    });
  };
  return {
    fault: async (fault: FrameFault) => lasting(`frames at ${fault.at}`, () => startFault(cluster.wiring, fault)),
    partition: async (groups, options = {}) =>
      lasting("partition", () => {
        const sides = groups.map((group) => attachmentsOf(cluster.wiring, group));
        const handles: Disposable[] = [];
        for (const [index, one] of sides.entries()) {
          for (const other of sides.slice(index + 1)) {
            handles.push(options.oneWay === true ? oneWayPartition(one, other) : partition(one, other));
          }
        }
        return { [Symbol.dispose]: () => handles.forEach((handle) => handle[Symbol.dispose]()) };
      }),
  };
}

function apiControl(cluster: SimCluster): Api {
  const everywhere = (what: string, start: Parameters<SimCluster["faultApi"]>[1]): Ending => {
    const fault = cluster.lasting(what);
    const heal = cluster.faultApi(undefined, start);
    return ending(() => {
      heal();
      fault();
    });
  };
  return {
    outage: async (how) =>
      everywhere("API server away", (link) =>
        link.fault({ kind: "outage", how: how === "refuse" ? "refused" : "silent" }),
      ),
    dropWatches: async () => {
      cluster.disturb("watches cut");
      cluster.dropWatches();
    },
    expireWatches: async () => {
      cluster.disturb("watches expire");
      cluster.controlPlane.server.compact();
      cluster.dropWatches();
    },
    errors: async (status, share) =>
      everywhere(`API errors ${status}`, (link) => link.fault({ kind: "refuse", status, probability: share })),
    duplicateEvents: async () =>
      everywhere("watch events come twice", (link) => link.fault({ kind: "duplicate", probability: 0.5 })),
  };
}
