// What routers hash: which flows go together, and which are spread.
import { announcedBy, bgpServing, familiesOf, workload } from "../../bgp-steps.ts";
import {
  afterwards,
  answered,
  exclude,
  expectMovedAreReset,
  expectShare,
  expectUntouched,
  FLOWS,
  openFlows,
  SELECTORS,
  spreading,
  spreadOf,
  vipOf,
} from "../../ecmp-steps.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { deployment } from "../../objects.ts";
import { BOTH_FAMILIES } from "../../steps.ts";
import { type FlowReport, type Scenario } from "../../world.ts";

const nodesIn = ({ byNode }: FlowReport): readonly string[] => Object.keys(byNode).toSorted();

export const scenarios: readonly Scenario[] = [
  {
    name: "ecmp/ports-hashed",
    title: "Where ports are hashed, the flows of one client go to all nodes in equal shares",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      { name: "modulo", selector: "modulo" },
      { name: "threshold", selector: "threshold" },
      { name: "resilient", selector: "resilient" },
      { name: "threshold-ipv6", selector: "threshold", family: "ipv6" },
    ],
    async run(world, variant) {
      const { vip } = await spreading(world, variant);
      const flows = await openFlows(world, vip);
      const report = await flows.report();
      for (const node of world.nodes) expectShare(`flows of ${node}`, answered(report, node), FLOWS, 1 / 3);
    },
  },
  {
    name: "ecmp/addresses-hashed",
    title: "Where only addresses are hashed, all flows of a client go one way, and all of them break together or none",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      { name: "modulo", selector: "modulo", hash: "l3" },
      { name: "threshold", selector: "threshold", hash: "l3" },
      { name: "resilient", selector: "resilient", hash: "l3" },
      { name: "threshold-ipv6", selector: "threshold", hash: "l3", family: "ipv6" },
    ],
    async run(world, variant) {
      const { vip } = await spreading(world, variant);
      const flows = await openFlows(world, vip, { count: 40 });
      const before = await flows.report();
      const [node = "", ...more] = nodesIn(before);
      expectEqual("further nodes that have flows of the client", more, []);

      const idle = world.nodes.find((other) => other !== node) ?? "";
      await exclude(world, idle);
      await announcedBy(
        world,
        vip,
        world.nodes.filter((other) => other !== idle),
      );
      const between = await afterwards(world, flows);
      expectMovedAreReset(between);
      expectEqual("flows that had to move", between.forced, 0);
      if (variant["selector"] === "resilient") expectUntouched(between);
      expectTrue("all flows moved, or none", between.moved === 0 || between.moved === 40);
      if (between.moved > 0) return;

      await exclude(world, node);
      await announcedBy(
        world,
        vip,
        world.nodes.filter((other) => other !== idle && other !== node),
      );
      const after = await afterwards(world, flows);
      expectMovedAreReset(after);
      expectEqual("flows that had to move", after.forced, 40);
    },
  },
  {
    name: "ecmp/addresses-of-services",
    title: "Where only addresses are hashed, those of different Services take a client to different nodes",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, variant) {
      const families = familiesOf(variant);
      const given = { policy: "Local", families, selector: { app: "web" }, replicas: 0 } as const;
      await bgpServing(world, "web", { policy: "Local", families });
      const names = Array.from({ length: 11 }, (_, index) => `web-${index}`);
      await world.kubernetes.apply(...names.flatMap((name) => workload(name, given)));
      const nodes = new Set<string>();
      for (const name of names) {
        const vip = await vipOf(world, name);
        await announcedBy(world, vip);
        const once = await world.client().request({ vip });
        const again = await world.client().request({ vip });
        expectEqual(`nodes that answer for ${name}`, [again.outcome, again.node], ["ok", once.node]);
        nodes.add(once.node ?? "");
      }
      expectEqual("nodes that answered", [...nodes].toSorted(), world.nodes.toSorted());
    },
  },
  {
    name: "ecmp/seed",
    title:
      "Another seed of the hash moves flows as if all next hops had been drawn anew, and the old one moves them back",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, variant) {
      const { vip } = await spreading(world, variant);
      await world.router().spread({ seed: 1 });
      const flows = await openFlows(world, vip);
      await world.router().spread({ seed: 2 });
      const { moved, forced } = await flows.report();
      expectEqual("flows that had to move", forced, 0);
      expectShare("moved flows", moved, FLOWS, 2 / 3);
      await world.router().spread({ seed: 1 });
      expectUntouched(await afterwards(world, flows));
    },
  },
  {
    name: "ecmp/two-addresses",
    title: "Two Services are spread apart from each other: a node that leaves one keeps its flows of the other",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      { name: "modulo", selector: "modulo" },
      { name: "threshold", selector: "threshold" },
      { name: "modulo-ipv6", selector: "modulo", family: "ipv6" },
    ],
    async run(world, variant) {
      const [, stays = ""] = world.nodes;
      const families = familiesOf(variant);
      await world.router().spread(spreadOf(variant));
      const { vip } = await bgpServing(world, "web", { policy: "Local", families });
      await world.kubernetes.apply(...workload("other", { policy: "Local", families }));
      const other = await vipOf(world, "other");
      await announcedBy(world, other);
      const [flows, spared] = [await openFlows(world, vip), await openFlows(world, other)];
      await world.kubernetes.apply(deployment("web", 2, { node: stays }));
      await announcedBy(world, vip, [stays]);
      const after = await afterwards(world, flows);
      expectShare("flows that had to move", after.forced, FLOWS, 2 / 3);
      expectEqual("flows of the node that stays that moved", after.collateral, 0);
      expectUntouched(await spared.report());
    },
  },
  {
    name: "ecmp/clients",
    title: "With a resilient group two clients lose the flows of the node that goes, and nothing of each other's",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await spreading(world, { name: "", selector: "resilient" });
      const [node = "", ...others] = world.nodes;
      const all = [];
      for (const client of ["client", "client2"]) all.push(await openFlows(world, vip, { client, count: 120 }));
      const had = await Promise.all(all.map(async (flows) => answered(await flows.report(), node)));
      await exclude(world, node);
      await announcedBy(world, vip, others);
      for (const [index, flows] of all.entries()) {
        const after = await afterwards(world, flows);
        expectMovedAreReset(after);
        expectEqual("moved flows", [after.forced, after.collateral], [had[index], 0]);
      }
    },
  },
  {
    name: "ecmp/datagrams",
    title:
      "Datagrams from one port after the other are spread as connections are; where ports do not count, one node has all",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      { name: "ports-ipv4", hash: "l4", family: "ipv4" },
      { name: "ports-ipv6", hash: "l4", family: "ipv6" },
      { name: "addresses-ipv4", hash: "l3", family: "ipv4" },
    ],
    async run(world, variant) {
      await world.router().spread({ ...spreadOf(variant), selector: SELECTORS.threshold });
      const { vip } = await bgpServing(world, "web", {
        policy: "Local",
        families: familiesOf(variant),
        ports: [
          { name: "tcp", port: 80 },
          { name: "udp", port: 80, protocol: "UDP" },
        ],
      });
      const counts = new Map<string, number>();
      for (let sent = 0; sent < 90; sent++) {
        const { outcome, node = "" } = await world.client().request({ vip, protocol: "UDP" });
        expectEqual("a datagram's answer", outcome, "ok");
        counts.set(node, (counts.get(node) ?? 0) + 1);
      }
      if (variant["hash"] === "l3") return expectEqual("nodes that answered", counts.size, 1);
      for (const node of world.nodes) expectShare(`datagrams of ${node}`, counts.get(node) ?? 0, 90, 1 / 3);
    },
  },
];
