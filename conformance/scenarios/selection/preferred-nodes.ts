import { type LabelSelector } from "../../../impl/api/kubernetes.ts";
import { type Ip } from "../../../impl/wire/ip.ts";
import { deployment, l2Advertisement, type L2Spec, nodesNamed, pool, service } from "../../objects.ts";
import { addressOf, electionOrder, labelNode, RANGES, settlesOn } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";

type Preferred = NonNullable<L2Spec["preferredNodeSelectors"]>[number];

const prefers = (weight: number, labels: Readonly<Record<string, string>>): Preferred => ({
  weight,
  preference: { matchLabels: labels },
});

/** The election without preferences for the address that the first Service gets. */
function baseline(world: World): readonly [first: string, second: string, third: string] {
  const [first = "", second = "", third = ""] = electionOrder(world.nodes, "192.0.2.150");
  return [first, second, third];
}

/** A Service of the pool that these advertisements are for. */
async function advertised(world: World, ...advertisements: readonly L2Spec[]): Promise<Ip> {
  await world.kubernetes.apply(
    pool("main", [RANGES.ipv4]),
    ...advertisements.map((spec, index) => l2Advertisement(`advertisement-${index}`, spec)),
    deployment("web", 3),
    service("web"),
  );
  return addressOf(world, "default/web");
}

export const scenarios: readonly Scenario[] = [
  {
    name: "selection/preferred-node",
    title: "A node with a preferred label announces; when it loses the label the election decides again",
    cites: ["L2 47"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [first, , third] = baseline(world);
      const vip = await advertised(world, { preferredNodeSelectors: [prefers(1, { disk: "fast" })] });
      await settlesOn(world, vip, [first]);
      await labelNode(world, third, { disk: "fast" });
      await settlesOn(world, vip, [third]);
      await labelNode(world, third, { disk: null });
      await settlesOn(world, vip, [first]);
    },
  },
  {
    name: "selection/preference-without-effect",
    title: "A preference that no node meets, or every node, leaves the election as it is",
    cites: ["L2 48"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    variants: [
      { name: "nobody", label: "disk", operator: "Exists" },
      { name: "everybody", label: "disk", operator: "DoesNotExist" },
      { name: "empty-selector" },
    ],
    async run(world, { label, operator }) {
      const [first] = baseline(world);
      const preference: LabelSelector =
        label === undefined ? {} : { matchExpressions: [{ key: String(label), operator: String(operator) }] };
      const vip = await advertised(world, { preferredNodeSelectors: [{ weight: 100, preference }] });
      await settlesOn(world, vip, [first]);
    },
  },
  {
    name: "selection/preferred-node-excluded",
    title: "While the preferred node is excluded another announces; it takes the address back when it returns",
    cites: ["L2 49"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [first, , third] = baseline(world);
      await labelNode(world, third, { disk: "fast", [EXCLUDE]: "" });
      const vip = await advertised(world, { preferredNodeSelectors: [prefers(50, { disk: "fast" })] });
      await settlesOn(world, vip, [first]);
      await labelNode(world, third, { [EXCLUDE]: null });
      await settlesOn(world, vip, [third]);
      await labelNode(world, third, { [EXCLUDE]: "" });
      await settlesOn(world, vip, [first]);
    },
  },
  {
    name: "selection/preference-edited",
    title: "Editing the preferences of an advertisement moves an address at once, also back to where none are left",
    cites: ["L2 50"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [first, second, third] = baseline(world);
      const onName = (node: string): L2Spec => ({
        preferredNodeSelectors: [prefers(10, { "kubernetes.io/hostname": node })],
      });
      const vip = await advertised(world, onName(third));
      await settlesOn(world, vip, [third]);
      await world.kubernetes.apply(l2Advertisement("advertisement-0", onName(second)));
      await settlesOn(world, vip, [second]);
      await world.kubernetes.apply(l2Advertisement("advertisement-0"));
      await settlesOn(world, vip, [first]);
    },
  },
  {
    name: "selection/preference-among-selected",
    title: "Node selectors say who may announce, preferences only who of them does",
    cites: ["L2 51"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [first, second, third] = baseline(world);
      await labelNode(world, first, { disk: "fast" });
      await labelNode(world, third, { disk: "good" });
      const vip = await advertised(world, {
        nodeSelectors: nodesNamed(second, third),
        preferredNodeSelectors: [prefers(100, { disk: "fast" }), prefers(1, { disk: "good" })],
      });
      await settlesOn(world, vip, [third]);
    },
  },
  {
    name: "selection/preference-elsewhere",
    title: "When only nodes that are not selected are preferred, a selected one announces",
    cites: ["L2 52"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [first, second, third] = baseline(world);
      await labelNode(world, first, { disk: "fast" });
      const vip = await advertised(world, {
        nodeSelectors: nodesNamed(second, third),
        preferredNodeSelectors: [prefers(100, { disk: "fast" })],
      });
      await settlesOn(world, vip, [second]);
    },
  },
  {
    name: "selection/weights-add-up",
    title: "Weights of several advertisements of a pool add up for a node",
    cites: ["L2 53"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [first, second, third] = baseline(world);
      await labelNode(world, first, { zone: "near" });
      await labelNode(world, second, { disk: "fast" });
      await labelNode(world, third, { disk: "fast", zone: "near" });
      const vip = await advertised(
        world,
        { preferredNodeSelectors: [prefers(60, { disk: "fast" })] },
        { preferredNodeSelectors: [prefers(50, { zone: "near" })] },
      );
      await settlesOn(world, vip, [third]);
      await labelNode(world, third, { disk: null });
      await settlesOn(world, vip, [second]);
    },
  },
  {
    name: "selection/equal-advertisements-add-up",
    title: "Two advertisements that differ only in their preferences both count",
    cites: ["L2 53"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const [, second, third] = baseline(world);
      const onName = (weight: number, node: string): Preferred => prefers(weight, { "kubernetes.io/hostname": node });
      const vip = await advertised(
        world,
        {},
        { preferredNodeSelectors: [onName(30, second)] },
        { preferredNodeSelectors: [onName(20, third)] },
        { preferredNodeSelectors: [onName(20, third)] },
      );
      await settlesOn(world, vip, [third]);
    },
  },
  {
    name: "selection/preference-for-some-services",
    title: "Preferences of an advertisement count only for the Services that it selects",
    cites: ["L2 54"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4]),
        l2Advertisement("all"),
        l2Advertisement("picky", {
          serviceSelectors: [{ matchLabels: { tier: "gold" } }],
          preferredNodeSelectors: [prefers(5, { disk: "fast" })],
        }),
        deployment("web", 3),
        service("plain", { selector: { app: "web" } }),
        service("gold", { selector: { app: "web" }, labels: { tier: "gold" } }),
      );
      const plain = await addressOf(world, "default/plain");
      const gold = await addressOf(world, "default/gold");
      const [owner = ""] = electionOrder(world.nodes, plain);
      const fast = electionOrder(world.nodes, gold).findLast((node) => node !== owner) ?? "";
      await labelNode(world, fast, { disk: "fast" });
      await settlesOn(world, gold, [fast]);
      await settlesOn(world, plain, [owner]);
    },
  },
];
