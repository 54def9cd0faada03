// A router goes, or the way to it, and comes back.
import { micros, millis, minus, plus, seconds, times } from "../../../impl/wire/time.ts";
import {
  aboutNodes,
  announcedBy,
  answers,
  bfdUp,
  bgpService,
  established,
  nameNodes,
  nextHops,
  noSessionLost,
  PROPAGATION,
  sessions,
  vipsOf,
  withoutBfd,
} from "../../bgp-steps.ts";
import { expectAtLeast, expectAtMost, expectEqual } from "../../expect.ts";
import {
  BFD_DETECTION,
  BFD_PROFILE,
  familyVariants,
  HOLD,
  KEEPALIVE,
  noOutage,
  outageAtMost,
  peerMetrics,
  peerWith,
  PROCESSING,
  QUICK,
  RECONNECT,
  routeHolds,
  servedByEach,
  watch,
} from "../../failover-steps.ts";
import { bfdProfile, bgpPeer } from "../../objects.ts";
import { BOTH_FAMILIES, passes } from "../../steps.ts";
import { type Family } from "../../../impl/wire/ip.ts";
import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { type Scenario, type World } from "../../world.ts";

/** RFC 5880 section 6.8.4, and what it costs to say so. */
const detectionOf = (bfd: unknown): typeof HOLD => (bfd === true ? BFD_DETECTION : HOLD);

const WITH_AND_WITHOUT_BFD = [...familyVariants("hold", { bfd: false }), ...familyVariants("bfd", { bfd: true })];

/** How many speakers say that their session with the router is up. */
const sessionsUp = async (world: World, family: Family): Promise<number> =>
  (await peerMetrics(world, "metallb_bgp_session_up", family)).filter((value) => value === 1).length;

/** BGPPeers for both rack switches. */
function rackPeers(family: Family): readonly KubeObject[] {
  const [tor1, tor2] = family === "ipv4" ? ["192.0.2.1", "192.0.3.1"] : ["2001:db8:0:2::1", "2001:db8:0:3::1"];
  return [
    bgpPeer("tor1", { peerAddress: tor1, peerASN: 64_501, ...QUICK, bfdProfile: BFD_PROFILE }),
    bgpPeer("tor2", { peerAddress: tor2, peerASN: 64_502, ...QUICK, bfdProfile: BFD_PROFILE }),
  ];
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-failover/router-silent",
    title: "A speaker whose router falls silent says so when its hold time is over, not before, and comes back with it",
    cites: ["F24", "B6"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "pause"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: QUICK });
      const ofFirst = async (name: string): Promise<number> => (await peerMetrics(world, name, family))[0] ?? 0;
      const heard = await ofFirst("metallb_bgp_keepalives_received");
      await world.waitFor(
        "the first node hears a KEEPALIVE",
        async () => (await ofFirst("metallb_bgp_keepalives_received")) > heard,
        KEEPALIVE,
      );
      const pause = await world.router().pauseDaemons();
      const margin = millis(100);
      await world.holds(
        "its session stays for the whole hold time",
        async () => (await ofFirst("metallb_bgp_session_up")) === 1,
        minus(HOLD, margin),
      );
      // The others have waited for longer.
      await world.waitFor(
        "no session is left",
        async () => (await sessionsUp(world, family)) === 0,
        plus(margin, margin),
      );
      // The router has not run its own hold timers either.
      await routeHolds(world, vip, seconds(1));
      await pause.end();
      await established(world, world.nodes, { within: RECONNECT });
      await announcedBy(world, vip, world.nodes, { within: plus(RECONNECT, PROCESSING) });
      for (const { node = "", notificationsReceived } of await sessions(world)) {
        // RFC 4271 section 6.5.
        expectEqual(`what ${node} said`, notificationsReceived, ["4/0"]);
      }
    },
  },
  {
    name: "bgp-failover/router-reboot",
    title:
      "After a router's reboot all routes are back within a keepalive interval, or a detection time, and a connection",
    cites: ["B11 19", "users B11"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    variants: [
      ...familyVariants("brief", { away: 2, bfd: false }),
      ...familyVariants("long", { away: 30, bfd: false }),
      ...familyVariants("bfd", { away: 2, bfd: true }),
    ],
    async run(world, variant) {
      const { family = "ipv4", away = 0, bfd } = variant;
      const { vip } = await servedByEach(world, "web", { families: [family], peer: peerWith(variant) });
      if (bfd === true) await bfdUp(world);
      const probe = await watch(world, vip);
      const off = await world.router().powerOff();
      const time = seconds(Number(away));
      await passes(world, time);
      await off.end();
      // A router that has forgotten its connections resets them when they are next used: at a keepalive, if not before.
      const noticed = bfd === true ? BFD_DETECTION : KEEPALIVE;
      const back = plus(noticed, plus(RECONNECT, PROCESSING));
      await announcedBy(world, vip, world.nodes, { within: back });
      await outageAtMost(probe, plus(time, back));
      await answers(world, vip);
    },
  },
  {
    name: "bgp-failover/router-daemons-crash",
    title:
      "While a router's daemons are away its kernel forwards; when they are back, so are all sessions, within seconds",
    cites: ["B11 19"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults"],
    variants: WITH_AND_WITHOUT_BFD,
    async run(world, variant) {
      const { family = "ipv4" } = variant;
      const { vip } = await servedByEach(world, "web", { families: [family], peer: peerWith(variant) });
      if (variant["bfd"] === true) await bfdUp(world);
      const probe = await watch(world, vip);
      const crash = await world.router().crashDaemons();
      await routeHolds(world, vip, seconds(30));
      await noOutage(probe);
      const second = await watch(world, vip);
      await crash.end();
      await announcedBy(world, vip, world.nodes, { within: plus(RECONNECT, PROCESSING) });
      await outageAtMost(second, plus(RECONNECT, PROCESSING));
      if (variant["bfd"] === true) await bfdUp(world);
    },
  },
  {
    name: "bgp-failover/router-link-to-nodes",
    title: "A router whose link to the nodes goes drops their routes at once, and has them again soon after it is back",
    cites: ["users B11", "B11 6"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "links"],
    variants: WITH_AND_WITHOUT_BFD,
    async run(world, variant) {
      const { family = "ipv4", bfd } = variant;
      const { vip } = await servedByEach(world, "web", { families: [family], peer: peerWith(variant) });
      if (bfd === true) await bfdUp(world);
      const cut = await world.router().linkDown("eth1");
      await announcedBy(world, vip, [], { within: PROCESSING });
      await world.waitFor(
        "every speaker knows",
        async () => (await sessionsUp(world, family)) === 0,
        plus(detectionOf(bfd), PROCESSING),
      );
      await passes(world, seconds(20));
      await cut.end();
      await announcedBy(world, vip, world.nodes, { within: plus(RECONNECT, PROCESSING) });
      await answers(world, vip);
    },
  },
  {
    name: "bgp-failover/router-link-to-client",
    title: "What happens between router and clients concerns no session, and clients are served when it is over",
    cites: ["B11 7"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "links"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: QUICK });
      const cut = await world.router().linkDown("eth2");
      await routeHolds(world, vip, times(HOLD, 2));
      await cut.end();
      await world.waitFor(
        "a client is served",
        async () => (await world.client().request({ vip, timeout: millis(200) })).outcome === "ok",
        // IPv6: the router's address is tried for a second (RFC 4862 section 5.1) before it can be used.
        seconds(3),
      );
      await noSessionLost(world);
    },
  },
  {
    name: "bgp-failover/long-router-outage",
    title: "After an hour without the router the sessions are back within seconds of its return, as after a minute",
    cites: ["B11 19", "users B11"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "powerOff", "virtualTime"],
    settings: { memberlist: false },
    variants: [
      { name: "minute", family: "ipv6", away: 60 },
      { name: "hour", family: "ipv4", away: 3600 },
    ],
    async run(world, { family = "ipv4", away = 0 }) {
      await withoutBfd(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: QUICK });
      const off = await world.router().powerOff();
      await passes(world, seconds(Number(away)));
      await off.end();
      await established(world, world.nodes, { within: RECONNECT });
      await announcedBy(world, vip, world.nodes, { within: PROCESSING });
      await answers(world, vip);
    },
  },
  {
    name: "bgp-failover/rack-switch-gone",
    title: "When one of two rack switches dies, clients stay with the other, whose sessions do not notice",
    cites: ["users B10", "B11 7"],
    topology: "bgp-two-tors",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.kubernetes.apply(
        bfdProfile(BFD_PROFILE),
        ...bgpService("web", { families: [family], peers: rackPeers(family) }),
      );
      const [tor1, tor2, core] = [world.router("tor1"), world.router("tor2"), world.router("core")];
      const [vip] = await vipsOf(world, "default/web", 1);
      if (vip === undefined) throw new Error("web has no address");
      for (const router of [tor1, tor2]) await announcedBy(world, vip, world.nodes, { router });
      const overBoth = async (): Promise<boolean> => (await nextHops(core, vip)).length === 2;
      await world.waitFor("the core has a route over both", overBoth, PROPAGATION);
      await answers(world, vip);
      const probe = await watch(world, vip);
      const off = await tor1.powerOff();
      const since = world.now();
      // The cable between core and switch has no carrier any more, or the core's own hold time of 3 s tells.
      const noticed = plus(seconds(3), PROCESSING);
      await world.waitFor("the core has one next hop", async () => (await nextHops(core, vip)).length === 1, noticed);
      await routeHolds(world, vip, times(HOLD, 2), { router: tor2 });
      expectEqual("sessions with the other", (await sessions(world, { router: tor2 })).length, world.nodes.length);
      await off.end();
      await world.waitFor("the core has both again", overBoth, plus(PROPAGATION, RECONNECT));
      await routeHolds(world, vip, seconds(10), { router: tor2 });
      await probe.end();
      const { gaps } = await probe.report();
      const late = gaps.filter(({ from }) => from > plus(since, noticed));
      expectEqual("gaps after the core knew", late, []);
      for (const { from, to } of gaps) expectAtMost("a gap of the client", minus(to, from), noticed);
    },
  },
  {
    name: "bgp-failover/hour",
    title:
      "For an hour in which nothing happens no session ends, and keepalives come at three quarters to all of their time",
    cites: ["B11 7", "B11 9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "virtualTime"],
    settings: { memberlist: false },
    variants: [
      { name: "default", family: "ipv4", keepalive: 60 },
      { name: "quick", family: "ipv6", keepalive: 3 },
    ],
    async run(world, { family = "ipv4", keepalive = 0 }) {
      const interval = Number(keepalive);
      const peer = interval === 60 ? {} : QUICK;
      await withoutBfd(world);
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer });
      await world.router().configure(...aboutNodes("timers 60 180"));
      const all = (name: string): Promise<readonly number[]> => peerMetrics(world, `metallb_bgp_${name}`, family);
      await passes(world, seconds(1));
      const [keepalives, updates] = [await all("keepalives_sent"), await all("updates_total")];
      await passes(world, seconds(3600));
      await announcedBy(world, vip, world.nodes, { within: micros(0) });
      // RFC 4271 section 10: a factor from 0.75 to 1.
      for (const [index, count] of (await all("keepalives_sent")).entries()) {
        const more = count - (keepalives[index] ?? 0);
        expectAtLeast("keepalives in an hour", more, Math.floor(3600 / interval));
        expectAtMost("keepalives in an hour", more, Math.ceil(3600 / interval / 0.75));
      }
      expectEqual("UPDATEs in an hour", await all("updates_total"), updates);
      await noSessionLost(world);
    },
  },
];
