// Which nodes tell which Services to which peers.
import { type Family } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import {
  announcedBy,
  BGP_FAMILIES,
  BGP_RANGES,
  bgpServing,
  familiesOf,
  nameNodes,
  nextHops,
  noSessionLost,
  pathsBecome,
  routerPeers,
  vipsOf,
  withCommunities,
  withdrawn,
  workload,
} from "../../bgp-steps.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { type BgpSpec, bgpAdvertisement, nodesNamed, pool, SYSTEM } from "../../objects.ts";
import { addressOf, BOTH_FAMILIES, labelNode, speakerWarning } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const GOLD = "64500:1";
const SHARED = "64500:2";
const TIER_GOLD = [{ matchLabels: { tier: "gold" } }];

/** Two Services of a pool each, and the address of each. */
async function twoServices(
  world: World,
  family: Family,
  advertisements: { readonly first: BgpSpec; readonly second: BgpSpec },
): Promise<{ readonly first: string; readonly second: string }> {
  const families = [family];
  const ranges =
    family === "ipv4"
      ? ["203.0.113.10-203.0.113.19", "203.0.113.20-203.0.113.29"]
      : ["2001:db8:0:113::10-2001:db8:0:113::19", "2001:db8:0:113::20-2001:db8:0:113::29"];
  await world.kubernetes.apply(
    pool("first", ranges.slice(0, 1)),
    pool("second", ranges.slice(1)),
    bgpAdvertisement("first", { ipAddressPools: ["first"], ...advertisements.first }),
    bgpAdvertisement("second", { ipAddressPools: ["second"], ...advertisements.second }),
    ...routerPeers(families),
    ...workload("first", { families, annotations: { "metallb.io/address-pool": "first" } }),
    ...workload("second", { families, annotations: { "metallb.io/address-pool": "second" } }),
  );
  const [first = ""] = await vipsOf(world, "default/first", 1);
  const [second = ""] = await vipsOf(world, "default/second", 1);
  return { first, second };
}

const nodesBut = (world: World, ...some: readonly string[]): readonly string[] =>
  world.nodes.filter((node) => !some.includes(node));

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp/nodes-of-two-advertisements",
    title: "Each Service is told by the nodes of its own advertisement",
    cites: ["BGP 105", "BGP 106", "BGP 107", "BGP 108"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "two-two", family: "ipv4", first: 2 },
      { name: "one-two", family: "ipv4", first: 1 },
      { name: "none-two", family: "ipv4", first: 0 },
      { name: "one-two-ipv6", family: "ipv6", first: 1 },
    ],
    async run(world, { family = "ipv4", first = 0 }) {
      const few = world.nodes.slice(0, Number(first));
      const many = world.nodes.slice(-2);
      const vips = await twoServices(world, family, {
        first: { nodeSelectors: few.length === 0 ? nodesNamed("no-such-node") : nodesNamed(...few) },
        second: { nodeSelectors: nodesNamed(...many) },
      });
      await announcedBy(world, vips.first, few);
      await announcedBy(world, vips.second, many);
    },
  },
  {
    name: "bgp/one-service-two-advertisements",
    title: "A node tells a Service with the communities of the advertisements that include it, and of no other",
    cites: ["BGP 109", "BGP 110", "BGP 111", "BGP 112"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const [first = "", second = "", third = ""] = world.nodes;
      const families = [family];
      await world.kubernetes.apply(
        pool("main", [BGP_RANGES[family]]),
        bgpAdvertisement("first", { communities: [GOLD], nodeSelectors: nodesNamed(first) }),
        bgpAdvertisement("second", { communities: [SHARED], nodeSelectors: nodesNamed(first, second) }),
        ...routerPeers(families),
        ...workload("web", { families }),
      );
      const [vip = ""] = await vipsOf(world, "default/web", 1);
      await pathsBecome(world, vip, withCommunities, [`${first} ${GOLD} ${SHARED}`, `${second} ${SHARED}`]);
      await world.kubernetes.apply(
        bgpAdvertisement("second", { communities: [SHARED], nodeSelectors: nodesNamed(third) }),
      );
      await pathsBecome(world, vip, withCommunities, [`${first} ${GOLD}`, `${third} ${SHARED}`]);
    },
  },
  {
    name: "bgp/node-labels",
    title: "A node starts and stops to tell a Service as its labels begin and cease to fit",
    cites: ["BGP 113", "BGP 114"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const [first = "", second = ""] = world.nodes;
      const families = [family];
      await world.kubernetes.apply(
        pool("main", [BGP_RANGES[family]]),
        bgpAdvertisement("main", { nodeSelectors: [{ matchLabels: { bgp: "yes" } }] }),
        ...routerPeers(families),
        ...workload("web", { families }),
      );
      const [vip = ""] = await vipsOf(world, "default/web", 1);
      const warning = await speakerWarning(world, "default/web");
      expectTrue(`"${warning.message}" says that no node fits`, warning.message.length > 0);
      await labelNode(world, first, { bgp: "yes" });
      await announcedBy(world, vip, [first]);
      await labelNode(world, second, { bgp: "yes" });
      await announcedBy(world, vip, [first, second]);
      await labelNode(world, first, { bgp: null });
      await announcedBy(world, vip, [second]);
    },
  },
  {
    name: "bgp/node-selector-of-one-of-two",
    title: "When one advertisement fits no node any more, its Service goes and the other's stays",
    cites: ["BGP 115", "BGP 116"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const [first = "", second = ""] = world.nodes;
      const vips = await twoServices(world, family, {
        first: { nodeSelectors: nodesNamed(first, second) },
        second: { nodeSelectors: nodesNamed(first, second) },
      });
      await announcedBy(world, vips.first, [first, second]);
      await announcedBy(world, vips.second, [first, second]);
      await world.kubernetes.patch("BGPAdvertisement", `${SYSTEM}/first`, {
        spec: { nodeSelectors: nodesNamed("no-such-node") },
      });
      await withdrawn(world, vips.first);
      expectEqual("next hops of the other", await nextHops(world.router(), vips.second), [first, second].toSorted());
      await noSessionLost(world);
    },
  },
  {
    name: "bgp/pool-and-service-selector",
    title: "An advertisement with a pool and a service selector covers only Services that fit both",
    cites: ["BGP 121", "BGP 122"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const families = [family];
      const [low, high] =
        family === "ipv4"
          ? ["203.0.113.10-203.0.113.19", "203.0.113.20-203.0.113.29"]
          : ["2001:db8:0:113::10-2001:db8:0:113::19", "2001:db8:0:113::20-2001:db8:0:113::29"];
      const inPool = (name: string) => ({ annotations: { "metallb.io/address-pool": name } });
      await world.kubernetes.apply(
        pool("first", [low]),
        pool("second", [high]),
        bgpAdvertisement("main", { ipAddressPools: ["first"], serviceSelectors: TIER_GOLD }),
        ...routerPeers(families),
        ...workload("both", { families, ...inPool("first"), labels: { tier: "gold" } }),
        ...workload("pool-only", { families, ...inPool("first") }),
        ...workload("label-only", { families, ...inPool("second"), labels: { tier: "gold" } }),
      );
      const [both = ""] = await vipsOf(world, "default/both", 1);
      await announcedBy(world, both);
      for (const name of ["pool-only", "label-only"]) {
        const [vip = ""] = await vipsOf(world, `default/${name}`, 1);
        await speakerWarning(world, `default/${name}`);
        expectEqual(`next hops of ${name}`, await nextHops(world.router(), vip), []);
      }
    },
  },
  {
    name: "bgp/service-selectors-are-alternatives",
    title: "Several service selectors of an advertisement are alternatives",
    cites: ["BGP 123", "BGP 124"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const families = [family];
      await world.kubernetes.apply(
        pool("main", [BGP_RANGES[family]]),
        bgpAdvertisement("main", { serviceSelectors: [...TIER_GOLD, { matchLabels: { tier: "silver" } }] }),
        ...routerPeers(families),
        ...["gold", "silver", "lead"].flatMap((tier) => workload(tier, { families, labels: { tier } })),
      );
      for (const tier of ["gold", "silver"]) {
        const [vip = ""] = await vipsOf(world, `default/${tier}`, 1);
        await announcedBy(world, vip);
      }
      const [lead = ""] = await vipsOf(world, "default/lead", 1);
      expectEqual("next hops of the third", await nextHops(world.router(), lead), []);
    },
  },
  {
    name: "bgp/service-selector-changes",
    title: "Routes follow the service selectors of an advertisement, and the labels of Services",
    cites: ["BGP 125", "BGP 126", "BGP 127", "BGP 128"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const given = { families: [family], labels: { tier: "gold" } };
      const { vip } = await bgpServing(world, "web", { ...given, advertisement: { serviceSelectors: TIER_GOLD } });
      await world.kubernetes.apply(bgpAdvertisement("main", { serviceSelectors: [{ matchLabels: { tier: "lead" } }] }));
      await withdrawn(world, vip, { within: seconds(5) });
      await world.kubernetes.patch("Service", "default/web", { metadata: { labels: { tier: "lead" } } });
      await announcedBy(world, vip, world.nodes, { within: seconds(5) });
      await world.kubernetes.patch("Service", "default/web", { metadata: { labels: { tier: null } } });
      await withdrawn(world, vip, { within: seconds(5) });
      await world.kubernetes.apply(bgpAdvertisement("main"));
      await announcedBy(world, vip, world.nodes, { within: seconds(5) });
    },
  },
  {
    name: "bgp/service-selector-beside-aggregate",
    title: "One advertisement may announce the aggregate, and another the single addresses of some Services",
    cites: ["BGP 129", "BGP 130"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const families = [family];
      await world.kubernetes.apply(
        pool("main", [BGP_RANGES[family]]),
        bgpAdvertisement("all", { aggregationLength: 24, aggregationLengthV6: 120 }),
        bgpAdvertisement("gold", { serviceSelectors: TIER_GOLD }),
        ...routerPeers(families),
        ...workload("gold", { families, labels: { tier: "gold" } }),
        ...workload("plain", { families }),
      );
      const [gold = ""] = await vipsOf(world, "default/gold", 1);
      const plain = await addressOf(world, "default/plain");
      await announcedBy(world, family === "ipv4" ? "203.0.113.0/24" : "2001:db8:0:113::/120");
      await announcedBy(world, gold);
      expectEqual("next hops of the other's own address", await nextHops(world.router(), plain), []);
      const { outcome } = await world.client().request({ vip: plain });
      expectEqual("a request to it", outcome, "ok");
    },
  },
  {
    name: "bgp/communities-by-service",
    title: "Services get the communities of the advertisements that select them",
    cites: ["BGP 131", "BGP 132", "BGP 133", "BGP 134"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "overlapping-ipv4", family: "ipv4", overlapping: true },
      { name: "overlapping-ipv6", family: "ipv6", overlapping: true },
      { name: "distinct-ipv4", family: "ipv4", overlapping: false },
      { name: "distinct-ipv6", family: "ipv6", overlapping: false },
    ],
    async run(world, { family = "ipv4", overlapping = false }) {
      const families = [family];
      const rest = [{ matchExpressions: [{ key: "tier", operator: "NotIn" as const, values: ["gold"] }] }];
      await world.kubernetes.apply(
        pool("main", [BGP_RANGES[family]]),
        bgpAdvertisement("gold", { communities: [GOLD], serviceSelectors: TIER_GOLD }),
        bgpAdvertisement("shared", { communities: [SHARED], ...(overlapping ? {} : { serviceSelectors: rest }) }),
        ...routerPeers(families),
        ...workload("gold", { families, labels: { tier: "gold" } }),
        ...workload("staged", { families, labels: { tier: "staged" } }),
      );
      const [gold = ""] = await vipsOf(world, "default/gold", 1);
      const [staged = ""] = await vipsOf(world, "default/staged", 1);
      const both = overlapping ? `${GOLD} ${SHARED}` : GOLD;
      await pathsBecome(
        world,
        gold,
        withCommunities,
        world.nodes.map((node) => `${node} ${both}`),
      );
      await pathsBecome(
        world,
        staged,
        withCommunities,
        world.nodes.map((node) => `${node} ${SHARED}`),
      );
    },
  },
  {
    name: "bgp/advertisement-goes",
    title: "Without its advertisement a Service is withdrawn, and it comes back with it",
    cites: ["BGP 43"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const { vips } = await bgpServing(world, "web", { families: familiesOf(variant) });
      await world.kubernetes.remove("BGPAdvertisement", `${SYSTEM}/main`);
      for (const vip of vips) await withdrawn(world, vip, { within: seconds(5) });
      await world.kubernetes.apply(bgpAdvertisement("main", { nodeSelectors: nodesNamed(...nodesBut(world, "none")) }));
      for (const vip of vips) await announcedBy(world, vip, world.nodes, { within: seconds(5) });
    },
  },
];
