// Routers behind routers, and routes over very many or very few nodes.
import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { type Ip } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { announcedBy, bgpService, familiesOf, inBgp, nextHops, pathsFrom, PROPAGATION } from "../../bgp-steps.ts";
import {
  afterwards,
  answered,
  exclude,
  expectShare,
  expectUntouched,
  FLOWS,
  GIVEN_UP,
  openFlows,
  spreading,
  vipOf,
} from "../../ecmp-steps.ts";
import { expectAtLeast, expectEqual, expectTrue } from "../../expect.ts";
import { bgpPeer, nodesNamed } from "../../objects.ts";
import { BOTH_FAMILIES, passes } from "../../steps.ts";
import { type Scenario, type Variant, type World } from "../../world.ts";

interface Rack {
  readonly tor: "tor1" | "tor2";
  readonly asn: number;
  readonly ipv4: string;
  readonly ipv6: string;
}

const RACKS: readonly Rack[] = [
  { tor: "tor1", asn: 64_501, ipv4: "192.0.2.1", ipv6: "2001:db8:0:2::1" },
  { tor: "tor2", asn: 64_502, ipv4: "192.0.3.1", ipv6: "2001:db8:0:3::1" },
];

/** Routers tell each other within a second that they are there, and wait for three. */
const CORE_HOLD_TIME = seconds(3.2);

/** A BGPPeer for a rack switch, for some nodes or all. */
const torPeer = ({ tor, asn, ...address }: Rack, { family = "ipv4" }: Variant, nodes?: readonly string[]): KubeObject =>
  bgpPeer(tor, {
    peerAddress: address[family],
    peerASN: asn,
    ...(nodes === undefined ? {} : { nodeSelectors: nodesNamed(...nodes) }),
  });

/** Requests enough to go every way once, so that routers know their neighbours. */
async function tryEveryWay(world: World, vip: Ip): Promise<void> {
  for (let request = 0; request < 40; request++) await world.client().request({ vip });
}

async function behindTors(world: World, variant: Variant, peers: readonly KubeObject[], top: string): Promise<Ip> {
  const families = familiesOf(variant);
  await world.kubernetes.apply(
    ...bgpService("web", { families, policy: "Local", replicas: world.nodes.length, peers }),
  );
  const vip = await vipOf(world);
  await world.waitFor(
    `${top} has a route over both`,
    async () => (await nextHops(world.router(top), vip)).length === 2,
    PROPAGATION,
  );
  return vip;
}

/** Two racks of three nodes, each with its own switch. */
async function behindSpines(world: World, variant: Variant): Promise<Ip> {
  const peers = RACKS.map((rack, index) => torPeer(rack, variant, world.nodes.slice(3 * index, 3 * index + 3)));
  const vip = await behindTors(world, variant, peers, "border");
  for (const [index, { tor }] of RACKS.entries()) {
    await announcedBy(world, vip, world.nodes.slice(3 * index, 3 * index + 3), { router: world.router(tor) });
  }
  for (const spine of ["spine1", "spine2"]) {
    await world.waitFor(
      `${spine} has a route over both racks`,
      async () => (await nextHops(world.router(spine), vip)).length === 2,
      PROPAGATION,
    );
  }
  return vip;
}

export const scenarios: readonly Scenario[] = [
  {
    name: "ecmp/seed-per-router",
    title: "Where every router has a seed of its own, two tiers of them spread flows over all nodes in equal shares",
    cites: ["users B13"],
    topology: "bgp-spine",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, variant) {
      const vip = await behindSpines(world, variant);
      for (const router of world.routers) await world.router(router).spread({ hash: "l4" });
      await tryEveryWay(world, vip);
      const flows = await openFlows(world, vip, { router: "border" });
      const report = await flows.report();
      for (const node of world.nodes) expectShare(`flows of ${node}`, answered(report, node), FLOWS, 1 / 6);
    },
  },
  {
    name: "ecmp/first-packets",
    title:
      "Next hops that no router knows the MAC of yet are passed over in groups, and flows move when they are known",
    cites: ["users B13"],
    topology: "bgp-spine",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: [
      // IPv6 routers give link-local next hops, which nothing but the route uses: not even BGP itself.
      { name: "passed-over", family: "ipv6", passOverSilent: true },
      { name: "waited-for", family: "ipv6", passOverSilent: false },
    ],
    async run(world, variant) {
      const vip = await behindSpines(world, variant);
      const passOverSilent = variant["passOverSilent"] === true;
      for (const router of world.routers) await world.router(router).spread({ hash: "l4", passOverSilent });
      const flows = await world.client().flows({ vip, count: 120, router: "border" });
      await passes(world, seconds(5));
      const broken = 120 - Object.values((await flows.report()).byNode).reduce((sum, count) => sum + count, 0);
      if (passOverSilent) expectAtLeast("broken flows", broken, 10);
      else expectEqual("broken flows", broken, 0);
    },
  },
  {
    name: "ecmp/polarisation",
    title:
      "Where two tiers of routers have one seed, the second chooses as the first did, and ways between them stay unused",
    cites: ["users B13"],
    topology: "bgp-spine",
    needs: ["routers", "flowPaths", "links", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, variant) {
      const vip = await behindSpines(world, variant);
      for (const router of world.routers) await world.router(router).spread({ hash: "l4", seed: 7 });
      await tryEveryWay(world, vip);
      const flows = await openFlows(world, vip, { router: "border" });
      const report = await flows.report();
      // The lower half of the hashes comes to the first rack, where a third node would need the upper third.
      const counts = world.nodes.map((node) => answered(report, node));
      const shares = [1 / 3, 1 / 6, 0, 0, 1 / 6, 1 / 3];
      for (const [index, share] of shares.entries()) {
        expectShare(`flows of ${world.nodes[index] ?? ""}`, counts[index] ?? 0, FLOWS, share);
      }
      // Of the four ways between spines and racks two have all flows: without the others nothing changes.
      await world.router("spine1").linkDown("eth2");
      await world.router("spine2").linkDown("eth1");
      await passes(world, GIVEN_UP);
      expectUntouched(await flows.report());
    },
  },
  {
    name: "ecmp/rack-switch-lost",
    title: "One of two rack switches dies: flows of the other live, and its own do where both switches choose alike",
    cites: ["users B13"],
    topology: "bgp-two-tors",
    needs: ["routers", "flowPaths", "powerOff", "kubernetes", "dataplane"],
    variants: [
      { name: "own-seeds", seed: 0 },
      { name: "one-seed", seed: 5 },
      { name: "one-seed-ipv6", seed: 5, family: "ipv6" },
    ],
    async run(world, variant) {
      const peers = RACKS.map((rack) => torPeer(rack, variant));
      const vip = await behindTors(world, variant, peers, "core");
      const tors = RACKS.map(({ tor }) => world.router(tor));
      for (const router of tors) await announcedBy(world, vip, world.nodes, { router });
      const seed = Number(variant["seed"]);
      await world.router("core").spread({ hash: "l4" });
      for (const router of tors) await router.spread({ hash: "l4", ...(seed === 0 ? {} : { seed }) });
      await tryEveryWay(world, vip);
      const flows = await openFlows(world, vip, { router: "core" });

      await world.router("tor1").powerOff();
      await world.waitFor(
        "the core has a route over the other",
        async () => (await nextHops(world.router("core"), vip)).length === 1,
        CORE_HOLD_TIME,
      );
      // Whoever asked in the meantime asks again after one more second or two.
      await passes(world, seconds(9));
      const after = await flows.report();
      expectShare("flows that came by the switch", after.forced, FLOWS, 1 / 2);
      expectEqual("moved flows of the other", after.collateral, 0);
      expectEqual("broken flows, all by a reset", after.broken, after.reset);
      if (seed !== 0) return expectEqual("broken flows", after.broken, 0);
      // To the same node by chance, of three.
      expectShare("broken flows", after.broken, after.forced, 2 / 3);
    },
  },
  {
    name: "ecmp/forty-nodes",
    title:
      "A route over forty nodes spreads flows over all of them, and one that goes costs its own or half of all flows",
    cites: ["users B13"],
    topology: "bgp-40-nodes",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    settings: { memberlist: false },
    variants: [
      { name: "threshold", selector: "threshold", least: 1 / 4, most: 1 / 2 },
      { name: "resilient", selector: "resilient", least: 1 / 40, most: 1 / 40 },
    ],
    async run(world, variant) {
      const { vip } = await spreading(world, variant, { policy: "Cluster" });
      expectEqual("next hops", (await nextHops(world.router(), vip)).length, 40);
      const flows = await openFlows(world, vip);
      const [node = "", ...others] = world.nodes;
      await exclude(world, node);
      await announcedBy(world, vip, others);
      const { moved, forced, collateral } = await flows.report();
      expectTrue("the node had flows", forced > 0);
      expectShare("moved flows", moved, FLOWS, Number(variant["least"]), Number(variant["most"]));
      if (variant["selector"] === "resilient") expectEqual("moved flows of others", collateral, 0);
    },
  },
  {
    name: "ecmp/maximum-paths",
    title: "A router uses no more nodes than its maximum-paths says, and another one where one of them goes",
    cites: ["users B13"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, variant) {
      const { family = "ipv4" } = variant;
      await world.router().configure(...inBgp(`address-family ${family} unicast`, "maximum-paths 2"));
      await world.router().spread({ hash: "l4" });
      await world.kubernetes.apply(...bgpService("web", { families: [family], policy: "Local" }));
      const vip = await vipOf(world);
      await world.waitFor(
        "every node has told it",
        async () => (await pathsFrom(world, vip)).length === world.nodes.length,
        PROPAGATION,
      );
      await passes(world, seconds(1));
      const used = await nextHops(world.router(), vip);
      expectEqual("next hops", used.length, 2);
      const flows = await openFlows(world, vip, { count: 90 });
      expectEqual("nodes with flows", Object.keys((await flows.report()).byNode).toSorted(), used);
      const [node = ""] = used;
      await exclude(world, node);
      await announcedBy(
        world,
        vip,
        world.nodes.filter((other) => other !== node),
      );
      const after = await afterwards(world, flows);
      expectEqual("flows that end at the node", answered(after, node), 0);
    },
  },
];
