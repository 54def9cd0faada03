import { millis, minutes, seconds } from "../../../impl/wire/time.ts";
import { expectEqual } from "../../expect.ts";
import { l2Advertisement, pool, service } from "../../objects.ts";
import { addressesOf, answering, DETECTION, ownerOf, passes, RANGES, RELEARN, serving, SETTLE } from "../../steps.ts";
import { type Ending, type Scenario, type Variant, type World } from "../../world.ts";

const NOTHING: Ending = { end: async () => {} };

/** What goes wrong with the API server. */
async function begin(world: World, { name }: Variant): Promise<Ending> {
  switch (name) {
    case "cut":
      await world.api.dropWatches();
      return NOTHING;
    case "expired":
      await world.api.expireWatches();
      return NOTHING;
    case "twice":
      return world.api.duplicateEvents();
    case "half-open":
      // Connections that were open stay open, and nothing will ever come through them.
      await (await world.api.outage("hang")).end();
      return NOTHING;
    case "refused":
      return world.api.outage("refuse");
    case "throttled":
      return world.api.errors(429, 0.8);
    case "failing":
      return world.api.errors(500, 0.8);
    default:
      return world.api.errors(409, 0.8);
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: "api-faults/storm",
    title:
      "A minute of trouble with the API server interrupts no address, and afterwards all is as it was asked meanwhile",
    cites: ["F35", "users B29"],
    topology: "lan-3",
    needs: ["kubernetes", "apiFaults", "dataplane", "virtualTime"],
    variants: [
      { name: "cut" },
      { name: "expired" },
      { name: "twice" },
      { name: "half-open" },
      { name: "refused" },
      { name: "throttled" },
      { name: "failing" },
      { name: "conflicting" },
    ],
    async run(world, variant) {
      const { vip, owner } = await serving(world, "web");
      const probe = await world.client().probe({ vip, every: millis(500) });
      await world.kubernetes.apply(service("going", { selector: { app: "web" } }));
      await world.waitFor(
        "a second Service has an address",
        async () => (await addressesOf(world, "default/going")).length === 1,
        SETTLE,
      );
      const [gone = vip] = await addressesOf(world, "default/going");
      await ownerOf(world, gone);

      const excuse = world.excuse("I4", "speakers that hear nothing of the API server keep what they last knew");
      const fault = await begin(world, variant);
      await passes(world, millis(100));
      await world.kubernetes.remove("Service", "default/going");
      await world.kubernetes.apply(service("coming", { selector: { app: "web" } }));
      await passes(world, seconds(60));
      await fault.end();

      // Who failed again and again tries again within 45 s; a connection that is dead shows when bookmarks stay away for
      // two minutes.
      const patience = variant.name === "half-open" ? minutes(3) : seconds(50);
      const [came] = await world.waitFor(
        "the third Service has an address",
        async () => {
          const addresses = await addressesOf(world, "default/coming");
          return addresses.length > 0 && addresses;
        },
        patience,
      );
      await world.waitFor(
        "somebody announces it",
        async () => {
          const events = await world.kubernetes.events("Service", "default/coming");
          return events.some(({ reason }) => reason === "nodeAssigned");
        },
        patience,
      );
      await ownerOf(world, came ?? vip, { within: seconds(60) });
      if (came !== gone) {
        await world.waitFor(
          "nobody answers for the second",
          async () => (await answering(world.client(), gone)).length === 0,
          seconds(60),
        );
      }
      await excuse.end();
      await probe.end();
      const { sent, ok } = await probe.report();
      expectEqual("requests to the first that were answered", ok, sent);
      expectEqual("who answers for the first", await answering(world.client(), vip), [owner]);
    },
  },
  {
    name: "api-faults/node-lost-meanwhile",
    title: "A node that dies while nobody can reach the API server is replaced as fast as ever",
    cites: ["F35", "F5", "users B29"],
    topology: "lan-3",
    needs: ["kubernetes", "apiFaults", "powerOff", "dataplane", "virtualTime"],
    async run(world) {
      const { vip, owner } = await serving(world, "web", { policy: "Local" });
      const outage = await world.api.outage("refuse");
      await passes(world, minutes(1));
      await world.node(owner).powerOff();
      const heir = await ownerOf(world, vip, { except: [owner], within: DETECTION });
      await world.waitFor(
        "a client is served",
        async () => (await world.client().request({ vip, timeout: millis(300) })).outcome === "ok",
        RELEARN,
      );
      await passes(world, minutes(4));
      expectEqual("who answers after five minutes", await answering(world.client(), vip), [heir]);
      await outage.end();
      await world.waitFor(
        "the status names the heir",
        async () => {
          const events = await world.kubernetes.events("Service", "default/web");
          return events.some(({ reason, message }) => reason === "nodeAssigned" && message.includes(heir));
        },
        minutes(1),
      );
    },
  },
  {
    name: "api-faults/started-meanwhile",
    title: "A speaker that starts while it cannot reach the API server announces nothing; the others go on",
    cites: ["F35", "F5"],
    topology: "lan-3",
    needs: ["kubernetes", "apiFaults", "processFaults", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      await world.node(owner).crashSpeaker();
      const heir = await ownerOf(world, vip, { except: [owner], within: DETECTION });
      const outage = await world.api.outage("refuse");
      await world.node(owner).startSpeaker();
      await passes(world, seconds(20));
      expectEqual("who answers meanwhile", await answering(world.client(), vip), [heir]);
      await outage.end();
      await world.waitFor(
        "the first owner answers alone",
        async () => (await answering(world.client(), vip)).join() === owner,
        seconds(60),
      );
    },
  },
  {
    name: "api-faults/configuration-wiped",
    title: "When every pool is gone nobody answers any more; when they are back, so are the Services",
    cites: ["F36"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await serving(world, "web");
      await world.kubernetes.remove("L2Advertisement", "metallb-system/main");
      await world.waitFor(
        "nobody answers without an advertisement",
        async () => (await answering(world.client(), vip)).length === 0,
        SETTLE,
      );
      expectEqual("the address without an advertisement", await addressesOf(world, "default/web"), [vip]);
      await world.kubernetes.remove("IPAddressPool", "metallb-system/main");
      await world.waitFor(
        "the address goes with the pool",
        async () => (await addressesOf(world, "default/web")).length === 0,
        SETTLE,
      );
      await world.kubernetes.apply(pool("main", [RANGES.ipv4]), l2Advertisement("main"));
      await world.waitFor(
        "the client is served again",
        async () => (await world.client().request({ vip, timeout: millis(300) })).outcome === "ok",
        SETTLE,
      );
      await ownerOf(world, vip);
    },
  },
];
