import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { ipFromBigInt, ipToBigInt, parseIp } from "../../../impl/wire/ip.ts";
import { millis, minutes, seconds } from "../../../impl/wire/time.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { deployment, l2Advertisement, pool, service } from "../../objects.ts";
import { BOTH_FAMILIES, DETECTION, ownerOf, passes, serving, SETTLE } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";

const exclude = (world: World, node: string): Promise<void> =>
  world.kubernetes.patch("Node", node, { metadata: { labels: { [EXCLUDE]: "" } } });

/** What a request from far away came to, after nothing was said for longer than a switch remembers. */
async function afterSilence(world: World): Promise<string> {
  const { vip } = await serving(world, "web");
  const far = world.client("far-client");
  expectEqual("the first request", (await far.request({ vip })).outcome, "ok");
  await passes(world, minutes(6));
  return (await far.request({ vip })).outcome;
}

export const scenarios: readonly Scenario[] = [
  {
    name: "neighbours/believed-at-once",
    title: "A Linux client that has just learnt an address follows its next owner within milliseconds",
    cites: ["B.3", "users B1"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const client = world.client();
      const before = await client.neighbour(vip);
      expectEqual("what the client knows", before?.mac, world.node(owner).macs.get("eth1"));
      // Its entry is younger than the second for which Linux does not let ordinary replies change it.
      await exclude(world, owner);
      const after = await world.waitFor(
        "the client knows another node",
        async () => {
          const entry = await client.neighbour(vip);
          return entry?.mac === before?.mac ? undefined : entry;
        },
        millis(100),
      );
      const heir = await ownerOf(world, vip, { except: [owner] });
      expectEqual("what the client knows now", after.mac, world.node(heir).macs.get("eth1"));
    },
  },
  {
    name: "neighbours/repeated-rounds",
    title: "A new owner announces an address five times, 1.1 s apart, and is quiet afterwards",
    cites: ["RFC 5227 2.3", "users B5"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const heard = await world.client().listen();
      const { vip } = await serving(world, "web", { family });
      await passes(world, seconds(10));
      const said = (await heard.about(vip)).filter(({ how }) => how === "gratuitous");
      const rounds = said.filter(({ at }, index) => index === 0 || at - (said[index - 1]?.at ?? 0) > millis(500));
      expectEqual("rounds", rounds.length, 5);
      const gaps = rounds.slice(1).map(({ at }, index) => at - (rounds[index]?.at ?? 0));
      // A real clock is not kept to the microsecond.
      expectTrue(
        "they are 1.1 s apart",
        gaps.every((gap) => Math.abs(gap - millis(1100)) < millis(80)),
      );
      expectEqual("announcements", said.length, rounds.length * (family === "ipv4" ? 2 : 1));
    },
  },
  {
    name: "neighbours/gateway",
    title: "A gateway that would keep a dead owner for twenty minutes follows the announcement of the next one",
    cites: ["users B1", "users B5", "B.3"],
    topology: "gateway",
    needs: ["powerOff", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family, policy: "Local" });
      const far = world.client("far-client");
      expectEqual("the first request", (await far.request({ vip })).outcome, "ok");
      await world.node(owner).powerOff();
      await ownerOf(world, vip, { except: [owner], within: DETECTION });
      await passes(world, millis(100));
      const { outcome } = await far.request({ vip, timeout: millis(300) });
      expectEqual("a request after the takeover", outcome, "ok");
    },
  },
  {
    name: "neighbours/forgetful-switch",
    title: "Where the switch forgets an owner before the gateway does, silence makes an address unreachable",
    cites: ["users B5", "B.11 16"],
    topology: "forgetful-switch",
    needs: ["kubernetes", "dataplane", "virtualTime"],
    settings: { memberlist: false },
    async run(world) {
      expectEqual("a request after the silence", await afterSilence(world), "timeout");
    },
  },
  {
    name: "neighbours/refreshed-switch",
    title: "Announcing again every four minutes keeps a forgetful switch from losing the owner",
    cites: ["users B5", "B.11 16"],
    topology: "forgetful-switch",
    needs: ["kubernetes", "dataplane", "virtualTime"],
    settings: { memberlist: false, refresh: minutes(4) },
    async run(world) {
      expectEqual("a request after the silence", await afterSilence(world), "ok");
    },
  },
  {
    name: "neighbours/many-addresses",
    title:
      "Fifty addresses move at once behind a switch that passes ten announcements a second; clients reach them all",
    cites: ["B.2", "users B5", "B.11 13"],
    topology: "rate-limited",
    needs: ["powerOff", "kubernetes", "dataplane"],
    async run(world) {
      const first = ipToBigInt(parseIp("192.0.2.100"));
      const names = Array.from({ length: 50 }, (_, index) => `web-${String(index).padStart(2, "0")}`);
      const vips = names.map((_, index) => ipFromBigInt(first + BigInt(index), "ipv4"));
      const [one = "", two = ""] = world.nodes;
      const onNode = (node: string): KubeObject =>
        l2Advertisement("main", { nodeSelectors: [{ matchLabels: { "kubernetes.io/hostname": node } }] });
      await world.kubernetes.apply(
        pool("main", ["192.0.2.100-192.0.2.149"]),
        onNode(one),
        deployment("web", 3),
        ...names.map((name) => service(name, { selector: { app: "web" } })),
      );
      const client = world.client();
      const unreached = new Set(vips);
      const reachAll = async (): Promise<boolean> => {
        for (const vip of unreached) {
          if ((await client.request({ vip, timeout: millis(20) })).outcome === "ok") unreached.delete(vip);
        }
        return unreached.size === 0;
      };
      await world.waitFor("the client reaches every address", reachAll, SETTLE);
      const knows = async (node: string): Promise<number> => {
        const mac = world.node(node).macs.get("eth1");
        const entries = await Promise.all(vips.map((vip) => client.neighbour(vip)));
        return entries.filter((entry) => entry?.mac === mac).length;
      };
      expectEqual("addresses that the client knows at the first node", await knows(one), 50);
      await world.kubernetes.apply(onNode(two));
      await passes(world, seconds(6));
      // Ten packets in each of five rounds, two for each address.
      expectEqual("addresses that it knows at the second node after the burst", await knows(two), 25);
      await world.node(one).powerOff();
      for (const vip of vips) unreached.add(vip);
      await world.waitFor("the client reaches every address again", reachAll, seconds(60));
    },
  },
];
