import { parseMac } from "../../../impl/wire/mac.ts";
import { millis, seconds } from "../../../impl/wire/time.ts";
import { expectEqual } from "../../expect.ts";
import { answering, BOTH_FAMILIES, passes, serving } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

/** netlink, not a scan every ten seconds. */
const AT_ONCE = millis(100);

export const scenarios: readonly Scenario[] = [
  {
    name: "network/mac-change",
    title: "When an owner's interface gets another MAC, clients know it within 100 ms",
    cites: ["F45"],
    topology: "dual-stack",
    needs: ["links", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const client = world.client();
      await passes(world, seconds(6));
      const mac = parseMac("02:00:00:00:0a:0a");
      await world.node(owner).setLink("eth1", { mac });
      await world.waitFor(
        "the client knows the new MAC",
        async () => (await client.neighbour(vip))?.mac === mac,
        AT_ONCE,
      );
      expectEqual(
        "who answers",
        (await client.whoHas(vip)).map((responder) => responder.mac),
        [mac],
      );
    },
  },
  {
    name: "network/arp-switched-off",
    title: "An interface where ARP is switched off answers nothing, and announces at once when it is switched on",
    cites: ["F45"],
    topology: "lan-3",
    needs: ["links", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      await passes(world, seconds(6));
      await world.node(owner).setLink("eth1", { noArp: true });
      expectEqual("who answers without ARP", await answering(world.client(), vip), []);
      const heard = await world.client().listen();
      await world.node(owner).setLink("eth1", { noArp: false });
      await world.waitFor("it is announced", async () => (await heard.about(vip)).length > 0, AT_ONCE);
      expectEqual("who answers with ARP", await answering(world.client(), vip), [owner]);
    },
  },
  {
    name: "network/interface-restarted",
    title: "An interface that the administrator took down and up again announces what it still owns",
    cites: ["F45", "users B5"],
    topology: "two-segments",
    needs: ["links", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const blue = world.client("blue-client");
      await passes(world, seconds(6));
      // Membership lives on the other segment, so the owner stays the owner.
      await world.node(owner).setLink("eth2", { up: false });
      expectEqual("who answers on a dead leg", await answering(blue, vip), []);
      expectEqual("who answers on the other", await answering(world.client("red-client"), vip), [owner]);
      const heard = await blue.listen();
      await world.node(owner).setLink("eth2", { up: true });
      await world.waitFor("it is announced", async () => (await heard.about(vip)).length > 0, seconds(1));
      expectEqual("who answers on the leg", await answering(blue, vip), [owner]);
    },
  },
  {
    name: "network/no-own-address",
    title: "An interface answers and stays quiet whether or not it has an address of its own",
    cites: ["F45", "users B20"],
    topology: "two-segments",
    needs: ["links", "kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      await passes(world, seconds(6));
      const blue = world.client("blue-client");
      const heard = await blue.listen();
      const address = `198.51.100.${String(11 + world.nodes.indexOf(owner))}/24`;
      await world.node(owner).setLink("eth2", { removeAddress: address });
      expectEqual("who answers without an address", await answering(blue, vip), [owner]);
      await world.node(owner).setLink("eth2", { addAddress: address });
      await passes(world, seconds(2));
      const unasked = (await heard.about(vip)).filter(({ how }) => how === "gratuitous");
      expectEqual("announcements that nothing called for", unasked, []);
    },
  },
];
