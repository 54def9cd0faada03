// A node goes: whose flows break. For three nodes modulo moves 67 % of all flows, hash-threshold 50 % where the first or the
// last goes and 33 % where the one in the middle does, and a resilient group those of the node alone.
import { millis, seconds } from "../../../impl/wire/time.ts";
import { announcedBy, bfdUp, PROPAGATION } from "../../bgp-steps.ts";
import {
  afterwards,
  answered,
  exclude,
  expectMovedAreReset,
  expectShare,
  expectUntouched,
  FLOWS,
  GIVEN_UP,
  NOTICED,
  openFlows,
  spreading,
} from "../../ecmp-steps.ts";
import { expectAtLeast, expectEqual } from "../../expect.ts";
import { bfdProfile } from "../../objects.ts";
import { passes } from "../../steps.ts";
import { type FlowReport, type Scenario, type Variant, type World } from "../../world.ts";

/** Which of the next hops goes, in their order, and the share of all flows that then moves. */
const LEAVING: readonly Variant[] = [
  { name: "modulo", selector: "modulo", leaves: 0, share: 2 / 3 },
  { name: "threshold-first", selector: "threshold", leaves: 0, share: 1 / 2 },
  { name: "threshold-middle", selector: "threshold", leaves: 1, share: 1 / 3 },
  { name: "threshold-last", selector: "threshold", leaves: 2, share: 1 / 2 },
  { name: "resilient", selector: "resilient", leaves: 0, share: 1 / 3 },
  { name: "threshold-ipv6", selector: "threshold", leaves: 0, share: 1 / 2, family: "ipv6" },
  { name: "resilient-ipv6", selector: "resilient", leaves: 2, share: 1 / 3, family: "ipv6" },
];
const BY_SELECTOR = LEAVING.filter(({ name }) => ["modulo", "threshold-first", "resilient"].includes(name));

function leavingNode(world: World, { leaves }: Variant): { readonly node: string; readonly others: readonly string[] } {
  const node = world.nodes[Number(leaves)] ?? "";
  return { node, others: world.nodes.filter((other) => other !== node) };
}

/** The flows of the node had to move; of the others' as many did as the selector's arithmetic says. */
function expectMoves(
  { selector, share }: Variant,
  { flows, moved, forced, collateral }: FlowReport,
  had: number,
): void {
  expectEqual("flows of the node", forced, had);
  expectEqual("moved flows", moved, forced + collateral);
  expectShare("moved flows", moved, flows, Number(share));
  // Of three regions the one in the middle goes to its neighbours in equal parts, and their other bounds stay.
  if (selector === "resilient" || Number(share) < 1 / 2) expectEqual("flows of others that moved", collateral, 0);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "ecmp/node-excluded",
    title: "A node that no longer announces costs the flows that its selector moves, each by a reset, and no other",
    cites: ["users B13", "F42"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      ...LEAVING,
      { name: "modulo-cluster", selector: "modulo", leaves: 1, share: 2 / 3, policy: "Cluster" },
      { name: "threshold-cluster", selector: "threshold", leaves: 2, share: 1 / 2, policy: "Cluster" },
      { name: "resilient-cluster", selector: "resilient", leaves: 1, share: 1 / 3, policy: "Cluster" },
    ],
    async run(world, variant) {
      const { vip } = await spreading(world, variant);
      const { node, others } = leavingNode(world, variant);
      const flows = await openFlows(world, vip);
      const before = await flows.report();

      await exclude(world, node);
      await announcedBy(world, vip, others, { within: seconds(1) });
      const after = await afterwards(world, flows);
      expectMovedAreReset(after);
      if (variant.policy === "Cluster") {
        // Any node passes flows on to any pod: where a pod runs says nothing about whose flow it has.
        expectShare("flows of the node", after.forced, FLOWS, 1 / 3);
        expectMoves(variant, after, after.forced);
        return;
      }
      expectMoves(variant, after, answered(before, node));
      expectEqual("flows that end at the node", answered(after, node), 0);
      await flows.end();
      const again = await openFlows(world, vip, { count: 20 });
      expectEqual("new flows at the node", answered(await again.report(), node), 0);
    },
  },
  {
    name: "ecmp/node-lost",
    title: "When a node loses power, BFD tells the router within a second, and only then flows of others move",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "powerOff", "kubernetes", "dataplane"],
    variants: BY_SELECTOR,
    async run(world, variant) {
      const peer = { bfdProfile: "fast" };
      const { vip } = await spreading(world, variant, { with: [bfdProfile("fast")], peer });
      await bfdUp(world);
      const { node, others } = leavingNode(world, variant);
      const flows = await openFlows(world, vip);
      const before = await flows.report();

      await world.node(node).powerOff();
      // Three times 300 ms without a packet, and the router's work.
      await announcedBy(world, vip, others, { within: millis(1100) });
      const after = await afterwards(world, flows);
      expectMovedAreReset(after);
      expectMoves(variant, after, answered(before, node));
    },
  },
  {
    name: "ecmp/pods-lost",
    title: "With policy Cluster a node without power also takes the flows of its pods that came by other nodes",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "powerOff", "kubernetes", "dataplane"],
    variants: [{ name: "resilient", selector: "resilient", policy: "Cluster" }],
    async run(world, variant) {
      const { vip } = await spreading(world, variant, {
        with: [bfdProfile("fast")],
        peer: { bfdProfile: "fast" },
      });
      await bfdUp(world);
      const [node = "", ...others] = world.nodes;
      const flows = await openFlows(world, vip);
      await world.node(node).powerOff();
      await announcedBy(world, vip, others, { within: millis(1100) });
      await passes(world, GIVEN_UP);
      const after = await flows.report();
      expectShare("moved flows", after.moved, FLOWS, 1 / 3);
      expectEqual("flows of others that moved", after.collateral, 0);
      // A third of the other two thirds.
      expectShare("flows that broke", after.broken, FLOWS, 5 / 9);
      expectAtLeast("flows that broke, but by no reset", after.broken - after.reset, FLOWS / 9);
    },
  },
  {
    name: "ecmp/speaker-stopped",
    title:
      "A speaker that is told to stop takes its node's routes along at once, and its flows break though it is well",
    cites: ["users B12", "users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "processFaults", "kubernetes", "dataplane"],
    variants: BY_SELECTOR,
    async run(world, variant) {
      const { vip } = await spreading(world, variant);
      const { node, others } = leavingNode(world, variant);
      const flows = await openFlows(world, vip);
      const before = await flows.report();
      await world.node(node).stopSpeaker();
      await announcedBy(world, vip, others, { within: seconds(1) });
      const after = await afterwards(world, flows);
      expectMovedAreReset(after);
      expectMoves(variant, after, answered(before, node));
    },
  },
  {
    name: "ecmp/graceful-restart",
    title: "With graceful restart the router keeps the routes of a speaker that restarts, and no flow moves",
    cites: ["users B12", "users B13", "F29"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "processFaults", "kubernetes", "dataplane"],
    variants: [
      { name: "modulo", selector: "modulo" },
      { name: "resilient", selector: "resilient" },
      { name: "threshold-ipv6", selector: "threshold", family: "ipv6" },
    ],
    async run(world, variant) {
      const { vip } = await spreading(world, variant, { peer: { enableGracefulRestart: true } });
      const [node = ""] = world.nodes;
      const flows = await openFlows(world, vip);
      await world.node(node).stopSpeaker();
      await passes(world, NOTICED);
      expectUntouched(await flows.report());
      await world.node(node).startSpeaker();
      await world.waitFor(
        "the session is back, and nothing is stale",
        async () => {
          const paths = (await world.router().paths()).filter((path) => path.node === node);
          return paths.length > 0 && paths.every(({ stale }) => !stale);
        },
        PROPAGATION,
      );
      expectUntouched(await afterwards(world, flows));
    },
  },
  {
    name: "ecmp/cordoned",
    title: "A node that is cordoned keeps its flows: to cordon alone moves nothing",
    cites: ["users B8", "users B13", "F42"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [{ name: "modulo", selector: "modulo" }],
    async run(world, variant) {
      const { vip } = await spreading(world, variant);
      const flows = await openFlows(world, vip, { count: 60 });
      await world.kubernetes.patch("Node", world.nodes[0] ?? "", { spec: { unschedulable: true } });
      expectUntouched(await afterwards(world, flows));
    },
  },
];
