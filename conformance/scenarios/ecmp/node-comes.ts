// A node comes, comes back, or takes the place of another.
import { seconds } from "../../../impl/wire/time.ts";
import { announcedBy } from "../../bgp-steps.ts";
import {
  afterwards,
  answered,
  exclude,
  expectMovedAreReset,
  expectShare,
  expectUntouched,
  FLOWS,
  include,
  openFlows,
  spreading,
} from "../../ecmp-steps.ts";
import { expectAtLeast, expectEqual } from "../../expect.ts";
import { type Scenario } from "../../world.ts";

export const scenarios: readonly Scenario[] = [
  {
    name: "ecmp/node-added",
    title:
      "A third node takes flows away from nodes that are well: the same as when it goes, or none while all are in use",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      { name: "modulo", selector: "modulo", comes: 2, share: 2 / 3 },
      { name: "threshold-last", selector: "threshold", comes: 2, share: 1 / 2 },
      { name: "threshold-middle", selector: "threshold", comes: 1, share: 1 / 3 },
      { name: "resilient", selector: "resilient", comes: 2, share: 0 },
      { name: "resilient-ipv6", selector: "resilient", comes: 0, share: 0, family: "ipv6" },
    ],
    async run(world, variant) {
      const node = world.nodes[Number(variant["comes"])] ?? "";
      const { vip } = await spreading(world, variant, { nodes: world.nodes.filter((other) => other !== node) });
      const flows = await openFlows(world, vip);
      await include(world, node);
      await announcedBy(world, vip, world.nodes, { within: seconds(1) });
      const after = await afterwards(world, flows);
      expectEqual("flows that had to move", after.forced, 0);
      expectMovedAreReset(after);
      if (variant["selector"] === "resilient") return expectUntouched(after);
      expectShare("moved flows", after.moved, FLOWS, Number(variant["share"]));
    },
  },
  {
    name: "ecmp/node-replaced",
    title:
      "A node is replaced by another: by its place among the next hops all flows move, or only those of the one that goes",
    cites: ["users B13", "F42"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      // Of two next hops the second becomes the first: all that it had, and all that the other had, change places.
      { name: "modulo-first", selector: "modulo", leaves: 0, collateral: 1 / 2 },
      { name: "modulo-last", selector: "modulo", leaves: 1, collateral: 0 },
      { name: "threshold-first", selector: "threshold", leaves: 0, collateral: 1 / 2 },
      { name: "threshold-last", selector: "threshold", leaves: 1, collateral: 0 },
      { name: "resilient-first", selector: "resilient", leaves: 0, collateral: 0 },
    ],
    async run(world, { ...variant }) {
      const [first = "", second = "", third = ""] = world.nodes;
      const [leaves, stays] = Number(variant["leaves"]) === 0 ? [first, second] : [second, first];
      const { vip } = await spreading(world, variant, { nodes: [first, second] });
      const flows = await openFlows(world, vip);
      const before = await flows.report();
      await exclude(world, leaves);
      await announcedBy(world, vip, [stays]);
      await include(world, third);
      await announcedBy(world, vip, [stays, third]);
      const after = await afterwards(world, flows);
      expectEqual("flows of the node that went", after.forced, answered(before, leaves));
      expectShare("moved flows of the other", after.collateral, FLOWS, Number(variant["collateral"]));
      expectEqual("broken flows, all by a reset", [after.broken, after.reset], [after.moved, after.moved]);
    },
  },
  {
    name: "ecmp/node-flaps",
    title: "A node that goes and comes back breaks as many flows as one that goes: the way back does not mend them",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      { name: "modulo", selector: "modulo", share: 2 / 3 },
      { name: "threshold", selector: "threshold", share: 1 / 2 },
      { name: "resilient", selector: "resilient", share: 1 / 3 },
    ],
    async run(world, variant) {
      const { vip } = await spreading(world, variant);
      const [node = "", ...others] = world.nodes;
      const flows = await openFlows(world, vip);
      const before = await flows.report();
      await exclude(world, node);
      await announcedBy(world, vip, others);
      const between = await afterwards(world, flows);
      await include(world, node);
      await announcedBy(world, vip, world.nodes);
      const after = await afterwards(world, flows);
      expectShare("broken flows", after.broken, FLOWS, Number(variant["share"]));
      expectEqual("flows that broke when it came back", after.broken - between.broken, 0);
      expectAtLeast("flows that broke with it", after.broken, answered(before, node));
      // Those that work by place know nothing of what was before; a bucket that was given away is in use.
      const elsewhere = variant["selector"] === "resilient" ? between.moved : 0;
      expectEqual("flows that do not go the way that they went at first", after.moved, elsewhere);
    },
  },
];
