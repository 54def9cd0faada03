// Which Services go to which of several peers.
import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { type Family } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import {
  announcedBy,
  BGP_FAMILIES,
  bgpService,
  established,
  familiesOf,
  nextHops,
  pathsBecome,
  PROPAGATION,
  vipsOf,
  withCommunities,
} from "../../bgp-steps.ts";
import { expectEqual } from "../../expect.ts";
import { bgpAdvertisement, bgpPeer, nodesNamed, type PeerSpec, SYSTEM } from "../../objects.ts";
import { BOTH_FAMILIES, passes } from "../../steps.ts";
import { type BgpPath, type Scenario } from "../../world.ts";

interface Tor {
  readonly asn: number;
  readonly ipv4: string;
  readonly ipv6: string;
}

const TORS: Readonly<Record<"tor1" | "tor2", Tor>> = {
  tor1: { asn: 64_501, ipv4: "192.0.2.1", ipv6: "2001:db8:0:2::1" },
  tor2: { asn: 64_502, ipv4: "192.0.3.1", ipv6: "2001:db8:0:3::1" },
};

const nameOf = (tor: keyof typeof TORS, family: Family): string => `${tor}-${family}`;

/** BGPPeers for a rack switch, one for each family. */
function torPeers(tor: keyof typeof TORS, families: readonly Family[], spec: PeerSpec = {}): readonly KubeObject[] {
  return families.map((family) =>
    bgpPeer(nameOf(tor, family), { peerAddress: TORS[tor][family], peerASN: TORS[tor].asn, ...spec }),
  );
}

const bothTors = (families: readonly Family[]): readonly KubeObject[] => [
  ...torPeers("tor1", families),
  ...torPeers("tor2", families),
];

/** The core tells each rack switch what the other one told it, so that both can reach what one of them hears of nodes. */
const toldBy = ({ node = "" }: BgpPath): string => node;

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp/two-routers",
    title: "Both rack switches get a route over every node, and the router above them spreads over both",
    cites: ["BGP 1", "BGP 2", "BGP 3"],
    topology: "bgp-two-tors",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const families = familiesOf(variant);
      await world.kubernetes.apply(...bgpService("web", { families, peers: bothTors(families) }));
      for (const vip of await vipsOf(world, "default/web", families.length)) {
        for (const name of ["tor1", "tor2"]) await announcedBy(world, vip, world.nodes, { router: world.router(name) });
        await world.waitFor(
          "the core has a route over both",
          async () => (await nextHops(world.router("core"), vip)).length === 2,
          PROPAGATION,
        );
        const { outcome } = await world.client().request({ vip });
        expectEqual("a request", outcome, "ok");
      }
    },
  },
  {
    name: "bgp/peers-of-an-advertisement",
    title: "A Service goes to the peers of its advertisement and to no other, as they change",
    cites: ["BGP 88", "BGP 89", "BGP 90", "BGP 91"],
    topology: "bgp-two-tors",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [...BGP_FAMILIES, { name: "dual-ipv6-only", dual: true, only: "ipv6" }],
    async run(world, variant) {
      const families = familiesOf(variant);
      const chosen = families.filter((family) => variant["only"] === undefined || variant["only"] === family);
      const [tor1, tor2] = [world.router("tor1"), world.router("tor2")];
      const advertisement = { peers: chosen.map((family) => nameOf("tor1", family)) };
      await world.kubernetes.apply(...bgpService("web", { families, peers: bothTors(families), advertisement }));
      const vips = await vipsOf(world, "default/web", families.length);
      const isChosen = (vip: string): boolean => chosen.includes(vip.includes(":") ? "ipv6" : "ipv4");
      await established(world, world.nodes, { router: tor2 });
      for (const vip of vips) {
        await pathsBecome(world, vip, toldBy, isChosen(vip) ? world.nodes : [], { router: tor1 });
        await pathsBecome(world, vip, toldBy, [], { router: tor2 });
      }
      await world.kubernetes.apply(bgpAdvertisement("main", { peers: chosen.map((family) => nameOf("tor2", family)) }));
      for (const vip of vips.filter(isChosen)) {
        await announcedBy(world, vip, world.nodes, { router: tor2 });
        await pathsBecome(world, vip, toldBy, [], { router: tor1 });
      }
    },
  },
  {
    name: "bgp/advertisement-per-peer",
    title: "Each peer hears a Service in the words of its own advertisement",
    cites: ["BGP 92", "BGP 93", "BGP 94", "BGP 95"],
    topology: "bgp-two-tors",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const families = familiesOf(variant);
      const named = (tor: keyof typeof TORS): readonly string[] => families.map((family) => nameOf(tor, family));
      await world.kubernetes.apply(
        ...bgpService("web", {
          families,
          peers: bothTors(families),
          advertisement: { peers: named("tor1"), communities: ["64500:1"] },
        }),
        bgpAdvertisement("second", { peers: named("tor2"), communities: ["64500:2"] }),
      );
      for (const vip of await vipsOf(world, "default/web", families.length)) {
        for (const [name, value] of [
          ["tor1", "64500:1"],
          ["tor2", "64500:2"],
        ] as const) {
          const wanted = world.nodes.map((node) => `${node} ${value}`);
          await pathsBecome(world, vip, withCommunities, wanted, { router: world.router(name) });
        }
      }
    },
  },
  {
    name: "bgp/peers-one-by-one",
    title: "A peer that comes, changes or goes leaves the sessions of the others alone",
    cites: ["BGP 45", "BGP 46", "B11 7"],
    topology: "bgp-two-tors",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const families = [family];
      const [tor1, tor2] = [world.router("tor1"), world.router("tor2")];
      await world.kubernetes.apply(...bgpService("web", { families, peers: torPeers("tor1", families) }));
      const [vip = ""] = await vipsOf(world, "default/web", 1);
      await announcedBy(world, vip, world.nodes, { router: tor1 });
      const untouched = async (): Promise<void> => {
        await passes(world, seconds(5));
        expectEqual("next hops at the first", await nextHops(tor1, vip), world.nodes.toSorted());
      };

      await world.kubernetes.apply(...torPeers("tor2", families));
      await announcedBy(world, vip, world.nodes, { router: tor2 });
      await untouched();
      await world.kubernetes.apply(...torPeers("tor2", families, { holdTime: "30s", keepaliveTime: "10s" }));
      await world.waitFor(
        "the other's sessions have the new hold time",
        async () => {
          const all = await established(world, world.nodes, { router: tor2 });
          return all.every(({ holdTime }) => holdTime === seconds(30));
        },
        PROPAGATION,
      );
      await untouched();
      await world.kubernetes.remove("BGPPeer", `${SYSTEM}/${nameOf("tor2", family)}`);
      await established(world, [], { router: tor2 });
      await pathsBecome(world, vip, toldBy, [], { router: tor2 });
      await untouched();
    },
  },
  {
    name: "bgp/nodes-of-each-peer",
    title: "Each peer has sessions with the nodes that it selects, and a route over these",
    cites: ["BGP 117", "BGP 118", "BGP 119"],
    topology: "bgp-two-tors",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "one-and-two", first: 1, second: 2 },
      { name: "one-and-the-rest", first: 1, second: -2 },
      { name: "the-same", first: 1, second: 1 },
    ],
    async run(world, { first = 0, second = 0 }) {
      const some = (count: number): readonly string[] =>
        count < 0 ? world.nodes.slice(count) : world.nodes.slice(0, count);
      const parts = [
        ["tor1", some(Number(first))],
        ["tor2", some(Number(second))],
      ] as const;
      const peers = parts.flatMap(([tor, nodes]) => torPeers(tor, ["ipv4"], { nodeSelectors: nodesNamed(...nodes) }));
      await world.kubernetes.apply(...bgpService("web", { peers }));
      const [vip = ""] = await vipsOf(world, "default/web", 1);
      for (const [tor, nodes] of parts) {
        await established(world, nodes, { router: world.router(tor) });
        await announcedBy(world, vip, nodes, { router: world.router(tor) });
      }
    },
  },
];
