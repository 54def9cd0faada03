import { type Ip } from "../../../impl/wire/ip.ts";
import { millis, minutes, seconds } from "../../../impl/wire/time.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { deployment, l2Advertisement, pool, service } from "../../objects.ts";
import { addressesOf, addressOf, answering, ownerOf, passes, RANGES, serving, SETTLE } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

/** Addresses by Service, of those that have one. */
async function held(world: World, names: readonly string[]): Promise<ReadonlyMap<string, Ip>> {
  const found = new Map<string, Ip>();
  for (const name of names) {
    const [ip] = await addressesOf(world, `default/${name}`);
    if (ip !== undefined) found.set(name, ip);
  }
  return found;
}

/** Waits until every Service has an address, and returns them in the order of the names. */
async function allHeld(world: World, names: readonly string[]): Promise<readonly Ip[]> {
  const all = await world.waitFor(
    `${names.length} Services have addresses`,
    async () => {
      const found = await held(world, names);
      return found.size === names.length && found;
    },
    SETTLE,
  );
  return [...all.values()];
}

export const scenarios: readonly Scenario[] = [
  {
    name: "api-faults/controller-killed-anywhere",
    title:
      "Wherever between two decisions and their writes a controller dies, its successor gives nothing twice and takes nothing back",
    cites: ["F32", "I1", "I2"],
    topology: "lan-3",
    needs: ["kubernetes", "processFaults", "virtualTime"],
    async run(world) {
      await world.kubernetes.apply(pool("main", ["192.0.2.100-192.0.2.199"]), service("first"));
      const names = ["first"];
      let before = await held(world, names);
      for (let round = 0; round < 24; round++) {
        // The later one comes first by name, so that a pass in the order of names would serve it first.
        const pair = [`web-${90 - 2 * round}`, `web-${89 - 2 * round}`];
        for (const name of pair) await world.kubernetes.apply(service(name));
        names.push(...pair);
        // A request and its answer take a millisecond each.
        await passes(world, millis(round / 4));
        await world.controller.crash();
        await world.controller.start();
        await allHeld(world, names);
        const after = await held(world, names);
        for (const [name, ip] of before) expectEqual(`the address of ${name}`, after.get(name), ip);
        expectEqual("addresses in use", new Set(after.values()).size, names.length);
        before = after;
      }
    },
  },
  {
    name: "api-faults/two-controllers",
    title: "Two controllers at work at once give no address twice, change none, and do not fight over a status",
    cites: ["F33", "I1", "I2"],
    topology: "lan-3",
    needs: ["kubernetes", "processFaults"],
    async run(world) {
      await world.kubernetes.apply(pool("main", ["192.0.2.100-192.0.2.199"]), service("first"));
      const first = await addressOf(world, "default/first");
      const second = await world.controller.startSecond();
      const names = Array.from({ length: 12 }, (_, index) => `web-${index}`);
      for (const name of names) {
        await world.kubernetes.apply(service(name));
        await passes(world, millis(1));
      }
      const ips = await allHeld(world, names);
      expectEqual("addresses in use", new Set([first, ...ips]).size, names.length + 1);
      // The speakers say after a while that nothing advertises these addresses.
      await passes(world, seconds(8));
      const writes = await world.kubernetes.writes();
      await passes(world, seconds(10));
      expectEqual("writes while nothing happens", await world.kubernetes.writes(), writes);
      await second.end();
      expectEqual("addresses afterwards", await allHeld(world, names), ips);
      expectEqual("the first address", await addressesOf(world, "default/first"), [first]);
    },
  },
  {
    name: "api-faults/full-pool-restart",
    title:
      "After a restart with a full pool the Services that wait still wait, and an event says that the pool is full",
    cites: ["F34"],
    topology: "lan-3",
    needs: ["kubernetes", "processFaults"],
    async run(world) {
      await world.kubernetes.apply(pool("two", ["192.0.2.150/31"]), service("y"), service("z"));
      const ips = await allHeld(world, ["y", "z"]);
      await world.controller.crash();
      await world.kubernetes.apply(service("a", { annotations: { "metallb.io/address-pool": "two" } }));
      await world.controller.start();
      const message = await world.waitFor(
        "a warning says why",
        async () =>
          (await world.kubernetes.events("Service", "default/a")).find(({ type }) => type === "Warning")?.message,
        SETTLE,
      );
      expectTrue(`"${message}" says that the pool is full`, message.includes("no available IPs in pool two"));
      expectEqual("what the others hold", await allHeld(world, ["y", "z"]), ips);
      expectEqual("what it holds", await addressesOf(world, "default/a"), []);
    },
  },
  {
    name: "api-faults/foreign-status",
    title: "An address that somebody wrote into a status is never announced, and is overwritten with the Service's own",
    cites: ["F39", "I4"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane", "processFaults", "rawFrames"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const heard = await world.client().listen();
      const foreign = "192.0.2.77" as Ip;
      const status = { status: { loadBalancer: { ingress: [{ ip: foreign }] } } };
      const excuse = world.excuse("I2", "a person wrote the address that is taken back");
      // As long as nobody corrects it, the speakers stand alone against it.
      await world.controller.crash();
      await world.kubernetes.patch("Service", "default/web", status, "status");
      await passes(world, seconds(5));
      expectEqual("who said anything about the foreign address", await heard.about(foreign), []);
      expectEqual("who answers for the foreign address", await answering(world.client(), foreign), []);
      await world.controller.start();
      await world.waitFor(
        "the Service has its address back",
        async () => (await addressesOf(world, "default/web")).join() === vip,
        SETTLE,
      );
      await excuse.end();
      expectEqual("the owner", await ownerOf(world, vip), owner);
    },
  },
  {
    name: "api-faults/stolen-status",
    title: "A Service whose status was made to name another one's address gets its own again, and the other keeps its",
    cites: ["F39"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await serving(world, "web");
      await world.kubernetes.apply(service("before"));
      await addressOf(world, "default/before");
      await world.kubernetes.apply(service("thief"));
      const own = await addressOf(world, "default/thief");
      // A lower address is free, and would be the next to be given.
      await world.kubernetes.remove("Service", "default/before");
      const excuses = ["I1", "I2"].map((name) => world.excuse(name, "a person writes an address into two statuses"));
      const status = { status: { loadBalancer: { ingress: [{ ip: vip }] } } };
      await world.kubernetes.patch("Service", "default/thief", status, "status");
      await world.waitFor(
        "the thief has its own address back",
        async () => (await addressesOf(world, "default/thief")).join() === own,
        SETTLE,
      );
      for (const excuse of excuses) await excuse.end();
      expectEqual("the address of the other", await addressesOf(world, "default/web"), [vip]);
      expectEqual("a request", (await world.client().request({ vip })).outcome, "ok");
    },
  },
  {
    name: "api-faults/burst-of-updates",
    title: "A thousand changes of Services that mean nothing to their addresses lead to no write at all",
    cites: ["F40", "B.11 12"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      const names = Array.from({ length: 20 }, (_, index) => `web-${String(index).padStart(2, "0")}`);
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("main"),
        deployment("web", 3),
        ...names.map((name) => service(name, { selector: { app: "web" } })),
      );
      const ips = await allHeld(world, names);
      await passes(world, seconds(10));
      const before = await world.kubernetes.writes();
      for (let round = 0; round < 50; round++) {
        const patch = { metadata: { annotations: { "example.org/round": String(round) } } };
        for (const name of names) await world.kubernetes.patch("Service", `default/${name}`, patch);
      }
      await passes(world, seconds(10));
      expectEqual("writes of the load balancer", (await world.kubernetes.writes()) - before, 0);
      expectEqual("addresses", await allHeld(world, names), ips);
    },
  },
  {
    name: "api-faults/answerless-writes",
    title: "A controller whose writes hang for minutes gives every Service exactly one address when they end",
    cites: ["F35", "F32"],
    topology: "lan-3",
    needs: ["kubernetes", "apiFaults", "virtualTime"],
    async run(world) {
      await world.kubernetes.apply(pool("main", [RANGES.ipv4]), service("first"));
      await addressOf(world, "default/first");
      await world.kubernetes.apply(service("second"));
      await passes(world, millis(1));
      const outage = await world.api.outage("hang");
      await world.kubernetes.apply(service("third"));
      await passes(world, minutes(3));
      await outage.end();
      await world.waitFor(
        "all have addresses",
        async () => (await held(world, ["first", "second", "third"])).size === 3,
        seconds(60),
      );
      const ips = await allHeld(world, ["first", "second", "third"]);
      expectEqual("addresses in use", new Set(ips).size, 3);
      // Until the last speaker has tried again.
      await passes(world, seconds(45));
    },
  },
];
