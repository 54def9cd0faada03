import { type Ip } from "../../../impl/wire/ip.ts";
import { millis, seconds } from "../../../impl/wire/time.ts";
import { expectAtMost, expectEqual } from "../../expect.ts";
import { l2Advertisement } from "../../objects.ts";
import {
  addressOf,
  announcedService,
  answering,
  BOTH_FAMILIES,
  electionOrder,
  passes,
  serving,
  settlesOn,
} from "../../steps.ts";
import { type Client, type Scenario } from "../../world.ts";

// Every node has a bond of two cables and VLAN 10 on top of it; one client is in VLAN 10, the other in the untagged LAN.

/** How many answers one question gets. */
async function answersTo(client: Client, vip: Ip): Promise<number> {
  const heard = await client.listen();
  await answering(client, vip);
  await heard.end();
  return (await heard.about(vip)).filter(({ how }) => how === "answer").length;
}

export const scenarios: readonly Scenario[] = [
  {
    name: "selection/bond-answers-once",
    title: "Where a bond has an address's LAN, the bond answers and its ports are silent",
    cites: ["F45"],
    topology: "vlan-bond",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await world.kubernetes.apply(...announcedService("web", { family }));
      const vip = await addressOf(world, "default/web");
      const [owner = ""] = electionOrder(world.nodes, vip);
      for (const client of world.clients.map((name) => world.client(name))) {
        await settlesOn(world, vip, [owner], { client });
        expectEqual(`answers that ${client.name} gets`, await answersTo(client, vip), 1);
      }
    },
  },
  {
    name: "selection/vlan-chosen",
    title: "An advertisement for a VLAN interface is heard in that VLAN, and not on the interface below it",
    cites: ["L2 38", "F45"],
    topology: "vlan-bond",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const untagged = world.client("untagged-client");
      const heard = await untagged.listen();
      const advertisement = { interfaces: ["bond0.10"] };
      const { vip, owner } = await serving(world, "web", { family, advertisement });
      expectEqual("who answers without a tag", await answering(untagged, vip), []);
      expectEqual("heard without a tag", await heard.about(vip), []);
      await world.kubernetes.apply(l2Advertisement("main", { interfaces: ["bond0"] }));
      await settlesOn(world, vip, [owner], { client: untagged });
      await settlesOn(world, vip, []);
    },
  },
  {
    name: "selection/bond-failover",
    title:
      "When the active cable of the owner's bond is cut, the other one serves within half a second and nothing moves",
    cites: ["F45", "users B20"],
    topology: "vlan-bond",
    needs: ["links", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const probe = await world.client().probe({ vip, every: millis(50) });
      const cut = await world.node(owner).linkDown("eth1");
      await passes(world, seconds(1));
      expectEqual("who answers through the other cable", await answering(world.client(), vip), [owner]);
      await cut.end();
      await passes(world, seconds(1));
      expectEqual("who answers in the end", await answering(world.client(), vip), [owner]);
      await probe.end();
      expectAtMost("outage in microseconds", (await probe.report()).outage, millis(500));
    },
  },
];
