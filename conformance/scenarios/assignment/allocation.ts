import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { expectEqual } from "../../expect.ts";
import { namespace, pool, type PoolSpec, service, type ServiceSpec } from "../../objects.ts";
import { addressesOf, addressOf } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

type Allocation = NonNullable<PoolSpec["serviceAllocation"]>;

/** A pool of one address with an allocation. */
const single = (name: string, address: string, serviceAllocation?: Allocation): KubeObject =>
  pool(name, [`${address}/32`], serviceAllocation === undefined ? {} : { serviceAllocation });

/** Creates Services one after the other and says which address each got. */
async function allocate(world: World, services: readonly KubeObject[]): Promise<readonly string[]> {
  const addresses: string[] = [];
  for (const object of services) {
    await world.kubernetes.apply(object);
    addresses.push(await addressOf(world, `${object.metadata.namespace}/${object.metadata.name}`));
  }
  return addresses;
}

const inTeam = (name: string, spec: ServiceSpec = {}): KubeObject => service(name, { namespace: "team", ...spec });

const LABELLED = { labels: { tier: "gold" } };
const GOLD = { matchLabels: { tier: "gold" } };

/** Which pool a Service gets its address from, by what the pools ask for. */
export const scenarios: readonly Scenario[] = [
  {
    name: "assignment/by-namespace",
    title: "Pools pinned to a namespace are used by priority before pools for everyone",
    cites: ["L2 23"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(
        namespace("team"),
        // By name the general pool comes first.
        single("a-general", "192.0.2.153"),
        single("b-second", "192.0.2.152", { priority: 20, namespaces: ["team"] }),
        single("c-first", "192.0.2.151", { priority: 10, namespaces: ["team"] }),
      );
      expectEqual(
        "addresses in the order of the pools",
        await allocate(world, [inTeam("one"), inTeam("two"), inTeam("three")]),
        ["192.0.2.151", "192.0.2.152", "192.0.2.153"],
      );
    },
  },
  {
    name: "assignment/by-priority-alone",
    title: "A pool with nothing but a priority serves everyone, before pools without",
    cites: ["L2 24"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(
        single("a-general", "192.0.2.153"),
        single("b-lowest", "192.0.2.152", { priority: 0 }),
        single("c-first", "192.0.2.151", { priority: 5 }),
      );
      expectEqual(
        "addresses in the order of the pools",
        await allocate(
          world,
          [service("one"), service("two"), service("three")].map((object) => ({
            ...object,
            metadata: { ...object.metadata, namespace: "default" },
          })),
        ),
        ["192.0.2.151", "192.0.2.152", "192.0.2.153"],
      );
    },
  },
  {
    name: "assignment/by-namespace-labels",
    title: "A namespace belongs to a pool by its name or by its labels",
    cites: ["L2 25"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(
        namespace("team", { tier: "gold" }),
        single("a-general", "192.0.2.153"),
        single("b-labels", "192.0.2.152", { priority: 20, namespaceSelectors: [GOLD] }),
        single("c-name", "192.0.2.151", { priority: 10, namespaces: ["team"] }),
      );
      const got = await allocate(world, [inTeam("one"), inTeam("two"), inTeam("three")]);
      expectEqual("addresses in the order of the pools", got, ["192.0.2.151", "192.0.2.152", "192.0.2.153"]);
    },
  },
  {
    name: "assignment/by-service-label",
    title: "A pool pinned to a label serves the Services that carry it, and no others",
    cites: ["L2 26"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(
        single("a-general", "192.0.2.153"),
        single("b-gold", "192.0.2.152", { priority: 20, serviceSelectors: [GOLD] }),
        namespace("team"),
      );
      const got = await allocate(world, [inTeam("plain"), inTeam("gold", LABELLED)]);
      expectEqual("addresses", got, ["192.0.2.153", "192.0.2.152"]);
    },
  },
  {
    name: "assignment/by-namespace-and-label",
    title: "A pool that asks for a namespace and a label wants both",
    cites: ["L2 27"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(
        namespace("team"),
        pool("a-general", ["192.0.2.153/32", "192.0.2.154/32"]),
        single("b-both", "192.0.2.151", { priority: 10, namespaces: ["team"], serviceSelectors: [GOLD] }),
      );
      const elsewhere = service("gold", { namespace: "default", ...LABELLED });
      const got = await allocate(world, [elsewhere, inTeam("plain"), inTeam("gold", LABELLED)]);
      expectEqual("addresses", got, ["192.0.2.153", "192.0.2.154", "192.0.2.151"]);
    },
  },
  {
    name: "assignment/namespace-relabelled",
    title: "A namespace that gains the label gets the pinned pool for its new Services; old ones stay",
    cites: ["L2 28"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(
        namespace("team"),
        single("a-general", "192.0.2.153"),
        single("b-gold", "192.0.2.151", { priority: 10, namespaceSelectors: [GOLD] }),
      );
      expectEqual("before", await allocate(world, [inTeam("one")]), ["192.0.2.153"]);
      await world.kubernetes.patch("Namespace", "team", { metadata: { labels: { tier: "gold" } } });
      expectEqual("after", await allocate(world, [inTeam("two")]), ["192.0.2.151"]);
      await world.holds(
        "the first stays",
        async () => (await addressesOf(world, "team/one")).join() === "192.0.2.153",
        seconds(5),
      );
    },
  },
  {
    name: "assignment/named-pool",
    title: "The address-pool annotation wins, also over autoAssign: false, and the pool used is written back",
    cites: ["L2 13", "L2 14", "L2 15", "L2 16"],
    topology: "dual-stack",
    needs: ["kubernetes"],
    variants: [
      { name: "ipv4", family: "ipv4", auto: true },
      { name: "ipv6", family: "ipv6", auto: true },
      { name: "ipv4-manual", family: "ipv4", auto: false },
      { name: "ipv6-manual", family: "ipv6", auto: false },
    ],
    async run(world, { family = "ipv4", auto = true }) {
      const [general, wanted] =
        family === "ipv4" ? ["192.0.2.153", "192.0.2.150"] : ["2001:db8:0:2::153", "2001:db8:0:2::150"];
      const length = family === "ipv4" ? 32 : 128;
      const families = family === "ipv4" ? (["IPv4"] as const) : (["IPv6"] as const);
      await world.kubernetes.apply(namespace("team"), pool("a-general", [`${general}/${length}`]));
      const before = await allocate(world, [inTeam("first", { families })]);
      await world.kubernetes.apply(pool("b-wanted", [`${wanted}/${length - 1}`], { autoAssign: auto === true }));
      const got = await allocate(world, [
        inTeam("second", { families, annotations: { "metallb.io/address-pool": "b-wanted" } }),
      ]);
      expectEqual("addresses", [...before, ...got], [general, wanted]);
      const annotations = (await world.kubernetes.service("team/second"))?.metadata.annotations ?? {};
      expectEqual("the pool that it says", annotations["metallb.io/ip-allocated-from-pool"], "b-wanted");
      expectEqual("the first keeps its own", await addressesOf(world, "team/first"), [general]);
      await world.kubernetes.apply(inTeam("third", { families }));
      if (auto === true) return;
      await world.holds(
        "nobody gets from a manual pool unasked",
        async () => (await addressesOf(world, "team/third")).length === 0,
        seconds(5),
      );
    },
  },
  {
    name: "assignment/pinned-pool-refuses-others",
    title: "A pool that belongs to a namespace serves nobody else, not even by name, and an event says so",
    cites: ["L2 23", "B.11 5"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(
        namespace("team"),
        single("pinned", "192.0.2.151", { priority: 10, namespaces: ["team"] }),
        service("stranger", { annotations: { "metallb.io/address-pool": "pinned" } }),
      );
      const warning = await world.waitFor(
        "an event says why",
        async () =>
          (await world.kubernetes.events("Service", "default/stranger")).find(({ type }) => type === "Warning"),
        seconds(5),
      );
      expectEqual("the reason", warning.reason, "AllocationFailed");
      expectEqual("it has none", await addressesOf(world, "default/stranger"), []);
      expectEqual("the team gets it", await allocate(world, [inTeam("own")]), ["192.0.2.151"]);
    },
  },
  {
    name: "assignment/address-in-use",
    title: "An address that another Service holds is not given again to one that asks for it",
    cites: ["B.11 4", "users B26"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      const wish = { annotations: { "metallb.io/loadBalancerIPs": "192.0.2.151" } };
      await world.kubernetes.apply(pool("main", ["192.0.2.150/31"]), service("first", wish));
      expectEqual("the first gets it", await addressOf(world, "default/first"), "192.0.2.151");
      await world.kubernetes.apply(service("second", wish));
      const warning = await world.waitFor(
        "the second is told who holds it",
        async () => (await world.kubernetes.events("Service", "default/second")).find(({ type }) => type === "Warning"),
        seconds(5),
      );
      expectEqual("the event names the holder", warning.message.includes("default/first"), true);
      expectEqual("it has none", await addressesOf(world, "default/second"), []);
    },
  },
  {
    name: "assignment/other-class",
    title: "A Service of another load balancer class gets no address",
    cites: ["L2 46"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(pool("main", ["192.0.2.150/32"]), service("web", { loadBalancerClass: "foo" }));
      await world.holds("it has none", async () => (await addressesOf(world, "default/web")).length === 0, seconds(10));
      await world.kubernetes.apply(service("plain"));
      expectEqual("the address goes to another", await addressOf(world, "default/plain"), "192.0.2.150");
    },
  },
];
