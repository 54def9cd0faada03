// What the fields of a BGPPeer do, as the router sees it.
import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { seconds } from "../../../impl/wire/time.ts";
import {
  aboutNodes,
  announcedBy,
  bgpService,
  bgpServing,
  established,
  inBgp,
  nameNodes,
  noSessionLost,
  oneAs,
  pathsFrom,
  peerName,
  PROPAGATION,
  ROUTER,
  routerPeers,
  sessions,
  withoutBfd,
} from "../../bgp-steps.ts";
import { expectEqual } from "../../expect.ts";
import {
  bgpPeer,
  bgpPeerV1Beta1,
  CLUSTER_ASN,
  nodesNamed,
  passwordSecret,
  type PeerSpec,
  ROUTER_ASN,
  SYSTEM,
} from "../../objects.ts";
import { BOTH_FAMILIES, passes } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

/** Nobody gets a session within three attempts. */
async function noSession(world: World): Promise<void> {
  await world.holds("no session is established", async () => (await sessions(world)).length === 0, PROPAGATION);
}

async function changePeer(
  world: World,
  name: string,
  spec: { readonly [Field in keyof PeerSpec]?: unknown },
): Promise<void> {
  await world.kubernetes.patch("BGPPeer", `${SYSTEM}/${name}`, { spec });
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp/default-session",
    title: "A peer with nothing but its address and ASNs has a session with upstream's values and our capabilities",
    cites: ["BGP 73"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.router().configure(...aboutNodes("timers 100 300"));
      await world.kubernetes.apply(...routerPeers([family]));
      const up = await established(world, world.nodes, { family });
      for (const session of up) {
        expectEqual("ASNs", [session.remoteAs, session.localAs], [CLUSTER_ASN, ROUTER_ASN]);
        // 180 s and 60 s are what upstream's default backend has; the lesser offer of both sides counts.
        expectEqual("timers", [session.holdTime, session.keepalive], [seconds(180), seconds(60)]);
        const own = family === "ipv4" ? "multiprotocolIpv4" : "multiprotocolIpv6";
        const offered = session.capabilities.toSorted();
        expectEqual("capabilities", offered, [own, "fourOctetAs", "routeRefresh"].toSorted());
      }
      // RFC 6286: an identifier is unique within an AS.
      expectEqual("different identifiers", new Set(up.map(({ routerId }) => routerId)).size, world.nodes.length);
    },
  },
  {
    name: "bgp/timers",
    title: "Hold and keepalive times are those of the peer, from its creation and after a change",
    cites: ["BGP 73", "BGP 74"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.router().configure(...aboutNodes("timers 100 300"));
      await nameNodes(world);
      await world.kubernetes.apply(...routerPeers([family], { holdTime: "180s", keepaliveTime: "60s" }));
      await established(world);
      await changePeer(world, peerName(family), { holdTime: "30s", keepaliveTime: "10s" });
      await world.waitFor(
        "the new times are in use",
        async () => {
          const up = await sessions(world);
          return up.length === world.nodes.length && up.every(({ holdTime }) => holdTime === seconds(30));
        },
        PROPAGATION,
      );
      // What the router keeps in use is a third of the negotiated hold time.
      for (const { keepalive } of await sessions(world)) expectEqual("keepalive", keepalive, seconds(10));
      const before = await sessions(world);
      await passes(world, seconds(120));
      const counts = (all: typeof before): readonly number[] => all.map(({ established: count }) => count);
      expectEqual("sessions that stay", counts(await sessions(world)), counts(before));
    },
  },
  {
    name: "bgp/lesser-hold-time",
    title: "The router's hold time counts where it is shorter, and a session without one stays up in silence",
    cites: ["B11 9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "virtualTime"],
    variants: [
      { name: "router", holdTime: "90s", expected: 9 },
      { name: "peer", holdTime: "6s", expected: 6 },
      { name: "none", holdTime: "0s", expected: 0 },
    ],
    async run(world, { holdTime = "", expected = 0 }) {
      await withoutBfd(world);
      await nameNodes(world);
      await world.router().configure(...aboutNodes("timers 3 9"));
      await world.kubernetes.apply(...routerPeers(["ipv4"], { holdTime: String(holdTime) }));
      for (const session of await established(world)) {
        expectEqual("negotiated", session.holdTime, seconds(Number(expected)));
      }
      await passes(world, seconds(300));
      await noSessionLost(world);
    },
  },
  {
    name: "bgp/password",
    title: "With a password both sides sign their segments; a wrong one, or none, makes no session",
    cites: ["BGP 32", "BGP 33", "F44"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes"],
    variants: [
      { name: "plain-ipv4", family: "ipv4", secret: false },
      { name: "plain-ipv6", family: "ipv6", secret: false },
      { name: "secret-ipv4", family: "ipv4", secret: true },
      { name: "secret-ipv6", family: "ipv6", secret: true },
    ],
    async run(world, { family = "ipv4", secret = false }) {
      await world.router().configure(...aboutNodes("password right"));
      const withPassword = (password: string): readonly KubeObject[] =>
        secret
          ? [passwordSecret("peers", password), ...routerPeers([family], { passwordSecret: { name: "peers" } })]
          : routerPeers([family], { password });
      await world.kubernetes.apply(...routerPeers([family]));
      await noSession(world);
      await world.kubernetes.apply(...withPassword("wrong"));
      await noSession(world);
      await world.kubernetes.apply(...withPassword("right"));
      await established(world);
      // A changed password means a new session, as one of them is wrong from now on.
      await world.kubernetes.apply(...withPassword("wrong"));
      await established(world, []);
    },
  },
  {
    name: "bgp/missing-secret",
    title: "A peer whose secret is not there yet has no session, and gets one when it comes",
    cites: ["F44"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes"],
    settings: { webhook: false },
    async run(world) {
      await world.router().configure(...aboutNodes("password right"));
      await world.kubernetes.apply(...routerPeers(["ipv4"], { passwordSecret: { name: "peers" } }));
      await noSession(world);
      await world.kubernetes.apply(passwordSecret("peers", "right"));
      await established(world);
    },
  },
  {
    name: "bgp/router-id",
    title: "The BGP identifier is the peer's routerID",
    cites: ["BGP 26", "BGP 27"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.kubernetes.apply(...routerPeers([family], { routerID: "10.10.10.1" }));
      for (const { routerId } of await established(world)) expectEqual("identifier", routerId, "10.10.10.1");
    },
  },
  {
    name: "bgp/source-address",
    title: "A session comes from the sourceAddress, and there is none where the node does not have it",
    cites: ["users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "links"],
    variants: [
      { name: "ipv4", family: "ipv4", source: "192.0.2.111", length: 24 },
      { name: "ipv6", family: "ipv6", source: "2001:db8:0:2::111", length: 64 },
    ],
    async run(world, { family = "ipv4", source = "", length = 0 }) {
      const [first = ""] = world.nodes;
      await world.kubernetes.apply(...routerPeers([family], { sourceAddress: String(source) }));
      await noSession(world);
      await world.node(first).setLink("eth1", { addAddress: `${source}/${length}` });
      const [session] = await established(world, [first]);
      expectEqual("from", session?.address, source);
    },
  },
  {
    name: "bgp/peer-port",
    title: "The session goes to the peer's port",
    cites: ["users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.kubernetes.apply(...routerPeers([family], { peerPort: 1179 }));
      await noSession(world);
      await changePeer(world, peerName(family), { peerPort: 179 });
      await established(world);
    },
  },
  {
    name: "bgp/ttl-security",
    title: "A router that accepts only what comes straight from the link (RFC 5082) accepts the nodes",
    cites: ["users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.router().configure(...aboutNodes("ttl-security hops 1"));
      await world.kubernetes.apply(...routerPeers([family]));
      await established(world);
    },
  },
  {
    name: "bgp/ttl-required",
    title: "Where the flag says so, the nodes accept a router only with the greatest TTL",
    cites: ["users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes"],
    settings: { requireTtl: true },
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      // FRR gives sessions from a listen range the TTL of its listener, which is 255.
      await nameNodes(world);
      await world.kubernetes.apply(...routerPeers([family]));
      await noSession(world);
      await world.router().configure(...aboutNodes("ttl-security hops 1"));
      await established(world);
    },
  },
  {
    name: "bgp/local-as",
    title: "With a localASN the router sees that AS, in the session and in the paths",
    cites: ["BGP 30", "BGP 31"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.router().configure(...aboutNodes("remote-as 64520"));
      const { vip } = await bgpServing(world, "web", { families: [family], peer: { localASN: 64_520 } });
      for (const { remoteAs } of await established(world)) expectEqual("AS", remoteAs, 64_520);
      for (const { asPath } of await pathsFrom(world, vip)) expectEqual("path", asPath, [64_520]);
    },
  },
  {
    name: "bgp/four-octet-as",
    title: "ASNs of four octets work on both sides",
    cites: ["BGP 1"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      const [asn] = [4_200_000_000];
      await world.router().configure(...aboutNodes(`remote-as ${asn}`));
      const { vip } = await bgpServing(world, "web", { peer: { myASN: asn } });
      for (const { asPath } of await pathsFrom(world, vip)) expectEqual("path", asPath, [asn]);
    },
  },
  {
    name: "bgp/internal-session",
    title: "Within one AS the path is empty, and LOCAL_PREF is 100 where no advertisement says otherwise",
    cites: ["BGP 1", "BGP 47"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.router().configure(...oneAs());
      const { vip } = await bgpServing(world, "web", { families: [family], peer: { myASN: ROUTER_ASN } });
      for (const path of await pathsFrom(world, vip)) {
        expectEqual("path and preference", [path.asPath, path.localPref], [[], 100]);
      }
    },
  },
  {
    name: "bgp/dynamic-as",
    title: "With dynamicASN any router of another AS, or of the own, will do",
    cites: ["BGP 78", "BGP 79"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "external-ipv4", family: "ipv4", dynamicASN: "external", myASN: CLUSTER_ASN },
      { name: "external-ipv6", family: "ipv6", dynamicASN: "external", myASN: CLUSTER_ASN },
      { name: "internal-ipv4", family: "ipv4", dynamicASN: "internal", myASN: ROUTER_ASN },
      { name: "internal-ipv6", family: "ipv6", dynamicASN: "internal", myASN: ROUTER_ASN },
    ],
    async run(world, variant) {
      const { family = "ipv4" } = variant;
      const myASN = Number(variant["myASN"]);
      const dynamicASN = variant["dynamicASN"] === "internal" ? "internal" : "external";
      if (myASN === ROUTER_ASN) await world.router().configure(...oneAs());
      const { vip } = await bgpServing(world, "web", { families: [family], peer: { dynamicASN, myASN } });
      expectEqual("paths", (await pathsFrom(world, vip)).length, world.nodes.length);
    },
  },
  {
    name: "bgp/wrong-as",
    title: "A router of another AS than the peer says gets no session, and an event says why",
    cites: ["BGP 80", "BGP 81", "F10"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "virtualTime"],
    variants: [
      { name: "dynamic-ipv4", family: "ipv4", dynamic: true },
      { name: "dynamic-ipv6", family: "ipv6", dynamic: true },
      { name: "number", family: "ipv4", dynamic: false },
    ],
    async run(world, { family = "ipv4", dynamic = false }) {
      const wrong: PeerSpec = dynamic ? { dynamicASN: "internal" } : { peerASN: 64_999 };
      await world.kubernetes.apply(...routerPeers([family], wrong));
      const name = `${SYSTEM}/${peerName(family)}`;
      await world.waitFor(
        "an event says what is wrong",
        async () => (await world.kubernetes.events("BGPPeer", name)).some(({ message }) => message.includes("AS")),
        PROPAGATION,
      );
      await noSession(world);
      await world.kubernetes.apply(...routerPeers([family]));
      // RFC 4271 section 8.1.1: who was refused rests, at most half a minute.
      await established(world, world.nodes, { within: seconds(35) });
    },
  },
  {
    name: "bgp/graceful-restart-offered",
    title: "Graceful restart is offered where the peer says so, and not elsewhere",
    cites: ["BGP 28", "BGP 29"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes"],
    variants: [
      { name: "ipv4", family: "ipv4", restart: true },
      { name: "ipv6", family: "ipv6", restart: true },
      { name: "off", family: "ipv4", restart: false },
    ],
    async run(world, { family = "ipv4", restart = false }) {
      await world.kubernetes.apply(...routerPeers([family], { enableGracefulRestart: Boolean(restart) }));
      for (const { capabilities } of await established(world)) {
        expectEqual("offered", capabilities.includes("gracefulRestart"), restart);
      }
    },
  },
  {
    name: "bgp/deprecated-peer",
    title: "A BGPPeer of the deprecated version works; timers that it leaves out mean none",
    cites: ["BGP 43"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "virtualTime"],
    variants: [
      { name: "unset", expected: 0 },
      { name: "set", holdTime: "9s", expected: 9 },
    ],
    async run(world, { holdTime, expected = 0 }) {
      const [first = ""] = world.nodes;
      const spec = {
        peerAddress: ROUTER.ipv4,
        nodeSelectors: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [first] }] }],
        ...(holdTime === undefined ? {} : { holdTime: String(holdTime), keepaliveTime: "3s" }),
      };
      await world.kubernetes.apply(bgpPeerV1Beta1("router-ipv4", spec));
      const [session] = await established(world, [first]);
      expectEqual("hold time", session?.holdTime, seconds(Number(expected)));
    },
  },
  {
    name: "bgp/reconnect",
    title: "When a router is back after a long time, sessions come back within twice the connect time",
    cites: ["BGP 75", "B11 19"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "virtualTime"],
    variants: [
      { name: "ipv4", family: "ipv4", connectTime: "10s" },
      { name: "ipv6", family: "ipv6", connectTime: "10s" },
      { name: "default", family: "ipv4" },
    ],
    async run(world, { family = "ipv4", connectTime }) {
      const peer = connectTime === undefined ? {} : { connectTime: String(connectTime) };
      await withoutBfd(world);
      const { vip } = await bgpServing(world, "web", { families: [family], peer });
      const outage = await world.router().crashDaemons();
      await passes(world, seconds(1800));
      await outage.end();
      await established(world, world.nodes, { within: seconds(20) });
      await announcedBy(world, vip, world.nodes, { within: seconds(5) });
    },
  },
  {
    name: "bgp/reset-by-router",
    title: "A session that the router resets is back within seconds",
    cites: ["BGP 75", "F23"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await bgpServing(world, "web", { families: [family] });
      for (const { address } of await established(world)) await world.router().clear(address, "hard");
      await world.waitFor(
        "each session was established twice",
        async () => {
          const up = await sessions(world);
          return up.length === world.nodes.length && up.every((each) => each.established === 2);
        },
        seconds(10),
      );
      await announcedBy(world, vip, world.nodes, { within: seconds(5) });
    },
  },
  {
    name: "bgp/soft-reset-by-router",
    title: "A router that asks for the routes again gets them, and the session stays",
    cites: ["F28"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await bgpServing(world, "web", { families: [family] });
      for (const { address } of await established(world)) await world.router().clear(address, "soft");
      await world.holds(
        "the route stays",
        async () => (await pathsFrom(world, vip)).length === world.nodes.length,
        seconds(5),
      );
      await noSessionLost(world);
    },
  },
  {
    name: "bgp/peers-of-nodes",
    title: "Only the nodes that a peer selects have a session, as their labels change",
    cites: ["BGP 117", "BGP 118", "BGP 119"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      const [first = "", second = "", third = ""] = world.nodes;
      const one = { nodeSelectors: [{ matchLabels: { rack: "one" } }] };
      await world.kubernetes.patch("Node", first, { metadata: { labels: { rack: "one" } } });
      await world.kubernetes.apply(...bgpService("web", { peer: one }));
      await established(world, [first]);
      await world.kubernetes.patch("Node", second, { metadata: { labels: { rack: "one" } } });
      await established(world, [first, second]);
      await world.kubernetes.patch("Node", first, { metadata: { labels: { rack: null } } });
      await established(world, [second]);
      await world.kubernetes.apply(
        ...routerPeers(["ipv4"], { nodeSelectors: [...nodesNamed(third), ...one.nodeSelectors] }),
      );
      await established(world, [second, third]);
    },
  },
  {
    name: "bgp/as-per-node",
    title: "Nodes may have different ASNs, each by a BGPPeer of its own",
    cites: ["BGP 120"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      await world
        .router()
        .configure(...aboutNodes("remote-as external"), ...inBgp("bgp bestpath as-path multipath-relax"));
      const peers = world.nodes.map((node, index) =>
        bgpPeer(node, { peerAddress: ROUTER.ipv4, myASN: 64_511 + index, nodeSelectors: nodesNamed(node) }),
      );
      const { vip } = await bgpServing(world, "web", { peers });
      expectEqual(
        "what each says",
        (await pathsFrom(world, vip)).map(({ asPath }) => asPath),
        world.nodes.map((_, index) => [64_511 + index]),
      );
    },
  },
  {
    name: "bgp/what-routers-tell",
    title: "What a router announces is not taken over by the nodes",
    cites: ["BGP 61", "BGP 62"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await bgpServing(world, "web", { families: [family] });
      const [network, kind] = family === "ipv4" ? ["0.0.0.0/0", "ipv4"] : ["::/0", "ipv6"];
      const probe = await world.client().probe({ vip });
      const lines = ["no bgp network import-check", `address-family ${kind} unicast`, `network ${network}`];
      await world.router().configure(...inBgp(...lines));
      await passes(world, seconds(10));
      await probe.end();
      expectEqual("gaps", (await probe.report()).gaps, []);
      await noSessionLost(world);
    },
  },
];
