// Speakers restart. RFC 4724 and RFC 8538 say what a router keeps meanwhile.
import { millis, minus, plus, seconds } from "../../../impl/wire/time.ts";
import {
  announcedBy,
  BGP_FAMILIES,
  bgpService,
  established,
  familiesOf,
  hostPrefix,
  inBgp,
  nameNodes,
  vipsOf,
  withdrawn,
  workload,
} from "../../bgp-steps.ts";
import { expectAtLeast, expectEqual, expectTrue } from "../../expect.ts";
import {
  carrierOf,
  familyVariants,
  HOLD,
  KEEPALIVE,
  noOutage,
  outageAtMost,
  peerWith,
  PROCESSING,
  QUICK,
  RECONNECT,
  RESTART_TIME,
  routeHolds,
  servedByEach,
  staleOf,
  START,
  watch,
} from "../../failover-steps.ts";
import { BOTH_FAMILIES, passes } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const GRACEFUL = { ...QUICK, enableGracefulRestart: true };

const AWAY = seconds(5);

async function endSpeaker(world: World, node: string, how: unknown): Promise<void> {
  if (how === "crash") await world.node(node).crashSpeaker();
  else await world.node(node).stopSpeaker();
}

async function startAll(world: World): Promise<void> {
  for (const node of world.nodes) await world.node(node).startSpeaker();
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-failover/restart",
    title: "Without graceful restart the routes go with the speakers, and are back soon after them",
    cites: ["BGP 9", "BGP 10", "BGP 11", "users B12"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const { vips } = await servedByEach(world, "web", { families: familiesOf(variant), peer: QUICK });
      const probes = await Promise.all(vips.map((vip) => watch(world, vip)));
      for (const node of world.nodes) await world.node(node).stopSpeaker();
      for (const vip of vips) await withdrawn(world, vip, { within: PROCESSING });
      expectEqual("paths left behind", await world.router().paths(), []);
      await passes(world, AWAY);
      await startAll(world);
      for (const vip of vips) await announcedBy(world, vip, world.nodes, { within: START });
      await Promise.all(
        probes.map(async (probe) => {
          await outageAtMost(probe, plus(AWAY, plus(START, PROCESSING)));
          expectAtLeast("outage in microseconds", (await probe.report()).outage, minus(AWAY, PROCESSING));
        }),
      );
    },
  },
  {
    name: "bgp-failover/graceful-restart",
    title: "With graceful restart no request is lost while all speakers restart, and what went meanwhile is swept",
    cites: ["BGP 6", "BGP 7", "BGP 8", "F29"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults"],
    variants: [
      ...BGP_FAMILIES.map((variant) => ({ ...variant, name: `stop-${variant.name}`, how: "stop" })),
      ...BGP_FAMILIES.map((variant) => ({ ...variant, name: `crash-${variant.name}`, how: "crash" })),
      { name: "stop-before-rfc8538", family: "ipv4", how: "stop", notification: false },
    ],
    async run(world, variant) {
      const families = familiesOf(variant);
      const router = world.router();
      // To such a router every NOTIFICATION is the end of what it keeps (RFC 4724 section 4).
      if (variant["notification"] === false) await router.configure(...inBgp("no bgp graceful-restart notification"));
      await nameNodes(world);
      const { vips } = await servedByEach(world, "web", { families, peer: GRACEFUL });
      await world.kubernetes.apply(...workload("other", { families }));
      const others = await vipsOf(world, "default/other", families.length);
      for (const vip of others) await announcedBy(world, vip);
      const probes = await Promise.all(vips.map((vip) => watch(world, vip)));
      for (const node of world.nodes) await endSpeaker(world, node, variant["how"]);
      await world.kubernetes.remove("Service", "default/other");
      await passes(world, AWAY);
      for (const vip of vips) expectEqual("paths that are kept", await staleOf(vip, router), world.nodes.toSorted());
      await startAll(world);
      // RFC 4724 section 4.2: what the End-of-RIB finds still stale is swept.
      for (const vip of others) await withdrawn(world, vip, { within: START });
      for (const vip of vips) {
        await world.waitFor(`${vip} is told anew`, async () => (await staleOf(vip, router)).length === 0, START);
        await routeHolds(world, vip, seconds(3));
      }
      for (const probe of probes) await noOutage(probe);
    },
  },
  {
    name: "bgp-failover/graceful-restart-route-kept",
    title: "While a speaker restarts gracefully its route stays in the router's kernel at every instant",
    cites: ["F29", "BGP 6"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults", "frameFaults"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await servedByEach(world, "web", { families: [family], peer: GRACEFUL });
      const [first = ""] = world.nodes;
      // More Services than one UPDATE tells, each with words of its own.
      const names = Array.from({ length: 20 }, (_, index) => `more-${index}`);
      for (const name of names) await world.kubernetes.apply(...workload(name, { families: [family] }));
      const vips = [vip];
      for (const name of names) vips.push(...(await vipsOf(world, `default/${name}`, 1)));
      for (const each of vips) await announcedBy(world, each);
      // A slow path shows what happens between the session and the routes.
      await world.network.fault({ at: first, delay: millis(100) });
      await world.node(first).stopSpeaker();
      const kept = async (): Promise<boolean> => {
        const paths = (await world.router().paths()).filter(({ node }) => node === first);
        return paths.length === vips.length;
      };
      await world.holds("every path of the node is kept", kept, AWAY);
      await world.node(first).startSpeaker();
      await world.holds("every path of the node is kept", kept, plus(START, RECONNECT));
      expectEqual(
        "stale ones in the end",
        (await world.router().paths()).filter(({ stale }) => stale),
        [],
      );
    },
  },
  {
    name: "bgp-failover/graceful-restart-never-ends",
    title: "The routes of a speaker that does not come back from its restart go when the restart time is over",
    cites: ["F29", "B11 6"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults", "virtualTime"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await servedByEach(world, "web", { families: [family], peer: GRACEFUL });
      const node = await carrierOf(world, vip);
      const others = world.nodes.filter((other) => other !== node);
      const probe = await watch(world, vip);
      await world.node(node).crashSpeaker();
      await routeHolds(world, vip, minus(RESTART_TIME, seconds(1)));
      expectEqual("who is waited for", await staleOf(vip, world.router()), [node]);
      await announcedBy(world, vip, others, { within: plus(seconds(1), PROCESSING) });
      await noOutage(probe);
    },
  },
  {
    name: "bgp-failover/graceful-restart-power-loss",
    title:
      "Graceful restart keeps the route of a node without power until hold time and restart time are over, and no longer",
    cites: ["F29", "B11 6", "users B16"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "powerOff", "virtualTime"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await servedByEach(world, "web", { families: [family], peer: GRACEFUL });
      const node = await carrierOf(world, vip);
      const others = world.nodes.filter((other) => other !== node);
      await world.node(node).powerOff();
      await routeHolds(world, vip, plus(minus(HOLD, KEEPALIVE), minus(RESTART_TIME, seconds(1))));
      await announcedBy(world, vip, others, { within: plus(KEEPALIVE, plus(seconds(1), PROCESSING)) });
      expectEqual("paths left behind", await staleOf(vip, world.router()), []);
    },
  },
  {
    name: "bgp-failover/rolling-upgrade",
    title:
      "When all speakers are replaced one after the other new requests are served; with graceful restart no connection moves",
    cites: ["users B12", "users B13", "F29"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults"],
    variants: [
      ...familyVariants("graceful", { graceful: true }),
      ...familyVariants("plain", { graceful: false }),
      { name: "graceful-bfd", family: "ipv4", graceful: true, bfd: true },
    ],
    async run(world, variant) {
      const { family = "ipv4", graceful = false } = variant;
      const peer = peerWith(variant, { enableGracefulRestart: graceful === true });
      const { vip } = await servedByEach(world, "web", { families: [family], peer });
      const probe = await watch(world, vip);
      const connection = await world.client().connection({ vip, every: millis(100) });
      for (const node of world.nodes) {
        const others = world.nodes.filter((other) => other !== node);
        await world.node(node).stopSpeaker();
        if (graceful === true) await routeHolds(world, vip, AWAY);
        else {
          await announcedBy(world, vip, others, { within: PROCESSING });
          await routeHolds(world, vip, AWAY, { nodes: others });
        }
        await world.node(node).startSpeaker();
        await established(world, world.nodes, { within: START });
        await announcedBy(world, vip, world.nodes, { within: PROCESSING });
      }
      // Nothing of the node is gone but the speaker: whoever is still sent there is served.
      await noOutage(probe);
      await connection.end();
      const { resets } = await connection.report();
      expectEqual("the connection moved", resets > 0, graceful !== true);
    },
  },
  {
    name: "bgp-failover/restart-with-new-words",
    title: "What a speaker says after its restart replaces what it said before, prefix for prefix",
    cites: ["F29"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "processFaults"],
    async run(world) {
      const { vip } = await servedByEach(world, "web", { peer: GRACEFUL });
      const [first = ""] = world.nodes;
      await world.node(first).stopSpeaker();
      await world.kubernetes.apply(
        ...bgpService("web", {
          policy: "Local",
          peer: GRACEFUL,
          advertisement: { communities: ["64500:7"] },
        }),
      );
      await passes(world, AWAY);
      await world.node(first).startSpeaker();
      await world.waitFor(
        "the path has the new community and is fresh",
        async () => {
          const path = (await world.router().paths(hostPrefix(vip))).find(({ node }) => node === first);
          return path !== undefined && !path.stale && path.communities.join() === "64500:7";
        },
        START,
      );
      expectTrue("served", (await world.client().request({ vip })).outcome === "ok");
    },
  },
];
