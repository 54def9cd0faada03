import { millis, seconds } from "../../../impl/wire/time.ts";
import { expectAtMost, expectEqual } from "../../expect.ts";
import { answering, BOTH_FAMILIES, DETECTION, ownerOf, serving } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

export const scenarios: readonly Scenario[] = [
  {
    name: "failover/link-down",
    title: "An owner whose cable is pulled is replaced, and takes the address back when the cable returns",
    cites: ["F1", "users B20"],
    topology: "dual-stack",
    needs: ["links", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const cut = await world.node(owner).linkDown("eth1");
      await ownerOf(world, vip, { except: [owner], within: DETECTION });
      await cut.end();
      await world.waitFor(
        "the first owner has it back",
        async () => (await answering(world.client(), vip)).join() === owner,
        seconds(90),
      );
      await world.waitFor(
        "a client is served",
        async () => (await world.client().request({ vip })).outcome === "ok",
        seconds(3),
      );
    },
  },
  {
    name: "failover/partition",
    title: "Each side of a partition has an owner; after it heals there is one within seconds and clients follow it",
    cites: ["F3", "users B4"],
    topology: "dual-stack",
    needs: ["frameFaults", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const others = world.nodes.filter((node) => node !== owner);
      // The client stays with the majority.
      const cut = await world.network.partition([[owner], [...others, world.client().name]]);
      await ownerOf(world, vip, { except: [owner], within: DETECTION });
      await cut.end();
      await world.waitFor(
        "one owner is left",
        async () => (await answering(world.client(), vip)).length === 1,
        seconds(90),
      );
      const [last] = await answering(world.client(), vip);
      await world.waitFor(
        "the client's own cache holds the owner",
        async () => (await world.client().request({ vip })).outcome === "ok",
        seconds(3),
      );
      expectEqual("the owner in the end", last, owner);
    },
  },
  {
    name: "failover/one-way-loss",
    title: "When one node does not hear another, while everybody else hears both, the address does not flap",
    cites: ["F4"],
    topology: "lan-3",
    needs: ["frameFaults", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const deaf = world.nodes.find((node) => node !== owner) ?? "";
      // What the owner sends does not reach the deaf node; the third node hears both and can be asked instead.
      const fault = await world.network.partition([[owner], [deaf]], { oneWay: true });
      const seen: string[] = [owner];
      await world.holds(
        "somebody answers",
        async () => {
          const nodes = await answering(world.client(), vip);
          const [only] = nodes;
          if (only !== undefined && nodes.length === 1 && seen.at(-1) !== only) seen.push(only);
          return nodes.length > 0;
        },
        seconds(120),
      );
      expectAtMost("changes of owner in two minutes", seen.length - 1, 2);
      await fault.end();
      await ownerOf(world, vip, { within: DETECTION });
    },
  },
  {
    name: "failover/noisy-network",
    title: "Under 30 % loss and 200 ms of jitter false alarms are refuted, and one owner is left when it ends",
    cites: ["F8"],
    topology: "lan-3",
    needs: ["frameFaults", "virtualTime", "kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await serving(world, "web");
      const excuse = world.excuse(
        "I3",
        "false suspicions are part of the protocol while a third of its packets is lost",
      );
      const faults = await Promise.all(
        world.nodes.map((at) => world.network.fault({ at, loss: 0.3, jitter: millis(200) })),
      );
      await world.holds("the cluster lives", async () => true, seconds(600));
      for (const fault of faults) await fault.end();
      for (const node of world.nodes) {
        await world.waitFor(
          `${node} sees all members`,
          async () => (await world.node(node).members()).length === 3,
          seconds(90),
        );
      }
      await excuse.end();
      await ownerOf(world, vip, { within: DETECTION });
    },
  },
  {
    name: "failover/gratuitous-lost",
    title: "When the first announcements of a new owner are lost, a later one of the burst moves the client",
    cites: ["users B5", "B.11 13"],
    topology: "dual-stack",
    needs: ["powerOff", "frameFaults", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family, policy: "Local" });
      const deaf = await world.network.fault({ at: world.client().name, direction: "in", only: "gratuitous", loss: 1 });
      await world.node(owner).powerOff();
      const others = world.nodes.filter((node) => node !== owner);
      await world.waitFor(
        "another node announces",
        async () => {
          const values = await Promise.all(
            others.map((node) =>
              world
                .node(node)
                .metric(
                  `metallb_speaker_announced{service="default/web",protocol="layer2",node="${node}",ip="${vip}"}`,
                ),
            ),
          );
          return values.includes(1);
        },
        DETECTION,
      );
      await world.holds("the first round passes", async () => true, millis(500));
      await deaf.end();
      await world.waitFor(
        "the client follows with the next round",
        async () => (await world.client().request({ vip, timeout: millis(300) })).outcome === "ok",
        millis(1600),
      );
    },
  },
];
