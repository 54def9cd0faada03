import { type Ip } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { expectAtLeast, expectEqual } from "../../expect.ts";
import { deployment, l2Advertisement, pool, service } from "../../objects.ts";
import { addressesOf, announcedService, electionOrder, RANGES, SETTLE, settlesOn } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";

/** Names of Services that all have the same pods. */
const namesOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `web-${String(index).padStart(3, "0")}`);

/** Applies these Services and waits until the last has its addresses. */
async function addressed(
  world: World,
  names: readonly string[],
  spec: Parameters<typeof service>[1] = {},
): Promise<ReadonlyMap<string, readonly Ip[]>> {
  await world.kubernetes.apply(...names.map((name) => service(name, { ...spec, selector: { app: "web" } })));
  const addresses = new Map<string, readonly Ip[]>();
  for (const name of names) {
    const found = await world.waitFor(
      `${name} gets an address`,
      async () => {
        const ips = await addressesOf(world, `default/${name}`);
        return ips.length > 0 && ips;
      },
      SETTLE,
    );
    addresses.set(name, found);
  }
  return addresses;
}

export const scenarios: readonly Scenario[] = [
  {
    name: "selection/spread",
    title: "A hundred addresses each belong to the node with the least SHA-256 of node#address, so nodes share them",
    cites: ["L2 1", "TestClusterPolicy"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const heard = await world.client().listen();
      const names = new Map(
        world.nodes.flatMap((node) => [...world.node(node).macs.values()].map((mac) => [mac, node] as const)),
      );
      await world.kubernetes.apply(
        pool("main", ["192.0.2.100-192.0.2.199"]),
        l2Advertisement("main"),
        deployment("web", 3),
      );
      const addresses = await addressed(world, namesOf(100));
      const counts = new Map(world.nodes.map((node) => [node, 0]));
      for (const [vip = ""] of addresses.values()) {
        const [owner = ""] = electionOrder(world.nodes, vip);
        counts.set(owner, (counts.get(owner) ?? 0) + 1);
      }
      const last = [...addresses.values()].at(-1)?.[0] ?? ("" as Ip);
      await world.waitFor("the last is announced", async () => (await heard.about(last)).length > 0, seconds(3));
      for (const [vip] of addresses.values()) {
        if (vip === undefined) continue;
        const speakers = new Set((await heard.about(vip)).map(({ mac }) => names.get(mac) ?? mac));
        expectEqual(`who announces ${vip}`, [...speakers], electionOrder(world.nodes, vip).slice(0, 1));
      }
      for (const [node, count] of counts) expectAtLeast(`addresses of ${node}`, count, 20);
    },
  },
  {
    name: "selection/best-of-a-hundred",
    title: "Of a hundred nodes the best announces, and each time it is excluded the next best does",
    cites: ["F42"],
    topology: "lan-100",
    needs: ["kubernetes", "dataplane"],
    settings: { memberlist: false },
    async run(world) {
      await world.kubernetes.apply(...announcedService("web"));
      const [vip] = (await addressed(world, ["web"])).get("web") ?? [];
      if (vip === undefined) return;
      for (const node of electionOrder(world.nodes, vip).slice(0, 3)) {
        await settlesOn(world, vip, [node]);
        await world.kubernetes.patch("Node", node, { metadata: { labels: { [EXCLUDE]: "" } } });
      }
    },
  },
  {
    name: "selection/both-families-together",
    title: "The first address of a dual-stack Service elects the owner of both",
    cites: ["L2 29"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane"],
    variants: [
      { name: "ipv4-first", family: "ipv4" },
      { name: "ipv6-first", family: "ipv6" },
    ],
    async run(world, { family = "ipv4" }) {
      const families = family === "ipv4" ? (["IPv4", "IPv6"] as const) : (["IPv6", "IPv4"] as const);
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4, RANGES.ipv6]),
        l2Advertisement("main"),
        deployment("web", 3),
      );
      const addresses = await addressed(world, namesOf(4), { families, familyPolicy: "RequireDualStack" });
      let differing = 0;
      for (const [first = "" as Ip, second = "" as Ip] of addresses.values()) {
        const [owner = ""] = electionOrder(world.nodes, first);
        if (electionOrder(world.nodes, second)[0] !== owner) differing += 1;
        await settlesOn(world, first, [owner]);
        await settlesOn(world, second, [owner]);
      }
      expectAtLeast("Services whose second address alone would live elsewhere", differing, 1);
    },
  },
];
