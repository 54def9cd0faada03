import { seconds } from "../../../impl/wire/time.ts";
import { expectAtLeast, expectEqual, expectTrue } from "../../expect.ts";
import { deployment, l2Advertisement, pool, service } from "../../objects.ts";
import {
  addressOf,
  answering,
  BOTH_FAMILIES,
  DETECTION,
  ownerOf,
  RANGES,
  serving,
  SETTLE,
  speakerWarning,
} from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";

const statusOf = (object: object | undefined): Readonly<Record<string, unknown>> =>
  object !== undefined && "status" in object && typeof object.status === "object" && object.status !== null
    ? { ...object.status }
    : {};

/** The nodes that ServiceL2Status objects name for a Service, sorted. */
async function statusNodes(world: World, service: string): Promise<readonly string[]> {
  const statuses = (await world.kubernetes.list("ServiceL2Status")).map(statusOf);
  return statuses
    .filter((status) => `${String(status["serviceNamespace"])}/${String(status["serviceName"])}` === service)
    .map((status) => String(status["node"]))
    .sort();
}

/** The node of the newest nodeAssigned event. */
async function assignedNode(world: World, service: string): Promise<string | undefined> {
  const events = (await world.kubernetes.events("Service", service)).filter(({ reason }) => reason === "nodeAssigned");
  return /^announcing from node "(.*)" with protocol "layer2"$/.exec(events.at(-1)?.message ?? "")?.[1];
}

const condition = (status: "True" | "False"): object => ({
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "NetworkUnavailable", status },
    ],
  },
});

export const scenarios: readonly Scenario[] = [
  {
    name: "layer2/cluster-policy",
    title:
      "A Service with externalTrafficPolicy Cluster answers requests through any pod, and pods see a node as client",
    cites: ["L2 1"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await serving(world, "web", { family });
      const nodes = new Set<string>();
      for (let count = 0; count < 30; count++) {
        const answer = await world.client().request({ vip });
        expectEqual("the outcome", answer.outcome, "ok");
        nodes.add(answer.node ?? "");
      }
      expectEqual("nodes whose pods answered", [...nodes].sort(), [...world.nodes].sort());
      expectEqual("who answers for the address", (await answering(world.client(), vip)).length, 1);
    },
  },
  {
    name: "layer2/local-policy",
    title:
      "With externalTrafficPolicy Local every answer comes from a pod of the owner, which sees the client's address",
    cites: ["L2 3", "B.11 3"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const [first = ""] = world.nodes;
      // The first node would lose the election against the others, but only it has a pod.
      const { vip, owner } = await serving(world, "web", { family, policy: "Local", replicas: 2, podsOn: first });
      expectEqual("the owner", owner, first);
      for (let count = 0; count < 20; count++) {
        const { outcome, node, seenAs } = await world.client().request({ vip });
        expectEqual("outcome and node", [outcome, node], ["ok", owner]);
        expectTrue("the pod sees the client itself", (seenAs ?? "").endsWith(family === "ipv4" ? ".201" : "::201"));
      }
    },
  },
  {
    name: "layer2/status",
    title: "ServiceL2Status names the node of the nodeAssigned event, stays, and goes with the Service",
    cites: ["L2 2"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const { owner } = await serving(world, "web");
      const node = await world.waitFor(
        "an event names the node",
        async () => assignedNode(world, "default/web"),
        SETTLE,
      );
      expectEqual("the node of the event", node, owner);
      await world.waitFor(
        "the status names it",
        async () => (await statusNodes(world, "default/web")).join() === owner,
        SETTLE,
      );
      await world.holds("it stays", async () => (await statusNodes(world, "default/web")).join() === owner, seconds(5));
      await world.kubernetes.remove("Service", "default/web");
      await world.waitFor("it goes", async () => (await statusNodes(world, "default/web")).length === 0, SETTLE);
    },
  },
  {
    name: "layer2/mixed-protocols",
    title: "One Service serves TCP and UDP through the same address",
    cites: ["L2 4"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const ports = [
        { name: "web", protocol: "TCP", port: 80 },
        { name: "datagrams", protocol: "UDP", port: 80 },
      ] as const;
      const { vip } = await serving(world, "web", { family, ports });
      expectEqual("TCP", (await world.client().request({ vip, port: 80 })).outcome, "ok");
      expectEqual("UDP", (await world.client().request({ vip, port: 80, protocol: "UDP" })).outcome, "ok");
    },
  },
  {
    name: "layer2/network-unavailable",
    title: "A node whose network is unavailable announces nothing until it recovers",
    cites: ["L2 5", "F42"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      await world.kubernetes.patch("Node", owner, condition("True"), "status");
      await ownerOf(world, vip, { except: [owner] });
      await world.kubernetes.patch("Node", owner, condition("False"), "status");
      await world.waitFor("it comes back", async () => (await answering(world.client(), vip)).join() === owner, SETTLE);
    },
  },
  {
    name: "layer2/excluded-node",
    title:
      "A node labelled to be excluded from load balancers announces nothing until the label goes; a cordon changes nothing",
    cites: ["L2 6", "F42", "users B7"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      await world.kubernetes.patch("Node", owner, { spec: { unschedulable: true } });
      await world.holds(
        "a cordon moves nothing",
        async () => (await answering(world.client(), vip)).join() === owner,
        seconds(5),
      );
      await world.kubernetes.patch("Node", owner, { metadata: { labels: { [EXCLUDE]: "" } } });
      await ownerOf(world, vip, { except: [owner] });
      await world.kubernetes.patch("Node", owner, { metadata: { labels: { [EXCLUDE]: null } } });
      await world.waitFor("it comes back", async () => (await answering(world.client(), vip)).join() === owner, SETTLE);
    },
  },
  {
    name: "layer2/exclusion-ignored",
    title: "With the flag that ignores the exclude label, a labelled node announces as ever",
    cites: ["users B7"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    settings: { ignoreExcludeLb: true },
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      await world.kubernetes.patch("Node", owner, { metadata: { labels: { [EXCLUDE]: "" } } });
      await world.holds(
        "the owner stays",
        async () => (await answering(world.client(), vip)).join() === owner,
        seconds(10),
      );
    },
  },
  {
    name: "layer2/every-node-excluded",
    title: "When every node is excluded nobody announces, and an event says why",
    cites: ["users B6", "users B7"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      for (const node of world.nodes)
        await world.kubernetes.patch("Node", node, { metadata: { labels: { [EXCLUDE]: "" } } });
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("main"),
        deployment("web", 3),
        service("web"),
      );
      const vip = await addressOf(world, "default/web");
      const warning = await speakerWarning(world, "default/web");
      expectTrue(`"${warning.message}" names the label`, warning.message.includes("exclude"));
      expectEqual("who answers", await answering(world.client(), vip), []);
    },
  },
  {
    name: "layer2/pool-notation",
    title: "A pool may be a range or a prefix; the address lies in it and answers",
    cites: ["L2 7", "L2 8"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    variants: [
      { name: "range", addresses: "192.0.2.150-192.0.2.155", first: "192.0.2.150" },
      { name: "prefix", addresses: "192.0.2.160/28", first: "192.0.2.160" },
    ],
    async run(world, { addresses = "", first = "" }) {
      await world.kubernetes.apply(
        pool("main", [String(addresses)]),
        l2Advertisement("main"),
        deployment("web", 3),
        service("web"),
      );
      const vip = await addressOf(world, "default/web");
      expectEqual("the first address of the pool", vip, first);
      await ownerOf(world, vip);
      await world.waitFor("it answers", async () => (await world.client().request({ vip })).outcome === "ok", SETTLE);
    },
  },
  {
    name: "layer2/shared-address",
    title: "Services that share an address are announced by the same node, wherever their pods are",
    cites: ["L2 9", "L2 10", "users B23"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const address = RANGES[family].split("-")[0] ?? "";
      const [one = "", , two = ""] = world.nodes;
      const sharing = { "metallb.io/allow-shared-ip": "key", "metallb.io/loadBalancerIPs": address };
      const families = family === "ipv4" ? (["IPv4"] as const) : (["IPv6"] as const);
      await world.kubernetes.apply(
        pool("main", [RANGES[family]]),
        l2Advertisement("main"),
        deployment("a", 1, { node: one }),
        deployment("b", 1, { node: two }),
        service("a", { families, annotations: sharing, ports: [{ port: 80 }] }),
        service("b", { families, annotations: sharing, ports: [{ port: 81 }] }),
      );
      const vip = await addressOf(world, "default/a");
      expectEqual("the address of the other", await addressOf(world, "default/b"), vip);
      const owner = await ownerOf(world, vip);
      for (const name of ["default/a", "default/b"]) {
        await world.waitFor(
          `${name} is assigned to ${owner}`,
          async () => (await assignedNode(world, name)) === owner,
          SETTLE,
        );
      }
      expectEqual("port 80", (await world.client().request({ vip, port: 80 })).outcome, "ok");
      expectEqual("port 81", (await world.client().request({ vip, port: 81 })).outcome, "ok");
    },
  },
  {
    name: "layer2/metrics",
    title: "Metrics count a pool's addresses and what the owner answers, only at the owner, and end with the Service",
    cites: ["L2 11", "L2 12"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const announced = (node: string): string =>
        `metallb_speaker_announced{service="default/web",protocol="layer2",node="${node}",ip="${vip}"}`;
      expectEqual(
        "addresses",
        await world.controller.metric('metallb_allocator_addresses_total{pool="main"}'),
        family === "ipv4" ? 20 : 26,
      );
      expectEqual("in use", await world.controller.metric('metallb_allocator_addresses_in_use_total{pool="main"}'), 1);
      expectEqual(
        "in use by family",
        await world.controller.metric(`metallb_allocator_${family}_addresses_in_use_total{pool="main"}`),
        1,
      );
      for (const node of world.nodes) {
        const mine = node === owner;
        const control = world.node(node);
        expectEqual(`announced by ${node}`, await control.metric(announced(node)), mine ? 1 : undefined);
        for (const what of ["requests_received", "responses_sent", "gratuitous_sent"]) {
          const value = (await control.metric(`metallb_layer2_${what}{ip="${vip}"}`)) ?? 0;
          if (mine) expectAtLeast(`${what} at the owner`, value, 1);
          else expectEqual(`${what} at ${node}`, value, 0);
        }
      }
      await world.kubernetes.remove("Service", "default/web");
      await world.waitFor(
        "the series ends",
        async () => (await world.node(owner).metric(announced(owner))) === undefined,
        SETTLE,
      );
      await world.waitFor(
        "the address is free",
        async () => (await world.controller.metric('metallb_allocator_addresses_in_use_total{pool="main"}')) === 0,
        SETTLE,
      );
    },
  },
  {
    name: "layer2/no-pods",
    title: "Without a serving endpoint nobody announces and an event says so; with the first one somebody does",
    cites: ["users B6", "F41"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      await world.kubernetes.apply(pool("main", [RANGES.ipv4]), l2Advertisement("main"), service("web"));
      const vip = await addressOf(world, "default/web");
      const warning = await speakerWarning(world, "default/web");
      expectTrue(`"${warning.message}" speaks of endpoints`, warning.message.includes("endpoint"));
      expectEqual("who answers", await answering(world.client(), vip), []);
      await world.kubernetes.apply(deployment("web", 1));
      await ownerOf(world, vip, { within: DETECTION });
    },
  },
  {
    name: "layer2/no-advertisement",
    title: "An address of a pool that nothing advertises is not announced, and an event says so",
    cites: ["users B6"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      await world.kubernetes.apply(pool("main", [RANGES.ipv4]), deployment("web", 3), service("web"));
      const vip = await addressOf(world, "default/web");
      const warning = await speakerWarning(world, "default/web");
      expectTrue(
        `"${warning.message}" speaks of the advertisement`,
        warning.message.toLowerCase().includes("advertisement"),
      );
      expectEqual("who answers", await answering(world.client(), vip), []);
    },
  },
];
