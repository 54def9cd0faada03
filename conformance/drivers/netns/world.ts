// The driver port on namespaces of this machine.
import { type Micros } from "../../../impl/wire/time.ts";
import {
  type Api,
  type Client,
  type ControllerControl,
  type Ending,
  type Kubernetes,
  type Network,
  type NodeControl,
  type RouterControl,
  type World,
} from "../../world.ts";
import { NetnsClient } from "./client.ts";
import { type NetnsCluster } from "./cluster.ts";
import { ending } from "../ending.ts";
import { NetnsNode } from "./node.ts";
import { NetnsRouter } from "./router.ts";

export class NetnsWorld implements World {
  readonly driver = "netns";
  readonly seed: string;
  readonly nodes: readonly string[];
  readonly clients: readonly string[];
  readonly routers: readonly string[];
  readonly kubernetes: Kubernetes;
  readonly controller: ControllerControl;
  readonly network: Network;
  readonly api: Api;
  readonly #cluster: NetnsCluster;
  readonly #nodes: ReadonlyMap<string, NetnsNode>;
  readonly #clients: ReadonlyMap<string, NetnsClient>;
  readonly #routers: ReadonlyMap<string, NetnsRouter>;

  constructor(cluster: NetnsCluster, kubernetes: Kubernetes) {
    const { nodes, clients, stations } = cluster.topology;
    this.#cluster = cluster;
    this.seed = cluster.sim.seed;
    this.nodes = nodes;
    this.clients = clients;
    this.kubernetes = kubernetes;
    this.controller = controllerControl(cluster);
    this.network = networkControl();
    this.api = apiControl(cluster);
    this.routers = cluster.routers;
    this.#routers = new Map(cluster.routers.map((name) => [name, new NetnsRouter(cluster, name)]));
    this.#nodes = new Map(nodes.map((name) => [name, new NetnsNode(cluster, name)]));
    const isClient = ({ name }: { readonly name: string }): boolean => clients.includes(name);
    this.#clients = new Map(
      stations.filter(isClient).map((station) => [station.name, new NetnsClient(cluster, station)]),
    );
  }

  router(name = this.routers[0] ?? ""): RouterControl {
    const router = this.#routers.get(name);
    if (router === undefined) throw new Error(`there is no router "${name}"`);
    return router;
  }

  node(name: string): NodeControl {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`there is no node "${name}"`);
    return node;
  }

  client(name = this.clients[0] ?? ""): Client {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`there is no client "${name}"`);
    return client;
  }

  now(): Micros {
    return this.#cluster.clock.now();
  }

  waitFor<T>(what: string, read: () => Promise<T | undefined | false>, within: Micros): Promise<T> {
    return this.#cluster.stage.waitFor(what, read, within);
  }

  holds(what: string, read: () => Promise<boolean>, during: Micros): Promise<void> {
    return this.#cluster.stage.holds(what, read, during);
  }

  excuse(invariant: string, because: string): Ending {
    this.#cluster.trace("referee", "excuse", `${invariant} ${because}`);
    return ending(this.#cluster.referee.excuse(invariant));
  }
}

function controllerControl(cluster: NetnsCluster): ControllerControl {
  const { controller } = cluster;
  return {
    async crash() {
      cluster.disturb("controller killed");
      await controller.kill();
    },
    async start() {
      cluster.disturb("controller started");
      await cluster.startDaemon(controller);
    },
    async startSecond() {
      const fault = cluster.lasting("a second controller runs");
      const second = cluster.addController("controller-2");
      await cluster.startDaemon(second);
      return ending(async () => {
        await second.kill();
        fault();
      });
    },
    metric: (series) => controller.metric(series),
    async cutFromApi() {
      const fault = cluster.lasting("controller: no API server");
      const heal = cluster.apiLinks(controller.name, (link) => link.fault({ kind: "outage", how: "silent" }));
      return ending(() => {
        heal();
        fault();
      });
    },
  };
}

/** The kernel's bridge loses and delays nothing on demand. */
function networkControl(): Network {
  const refuse = (): Promise<Ending> => Promise.reject(new Error("this driver has no faults of frames"));
  return { fault: refuse, partition: refuse };
}

function apiControl(cluster: NetnsCluster): Api {
  const everywhere = (what: string, start: Parameters<NetnsCluster["apiLinks"]>[1]): Ending => {
    const fault = cluster.lasting(what);
    const heal = cluster.apiLinks(undefined, start);
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
      cluster.apiLinks(undefined, (link) => link.dropWatches());
    },
    expireWatches: async () => {
      cluster.disturb("watches expire");
      cluster.controlPlane.server.compact();
      cluster.apiLinks(undefined, (link) => link.dropWatches());
    },
    errors: async (status, share) =>
      everywhere(`API errors ${status}`, (link) => link.fault({ kind: "refuse", status, probability: share })),
    duplicateEvents: async () =>
      everywhere("watch events come twice", (link) => link.fault({ kind: "duplicate", probability: 0.5 })),
  };
}
