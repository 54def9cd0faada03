// What is said about BGP outside of BGP: statuses, events, metrics.
import { type Family } from "../../../impl/wire/ip.ts";
import {
  announcedBy,
  BGP_FAMILIES,
  bgpServing,
  bgpStatusesBecome,
  established,
  familiesOf,
  nameNodes,
  noSessionLost,
  peerName,
  PROPAGATION,
  ROUTER,
  routerPeers,
  vipsOf,
  withdrawn,
  workload,
} from "../../bgp-steps.ts";
import { expectAtLeast, expectEqual, expectTrue } from "../../expect.ts";
import { bgpAdvertisement, nodesNamed, SYSTEM } from "../../objects.ts";
import { BOTH_FAMILIES, labelNode, SETTLE } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

async function metricIs(world: World, node: string, series: string, value: number | undefined): Promise<void> {
  await world.waitFor(
    `${series} of ${node} is ${value ?? "gone"}`,
    async () => (await world.node(node).metric(series)) === value,
    PROPAGATION,
  );
}

/** MetalLB puts no brackets around IPv6 addresses here. */
const labelsOf = (family: Family): string => `{peer="${ROUTER[family]}:179",vrf="default"}`;

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp/statuses",
    title: "Each node that announces a Service says to which peers, as they change",
    cites: ["BGP 34", "BGP 35", "BGP 36"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const families = familiesOf(variant);
      const peers = families.map(peerName);
      const saying = (nodes: readonly string[], names: readonly string[]): readonly string[] =>
        nodes.map((node) => `${node}: ${names.join(" ")}`);
      await bgpServing(world, "web", { families });
      await bgpStatusesBecome(world, "default/web", saying(world.nodes, peers));

      await world.kubernetes.apply(bgpAdvertisement("dummy", { peers: ["no-such-peer"] }));
      const [first = "", ...others] = world.nodes;
      await world.kubernetes.apply(bgpAdvertisement("main", { nodeSelectors: nodesNamed(...others) }));
      await bgpStatusesBecome(world, "default/web", saying(others, peers));
      await world.kubernetes.apply(bgpAdvertisement("main", { peers: peers.slice(0, 1) }));
      await bgpStatusesBecome(world, "default/web", saying(world.nodes, peers.slice(0, 1)));

      await world.kubernetes.apply(...routerPeers(families, { nodeSelectors: nodesNamed(first) }));
      await bgpStatusesBecome(world, "default/web", saying([first], peers.slice(0, 1)));
      await world.kubernetes.remove("Service", "default/web");
      await bgpStatusesBecome(world, "default/web", []);
    },
  },
  {
    name: "bgp/status-of-an-idle-peer",
    title: "A status says what is meant for a peer, whether its session is up or not",
    cites: ["BGP 34"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      await bgpServing(world, "web");
      const outage = await world.router().crashDaemons();
      await world.holds(
        "the statuses stay",
        async () => (await world.kubernetes.list("ServiceBGPStatus")).length === world.nodes.length,
        PROPAGATION,
      );
      await outage.end();
      await established(world);
    },
  },
  {
    name: "bgp/events",
    title: "An event of each node says that it announces a Service over BGP",
    cites: ["users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      await bgpServing(world, "web");
      const said = (await world.kubernetes.events("Service", "default/web"))
        .filter(({ reason }) => reason === "nodeAssigned")
        .map(({ message }) => message);
      for (const node of world.nodes) {
        const wanted = `announcing from node "${node}" with protocol "bgp"`;
        expectTrue(`"${wanted}" is among ${said.join("; ")}`, said.includes(wanted));
      }
    },
  },
  {
    name: "bgp/metrics",
    title: "Metrics count sessions, prefixes and UPDATEs, and those of a peer go with it",
    cites: ["BGP 96", "BGP 97", "BGP 98", "BGP 99"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const [node = ""] = world.nodes;
      const label = labelsOf(family);
      await world.kubernetes.apply(...routerPeers([family]));
      await established(world);
      await metricIs(world, node, `metallb_bgp_session_up${label}`, 1);
      await metricIs(world, node, `metallb_bgp_announced_prefixes_total${label}`, 0);

      const { vip } = await bgpServing(world, "web", { families: [family] });
      await metricIs(world, node, `metallb_bgp_announced_prefixes_total${label}`, 1);
      await metricIs(world, node, `metallb_bgp_pending_prefixes_total${label}`, 0);
      const announced = `metallb_speaker_announced{service="default/web",protocol="bgp",node="${node}",ip="${vip}"}`;
      await metricIs(world, node, announced, 1);
      const updates = (await world.node(node).metric(`metallb_bgp_updates_total${label}`)) ?? 0;
      expectAtLeast("UPDATEs", updates, 1);

      await world.kubernetes.remove("Service", "default/web");
      await withdrawn(world, vip);
      await metricIs(world, node, `metallb_bgp_announced_prefixes_total${label}`, 0);
      await metricIs(world, node, announced, undefined);
      await metricIs(world, node, `metallb_bgp_updates_total${label}`, updates + 1);

      const outage = await world.router().crashDaemons();
      await metricIs(world, node, `metallb_bgp_session_up${label}`, 0);
      await outage.end();
      await metricIs(world, node, `metallb_bgp_session_up${label}`, 1);
      await world.kubernetes.remove("BGPPeer", `${SYSTEM}/${peerName(family)}`);
      await metricIs(world, node, `metallb_bgp_session_up${label}`, undefined);
    },
  },
  {
    name: "bgp/stale-configuration",
    title: "A peer whose BFD profile is missing leaves the last good configuration in force, and a metric says so",
    cites: ["BGP 104"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      await nameNodes(world);
      const { vip } = await bgpServing(world, "web");
      const [node = ""] = world.nodes;
      await metricIs(world, node, "metallb_k8s_client_config_stale_bool", 0);
      await world.kubernetes.apply(...routerPeers(["ipv4"], { bfdProfile: "missing" }));
      await metricIs(world, node, "metallb_k8s_client_config_stale_bool", 1);
      await announcedBy(world, vip);
      await noSessionLost(world);
      await world.kubernetes.apply(...routerPeers(["ipv4"]));
      await metricIs(world, node, "metallb_k8s_client_config_stale_bool", 0);
      await metricIs(world, node, "metallb_k8s_client_config_loaded_bool", 1);
    },
  },
  {
    name: "bgp/no-writes-at-rest",
    title: "Once everything is announced, nothing more is written, and nothing but keepalives is sent",
    cites: ["B11 7", "B11 12"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "virtualTime"],
    async run(world) {
      await bgpServing(world, "web");
      await world.kubernetes.apply(...workload("other"));
      const [other = ""] = await vipsOf(world, "default/other", 1);
      await announcedBy(world, other);
      const [node = ""] = world.nodes;
      await labelNode(world, node, { unrelated: "label" });
      await bgpStatusesBecome(
        world,
        "default/other",
        world.nodes.map((each) => `${each}: ${peerName("ipv4")}`),
      );
      const series = `metallb_bgp_updates_total${labelsOf("ipv4")}`;
      await world.holds("statuses settle", async () => true, SETTLE);
      const before = [await world.kubernetes.writes(), await world.node(node).metric(series)];
      await world.holds("nothing happens", async () => true, PROPAGATION);
      expectEqual(
        "writes and UPDATEs",
        [await world.kubernetes.writes(), await world.node(node).metric(series)],
        before,
      );
    },
  },
];
