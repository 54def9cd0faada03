import { seconds } from "../../../impl/wire/time.ts";
import { expectEqual } from "../../expect.ts";
import { pool, service } from "../../objects.ts";
import { addressesOf, addressOf, SETTLE } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const ONE = "192.0.2.150/32";

/** A pool of one address, held by `first`; `second` waits. */
async function oneAddressTwoServices(world: World): Promise<void> {
  await world.kubernetes.apply(pool("one", [ONE]), service("first"));
  expectEqual("the address of the first", await addressOf(world, "default/first"), "192.0.2.150");
  await world.kubernetes.apply(service("second"));
  await world.waitFor(
    "the second is told that there is no address",
    async () =>
      (await world.kubernetes.events("Service", "default/second")).some(({ reason }) => reason === "AllocationFailed"),
    SETTLE,
  );
  expectEqual("addresses of the second", await addressesOf(world, "default/second"), []);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "assignment/type-change-frees",
    title: "A Service that ceases to be a LoadBalancer gives its address to the one that waits",
    cites: ["L2 17"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await oneAddressTwoServices(world);
      await world.kubernetes.patch("Service", "default/first", { spec: { type: "ClusterIP" } });
      expectEqual("the address of the second", await addressOf(world, "default/second"), "192.0.2.150");
      expectEqual("addresses of the first", await addressesOf(world, "default/first"), []);
    },
  },
  {
    name: "assignment/deletion-frees",
    title: "A Service that is deleted gives its address to the one that waits",
    cites: ["L2 18"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await oneAddressTwoServices(world);
      await world.kubernetes.remove("Service", "default/first");
      expectEqual("the address of the second", await addressOf(world, "default/second"), "192.0.2.150");
    },
  },
  {
    name: "assignment/restarts-keep-addresses",
    title:
      "Through five restarts of the controller, Services that have addresses keep them and pending ones stay pending",
    cites: ["L2 19", "F34"],
    topology: "lan-3",
    needs: ["kubernetes", "processFaults"],
    async run(world) {
      await world.kubernetes.apply(pool("two", ["192.0.2.150/31"]), service("svc-b"), service("svc-d"));
      const held = [await addressOf(world, "default/svc-b"), await addressOf(world, "default/svc-d")];
      // By name, the waiting ones would come first.
      await world.kubernetes.apply(service("svc-a"), service("svc-c"));
      for (let restart = 0; restart < 5; restart++) {
        await world.controller.crash();
        await world.controller.start();
        await world.holds(
          "addresses stay where they are",
          async () => {
            const kept = [
              ...(await addressesOf(world, "default/svc-b")),
              ...(await addressesOf(world, "default/svc-d")),
            ];
            const waiting = [
              ...(await addressesOf(world, "default/svc-a")),
              ...(await addressesOf(world, "default/svc-c")),
            ];
            return kept.join() === held.join() && waiting.length === 0;
          },
          seconds(10),
        );
      }
      await world.kubernetes.remove("Service", "default/svc-b");
      await world.waitFor(
        "a waiting Service gets what is freed",
        async () => (await addressesOf(world, "default/svc-a"))[0],
        SETTLE,
      );
    },
  },
  {
    name: "assignment/all-pools-removed",
    title: "When the last pool is deleted, every address is taken back",
    cites: ["L2 21", "F36"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(pool("main", [ONE]), service("web"));
      await addressOf(world, "default/web");
      await world.kubernetes.remove("IPAddressPool", "metallb-system/main");
      await world.waitFor(
        "the address is gone",
        async () => (await addressesOf(world, "default/web")).length === 0,
        SETTLE,
      );
      const annotations = (await world.kubernetes.service("default/web"))?.metadata.annotations ?? {};
      expectEqual("the pool annotation", annotations["metallb.io/ip-allocated-from-pool"], undefined);
    },
  },
  {
    name: "assignment/pool-removed",
    title: "When a Service's pool is deleted, it moves to the pool that is left",
    cites: ["L2 22", "F37"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(pool("alpha", [ONE]), service("web"));
      await addressOf(world, "default/web");
      await world.kubernetes.apply(pool("beta", ["192.0.2.160/32"]));
      await world.holds(
        "a second pool moves nothing",
        async () => (await addressesOf(world, "default/web")).join() === "192.0.2.150",
        seconds(5),
      );
      await world.kubernetes.remove("IPAddressPool", "metallb-system/alpha");
      await world.waitFor(
        "it has an address of the other",
        async () => (await addressesOf(world, "default/web")).join() === "192.0.2.160",
        SETTLE,
      );
    },
  },
];
