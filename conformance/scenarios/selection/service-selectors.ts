import { expectEqual, expectTrue } from "../../expect.ts";
import { deployment, l2Advertisement, nodesNamed, pool, service } from "../../objects.ts";
import {
  addressOf,
  answering,
  electionOrder,
  layer2Statuses,
  ownerOf,
  RANGES,
  settlesOn,
  speakerWarning,
  SETTLE,
} from "../../steps.ts";
import { type Scenario } from "../../world.ts";

const WEB = { selector: { app: "web" } };
const PODS = deployment("web", 3);
const gold = [{ matchLabels: { tier: "gold" } }];

export const scenarios: readonly Scenario[] = [
  {
    name: "selection/pool-and-service",
    title: "An advertisement with a pool and a service selector covers only Services that match both, as labels change",
    cites: ["L2 55"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const inOther = { "metallb.io/address-pool": "other" };
      await world.kubernetes.apply(
        pool("main", ["192.0.2.150-192.0.2.154"]),
        pool("other", ["192.0.2.155-192.0.2.159"]),
        l2Advertisement("main", { ipAddressPools: ["main"], serviceSelectors: gold }),
        PODS,
        service("web", { ...WEB }),
        service("other", { ...WEB, labels: { tier: "gold" }, annotations: inOther }),
      );
      const vip = await addressOf(world, "default/web");
      const other = await addressOf(world, "default/other");
      await speakerWarning(world, "default/web");
      await speakerWarning(world, "default/other");
      expectEqual(
        "who answers for both",
        [await answering(world.client(), vip), await answering(world.client(), other)],
        [[], []],
      );
      await world.kubernetes.patch("Service", "default/web", { metadata: { labels: { tier: "gold" } } });
      const owner = await ownerOf(world, vip);
      await world.waitFor(
        "its status says so",
        async () => (await layer2Statuses(world, "default/web")).join() === `${owner}:`,
        SETTLE,
      );
      await world.kubernetes.patch("Service", "default/web", { metadata: { labels: { tier: null } } });
      await settlesOn(world, vip, []);
      await world.waitFor(
        "its status goes",
        async () => (await layer2Statuses(world, "default/web")).length === 0,
        SETTLE,
      );
      expectEqual("who answers for the other", await answering(world.client(), other), []);
    },
  },
  {
    name: "selection/two-advertisements-one-owner",
    title: "A Service that two advertisements cover, each for another node, has one owner: the better of the two nodes",
    cites: ["L2 56"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [, second = "", third = ""] = electionOrder(world.nodes, "192.0.2.150");
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("gold", { serviceSelectors: gold, nodeSelectors: nodesNamed(third) }),
        l2Advertisement("web", {
          serviceSelectors: [{ matchLabels: { kind: "web" } }],
          nodeSelectors: nodesNamed(second),
        }),
        PODS,
        service("web", { ...WEB, labels: { tier: "gold", kind: "web" } }),
      );
      await settlesOn(world, await addressOf(world, "default/web"), [second]);
    },
  },
  {
    name: "selection/service-here-node-there",
    title: "Nobody announces a Service where one advertisement covers it and another one the nodes",
    cites: ["L2 57", "users B6"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("nowhere", { serviceSelectors: gold, nodeSelectors: nodesNamed("no-such-node") }),
        l2Advertisement("others", { serviceSelectors: [{ matchLabels: { tier: "lead" } }] }),
        PODS,
        service("web", { ...WEB, labels: { tier: "gold" } }),
      );
      const vip = await addressOf(world, "default/web");
      const { message } = await speakerWarning(world, "default/web");
      expectTrue(`"${message}" names the advertisement that covers it`, message.includes('"nowhere"'));
      expectEqual("who answers", await answering(world.client(), vip), []);
      expectEqual("statuses", await layer2Statuses(world, "default/web"), []);
    },
  },
  {
    name: "selection/service-filters-candidates",
    title:
      "Only nodes of advertisements that cover a Service stand for it, so that none waits for a better one in vain",
    cites: ["L2 57"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [first = "", second = ""] = electionOrder(world.nodes, "192.0.2.150");
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("gold", { serviceSelectors: gold, nodeSelectors: nodesNamed(second) }),
        l2Advertisement("others", {
          serviceSelectors: [{ matchLabels: { tier: "lead" } }],
          nodeSelectors: nodesNamed(first),
        }),
        PODS,
        service("web", { ...WEB, labels: { tier: "gold" } }),
      );
      await settlesOn(world, await addressOf(world, "default/web"), [second]);
    },
  },
  {
    name: "selection/service-alternatives",
    title: "Several service selectors of an advertisement are alternatives",
    cites: ["L2 58"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const tiers = { one: "gold", two: "silver", three: "lead" };
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("main", { serviceSelectors: [...gold, { matchLabels: { tier: "silver" } }] }),
        PODS,
        ...Object.entries(tiers).map(([name, tier]) => service(name, { ...WEB, labels: { tier } })),
      );
      for (const name of ["default/one", "default/two"]) await ownerOf(world, await addressOf(world, name));
      const vip = await addressOf(world, "default/three");
      await speakerWarning(world, "default/three");
      expectEqual("who answers for the third", await answering(world.client(), vip), []);
    },
  },
  {
    name: "selection/shared-address-with-selector",
    title: "A Service that would share its address is refused by an advertisement with service selectors",
    cites: ["L2 9", "L2 56"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    variants: [
      { name: "annotation", annotation: "metallb.io/allow-shared-ip", value: "key" },
      { name: "deprecated", annotation: "metallb.universe.tf/allow-shared-ip", value: "key" },
      { name: "empty", annotation: "metallb.io/allow-shared-ip", value: "" },
    ],
    async run(world, { annotation, value }) {
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("gold", { serviceSelectors: gold }),
        l2Advertisement("all"),
        PODS,
        service("web", { ...WEB, labels: { tier: "gold" }, annotations: { [String(annotation)]: String(value) } }),
      );
      const vip = await addressOf(world, "default/web");
      const { message } = await speakerWarning(world, "default/web");
      expectTrue(`"${message}" speaks of serviceSelectors`, message.includes("serviceSelectors"));
      expectEqual("who answers", await answering(world.client(), vip), []);
      // Where the selector does not cover the Service, it does not matter.
      await world.kubernetes.patch("Service", "default/web", { metadata: { labels: { tier: null } } });
      await ownerOf(world, vip);
    },
  },
];
