import { type Ip } from "../../../impl/wire/ip.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { deployment, l2Advertisement, pool, service, type ServiceSpec } from "../../objects.ts";
import { addressesOf, ownerOf, RANGES, SETTLE } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const VIP = "192.0.2.150" as Ip;
const SHARING = { "metallb.io/allow-shared-ip": "key", "metallb.io/loadBalancerIPs": VIP };

async function holds(world: World, name: string, ...ips: readonly string[]): Promise<void> {
  await world.waitFor(
    `${name} has ${ips.length === 0 ? "no address" : ips.join()}`,
    async () => (await addressesOf(world, name)).join() === ips.join(),
    SETTLE,
  );
}

/** Two Services that share an address. */
async function sharers(world: World, spec: ServiceSpec): Promise<void> {
  const shared = { annotations: SHARING, selector: { app: "web" }, ...spec };
  await world.kubernetes.apply(
    pool("main", [RANGES.ipv4]),
    l2Advertisement("main"),
    deployment("web", 3),
    deployment("other", 3),
    service("first", { ...shared, ports: [{ port: 80 }] }),
    service("second", { ...shared, ports: [{ port: 81 }] }),
  );
  await holds(world, "default/first", VIP);
  await holds(world, "default/second", VIP);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "selection/sharer-changes",
    title: "A Service loses a shared address when an edit parts it from the other sharer, and regains it when undone",
    cites: ["L2 20"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    variants: [
      { name: "policy", policy: "Cluster" },
      { name: "selector", policy: "Local" },
    ],
    async run(world, { policy = "Cluster" }) {
      await sharers(world, { policy });
      const together = { externalTrafficPolicy: policy, selector: { app: "web" } };
      const apart = policy === "Cluster" ? { externalTrafficPolicy: "Local" } : { selector: { app: "other" } };
      const second = (spec: object): Promise<void> => world.kubernetes.patch("Service", "default/second", { spec });
      await second(apart);
      await holds(world, "default/second");
      const failures = (await world.kubernetes.events("Service", "default/second")).filter(
        ({ type, reason }) => type === "Warning" && reason === "AllocationFailed",
      );
      expectTrue("an event says what does not match", failures.at(-1)?.message.includes("backend key") ?? false);
      await second(together);
      await holds(world, "default/second", VIP);
      expectEqual("the address of the other", await addressesOf(world, "default/first"), [VIP]);
      await world.waitFor(
        "a request to the second is answered",
        async () => (await world.client().request({ vip: VIP, port: 81 })).outcome === "ok",
        SETTLE,
      );
    },
  },
  {
    name: "selection/sharer-follows",
    title: "A Service that waits for a shared address gets it when the other sharer is edited to match",
    cites: ["L2 20"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      await sharers(world, { policy: "Cluster" });
      const local = { spec: { externalTrafficPolicy: "Local" } };
      await world.kubernetes.patch("Service", "default/second", local);
      await holds(world, "default/second");
      await world.kubernetes.patch("Service", "default/first", local);
      await holds(world, "default/second", VIP);
      await ownerOf(world, VIP);
      expectEqual("the address of the other", await addressesOf(world, "default/first"), [VIP]);
    },
  },
];
