// externalTrafficPolicy Local: a node is a next hop while it has a pod, and counts once however many it has.
import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { type Ip } from "../../../impl/wire/ip.ts";
import { announcedBy, bgpService, familiesOf, nextHops } from "../../bgp-steps.ts";
import {
  afterwards,
  answered,
  expectMovedAreReset,
  expectShare,
  expectUntouched,
  FLOWS,
  GIVEN_UP,
  openFlows,
  spreadOf,
  vipOf,
} from "../../ecmp-steps.ts";
import { expectEqual } from "../../expect.ts";
import { deployment } from "../../objects.ts";
import { type Scenario, type Variant, type World } from "../../world.ts";

/** Pods of the Service on one node. */
const podsOn = (node: string, replicas: number): KubeObject =>
  deployment(`web-${node}`, replicas, { node, labels: { app: "web" } });

/** A Service with so many pods on each node, in the order of the nodes. */
async function withPods(world: World, variant: Variant, replicas: readonly number[]): Promise<{ readonly vip: Ip }> {
  await world.router().spread(spreadOf(variant));
  const pods = world.nodes.map((node, index) => podsOn(node, replicas[index] ?? 0));
  await world.kubernetes.apply(
    ...pods,
    ...bgpService("web", { policy: "Local", replicas: 0, families: familiesOf(variant) }),
  );
  const vip = await vipOf(world);
  await announcedBy(
    world,
    vip,
    world.nodes.filter((_, index) => (replicas[index] ?? 0) > 0),
  );
  return { vip };
}

const ANNOUNCED = { within: seconds(5) };

export const scenarios: readonly Scenario[] = [
  {
    name: "ecmp/pods-weigh-nothing",
    title:
      "With policy Local a node with one pod gets as many flows as one with five, and more pods there move no flow",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      { name: "threshold", selector: "threshold" },
      { name: "modulo", selector: "modulo" },
    ],
    async run(world, variant) {
      const [few = "", many = ""] = world.nodes;
      const { vip } = await withPods(world, variant, [1, 5]);
      const flows = await openFlows(world, vip);
      const before = await flows.report();
      expectShare(`flows of ${few}`, answered(before, few), FLOWS, 1 / 2);
      expectShare(`flows of ${many}`, answered(before, many), FLOWS, 1 / 2);
      await world.kubernetes.apply(podsOn(few, 4));
      expectUntouched(await afterwards(world, flows));
    },
  },
  {
    name: "ecmp/last-pod-of-a-node",
    title: "With policy Local a node whose last pod goes is no next hop any more, and its flows break",
    cites: ["users B13", "B11 3"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      { name: "modulo", selector: "modulo", share: 2 / 3 },
      { name: "threshold", selector: "threshold", share: 1 / 2 },
      { name: "resilient", selector: "resilient", share: 1 / 3 },
      { name: "resilient-ipv6", selector: "resilient", share: 1 / 3, family: "ipv6" },
    ],
    async run(world, variant) {
      const [node = "", ...others] = world.nodes;
      const { vip } = await withPods(world, variant, [1, 1, 2]);
      const flows = await openFlows(world, vip);
      const before = await flows.report();
      await world.kubernetes.apply(podsOn(node, 0));
      await announcedBy(world, vip, others, ANNOUNCED);
      const after = await afterwards(world, flows);
      expectMovedAreReset(after);
      expectEqual("flows of the node", after.forced, answered(before, node));
      expectShare("moved flows", after.moved, FLOWS, Number(variant["share"]));
      if (variant["selector"] === "resilient") expectEqual("moved flows of others", after.collateral, 0);
    },
  },
  {
    name: "ecmp/first-pod-of-a-node",
    title:
      "With policy Local a node that gets its first pod takes over flows that it does not know, but for resilient groups",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      { name: "modulo", selector: "modulo", share: 2 / 3 },
      { name: "threshold", selector: "threshold", share: 1 / 2 },
      { name: "resilient", selector: "resilient", share: 0 },
    ],
    async run(world, variant) {
      const { vip } = await withPods(world, variant, [0, 2, 1]);
      const [node = ""] = world.nodes;
      const flows = await openFlows(world, vip);
      await world.kubernetes.apply(podsOn(node, 1));
      await announcedBy(world, vip, world.nodes, ANNOUNCED);
      const after = await afterwards(world, flows);
      expectMovedAreReset(after);
      expectEqual("flows that had to move", after.forced, 0);
      expectShare("moved flows", after.moved, FLOWS, Number(variant["share"]));
    },
  },
  {
    name: "ecmp/pod-of-several",
    title: "A pod that goes while its node has others breaks its own flows, and moves none",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [{ name: "modulo", selector: "modulo" }],
    async run(world, variant) {
      const { vip } = await withPods(world, variant, [2, 1]);
      const [node = "", other = ""] = world.nodes;
      const flows = await openFlows(world, vip);
      const before = await flows.report();
      await world.kubernetes.apply(podsOn(node, 1));
      await world.holds(
        "both nodes are next hops",
        async () => (await nextHops(world.router(), vip)).join() === [node, other].toSorted().join(),
        GIVEN_UP,
      );
      const after = await flows.report();
      expectEqual("moved flows", after.moved, 0);
      expectShare("broken flows", after.broken, answered(before, node), 1 / 2);
      expectEqual("flows of the other node", answered(after, other), answered(before, other));
    },
  },
];
