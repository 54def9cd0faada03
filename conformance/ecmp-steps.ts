// Steps of scenarios about how routers spread flows, and which of these break when next hops come and go.
import { type KubeObject } from "../impl/api/kubernetes.ts";
import { type Ip } from "../impl/wire/ip.ts";
import { type Micros, seconds } from "../impl/wire/time.ts";
import { announcedBy, type BgpGiven, bgpServing, familiesOf, vipsOf } from "./bgp-steps.ts";
import { expectAtLeast, expectAtMost, expectEqual } from "./expect.ts";
import { labelNode, passes } from "./steps.ts";
import { type Flows, type FlowReport, type Spread, type Variant, type World } from "./world.ts";

export type Selector = NonNullable<Spread["selector"]>;
export type SelectorName = Selector["kind"];

/** With the timers that Linux takes unless told otherwise: no bucket in use ever moves. */
export const SELECTORS: Readonly<Record<SelectorName, Selector>> = {
  modulo: { kind: "modulo" },
  threshold: { kind: "threshold" },
  resilient: { kind: "resilient", buckets: 256, idleTimer: seconds(120), unbalancedTimer: seconds(0) },
};

/** Few enough to be quick, and enough to tell the selectors apart. */
export const FLOWS = 160;

/** Each flow says something so often; whoever broke is known to be broken after twice as long. */
const EVERY: Micros = seconds(2);
export const NOTICED: Micros = seconds(5);
/** And so long until clients have given up those whom nobody answers. */
export const GIVEN_UP: Micros = seconds(14);

const EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers";

/** Takes nodes out of the load balancer; what runs on them goes on. */
export async function exclude(world: World, ...nodes: readonly string[]): Promise<void> {
  for (const node of nodes) await labelNode(world, node, { [EXCLUDED]: "" });
}

export async function include(world: World, ...nodes: readonly string[]): Promise<void> {
  for (const node of nodes) await labelNode(world, node, { [EXCLUDED]: null });
}

/** How a variant says that routers spread: with the ports hashed, too, unless told. */
export const spreadOf = ({ selector = "threshold", hash = "l4" }: Variant): Spread => ({
  selector: SELECTORS[selector as SelectorName],
  hash: hash as "l3" | "l4",
});

export interface Spreading extends BgpGiven {
  /** The nodes that announce; all unless told. */
  readonly nodes?: readonly string[];
  /** What is applied before it. */
  readonly with?: readonly KubeObject[];
}

/** A Service that is announced by some nodes, and a first router that spreads as the variant says. */
export async function spreading(world: World, variant: Variant, given: Spreading = {}): Promise<{ readonly vip: Ip }> {
  const { nodes = world.nodes, with: before = [], ...rest } = given;
  await world.kubernetes.apply(...before);
  await world.router().spread(spreadOf(variant));
  const { policy = "Local" } = variant;
  const { vip } = await bgpServing(world, "web", { families: familiesOf(variant), policy, ...rest });
  await exclude(world, ...world.nodes.filter((node) => !nodes.includes(node)));
  await announcedBy(world, vip, nodes);
  return { vip };
}

/** The address of a Service that was applied before. */
export async function vipOf(world: World, name = "web"): Promise<Ip> {
  const [vip] = await vipsOf(world, `default/${name}`, 1);
  if (vip === undefined) throw new Error(`${name} has no address`);
  return vip;
}

export interface FlowsGiven {
  readonly count?: number;
  readonly every?: Micros;
  readonly router?: string;
  readonly client?: string;
  readonly port?: number;
}

/** Opens flows, each of which is answered. */
export async function openFlows(world: World, vip: Ip, given: FlowsGiven = {}): Promise<Flows> {
  const { count = FLOWS, every = EVERY, router = world.router().name, client, port = 80 } = given;
  const flows = await world.client(client).flows({ vip, count, every, router, port });
  const { flows: counted, broken } = await flows.report();
  expectEqual("flows that are answered", [counted, broken], [count, 0]);
  return flows;
}

/** What became of flows, once every one that broke has noticed. */
export async function afterwards(world: World, flows: Flows): Promise<FlowReport> {
  await passes(world, NOTICED);
  return flows.report();
}

export const answered = ({ byNode }: FlowReport, node: string): number => byNode[node] ?? 0;

/** How many of so many may be more or less by chance, at most once in two thousand times. */
const chance = (share: number, of: number): number => 3.5 * Math.sqrt(of * share * (1 - share));

/** Fails where a count is not between two shares (of 1) of a whole, give or take what chance may do. */
export function expectShare(what: string, count: number, of: number, least: number, most = least): void {
  expectAtLeast(`${what}, of ${of}`, count, of * least - chance(least, of));
  expectAtMost(`${what}, of ${of}`, count, of * most + chance(most, of));
}

/** Every flow that moved was reset, and no other broke. */
export function expectMovedAreReset({ moved, broken, reset }: FlowReport): void {
  expectEqual("flows that broke, and by a reset, to those that moved", [broken, reset], [moved, moved]);
}

/** Nothing happened to any flow. */
export function expectUntouched({ moved, broken }: FlowReport): void {
  expectEqual("flows that moved and broke", [moved, broken], [0, 0]);
}
