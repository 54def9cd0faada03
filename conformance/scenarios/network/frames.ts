import { millis, minutes, type Micros, seconds } from "../../../impl/wire/time.ts";
import { expectAtLeast, expectAtMost, expectEqual } from "../../expect.ts";
import { answering, BOTH_FAMILIES, DETECTION, ownerOf, passes, RELEARN, serving } from "../../steps.ts";
import { type FrameFault, type Scenario, type World } from "../../world.ts";

/** Every speaker knows of every other one. */
async function allMeet(world: World, within: Micros): Promise<void> {
  await world.waitFor(
    "every speaker knows of every other",
    async () => {
      const views = await Promise.all(world.nodes.map((node) => world.node(node).members()));
      return views.every((view) => view.length === world.nodes.length);
    },
    within,
  );
}

/** Whom speakers suspected since the start, all of them together. */
async function suspicions(world: World): Promise<number> {
  const counts = await Promise.all(
    world.nodes.map(async (node) => (await world.node(node).metric('assay_members_events{event="suspected"}')) ?? 0),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

const everywhere = (world: World, fault: Omit<FrameFault, "at">) =>
  Promise.all(world.nodes.map((at) => world.network.fault({ ...fault, at })));

export const scenarios: readonly Scenario[] = [
  {
    name: "network/some-loss",
    title: "Ten per cent of lost frames at every node move no address within a minute",
    cites: ["F8"],
    topology: "lan-3",
    needs: ["frameFaults", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const heard = await world.client().listen();
      const faults = await everywhere(world, { loss: 0.1 });
      await passes(world, seconds(60));
      for (const fault of faults) await fault.end();
      const strangers = (await heard.about(vip)).filter(({ mac }) => mac !== world.node(owner).macs.get("eth1"));
      expectEqual("who else spoke for the address", strangers, []);
      await allMeet(world, DETECTION);
    },
  },
  {
    name: "network/disordered-frames",
    title: "Frames that come twice, late and after later ones do the owner and its clients no harm",
    cites: ["F8"],
    topology: "dual-stack",
    needs: ["frameFaults", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const fault = await world.network.fault({ at: owner, duplicate: 0.3, reorder: 0.3 });
      const probe = await world.client().probe({ vip, every: millis(200) });
      await passes(world, seconds(8));
      await probe.end();
      await fault.end();
      const { sent, ok } = await probe.report();
      expectEqual("requests that were answered", ok, sent);
      expectEqual("who answers", await answering(world.client(), vip), [owner]);
      expectEqual("suspicions", await suspicions(world), 0);
    },
  },
  {
    name: "network/flipped-bits",
    title: "One frame in four reaches the owner with a flipped bit: no address moves, and nobody is lost",
    cites: ["F8"],
    topology: "lan-3",
    needs: ["frameFaults", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const heard = await world.client().listen();
      const fault = await world.network.fault({ at: owner, direction: "in", corrupt: 0.25 });
      await passes(world, seconds(30));
      await fault.end();
      await allMeet(world, DETECTION);
      const strangers = (await heard.about(vip)).filter(({ mac }) => mac !== world.node(owner).macs.get("eth1"));
      expectEqual("who else spoke for the address", strangers, []);
      expectEqual("who answers", await answering(world.client(), vip), [owner]);
    },
  },
  {
    name: "network/slow",
    title: "With 200 ms on the way to and from every node nobody is suspected, and a lost owner is still replaced",
    cites: ["F8", "F1"],
    topology: "lan-3",
    needs: ["frameFaults", "powerOff", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      for (const at of world.nodes) await world.network.fault({ at, direction: "out", delay: millis(200) });
      await passes(world, seconds(20));
      expectEqual("suspicions", await suspicions(world), 0);
      await world.node(owner).powerOff();
      await ownerOf(world, vip, { except: [owner], within: DETECTION });
    },
  },
  {
    name: "network/bystander-lost",
    title: "A node that is cut off and owns nothing moves no address, and is a member again soon after it is back",
    cites: ["F3", "B.11 15"],
    topology: "lan-3",
    needs: ["frameFaults", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const bystander = world.nodes.find((node) => node !== owner) ?? "";
      const cut = await world.network.fault({ at: bystander, loss: 1 });
      const heard = await world.client().listen();
      await passes(world, seconds(40));
      expectEqual("members that the owner knows", (await world.node(owner).members()).includes(bystander), false);
      await cut.end();
      await allMeet(world, seconds(10));
      const strangers = (await heard.about(vip)).filter(
        ({ mac, how }) => how === "answer" && mac !== world.node(owner).macs.get("eth1"),
      );
      expectEqual("who else answered", strangers, []);
      await world.waitFor(
        "the first owner answers alone",
        async () => (await answering(world.client(), vip)).join() === owner,
        seconds(5),
      );
    },
  },
  {
    name: "network/long-partition",
    title: "Speakers find each other after five minutes of a partition, and one owner is left with clients behind it",
    cites: ["F3", "B.11 14", "B.11 15"],
    topology: "lan-3",
    needs: ["frameFaults", "kubernetes", "dataplane", "virtualTime"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const others = world.nodes.filter((node) => node !== owner);
      const cut = await world.network.partition([[owner], [...others, world.client().name]]);
      await passes(world, minutes(5));
      expectEqual("members on one side", await world.node(owner).members(), [owner]);
      await cut.end();
      await allMeet(world, seconds(30));
      await ownerOf(world, vip, { within: seconds(5) });
      await world.waitFor(
        "the client is served",
        async () => (await world.client().request({ vip, timeout: millis(300) })).outcome === "ok",
        RELEARN,
      );
    },
  },
  {
    name: "network/deaf-owner",
    title: "An owner that hears nothing, though everybody hears it, is replaced; when it hears again one owner is left",
    cites: ["F4"],
    topology: "lan-3",
    needs: ["frameFaults", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const fault = await world.network.fault({ at: owner, direction: "in", loss: 1 });
      const heir = await ownerOf(world, vip, { except: [owner], within: seconds(30) });
      await passes(world, seconds(5));
      // What the deaf one says about its members must not make the others doubt each other.
      for (const node of world.nodes.filter((name) => name !== owner)) {
        expectAtLeast(`members that ${node} knows`, (await world.node(node).members()).length, 2);
      }
      expectEqual("who answers", await answering(world.client(), vip), [heir]);
      await fault.end();
      await allMeet(world, seconds(60));
      await world.waitFor(
        "the first owner answers alone",
        async () => (await answering(world.client(), vip)).join() === owner,
        DETECTION,
      );
    },
  },
  {
    name: "network/hundred-nodes",
    title: "Among a hundred nodes the loss of an owner is noticed in time, and costs one outage",
    cites: ["F1", "users B1"],
    topology: "lan-100",
    needs: ["powerOff", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web", { replicas: 3 });
      const probe = await world.client().probe({ vip, every: millis(100) });
      await world.node(owner).powerOff();
      const bound = seconds(60);
      await ownerOf(world, vip, { except: [owner], within: bound });
      await passes(world, RELEARN);
      await probe.end();
      const { gaps, outage } = await probe.report();
      expectAtMost("outage in microseconds", outage, bound);
      expectEqual("outages of a second and more", gaps.filter(({ from, to }) => to - from > seconds(1)).length, 1);
    },
  },
];
