// A pod, a node or a speaker goes, and the routes over it must.
import { type Pod } from "../../../impl/api/kubernetes.ts";
import { micros, plus, seconds } from "../../../impl/wire/time.ts";
import { announcedBy, established, nameNodes, noSessionLost, withdrawn } from "../../bgp-steps.ts";
import { expectEqual } from "../../expect.ts";
import {
  carrierOf,
  ENDPOINT,
  endpointsLeave,
  familyVariants,
  GONE,
  type Gone,
  HOLD,
  losesNode,
  noOutage,
  outageAtMost,
  peerWith,
  podOnEach,
  PROCESSING,
  QUICK,
  routeHolds,
  servedByEach,
  watch,
} from "../../failover-steps.ts";
import { BOTH_FAMILIES } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

async function podsOn(world: World, node: string): Promise<readonly string[]> {
  const pods = (await world.kubernetes.list("Pod")) as readonly Pod[];
  return pods
    .filter(({ spec, metadata }) => spec?.nodeName === node && metadata.namespace === "default")
    .map(({ metadata }) => `default/${metadata.name}`);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-failover/pod-gone",
    title:
      "When the pod of one node goes, policy Local takes that node's route and no other; policy Cluster takes none",
    cites: ["B11 3", "users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [...familyVariants("local", { policy: "Local" }), ...familyVariants("cluster", { policy: "Cluster" })],
    async run(world, { family = "ipv4", policy = "Local" }) {
      await nameNodes(world);
      const { vip, deploymentOf } = await podOnEach(world, "web", { family, policy });
      const node = await carrierOf(world, vip);
      const probe = await watch(world, vip);
      await world.kubernetes.remove("Deployment", `default/${deploymentOf(node)}`);
      await endpointsLeave(world, node);
      const left = policy === "Local" ? world.nodes.filter((other) => other !== node) : world.nodes;
      await announcedBy(world, vip, left, { within: ENDPOINT });
      await routeHolds(world, vip, seconds(2), { nodes: left });
      await outageAtMost(probe, ENDPOINT);
      const others = world.nodes.filter((other) => other !== node);
      for (const other of others) await world.kubernetes.remove("Deployment", `default/${deploymentOf(other)}`);
      for (const other of others) await endpointsLeave(world, other);
      await withdrawn(world, vip, { within: ENDPOINT });
      await noSessionLost(world);
    },
  },
  {
    name: "bgp-failover/node-gone",
    title: "A node that is gone is no next hop any more once its hold time is over, however it went",
    cites: ["B11 6", "B6", "users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults", "pause", "links", "powerOff", "hang"],
    variants: GONE.flatMap((how) => familyVariants(how, { how })),
    async run(world, variant) {
      const { family = "ipv4" } = variant;
      const { vip } = await servedByEach(world, "web", { families: [family], peer: QUICK });
      await losesNode(world, vip, variant["how"] as Gone, HOLD);
    },
  },
  {
    name: "bgp-failover/every-node-gone",
    title: "When the whole cluster loses power no route is left once the hold time is over",
    cites: ["B11 6"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await servedByEach(world, "web", { families: [family], peer: QUICK });
      const off = await Promise.all(world.nodes.map((node) => world.node(node).powerOff()));
      await withdrawn(world, vip, { within: plus(HOLD, PROCESSING) });
      expectEqual("paths left behind", await world.router().paths(), []);
      for (const each of off) await each.end();
      await announcedBy(world, vip);
    },
  },
  {
    name: "bgp-failover/drained",
    title: "Draining a node moves its clients with its pods, and its session stays",
    cites: ["B11 3", "users B12"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family] });
      const node = await carrierOf(world, vip);
      const others = world.nodes.filter((other) => other !== node);
      const probe = await watch(world, vip);
      await world.kubernetes.patch("Node", node, { spec: { unschedulable: true } });
      for (const pod of await podsOn(world, node)) await world.kubernetes.remove("Pod", pod);
      await endpointsLeave(world, node);
      await announcedBy(world, vip, others, { within: ENDPOINT });
      await outageAtMost(probe, ENDPOINT);
      await noSessionLost(world);
    },
  },
  {
    name: "bgp-failover/controller-away",
    title: "While the controller is away nothing is withdrawn, and speakers follow endpoints by themselves",
    cites: ["users B29", "B11 7"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults"],
    async run(world) {
      const { vip, deploymentOf } = await podOnEach(world, "web", { family: "ipv4", policy: "Local" });
      const [first = "", ...others] = world.nodes;
      await world.controller.crash();
      const probe = await watch(world, vip);
      await routeHolds(world, vip, seconds(60));
      await noOutage(probe);
      await world.kubernetes.remove("Deployment", `default/${deploymentOf(first)}`);
      await endpointsLeave(world, first);
      await announcedBy(world, vip, others, { within: ENDPOINT });
      await world.controller.start();
      await routeHolds(world, vip, seconds(30), { nodes: others });
    },
  },
  {
    name: "bgp-failover/api-away",
    title:
      "While the API server is away nothing is withdrawn and no session ends; what changed meanwhile is made up for",
    cites: ["F35", "users B29"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "apiFaults"],
    variants: [
      { name: "refuse", how: "refuse" },
      { name: "hang", how: "hang" },
    ],
    async run(world, { how }) {
      await nameNodes(world);
      const { vip, deploymentOf } = await podOnEach(world, "web", { family: "ipv4", policy: "Local" });
      const [first = "", ...others] = world.nodes;
      const probe = await watch(world, vip);
      const away = await world.api.outage(how === "hang" ? "hang" : "refuse");
      await routeHolds(world, vip, seconds(120));
      await noOutage(probe);
      await world.kubernetes.remove("Deployment", `default/${deploymentOf(first)}`);
      await away.end();
      await announcedBy(world, vip, others, { within: seconds(60) });
      await established(world);
      await noSessionLost(world);
    },
  },
  {
    name: "bgp-failover/node-removed",
    title: "A node that leaves the cluster for good takes its route and its session along",
    cites: ["users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    async run(world, variant) {
      const { vip } = await servedByEach(world, "web", { peer: peerWith(variant) });
      const node = await carrierOf(world, vip);
      const others = world.nodes.filter((other) => other !== node);
      await world.node(node).powerOff();
      await world.kubernetes.remove("Node", node);
      await announcedBy(world, vip, others, { within: plus(HOLD, PROCESSING) });
      await established(world, others, { within: micros(0) });
      await world.holds(
        "it stays so",
        async () => (await world.router().paths()).every((path) => path.node !== node),
        seconds(120),
      );
    },
  },
];
