// How soon BFD finds out, and what BGP makes of it. RFC 5880 section 6.8.4, RFC 5882, RFC 9384.
import { familyOf } from "../../../impl/wire/ip.ts";
import { millis, minus, plus, seconds, times } from "../../../impl/wire/time.ts";
import {
  announcedBy,
  bfdUp,
  bgpService,
  established,
  nameNodes,
  noSessionLost,
  peerName,
  sessions,
  vipsOf,
  withoutBfd,
} from "../../bgp-steps.ts";
import { expectEqual } from "../../expect.ts";
import {
  BFD_DETECTION,
  BFD_PROFILE,
  bfdMetrics,
  carrierOf,
  familyVariants,
  GONE,
  type Gone,
  HOLD,
  isSaid,
  losesNode,
  noOutage,
  outageAtMost,
  peerMetrics,
  peerWith,
  PROCESSING,
  QUICK,
  RECONNECT,
  routeHolds,
  servedByEach,
  staleOf,
  START,
  watch,
} from "../../failover-steps.ts";
import { bfdProfile, bgpPeer, SYSTEM } from "../../objects.ts";
import { BOTH_FAMILIES, passes } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

const WATCHED = peerWith({ name: "", bfd: true });

export const scenarios: readonly Scenario[] = [
  {
    name: "bfd/node-gone",
    title: "With BFD a node that is gone is no next hop any more after a detection time, however it went",
    cites: ["B7", "B11 6", "users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "pause", "links", "powerOff", "hang"],
    variants: GONE.filter((how) => !isSaid(how)).flatMap((how) => familyVariants(how, { how })),
    async run(world, variant) {
      const { family = "ipv4" } = variant;
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await bfdUp(world);
      await losesNode(world, vip, variant["how"] as Gone, BFD_DETECTION);
    },
  },
  {
    name: "bfd/one-way",
    title: "When a path works in one direction only, both ends know after a detection time, and BGP says why it ends",
    cites: ["B7", "B6"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "frameFaults"],
    variants: [...familyVariants("node-deaf", { deaf: "node" }), ...familyVariants("router-deaf", { deaf: "router" })],
    async run(world, { family = "ipv4", deaf }) {
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await bfdUp(world);
      const router = world.router();
      const node = await carrierOf(world, vip);
      const others = world.nodes.filter((other) => other !== node);
      const probe = await watch(world, vip);
      const sides = deaf === "node" ? [[router.name], [node]] : [[node], [router.name]];
      const cut = await world.network.partition(sides, { oneWay: true });
      // Whoever is deaf finds out, and tells the other in its next packet.
      const bound = plus(BFD_DETECTION, PROCESSING);
      await announcedBy(world, vip, others, { within: bound });
      await outageAtMost(probe, bound);
      const index = world.nodes.indexOf(node);
      await world.waitFor(
        "the speaker's session is down",
        async () => (await peerMetrics(world, "metallb_bgp_session_up", family))[index] === 0,
        BFD_DETECTION,
      );
      // RFC 9384: Cease, BFD Down, from either end, since neither knows what the other does.
      const lost = (await router.neighbors()).find((each) => each.node === node && familyOf(each.address) === family);
      expectEqual("what the router said", lost?.notificationsSent, ["6/10"]);
      const said = (await peerMetrics(world, "metallb_bgp_notifications_sent", family))[index];
      if (deaf === "node") expectEqual("NOTIFICATIONs of the speaker", said, 1);
      await cut.end();
      await established(world, world.nodes, { within: RECONNECT });
      await bfdUp(world);
    },
  },
  {
    name: "bfd/router-silent",
    title: "A speaker misses its router after the router's multiplier times the slower of both intervals",
    cites: ["B7", "F24"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "pause"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await world.kubernetes.apply(bfdProfile(BFD_PROFILE, { receiveInterval: 1000 }));
      await bfdUp(world);
      await passes(world, seconds(3));
      // The speaker wants a packet every 400 ms, the router multiplies by 4, and the speaker's 10 is for the router.
      await world.kubernetes.apply(bfdProfile(BFD_PROFILE, { receiveInterval: 400, detectMultiplier: 10 }));
      await world.router().configure("bfd", "profile fast", "detect-multiplier 4");
      await bfdUp(world);
      await passes(world, seconds(3));
      const up = async (): Promise<number> =>
        (await peerMetrics(world, "metallb_bgp_session_up", family)).reduce((sum, value) => sum + value, 0);
      await world.router().pauseDaemons();
      const interval = millis(400);
      // RFC 5880 section 6.8.4; the last packet came at most one interval ago. Less counts once a Poll Sequence is over.
      await world.holds("sessions stay", async () => (await up()) === world.nodes.length, times(interval, 3 - 0.1));
      await world.waitFor("no session is left", async () => (await up()) === 0, plus(times(interval, 1.1), millis(60)));
      await routeHolds(world, vip, seconds(1));
    },
  },
  {
    name: "bfd/shut-down-by-router",
    title: "A router that shuts BFD down on purpose ends no BGP session and withdraws nothing; neither does its return",
    cites: ["F31", "B7"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await bfdUp(world);
      const probe = await watch(world, vip);
      await world.router().configure("bfd", "profile fast", "shutdown");
      await world.waitFor(
        "BFD is down everywhere",
        async () => (await bfdMetrics(world, "metallb_bfd_session_up", family)).every((value) => value === 0),
        seconds(2),
      );
      await routeHolds(world, vip, times(HOLD, 2));
      await world.router().configure("bfd", "profile fast", "no shutdown");
      await bfdUp(world);
      await routeHolds(world, vip, seconds(5));
      await noOutage(probe);
      await noSessionLost(world);
    },
  },
  {
    name: "bfd/neighbour-shut-down",
    title: "A router that shuts a neighbour down keeps its routes from no others, and BFD is no obstacle to its return",
    cites: ["F23", "F31"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await bfdUp(world);
      const [first] = await sessions(world);
      if (first?.node === undefined) throw new Error("no session");
      const { node, address } = first;
      const others = world.nodes.filter((other) => other !== node);
      await world.router().configure("router bgp 64501", `neighbor ${address} shutdown`);
      await announcedBy(world, vip, others, { within: PROCESSING });
      await routeHolds(world, vip, seconds(20), { nodes: others });
      await world.router().configure("router bgp 64501", `no neighbor ${address} shutdown`);
      // RFC 4486 section 4: a speaker that was told to go away rests for up to a minute.
      await announcedBy(world, vip, world.nodes, { within: seconds(75) });
      await bfdUp(world);
    },
  },
  {
    name: "bfd/never-up",
    title: "Where the router has no BFD the BGP session is used all the same",
    cites: ["B7"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await withoutBfd(world);
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await routeHolds(world, vip, seconds(60));
      await noSessionLost(world);
      expectEqual("BFD", await bfdMetrics(world, "metallb_bfd_session_up", family), [0, 0, 0]);
    },
  },
  {
    name: "bfd/router-restarted",
    title: "A router that restarts within the detection time has new discriminators, and gets its sessions anew",
    cites: ["F30", "B11 19"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await bfdUp(world);
      const crash = await world.router().crashDaemons();
      await passes(world, millis(100));
      await crash.end();
      await announcedBy(world, vip, world.nodes, { within: plus(RECONNECT, PROCESSING) });
      await bfdUp(world);
      await routeHolds(world, vip, seconds(20));
    },
  },
  {
    name: "bfd/graceful-restart",
    title: "A speaker that restarts gracefully takes BFD along, and the router keeps its routes: the C bit is clear",
    cites: ["B7", "F29", "BGP 6"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults"],
    variants: [...familyVariants("stop", { how: "stop" }), ...familyVariants("crash", { how: "crash" })],
    async run(world, { family = "ipv4", how }) {
      const peer = { ...WATCHED, enableGracefulRestart: true };
      const { vip } = await servedByEach(world, "web", { families: [family], peer });
      await bfdUp(world);
      const node = await carrierOf(world, vip);
      const control = world.node(node);
      const probe = await watch(world, vip);
      await (how === "crash" ? control.crashSpeaker() : control.stopSpeaker());
      await routeHolds(world, vip, times(BFD_DETECTION, 5));
      // RFC 5882 section 4.3.1: BFD shared the speaker's fate, so its silence says nothing about the node.
      expectEqual("whose path is kept", await staleOf(vip, world.router()), [node]);
      await control.startSpeaker();
      await world.waitFor("it is told anew", async () => (await staleOf(vip, world.router())).length === 0, START);
      await bfdUp(world);
      await noOutage(probe);
    },
  },
  {
    name: "bfd/graceful-restart-power-loss",
    title:
      "A node that loses power is found by BFD, and graceful restart does not keep the route of what BFD found dead",
    cites: ["B7", "F29", "B11 6", "users B16"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "powerOff", "virtualTime"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const peer = { ...WATCHED, enableGracefulRestart: true };
      const { vip } = await servedByEach(world, "web", { families: [family], peer });
      await bfdUp(world);
      const node = await carrierOf(world, vip);
      const others = world.nodes.filter((other) => other !== node);
      await world.node(node).powerOff();
      // RFC 8538 section 3.1: BFD Down goes as a Hard Reset, so nobody waits for the restart time.
      await announcedBy(world, vip, others, { within: plus(BFD_DETECTION, PROCESSING) });
    },
  },
  {
    name: "bfd/two-routers",
    title:
      "Each of two routers has a BFD session of its own, and one that falls silent takes only its own BGP session along",
    cites: ["B7", "users B10"],
    topology: "bgp-two-tors",
    needs: ["routers", "kubernetes", "dataplane", "pause"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const [one, other] = family === "ipv4" ? ["192.0.2.1", "192.0.3.1"] : ["2001:db8:0:2::1", "2001:db8:0:3::1"];
      const watched = { ...QUICK, bfdProfile: BFD_PROFILE };
      await world.kubernetes.apply(
        bfdProfile(BFD_PROFILE),
        ...bgpService("web", {
          families: [family],
          peers: [
            bgpPeer("tor1", { peerAddress: one, peerASN: 64_501, ...watched }),
            bgpPeer("tor2", { peerAddress: other, peerASN: 64_502, ...watched }),
          ],
        }),
      );
      const [tor1, tor2] = [world.router("tor1"), world.router("tor2")];
      const [vip] = await vipsOf(world, "default/web", 1);
      if (vip === undefined) throw new Error("web has no address");
      for (const router of [tor1, tor2]) {
        await announcedBy(world, vip, world.nodes, { router });
        await bfdUp(world, world.nodes, { router });
      }
      const upWith = async (peer: string): Promise<readonly (number | undefined)[]> =>
        Promise.all(
          world.nodes.map((node) =>
            world.node(node).metric(`metallb_bgp_session_up{peer="${peer}:179",vrf="default"}`),
          ),
        );
      const pause = await tor1.pauseDaemons();
      await world.waitFor(
        "no speaker has a session with the silent one",
        async () => (await upWith(one)).every((value) => value === 0),
        plus(BFD_DETECTION, PROCESSING),
      );
      expectEqual("sessions with the other", await upWith(other), [1, 1, 1]);
      await routeHolds(world, vip, seconds(10), { router: tor2 });
      await pause.end();
      await announcedBy(world, vip, world.nodes, { router: tor1 });
      await bfdUp(world, world.nodes, { router: tor1 });
    },
  },
  {
    name: "bfd/profile-taken-away",
    title:
      "A peer that loses its profile keeps its session, which then lives by its hold time; with a profile it is watched again",
    cites: ["B7", "BGP 37"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await bfdUp(world);
      const peer = `${SYSTEM}/${peerName(family)}`;
      await world.kubernetes.patch("BGPPeer", peer, { spec: { bfdProfile: null } });
      await bfdUp(world, []);
      await routeHolds(world, vip, times(HOLD, 2));
      await noSessionLost(world);
      await world.kubernetes.patch("BGPPeer", peer, { spec: { bfdProfile: BFD_PROFILE } });
      await bfdUp(world);
      await noSessionLost(world);
      await world.kubernetes.patch("BGPPeer", peer, { spec: { bfdProfile: null } });
      await bfdUp(world, []);
      const node = await carrierOf(world, vip);
      await world.node(node).powerOff();
      await routeHolds(world, vip, times(BFD_DETECTION, 3));
      const others = world.nodes.filter((other) => other !== node);
      await announcedBy(world, vip, others, { within: minus(plus(HOLD, PROCESSING), times(BFD_DETECTION, 3)) });
    },
  },
];
