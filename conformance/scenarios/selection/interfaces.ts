import { type Ip } from "../../../impl/wire/ip.ts";
import { millis } from "../../../impl/wire/time.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { deployment, l2Advertisement, nodesNamed, pool, service } from "../../objects.ts";
import {
  addressOf,
  announcedService,
  BOTH_FAMILIES,
  electionOrder,
  layer2Statuses,
  RANGES,
  SETTLE,
  speakerWarning,
} from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

// Every node stands on two LANs: eth1 on the red one, eth2 on the blue one.

/** Where an address is answered, as a client on each LAN finds out: `red: k8s-worker eth1`. */
async function answered(world: World, vip: Ip): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const lan of ["red", "blue"]) {
    const responders = await world.client(`${lan}-client`).whoHas(vip);
    for (const { mac, node = "a stranger" } of responders) {
      const link = [...world.node(node).macs].find(([, own]) => own === mac)?.[0];
      answers.push(`${lan}: ${node} ${link ?? mac}`);
    }
  }
  return answers;
}

async function isAnswered(world: World, vip: Ip, ...where: readonly string[]): Promise<void> {
  await world.waitFor(
    where.length === 0 ? "nobody answers" : `answers are ${where.join(" and ")}`,
    async () => (await answered(world, vip)).join() === where.join(),
    SETTLE,
  );
}

async function statusSays(world: World, ...statuses: readonly string[]): Promise<void> {
  await world.waitFor(
    `the status says ${statuses.join(" and ")}`,
    async () => (await layer2Statuses(world, "default/web")).join() === statuses.join(),
    SETTLE,
  );
}

const announceFailures = async (world: World): Promise<number> =>
  (await world.kubernetes.events("Service", "default/web")).filter(({ reason }) => reason === "announceFailed").length;

export const scenarios: readonly Scenario[] = [
  {
    name: "selection/interface-status",
    title: "ServiceL2Status lists the interfaces of the advertisement, and none where every interface announces",
    cites: ["L2 37"],
    topology: "two-segments",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      await world.kubernetes.apply(...announcedService("web", { advertisement: { interfaces: ["eth2"] } }));
      const [owner = ""] = electionOrder(world.nodes, await addressOf(world, "default/web"));
      await statusSays(world, `${owner}: eth2`);
      await world.kubernetes.apply(l2Advertisement("main", { interfaces: ["eth2", "eth1"] }));
      await statusSays(world, `${owner}: eth1 eth2`);
      await world.kubernetes.apply(l2Advertisement("main"));
      await statusSays(world, `${owner}:`);
    },
  },
  {
    name: "selection/interface-answers",
    title: "An address is answered with the MAC of the chosen interface, and the other LAN hears nothing of it",
    cites: ["L2 38"],
    topology: "two-segments",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const red = await world.client("red-client").listen();
      const blue = await world.client("blue-client").listen();
      await world.kubernetes.apply(...announcedService("web", { family, advertisement: { interfaces: ["eth2"] } }));
      const vip = await addressOf(world, "default/web");
      const [owner = ""] = electionOrder(world.nodes, vip);
      await isAnswered(world, vip, `blue: ${owner} eth2`);
      const heard = new Set((await blue.about(vip)).map(({ mac, how }) => `${how} ${mac}`));
      const mac = world.node(owner).macs.get("eth2") ?? "";
      expectEqual("heard on the blue LAN", [...heard], [`gratuitous ${mac}`, `answer ${mac}`]);
      expectEqual("heard on the red LAN", await red.about(vip), []);
    },
  },
  {
    name: "selection/interface-edited",
    title: "Only the interfaces that the advertisement names now answer, and those that are added announce at once",
    cites: ["L2 39"],
    topology: "two-segments",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.kubernetes.apply(...announcedService("web", { family, advertisement: { interfaces: ["eth1"] } }));
      const vip = await addressOf(world, "default/web");
      const [owner = ""] = electionOrder(world.nodes, vip);
      await isAnswered(world, vip, `red: ${owner} eth1`);
      const blue = await world.client("blue-client").listen();
      await world.kubernetes.apply(l2Advertisement("main", { interfaces: ["eth2"] }));
      await world.waitFor("the blue LAN is told", async () => (await blue.about(vip)).length > 0, millis(200));
      await isAnswered(world, vip, `blue: ${owner} eth2`);
      await world.kubernetes.apply(l2Advertisement("main", { interfaces: ["eth1", "eth2"] }));
      await isAnswered(world, vip, `red: ${owner} eth1`, `blue: ${owner} eth2`);
      await world.kubernetes.apply(l2Advertisement("main", { interfaces: ["eth1"] }));
      await isAnswered(world, vip, `red: ${owner} eth1`);
      await world.kubernetes.apply(l2Advertisement("main"));
      await isAnswered(world, vip, `red: ${owner} eth1`, `blue: ${owner} eth2`);
    },
  },
  {
    name: "selection/interface-missing",
    title: "Nobody answers where the owner has none of the interfaces, and an event says so; the election is as ever",
    cites: ["L2 40"],
    topology: "two-segments",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const advertisement = { interfaces: ["wlan0", "wlan1"] };
      await world.kubernetes.apply(...announcedService("web", { advertisement }));
      const vip = await addressOf(world, "default/web");
      const [owner = ""] = electionOrder(world.nodes, vip);
      const { reason, message } = await speakerWarning(world, "default/web");
      expectEqual("the reason of the event", reason, "announceFailed");
      for (const named of [vip, owner]) expectTrue(`"${message}" names ${named}`, message.includes(named));
      expectEqual("where it is answered", await answered(world, vip), []);
    },
  },
  {
    name: "selection/interface-partly-missing",
    title: "The interfaces that the owner has are used although it lacks others, and no event complains",
    cites: ["L2 40"],
    topology: "two-segments",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const advertisement = { interfaces: ["wlan0", "eth2"] };
      await world.kubernetes.apply(...announcedService("web", { advertisement }));
      const vip = await addressOf(world, "default/web");
      await isAnswered(world, vip, `blue: ${electionOrder(world.nodes, vip)[0] ?? ""} eth2`);
      expectEqual("announceFailed events", await announceFailures(world), 0);
    },
  },
  {
    name: "selection/interface-union",
    title: "Two advertisements of a pool answer on the interfaces of both, and on all where one names none",
    cites: ["L2 41"],
    topology: "two-segments",
    needs: ["kubernetes", "dataplane"],
    variants: [
      { name: "named", other: "eth2" },
      { name: "all", other: "" },
    ],
    async run(world, { other }) {
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("one", { interfaces: ["eth1"] }),
        l2Advertisement("other", other === "" ? {} : { interfaces: [String(other)] }),
        deployment("web", 3),
        service("web"),
      );
      const vip = await addressOf(world, "default/web");
      const [owner = ""] = electionOrder(world.nodes, vip);
      await isAnswered(world, vip, `red: ${owner} eth1`, `blue: ${owner} eth2`);
      await world.kubernetes.remove("L2Advertisement", "metallb-system/other");
      await isAnswered(world, vip, `red: ${owner} eth1`);
    },
  },
  {
    name: "selection/interface-by-node",
    title: "The owner answers on the interfaces that advertisements give to it, not on those they give to other nodes",
    cites: ["L2 42"],
    topology: "two-segments",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [first = "", second = ""] = electionOrder(world.nodes, "192.0.2.150");
      const at = (node: string, link: string): object => ({ nodeSelectors: nodesNamed(node), interfaces: [link] });
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("one", at(first, "eth1")),
        l2Advertisement("other", at(second, "eth2")),
        deployment("web", 3),
        service("web"),
      );
      const vip = await addressOf(world, "default/web");
      await isAnswered(world, vip, `red: ${first} eth1`);
      await statusSays(world, `${first}: eth1`);
      await world.kubernetes.remove("L2Advertisement", "metallb-system/one");
      await isAnswered(world, vip, `blue: ${second} eth2`);
      await statusSays(world, `${second}: eth2`);
    },
  },
  {
    name: "selection/interface-excluded",
    title: "Interfaces that a pattern excludes stay silent and count as missing, whichever of the patterns it is",
    cites: ["L2 40", "F45"],
    topology: "two-segments",
    needs: ["kubernetes", "dataplane"],
    settings: { excludeInterfaces: ["^lo$", "^eth0$", "^eth2$"] },
    async run(world) {
      const blue = await world.client("blue-client").listen();
      await world.kubernetes.apply(...announcedService("web"));
      const vip = await addressOf(world, "default/web");
      const [owner = ""] = electionOrder(world.nodes, vip);
      await isAnswered(world, vip, `red: ${owner} eth1`);
      await world.kubernetes.apply(l2Advertisement("main", { interfaces: ["eth2"] }));
      await speakerWarning(world, "default/web");
      expectEqual("announceFailed events", await announceFailures(world), 1);
      expectEqual("where it is answered", await answered(world, vip), []);
      expectEqual("heard on the blue LAN", await blue.about(vip), []);
    },
  },
];
