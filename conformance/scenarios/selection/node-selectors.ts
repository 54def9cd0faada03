import { expectEqual, expectTrue } from "../../expect.ts";
import { deployment, l2Advertisement, nodesNamed, pool, service } from "../../objects.ts";
import {
  addressOf,
  announcedService,
  answering,
  electionOrder,
  labelNode,
  RANGES,
  settlesOn,
  speakerWarning,
} from "../../steps.ts";
import { type Scenario } from "../../world.ts";

const POOL = pool("main", [RANGES.ipv4]);
/** The first address of the pool. */
const VIP = "192.0.2.150";

export const scenarios: readonly Scenario[] = [
  {
    name: "selection/one-node",
    title: "An advertisement for one node makes that node announce, whichever it is",
    cites: ["L2 43"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      await world.kubernetes.apply(...announcedService("web"));
      const vip = await addressOf(world, "default/web");
      for (const node of electionOrder(world.nodes, vip).toReversed()) {
        await world.kubernetes.apply(l2Advertisement("main", { nodeSelectors: nodesNamed(node) }));
        await settlesOn(world, vip, [node]);
      }
    },
  },
  {
    name: "selection/node-alternatives",
    title: "Several node selectors of an advertisement are alternatives: the best of all those nodes announces",
    cites: ["L2 44"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [, second = "", third = ""] = electionOrder(world.nodes, VIP);
      const expression = { key: "kubernetes.io/hostname", operator: "In", values: [second] };
      const nodeSelectors = [...nodesNamed(third), { matchExpressions: [expression] }];
      await world.kubernetes.apply(...announcedService("web", { advertisement: { nodeSelectors } }));
      await settlesOn(world, await addressOf(world, "default/web"), [second]);
    },
  },
  {
    name: "selection/endpoint-decides",
    title:
      "The node with the only pod of a Local Service announces it, although an advertisement beside its own names another",
    cites: ["L2 44"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [first = "", second = ""] = electionOrder(world.nodes, VIP);
      await world.kubernetes.apply(
        POOL,
        l2Advertisement("first", { nodeSelectors: nodesNamed(first) }),
        l2Advertisement("open"),
        deployment("web", 1, { node: second }),
        service("web", { policy: "Local" }),
      );
      await settlesOn(world, await addressOf(world, "default/web"), [second]);
    },
  },
  {
    name: "selection/node-labelled",
    title: "Nobody announces, and an event says why, until a node gets the label; without it nobody does again",
    cites: ["L2 45", "users B6"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [, , last = ""] = electionOrder(world.nodes, VIP);
      const nodeSelectors = [{ matchLabels: { edge: "yes" } }];
      await world.kubernetes.apply(...announcedService("web", { advertisement: { nodeSelectors } }));
      const vip = await addressOf(world, "default/web");
      const { message } = await speakerWarning(world, "default/web");
      expectTrue(`"${message}" speaks of nodeSelectors`, message.includes("nodeSelectors"));
      expectEqual("who answers", await answering(world.client(), vip), []);
      await labelNode(world, last, { edge: "yes" });
      await settlesOn(world, vip, [last]);
      await labelNode(world, last, { edge: null });
      await settlesOn(world, vip, []);
    },
  },
];
