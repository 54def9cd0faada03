// The network between nodes and router is worse than it should be.
import { plus, seconds, times } from "../../../impl/wire/time.ts";
import { announcedBy, established, nameNodes, noSessionLost, ROUTER, withoutBfd } from "../../bgp-steps.ts";
import { expectEqual } from "../../expect.ts";
import {
  carrierOf,
  familyVariants,
  HOLD,
  outageAtMost,
  peerMetrics,
  PROCESSING,
  QUICK,
  RECONNECT,
  routeHolds,
  servedByEach,
  watch,
} from "../../failover-steps.ts";
import { BOTH_FAMILIES } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-failover/one-way",
    title:
      "When a node and its router hear each other in one direction only, both have given up when the hold time is over",
    cites: ["B6", "F24"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "frameFaults"],
    variants: [...familyVariants("node-deaf", { deaf: "node" }), ...familyVariants("router-deaf", { deaf: "router" })],
    async run(world, { family = "ipv4", deaf }) {
      const { vip } = await servedByEach(world, "web", { families: [family], peer: QUICK });
      const router = world.router();
      const node = await carrierOf(world, vip);
      const others = world.nodes.filter((other) => other !== node);
      const index = world.nodes.indexOf(node);
      const isUp = async (): Promise<boolean> =>
        (await peerMetrics(world, "metallb_bgp_session_up", family))[index] === 1;
      const probe = await watch(world, vip);
      const sides = deaf === "node" ? [[router.name], [node]] : [[node], [router.name]];
      const cut = await world.network.partition(sides, { oneWay: true });
      await announcedBy(world, vip, others, { within: plus(HOLD, PROCESSING) });
      // Whoever is deaf hears nothing in time; the other gets no acknowledgement, or is told.
      await world.waitFor("the speaker gave up", async () => !(await isUp()), plus(HOLD, PROCESSING));
      await outageAtMost(probe, plus(HOLD, PROCESSING));
      await routeHolds(world, vip, seconds(20), { nodes: others });
      await cut.end();
      await established(world, world.nodes, { within: RECONNECT });
      await announcedBy(world, vip, world.nodes, { within: PROCESSING });
    },
  },
  {
    name: "bgp-failover/lossy",
    title: "3 % of lost frames delay keepalives, and end no session with a hold time of 90 s",
    cites: ["B6"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "frameFaults", "virtualTime"],
    settings: { memberlist: false },
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await withoutBfd(world);
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", {
        families: [family],
        peer: { holdTime: "90s", keepaliveTime: "30s" },
      });
      const loss = await world.network.fault({ at: world.router().name, link: "eth1", loss: 0.03 });
      await routeHolds(world, vip, seconds(900));
      await loss.end();
      await noSessionLost(world);
    },
  },
  {
    name: "bgp-failover/short-cut",
    title: "A partition that is over before the hold time costs no session, and nothing is told again",
    cites: ["B6", "B11 7"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "frameFaults"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: { holdTime: "90s" } });
      const updates = await peerMetrics(world, "metallb_bgp_updates_total", family);
      const cut = await world.network.partition([[world.router().name], world.nodes]);
      await routeHolds(world, vip, seconds(45));
      await cut.end();
      await routeHolds(world, vip, seconds(60));
      await noSessionLost(world);
      expectEqual("UPDATEs", await peerMetrics(world, "metallb_bgp_updates_total", family), updates);
    },
  },
  {
    name: "bgp-failover/partition",
    title: "A partition longer than the hold time takes the routes, and they are back within seconds of its end",
    cites: ["B6", "B11 19"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "frameFaults"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await servedByEach(world, "web", { families: [family], peer: QUICK });
      const cut = await world.network.partition([[world.router().name], world.nodes]);
      await announcedBy(world, vip, [], { within: plus(HOLD, PROCESSING) });
      expectEqual("paths left behind", await world.router().paths(), []);
      await routeHolds(world, vip, times(HOLD, 3), { nodes: [] });
      await cut.end();
      await established(world, world.nodes, { within: RECONNECT });
      await announcedBy(world, vip, world.nodes, { within: PROCESSING });
      const { outcome } = await world.client().request({ vip });
      expectEqual(`a request to ${vip} past ${ROUTER[family]}`, outcome, "ok");
    },
  },
];
