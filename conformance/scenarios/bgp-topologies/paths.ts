// Sessions that are not simply between two addresses of one subnet: which next hops routers get over them, and how they fail.
import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { type Family, familyOf, type Ip } from "../../../impl/wire/ip.ts";
import { plus, seconds } from "../../../impl/wire/time.ts";
import {
  announcedBy,
  answers,
  bfdUp,
  BGP_FAMILIES,
  bgpService,
  established,
  familiesOf,
  hostPrefix,
  pathsFrom,
  PROPAGATION,
  ROUTER,
  vipsOf,
} from "../../bgp-steps.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import {
  BFD_DETECTION,
  BFD_PROFILE,
  familyVariants,
  HOLD,
  peerWith,
  PROCESSING,
  QUICK,
  RECONNECT,
  START,
} from "../../failover-steps.ts";
import { bfdProfile, bgpPeer, CLUSTER_ASN, type PeerSpec } from "../../objects.ts";
import { passes } from "../../steps.ts";
import { type BfdPeer, type RouterControl, type Scenario, type Variant, type World } from "../../world.ts";

const isLinkLocal = (ip: Ip | undefined): boolean => ip !== undefined && ip.startsWith("fe80:");

/** Applies a Service with these peers, and returns its addresses. */
async function serve(world: World, variant: Variant, peers: readonly KubeObject[]): Promise<readonly Ip[]> {
  const families = familiesOf(variant);
  await world.kubernetes.apply(bfdProfile(BFD_PROFILE), ...bgpService("web", { families, peers }));
  return vipsOf(world, "default/web", families.length);
}

const unnumbered = (variant: Variant, spec: PeerSpec = {}): readonly KubeObject[] => [
  bgpPeer("router", { interface: "eth2", ...peerWith(variant), ...spec }),
];

const WITH_AND_WITHOUT_BFD: readonly Variant[] = [true, false].flatMap((bfd) =>
  BGP_FAMILIES.map((variant) => ({ ...variant, name: `${variant.name}${bfd ? "-bfd" : ""}`, bfd })),
);

/** The ends of the node LAN that an address of each family is from. */
const nodeLan = (family: Family): string => (family === "ipv4" ? "192.0.2." : "2001:db8:0:2::");

/** A second router of the cluster's network, two hops away. */
interface Far {
  readonly asn: number;
  readonly address: Readonly<Record<Family, string>>;
  readonly external: boolean;
}

const FAR: Readonly<Record<"ebgp" | "ibgp", Far>> = {
  ebgp: { asn: 4_200_000_000, address: { ipv4: "192.0.3.3", ipv6: "2001:db8:0:3::3" }, external: true },
  ibgp: { asn: CLUSTER_ASN, address: { ipv4: "192.0.3.4", ipv6: "2001:db8:0:3::4" }, external: false },
};

/** Peers for the router between, without which nothing reaches the nodes, and for one of those behind it. */
function farPeers(name: keyof typeof FAR, family: Family, spec: PeerSpec = {}): readonly KubeObject[] {
  const { asn, address, external } = FAR[name];
  return [
    bgpPeer("near", { peerAddress: ROUTER[family] }),
    bgpPeer(name, {
      peerAddress: address[family],
      peerASN: asn,
      password: "correct-horse",
      ...(external ? { ebgpMultiHop: true } : {}),
      ...QUICK,
      ...spec,
    }),
  ];
}

async function oneNodeLosesPower(
  world: World,
  vips: readonly Ip[],
  bound: typeof HOLD,
  router: RouterControl = world.router(),
): Promise<void> {
  const [first = "", ...others] = world.nodes;
  const off = await world.node(first).powerOff();
  const hasLeft = async (vip: Ip): Promise<boolean> =>
    (await router.paths(hostPrefix(vip))).every(({ peer, node }) => node !== first && peer !== undefined);
  for (const vip of vips) {
    await world.waitFor(`no path over ${first}`, () => hasLeft(vip), plus(bound, PROCESSING));
  }
  await established(world, others, { router, within: seconds(0) });
  await off.end();
  await established(world, world.nodes, { router, within: plus(START, RECONNECT) });
}

const sessionKinds = (peers: readonly BfdPeer[]): readonly boolean[] => [
  ...new Set(peers.map(({ multihop }) => multihop)),
];

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-topologies/unnumbered",
    title:
      "Over a link with nothing but link-local addresses a session comes up, and routes of both families go to them",
    cites: ["BGP 135", "BGP 136", "BGP 137", "BGP 138", "BGP 139", "BGP 140"],
    topology: "bgp-unnumbered",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: WITH_AND_WITHOUT_BFD,
    async run(world, variant) {
      const vips = await serve(world, variant, unnumbered(variant));
      for (const session of await established(world)) {
        expectTrue("the router has no address of the neighbour but its link-local one", isLinkLocal(session.address));
        expectTrue("it is one of an interface", session.link !== undefined);
        // RFC 8950 section 4.
        expectTrue("IPv6 next hops for IPv4", session.capabilities.includes("extendedNextHop"));
      }
      if (variant["bfd"] === true) {
        for (const peer of await bfdUp(world))
          expectEqual("BFD over one hop", [peer.multihop, isLinkLocal(peer.peer)], [false, true]);
      }
      for (const vip of vips) {
        await announcedBy(world, vip);
        const entry = await world.router().fib(hostPrefix(vip));
        expectEqual(`links to ${vip}`, entry?.nextHops.map(({ link }) => link).toSorted(), ["eth1", "eth2", "eth3"]);
        expectTrue("next hops are link-local", entry?.nextHops.every(({ ip }) => isLinkLocal(ip)) === true);
        for (const { nextHop, linkLocal } of await pathsFrom(world, vip)) {
          expectEqual("what was told", [isLinkLocal(nextHop), isLinkLocal(linkLocal ?? nextHop)], [true, true]);
        }
        await answers(world, vip);
      }
    },
  },
  {
    name: "bgp-topologies/unnumbered-node-gone",
    title:
      "A node behind a link without addresses that is gone loses its routes as any other does, and finds its peer again",
    cites: ["B11 6", "BGP 138"],
    topology: "bgp-unnumbered",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    variants: [
      { name: "link", dual: true, how: "link", bfd: false },
      { name: "pause", dual: true, how: "pause", bfd: false },
      { name: "pause-bfd", dual: true, how: "pause", bfd: true },
      { name: "power", dual: true, how: "power", bfd: false },
    ],
    async run(world, variant) {
      const vips = await serve(world, variant, unnumbered(variant));
      for (const vip of vips) await announcedBy(world, vip);
      if (variant["bfd"] === true) await bfdUp(world);
      const [first = "", ...others] = world.nodes;
      const control = world.node(first);
      const how = variant["how"];
      const gone =
        how === "link" ? control.linkDown("eth2") : how === "power" ? control.powerOff() : control.pauseSpeaker();
      const ending = await gone;
      // The cable goes straight to the router, which sees its carrier go; a machine without power may still give one.
      const silence = variant["bfd"] === true ? BFD_DETECTION : HOLD;
      const detection = how === "link" ? seconds(0) : silence;
      for (const vip of vips) await announcedBy(world, vip, others, { within: plus(detection, PROCESSING) });
      await passes(world, seconds(15));
      await ending.end();
      for (const vip of vips) {
        await announcedBy(world, vip, world.nodes, { within: plus(START, PROPAGATION) });
      }
    },
  },
  {
    name: "bgp-topologies/multihop",
    title:
      "A router two hops away gets signed sessions and routes to the nodes themselves; BFD knows that it is several hops",
    cites: ["B7", "users B9", "BGP 32"],
    topology: "bgp-multihop",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    variants: (["ebgp", "ibgp"] as const).flatMap((far) => [
      ...familyVariants(far, { far, bfd: false }),
      ...familyVariants(`${far}-bfd`, { far, bfd: true }),
    ]),
    async run(world, variant) {
      const { family = "ipv4", bfd } = variant;
      const name = variant["far"] === "ibgp" ? "ibgp" : "ebgp";
      const router = world.router(name);
      const vips = await serve(world, variant, farPeers(name, family, bfd === true ? { bfdProfile: BFD_PROFILE } : {}));
      await established(world, world.nodes, { router, family });
      for (const vip of vips) {
        await announcedBy(world, vip);
        await world.waitFor(
          "every node's path is there",
          async () => (await pathsFrom(world, vip, { router })).length === world.nodes.length,
          PROPAGATION,
        );
        for (const { nextHop, asPath, localPref } of await pathsFrom(world, vip, { router })) {
          expectTrue(`next hop ${nextHop} is a node's`, nextHop.startsWith(nodeLan(family)));
          // RFC 4271 section 5.1.2 and 5.1.5.
          expectEqual(
            "path and preference",
            [asPath, localPref],
            name === "ibgp" ? [[], 100] : [[CLUSTER_ASN], undefined],
          );
        }
        if (name === "ebgp") await answers(world, vip);
      }
      if (bfd === true) expectEqual("several hops", sessionKinds(await bfdUp(world, world.nodes, { router })), [true]);
      await oneNodeLosesPower(world, vips, bfd === true ? BFD_DETECTION : HOLD, router);
    },
  },
  {
    name: "bgp-topologies/multihop-ttl-security",
    title: "A router two hops away that accepts nothing from further (RFC 5082) accepts the nodes",
    cites: ["B7", "users B9"],
    topology: "bgp-multihop",
    needs: ["routers", "kubernetes"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const router = world.router("ebgp");
      await router.configure(
        `router bgp ${FAR.ebgp.asn}`,
        ...["nodes", "nodes6"].flatMap((group) => [
          `no neighbor ${group} ebgp-multihop`,
          `neighbor ${group} ttl-security hops 2`,
        ]),
        "exit",
      );
      for (const family of familiesOf(variant)) {
        await world.kubernetes.apply(...farPeers("ebgp", family));
        await established(world, world.nodes, { router, family });
      }
    },
  },
  {
    name: "bgp-topologies/vrf",
    title: "A peer of a VRF is reached through it, and its routes stay in it",
    cites: ["users B9", "B7"],
    topology: "bgp-vrf",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const families = familiesOf(variant);
      const address = { ipv4: "192.0.3.1", ipv6: "2001:db8:0:3::1" };
      const peers = families.map((family) =>
        bgpPeer(`red-${family}`, { peerAddress: address[family], peerASN: 64_502, vrf: "red", ...QUICK }),
      );
      const vips = await serve(world, variant, peers);
      for (const vip of vips) {
        const family = familyOf(vip);
        await world.waitFor(
          "every node's path is there",
          async () => (await pathsFrom(world, vip)).length === world.nodes.length,
          PROPAGATION,
        );
        for (const { nextHop } of await pathsFrom(world, vip)) {
          expectTrue(`${nextHop} is in the VRF`, nextHop.startsWith(family === "ipv4" ? "192.0.3." : "2001:db8:0:3::"));
        }
        // How nodes forward what comes in through a VRF is their operator's choice.
        expectEqual("outside of the VRF", await world.router().fib(hostPrefix(vip)), undefined);
      }
      await oneNodeLosesPower(world, vips, HOLD);
    },
  },
  {
    name: "bgp-topologies/dual-stack-session",
    title: "One session carries the routes of both families to the node's addresses of each, and both go with it",
    cites: ["BGP 82", "BGP 83", "B11 6"],
    topology: "bgp-dual-stack",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    variants: [...familyVariants("hold", { bfd: false }), ...familyVariants("bfd", { bfd: true })],
    async run(world, variant) {
      const { family = "ipv4", bfd } = variant;
      const peer = bgpPeer("router", {
        peerAddress: ROUTER[family],
        dualStackAddressFamily: true,
        ...peerWith(variant),
      });
      const vips = await serve(world, { name: "", dual: true }, [peer]);
      for (const vip of vips) {
        await announcedBy(world, vip);
        for (const { nextHop, peer: teller } of await pathsFrom(world, vip)) {
          expectTrue(`next hop ${nextHop} of ${vip}`, nextHop.startsWith(nodeLan(familyOf(vip))));
          expectEqual("over a session of", familyOf(teller), family);
        }
        await answers(world, vip);
      }
      if (bfd === true) await bfdUp(world);
      await oneNodeLosesPower(world, vips, bfd === true ? BFD_DETECTION : HOLD);
    },
  },
];
