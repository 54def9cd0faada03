import { type Ip, parseIp } from "../../../impl/wire/ip.ts";
import { type Mac } from "../../../impl/wire/mac.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { expectEqual } from "../../expect.ts";
import { addressOf, announcedService, BOTH_FAMILIES, passes, RANGES, serving } from "../../steps.ts";
import { type Client, type Scenario, type World } from "../../world.ts";

const macOf = (world: World, node: string, link = "eth1"): Mac => {
  const mac = world.node(node).macs.get(link);
  if (mac === undefined) throw new Error(`${node} has no ${link}`);
  return mac;
};

/** The MACs that answer a question. */
async function answers(
  client: Client,
  vip: Ip,
  options: { readonly unicastTo?: Mac; readonly dad?: boolean } = {},
): Promise<readonly Mac[]> {
  return (await client.whoHas(vip, options)).map(({ mac }) => mac);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "neighbours/unicast-verification",
    title:
      "A station that verifies what it knows with a unicast question gets an answer from the owner and no one else",
    cites: ["users B19", "B.11 17"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      for (const node of world.nodes) {
        const mac = macOf(world, node);
        const expected = node === owner ? [mac] : [];
        expectEqual(
          `answers to a question to ${node} alone`,
          await answers(world.client(), vip, { unicastTo: mac }),
          expected,
        );
      }
    },
  },
  {
    name: "neighbours/duplicate-detection",
    title: "A station that probes an address before it takes it is told that the address is taken",
    cites: ["RFC 5227 2.1.1", "RFC 4862 5.4.3"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const heard = await world.client().listen();
      expectEqual("answers to a probe", await answers(world.client(), vip, { dad: true }), [macOf(world, owner)]);
      // Whoever has no address can only be told by all of them being told.
      const [said] = (await heard.about(vip)).filter(
        ({ how }) => how === (family === "ipv4" ? "answer" : "gratuitous"),
      );
      expectEqual("what it was told", said?.mac, macOf(world, owner));
    },
  },
  {
    name: "neighbours/nobody-for-others",
    title: "Nobody answers for an address of the pool that no Service has, nor for one that was given back",
    cites: ["B.11 10", "I4"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await serving(world, "web", { family });
      const free = parseIp(RANGES[family].split("-")[1] ?? "");
      const silent = async (ip: Ip): Promise<void> => {
        expectEqual(`answers for ${ip}`, await answers(world.client(), ip), []);
        for (const node of world.nodes) {
          const unicastTo = macOf(world, node);
          expectEqual(`answers of ${node} for ${ip}`, await answers(world.client(), ip, { unicastTo }), []);
        }
      };
      await silent(free);
      await world.kubernetes.remove("Service", "default/web");
      await passes(world, seconds(1));
      await silent(vip);
    },
  },
  {
    name: "neighbours/own-interface",
    title: "A node with a leg on each of two segments answers on each with the address of that leg",
    cites: ["B.11 10", "users B20"],
    topology: "two-segments",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      expectEqual("on red", await answers(world.client("red-client"), vip), [macOf(world, owner, "eth1")]);
      expectEqual("on blue", await answers(world.client("blue-client"), vip), [macOf(world, owner, "eth2")]);
    },
  },
  {
    name: "neighbours/snooping-switch",
    title: "Behind a switch that snoops multicast the owner is still asked after all its listeners have expired once",
    cites: ["B.11 18", "users B19"],
    topology: "mld-snooping",
    needs: ["kubernetes", "dataplane", "virtualTime"],
    settings: { memberlist: false },
    async run(world) {
      const { vip, owner } = await serving(world, "web", { family: "ipv6" });
      // RFC 3810 section 9.4: 2 · 125 s + 10 s.
      await passes(world, seconds(270));
      expectEqual("answers", await answers(world.client(), vip), [macOf(world, owner)]);
    },
  },
  {
    name: "neighbours/late-link-local",
    title: "An interface whose link-local address comes after the Service joins the group of its address and answers",
    cites: ["B.11 18", "F45"],
    topology: "mld-snooping",
    needs: ["kubernetes", "links"],
    async run(world) {
      const linkLocals = new Map(world.nodes.map((node) => [node, linkLocalOf(macOf(world, node))]));
      for (const [node, address] of linkLocals) await world.node(node).setLink("eth1", { removeAddress: address });
      await world.kubernetes.apply(...announcedService("web", { family: "ipv6" }));
      const vip = await addressOf(world, "default/web");
      await passes(world, seconds(1));
      expectEqual("answers without a link-local address", await answers(world.client(), vip), []);
      for (const [node, address] of linkLocals) await world.node(node).setLink("eth1", { addAddress: address });
      await world.waitFor(
        "somebody answers",
        async () => (await answers(world.client(), vip)).length === 1,
        seconds(3),
      );
    },
  },
];

/** RFC 4291 appendix A. */
function linkLocalOf(mac: Mac): string {
  const [a = "0", b = "", c = "", d = "", e = "", f = ""] = mac.split(":");
  const first = (Number.parseInt(a, 16) ^ 2).toString(16).padStart(2, "0");
  return `fe80::${first}${b}:${c}ff:fe${d}:${e}${f}/64`;
}
