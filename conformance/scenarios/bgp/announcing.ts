// Who is a next hop of a Service's address.
import { parseIp } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import {
  announcedBy,
  answers,
  BGP_FAMILIES,
  BGP_RANGES,
  bgpService,
  bgpServing,
  familiesOf,
  nextHops,
  pathsFrom,
  PROPAGATION,
  routerPeers,
  routesGone,
  vipsOf,
  withdrawn,
  workload,
} from "../../bgp-steps.ts";
import { expectEqual } from "../../expect.ts";
import { bgpAdvertisement, CLUSTER_ASN, deployment, pool } from "../../objects.ts";
import { labelNode, speakerWarning } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

const EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers";

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp/every-node-announces",
    title: "Every node announces a Service, and the router has one route over all of them",
    cites: ["BGP 1", "BGP 2", "BGP 3", "users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const families = familiesOf(variant);
      const { vips } = await bgpServing(world, "web", { families });
      for (const vip of vips) {
        const paths = await pathsFrom(world, vip);
        // RFC 4271 section 5.1: IGP because it comes from within, our AS once, and no LOCAL_PREF to another AS.
        expectEqual(
          `what the nodes say of ${vip}`,
          paths.map(({ node, origin, asPath, med, communities }) => [node, origin, asPath, med, communities]),
          world.nodes.map((node) => [node, "igp", [CLUSTER_ASN], undefined, []]),
        );
        expectEqual("paths that are used", paths.filter(({ multipath }) => multipath).length, world.nodes.length);
      }
      await world.kubernetes.remove("Service", "default/web");
      for (const vip of vips) await withdrawn(world, vip);
      await routesGone(world);
    },
  },
  {
    name: "bgp/requested-addresses",
    title: "Addresses that a Service asks for by annotation are those that routers hear of",
    cites: ["BGP 4", "BGP 5"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "ipv4", family: "ipv4", addresses: "203.0.113.42" },
      { name: "dual", dual: true, addresses: "203.0.113.42,2001:db8:0:113::42" },
    ],
    async run(world, variant) {
      const addresses = String(variant["addresses"]);
      const annotations = { "metallb.io/loadBalancerIPs": addresses };
      const { vips } = await bgpServing(world, "web", { families: familiesOf(variant), annotations });
      expectEqual("addresses", vips.join(), addresses);
    },
  },
  {
    name: "bgp/local-policy",
    title: "With policy Local only nodes with a pod of the Service are next hops, and pods see who asks",
    cites: ["BGP 13", "BGP 14", "BGP 15"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const [, second = "", third = ""] = world.nodes;
      const { vips } = await bgpServing(world, "web", {
        families: familiesOf(variant),
        policy: "Local",
        podsOn: second,
      });
      for (const vip of vips) {
        const { node, seenAs } = await world.client().request({ vip });
        expectEqual("who answered", node, second);
        expectEqual(
          "the pod saw the client itself",
          seenAs?.startsWith(vip.includes(":") ? "2001:db8:0:51:" : "198.51.100."),
          true,
        );
      }
      await world.kubernetes.apply(deployment("web", 3, { node: third }));
      for (const vip of vips) {
        await announcedBy(world, vip, [third]);
        await answers(world, vip);
      }
    },
  },
  {
    name: "bgp/no-pod-no-route",
    title: "The route goes with the last pod and comes back with the next one",
    cites: ["users B9", "B11 3"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "ipv4", family: "ipv4", policy: "Cluster" },
      { name: "ipv6", family: "ipv6", policy: "Cluster" },
      { name: "local", family: "ipv4", policy: "Local" },
    ],
    async run(world, variant) {
      const { policy = "Cluster" } = variant;
      const [first = ""] = world.nodes;
      const { vip } = await bgpServing(world, "web", { families: familiesOf(variant), policy, podsOn: first });
      await world.kubernetes.patch("Deployment", "default/web", { spec: { replicas: 0 } });
      await withdrawn(world, vip, { within: seconds(5) });
      const warning = await speakerWarning(world, "default/web");
      expectEqual("why", /endpoint/i.test(warning.message), true);
      await world.kubernetes.patch("Deployment", "default/web", { spec: { replicas: 1 } });
      await announcedBy(world, vip, policy === "Local" ? [first] : world.nodes);
      await answers(world, vip);
    },
  },
  {
    name: "bgp/network-unavailable",
    title: "A node whose network is unavailable is no next hop until it is available again",
    cites: ["BGP 12", "F42"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await bgpServing(world, "web");
      const [first = "", ...others] = world.nodes;
      const condition = (status: string): object => ({
        status: {
          conditions: [
            { type: "Ready", status: "True", reason: "KubeletReady" },
            { type: "NetworkUnavailable", status },
          ],
        },
      });
      await world.kubernetes.patch("Node", first, condition("True"), "status");
      await announcedBy(world, vip, others, { within: seconds(5) });
      await world.kubernetes.patch("Node", first, condition("False"), "status");
      await announcedBy(world, vip, world.nodes, { within: seconds(5) });
    },
  },
  {
    name: "bgp/excluded-node",
    title: "A node that is labelled to be excluded from load balancers is no next hop, and its session stays",
    cites: ["F42", "users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await bgpServing(world, "web");
      const [first = "", ...others] = world.nodes;
      await labelNode(world, first, { [EXCLUDED]: "" });
      await announcedBy(world, vip, others, { within: seconds(5) });
      const neighbor = (await world.router().neighbors()).find(({ node }) => node === first);
      expectEqual("its session", neighbor?.state, "established");
      await labelNode(world, first, { [EXCLUDED]: null });
      await announcedBy(world, vip, world.nodes, { within: seconds(5) });
    },
  },
  {
    name: "bgp/excluded-node-by-flag",
    title: "Where the flag says that the exclusion label does not count, a labelled node announces",
    cites: ["F42"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    settings: { ignoreExcludeLb: true },
    async run(world) {
      const [first = ""] = world.nodes;
      await labelNode(world, first, { [EXCLUDED]: "" });
      const { vip } = await bgpServing(world, "web");
      expectEqual("next hops", await nextHops(world.router(), vip), world.nodes.toSorted());
    },
  },
  {
    name: "bgp/cordoned-node",
    title: "A node that is cordoned still announces",
    cites: ["F42"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await bgpServing(world, "web");
      const [first = ""] = world.nodes;
      await world.kubernetes.patch("Node", first, { spec: { unschedulable: true } });
      await world.holds(
        "all nodes are next hops",
        async () => (await nextHops(world.router(), vip)).length === world.nodes.length,
        PROPAGATION,
      );
    },
  },
  {
    name: "bgp/shared-address",
    title: "An address that two Services share is announced as long as one of them has a pod",
    cites: ["BGP 18", "BGP 19"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BGP_FAMILIES.slice(0, 2),
    async run(world, variant) {
      const families = familiesOf(variant);
      const annotations = { "metallb.io/allow-shared-ip": "key" };
      const address = variant.family === "ipv6" ? "2001:db8:0:113::20" : "203.0.113.20";
      const shared = { families, annotations: { ...annotations, "metallb.io/loadBalancerIPs": address } };
      const { vip } = await bgpServing(world, "web", { ...shared, ports: [{ port: 80 }] });
      await world.kubernetes.apply(...workload("other", { ...shared, ports: [{ port: 81 }] }));
      expectEqual("the other's address", await vipsOf(world, "default/other", 1), [vip]);
      await answers(world, vip, world.client(), 81);
      await world.kubernetes.remove("Service", "default/web");
      await answers(world, vip, world.client(), 81);
      expectEqual("next hops", await nextHops(world.router(), vip), world.nodes.toSorted());
      await world.kubernetes.patch("Deployment", "default/other", { spec: { replicas: 0 } });
      await withdrawn(world, vip);
    },
  },
  {
    name: "bgp/pool-as-range",
    title: "Addresses of a pool that is a range are announced as those of one that is a prefix",
    cites: ["BGP 20", "BGP 21", "BGP 22", "BGP 23", "BGP 24", "BGP 25"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "range-ipv4", family: "ipv4", addresses: "203.0.113.200-203.0.113.210" },
      { name: "range-ipv6", family: "ipv6", addresses: "2001:db8:0:113::50-2001:db8:0:113::59" },
      {
        name: "range-dual",
        dual: true,
        addresses: "203.0.113.200-203.0.113.210 2001:db8:0:113::50-2001:db8:0:113::59",
      },
      { name: "prefix-ipv4", family: "ipv4", addresses: "203.0.113.224/28" },
      { name: "prefix-ipv6", family: "ipv6", addresses: "2001:db8:0:113::60/124" },
      { name: "prefix-dual", dual: true, addresses: "203.0.113.224/28 2001:db8:0:113::60/124" },
    ],
    async run(world, variant) {
      const families = familiesOf(variant);
      await world.kubernetes.apply(
        pool("main", String(variant["addresses"]).split(" ")),
        bgpAdvertisement("main"),
        ...routerPeers(families),
        ...workload("web", { families }),
      );
      for (const vip of await vipsOf(world, "default/web", families.length)) {
        await announcedBy(world, vip);
        // The first address of a prefix may be one that hosts take for a broadcast of old: it is announced all the same.
        await answers(world, vip);
      }
    },
  },
  {
    name: "bgp/two-services",
    title: "A Service that goes leaves the routes of the others alone",
    cites: ["B11 7"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await bgpServing(world, "web");
      await world.kubernetes.apply(...workload("other"));
      const [other = parseIp("0.0.0.0")] = await vipsOf(world, "default/other", 1);
      await announcedBy(world, other);
      const probe = await world.client().probe({ vip });
      await world.kubernetes.remove("Service", "default/other");
      await withdrawn(world, other);
      await probe.end();
      expectEqual("gaps of the one that stays", (await probe.report()).gaps, []);
      expectEqual("its next hops", await nextHops(world.router(), vip), world.nodes.toSorted());
    },
  },
  {
    name: "bgp/address-changes",
    title: "When a Service asks for another address, the old route goes and the new one comes",
    cites: ["users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await bgpServing(world, "web");
      await world.kubernetes.patch("Service", "default/web", {
        metadata: { annotations: { "metallb.io/loadBalancerIPs": "203.0.113.77" } },
      });
      await announcedBy(world, "203.0.113.77");
      await withdrawn(world, vip, { within: seconds(1) });
      await answers(world, parseIp("203.0.113.77"));
    },
  },
  {
    name: "bgp/pool-without-advertisement",
    title: "What no advertisement covers is not announced over BGP, and an event says so",
    cites: ["users B6"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      await world.kubernetes.apply(
        ...bgpService("web", { advertisement: { ipAddressPools: ["main"] } }),
        pool("other", [BGP_RANGES.ipv6]),
        ...workload("other", { families: ["ipv6"] }),
      );
      const [vip = ""] = await vipsOf(world, "default/web", 1);
      const [other = ""] = await vipsOf(world, "default/other", 1);
      await announcedBy(world, vip);
      await speakerWarning(world, "default/other");
      expectEqual("next hops of the other", await nextHops(world.router(), other), []);
      await world.kubernetes.apply(bgpAdvertisement("other", { ipAddressPools: ["other"] }), ...routerPeers(["ipv6"]));
      await announcedBy(world, other);
    },
  },
];
