// Resilient next hop groups: when buckets move to a next hop that came (Linux nexthop-group-resilient.rst).
import { seconds } from "../../../impl/wire/time.ts";
import { announcedBy } from "../../bgp-steps.ts";
import {
  afterwards,
  answered,
  exclude,
  expectMovedAreReset,
  expectShare,
  expectUntouched,
  include,
  openFlows,
  spreading,
} from "../../ecmp-steps.ts";
import { expectAtMost, expectEqual } from "../../expect.ts";
import { BOTH_FAMILIES, passes } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

const IDLE_TIMER = seconds(120);
/** With 24 buckets for 160 flows hardly one is without a flow. */
const BUCKETS = 24;

export const scenarios: readonly Scenario[] = [
  {
    name: "ecmp/buckets-in-use",
    title: "A node that comes gets no bucket that is in use, however long it waits; one without a flow falls to it",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane", "virtualTime"],
    async run(world, variant) {
      const [first = "", second = "", third = ""] = world.nodes;
      const { vip } = await spreading(world, { ...variant, selector: "resilient" }, { nodes: [first, second] });
      const selector = {
        kind: "resilient",
        buckets: BUCKETS,
        idleTimer: IDLE_TIMER,
        unbalancedTimer: seconds(0),
      } as const;
      await world.router().spread({ selector });
      const flows = await openFlows(world, vip, { count: 120, every: seconds(60) });
      await include(world, third);
      await announcedBy(world, vip, world.nodes);
      await passes(world, seconds(300));
      expectUntouched(await flows.report());
      const more = await openFlows(world, vip, { count: 60 });
      expectAtMost("new flows at the node that came, of 60", answered(await more.report(), third), 10);
    },
  },
  {
    name: "ecmp/spare-buckets",
    title: "Where buckets are many and flows are few, a node that comes gets its share of new flows and breaks none",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, variant) {
      const [first = "", second = "", third = ""] = world.nodes;
      const { vip } = await spreading(world, { ...variant, selector: "resilient" }, { nodes: [first, second] });
      const flows = await openFlows(world, vip, { count: 60 });
      await include(world, third);
      await announcedBy(world, vip, world.nodes);
      expectUntouched(await afterwards(world, flows));
      const more = await openFlows(world, vip, { count: 120 });
      expectShare("new flows at the node that came", answered(await more.report(), third), 120, 1 / 3);
      expectUntouched(await flows.report());
    },
  },
  {
    name: "ecmp/idle-buckets",
    title:
      "Buckets that no packet used for the idle timer go to the node that came, and with them the flows that were silent",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane", "virtualTime"],
    variants: [
      { name: "default", idle: 120 },
      { name: "short", idle: 20 },
    ],
    async run(world, variant) {
      const [first = "", second = "", third = ""] = world.nodes;
      const { vip } = await spreading(world, { ...variant, selector: "resilient" }, { nodes: [first, second] });
      const idle = Number(variant["idle"]);
      const timers = { idleTimer: seconds(idle), unbalancedTimer: seconds(0) };
      await world.router().spread({ selector: { kind: "resilient", buckets: BUCKETS, ...timers } });
      const flows = await openFlows(world, vip, { every: seconds(200) });
      await include(world, third);
      await announcedBy(world, vip, world.nodes);
      await passes(world, seconds(idle - 10));
      expectUntouched(await flows.report());
      await passes(world, seconds(20));
      const moved = await flows.report();
      // No more buckets than the newcomer is worth change hands.
      expectShare("moved flows", moved.moved, moved.flows, 1 / 3);
      expectEqual("flows that know it yet", moved.broken, 0);
      await passes(world, seconds(210));
      expectMovedAreReset(await flows.report());
    },
  },
  {
    name: "ecmp/unbalanced-buckets",
    title: "With an unbalanced timer the node that came gets its buckets when that is over, in use or not",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane", "virtualTime"],
    async run(world, variant) {
      const [first = "", second = "", third = ""] = world.nodes;
      const { vip } = await spreading(world, { ...variant, selector: "resilient" }, { nodes: [first, second] });
      const timers = { idleTimer: IDLE_TIMER, unbalancedTimer: seconds(60) };
      await world.router().spread({ selector: { kind: "resilient", buckets: BUCKETS, ...timers } });
      const flows = await openFlows(world, vip, { every: seconds(10) });
      await include(world, third);
      await announcedBy(world, vip, world.nodes);
      await passes(world, seconds(55));
      expectUntouched(await flows.report());
      await passes(world, seconds(20));
      const after = await flows.report();
      expectShare("moved flows", after.moved, after.flows, 1 / 3);
      expectMovedAreReset(after);
    },
  },
  {
    name: "ecmp/node-returns-to-idle-buckets",
    title: "A node that comes back after the flows that it lost have ended gets its share of the new ones",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane", "virtualTime"],
    async run(world, variant) {
      const { vip } = await spreading(world, { ...variant, selector: "resilient" });
      const [node = "", ...others] = world.nodes;
      const flows = await openFlows(world, vip, { count: 60 });
      await exclude(world, node);
      await announcedBy(world, vip, others);
      await flows.end();
      await include(world, node);
      await announcedBy(world, vip, world.nodes);
      await passes(world, seconds(130));
      const again = await openFlows(world, vip);
      const { flows: count, ...report } = await again.report();
      expectShare("new flows at the node", answered({ flows: count, ...report }, node), count, 1 / 3);
    },
  },
];
