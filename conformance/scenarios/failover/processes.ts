import { seconds } from "../../../impl/wire/time.ts";
import { expectAtMost, expectEqual, expectTrue } from "../../expect.ts";
import { answering, BOTH_FAMILIES, DETECTION, ownerOf, RELEARN, serving } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

/** Owners of an address over time, each change once. */
const changes = (owners: readonly string[]): readonly string[] =>
  owners.filter((owner, index) => owner !== owners[index - 1]);

export const scenarios: readonly Scenario[] = [
  {
    name: "failover/speaker-killed",
    title: "A speaker that is killed and stays away is replaced once its membership has expired",
    cites: ["F2", "L2 59"],
    topology: "dual-stack",
    needs: ["processFaults", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      await world.node(owner).crashSpeaker();
      const heir = await ownerOf(world, vip, { except: [owner], within: DETECTION });
      await world.node(owner).startSpeaker();
      await ownerOf(world, vip, { except: [heir], within: DETECTION });
      expectEqual("the node that holds the address in the end", await answering(world.client(), vip), [owner]);
    },
  },
  {
    name: "failover/speaker-restarted",
    title: "A speaker that is back within a second costs at most one move, and no ping-pong",
    cites: ["F2"],
    topology: "lan-3",
    needs: ["processFaults", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const owners: string[] = [owner];
      await world.node(owner).crashSpeaker();
      await world.holds(
        "nobody else answers within the second",
        async () => !(await answering(world.client(), vip)).some((node) => node !== owner),
        seconds(1),
      );
      await world.node(owner).startSpeaker();
      await world.waitFor(
        "the owner answers again",
        async () => (await answering(world.client(), vip)).includes(owner),
        DETECTION,
      );
      await world.holds(
        "one node answers",
        async () => {
          const nodes = await answering(world.client(), vip);
          owners.push(...nodes);
          return nodes.length === 1;
        },
        seconds(20),
      );
      expectAtMost("moves", changes(owners).length - 1, 1);
    },
  },
  {
    name: "failover/graceful-stop",
    title: "A speaker that is asked to end leaves first, so that the next owner answers within a second and a half",
    cites: ["L2 59", "users B12"],
    topology: "dual-stack",
    needs: ["processFaults", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const probe = await world.client().probe({ vip });
      await world.node(owner).stopSpeaker();
      await ownerOf(world, vip, { except: [owner], within: seconds(3) });
      await world.waitFor(
        "a client is served",
        async () => (await world.client().request({ vip })).outcome === "ok",
        RELEARN,
      );
      await probe.end();
      expectAtMost("outage in microseconds", (await probe.report()).outage, seconds(1.5));
    },
  },
  {
    name: "failover/speaker-paused",
    title: "A speaker that slept for a while does not answer for an address that it has lost meanwhile",
    cites: ["F7"],
    topology: "lan-3",
    needs: ["pause", "frameFaults", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const pause = await world.node(owner).pauseSpeaker();
      const heir = await ownerOf(world, vip, { except: [owner], within: DETECTION });
      // It wakes into a network that does not tell it what it missed.
      const silence = await world.network.fault({ at: owner, only: "members", loss: 1 });
      await pause.end();
      expectEqual("who answers right after the sleep", await answering(world.client(), vip), [heir]);
      await silence.end();
      await ownerOf(world, vip, { within: DETECTION });
    },
  },
  {
    name: "failover/kernel-hang",
    title: "A kernel that hangs with its link up loses its addresses to the next node",
    cites: ["F1"],
    topology: "lan-3",
    needs: ["hang", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const hang = await world.node(owner).hangKernel();
      await ownerOf(world, vip, { except: [owner], within: DETECTION });
      await hang.end();
      await ownerOf(world, vip, { within: DETECTION });
      await world.holds(
        "one node answers",
        async () => (await answering(world.client(), vip)).length === 1,
        seconds(10),
      );
    },
  },
  {
    name: "failover/clock-step",
    title: "A clock that jumps by an hour, or runs twice as fast, moves no address",
    cites: ["F6"],
    topology: "lan-3",
    needs: ["clocks", "kubernetes", "dataplane"],
    variants: [
      { name: "forward", step: 3600 },
      { name: "back", step: -3600 },
      { name: "double-rate", step: 0 },
    ],
    async run(world, { step = 0 }) {
      const { vip, owner } = await serving(world, "web");
      if (step === 0) await world.node(owner).driftClock(2);
      else for (const node of world.nodes) await world.node(node).stepClock(seconds(Number(step)));
      await world.holds(
        "the owner keeps the address",
        async () => (await answering(world.client(), vip)).join() === owner,
        seconds(60),
      );
      expectTrue("a client is served", (await world.client().request({ vip })).outcome === "ok");
    },
  },
  {
    name: "failover/api-cut-off",
    title: "A node that cannot reach the API server keeps announcing what it last knew",
    cites: ["F5", "users B29"],
    topology: "lan-3",
    needs: ["apiFaults", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const cut = await world.node(owner).cutFromApi();
      await world.holds(
        "the owner keeps answering",
        async () => (await answering(world.client(), vip)).join() === owner,
        seconds(120),
      );
      await cut.end();
      expectEqual("who answers afterwards", await answering(world.client(), vip), [owner]);
    },
  },
];
