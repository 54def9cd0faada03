import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { deployment, endpointSlice, type EndpointSpec, l2Advertisement, pool, service } from "../../objects.ts";
import {
  addressOf,
  announcedService,
  answering,
  BOTH_FAMILIES,
  electionOrder,
  RANGES,
  settlesOn,
  speakerWarning,
  SETTLE,
} from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

/** A Service whose endpoints somebody else writes: it selects no pods. */
function unselected(policy: "Cluster" | "Local"): readonly KubeObject[] {
  return [pool("main", [RANGES.ipv4]), l2Advertisement("main"), service("web", { selector: {}, policy })];
}

const endpoint = (
  node: string | undefined,
  conditions: EndpointSpec["conditions"] = { ready: true },
): EndpointSpec => ({
  addresses: ["10.244.0.200"],
  conditions,
  ...(node === undefined ? {} : { nodeName: node }),
});

/** The node that the election takes last: that it owns an address is no accident. */
const lastNode = (world: World): string => electionOrder(world.nodes, "192.0.2.150").at(-1) ?? "";

/** Waits until a speaker says that endpoints are missing. */
async function nobodyFor(world: World): Promise<void> {
  const vip = await addressOf(world, "default/web");
  const { message } = await speakerWarning(world, "default/web");
  expectTrue(`"${message}" speaks of an endpoint`, message.includes("endpoint"));
  expectEqual("who answers", await answering(world.client(), vip), []);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "selection/local-follows-pods",
    title: "With externalTrafficPolicy Local an address moves to where its pods move, and clients are served there",
    cites: ["L2 3", "F41"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const [one = "", two = ""] = world.nodes;
      await world.kubernetes.apply(...announcedService("web", { family, policy: "Local", replicas: 1, podsOn: one }));
      const vip = await addressOf(world, "default/web");
      await settlesOn(world, vip, [one]);
      const moved = deployment("moved", 1, { node: two, labels: { app: "web" } });
      await world.kubernetes.apply(moved);
      await world.kubernetes.remove("Deployment", "default/web");
      await settlesOn(world, vip, [two]);
      const answer = await world.waitFor(
        "a client is served",
        async () => {
          const found = await world.client().request({ vip });
          return found.outcome === "ok" && found;
        },
        seconds(3),
      );
      expectEqual("the node of the pod", answer.node, two);
    },
  },
  {
    name: "selection/endpoint-conditions",
    title: "An endpoint counts when it is ready or does not say, and when it still serves while it terminates",
    cites: ["F41"],
    topology: "lan-3",
    needs: ["kubernetes"],
    variants: [
      { name: "silent", counts: true },
      { name: "ready", ready: true, serving: true, terminating: false, counts: true },
      { name: "ready-not-serving", ready: true, serving: false, counts: true },
      { name: "readiness-unknown", serving: false, counts: true },
      { name: "unready", ready: false, counts: false },
      { name: "unready-serving", ready: false, serving: true, counts: true },
      { name: "terminating-serving", ready: false, serving: true, terminating: true, counts: true },
      { name: "terminating", ready: false, serving: false, terminating: true, counts: false },
    ],
    async run(world, { counts, ...variant }) {
      const conditions = Object.fromEntries(
        ["ready", "serving", "terminating"].flatMap((name) => (name in variant ? [[name, variant[name]]] : [])),
      );
      const node = lastNode(world);
      await world.kubernetes.apply(...unselected("Local"), endpointSlice("web-1", "web", [endpoint(node, conditions)]));
      if (counts === true) await settlesOn(world, await addressOf(world, "default/web"), [node]);
      else await nobodyFor(world);
    },
  },
  {
    name: "selection/endpoint-without-node",
    title: "An endpoint on no known node serves a Cluster Service, and gives a Local one no owner",
    cites: ["F41"],
    topology: "lan-3",
    needs: ["kubernetes"],
    variants: [
      { name: "cluster", policy: "Cluster" },
      { name: "local", policy: "Local" },
    ],
    async run(world, { policy = "Cluster" }) {
      await world.kubernetes.apply(...unselected(policy), endpointSlice("web-1", "web", [endpoint(undefined)]));
      if (policy === "Local") return nobodyFor(world);
      const vip = await addressOf(world, "default/web");
      await settlesOn(world, vip, electionOrder(world.nodes, vip).slice(0, 1));
    },
  },
  {
    name: "selection/endpoint-in-two-slices",
    title: "An endpoint that stands in two slices counts until it is gone from both",
    cites: ["F41"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      const node = lastNode(world);
      await world.kubernetes.apply(
        ...unselected("Local"),
        endpointSlice("web-1", "web", [endpoint(node)]),
        endpointSlice("web-2", "web", [endpoint(node)]),
      );
      const vip = await addressOf(world, "default/web");
      await settlesOn(world, vip, [node]);
      await world.kubernetes.remove("EndpointSlice", "default/web-1");
      await world.holds("it stays", async () => (await answering(world.client(), vip)).join() === node, seconds(1));
      await world.kubernetes.remove("EndpointSlice", "default/web-2");
      await settlesOn(world, vip, []);
    },
  },
  {
    name: "selection/slice-changes-service",
    title: "A slice belongs to the Service that its label names, also when the label changes",
    cites: ["F41"],
    topology: "lan-3",
    needs: ["kubernetes"],
    async run(world) {
      const node = lastNode(world);
      await world.kubernetes.apply(...unselected("Local"), endpointSlice("web-1", "other", [endpoint(node)]));
      await nobodyFor(world);
      const vip = await addressOf(world, "default/web");
      await world.kubernetes.apply(endpointSlice("web-1", "web", [endpoint(node)]));
      await settlesOn(world, vip, [node], { within: SETTLE });
      await world.kubernetes.apply(endpointSlice("web-1", "other", [endpoint(node)]));
      await settlesOn(world, vip, []);
    },
  },
];
