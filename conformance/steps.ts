// Steps that many scenarios share, in the words of the field.
import { createHash } from "node:crypto";
import { type EventObject, type KubeObject } from "../impl/api/kubernetes.ts";
import { type ServiceL2Status } from "../impl/api/metallb.ts";
import { type Family, type Ip, parseIp } from "../impl/wire/ip.ts";
import { millis, type Micros, seconds } from "../impl/wire/time.ts";
import { deployment, l2Advertisement, type L2Spec, pool, service, type ServiceSpec } from "./objects.ts";
import { type Client, type World } from "./world.ts";

/** A free range of each shipped topology's LAN. */
export const RANGES: Readonly<Record<Family, string>> = {
  ipv4: "192.0.2.150-192.0.2.169",
  ipv6: "2001:db8:0:2::150-2001:db8:0:2::169",
};

export const BOTH_FAMILIES = [
  { name: "ipv4", family: "ipv4" },
  { name: "ipv6", family: "ipv6" },
] as const;

/** Time for a change to go through the API, the controller and the speakers. */
export const SETTLE: Micros = seconds(10);
/** Membership declares a silent node of a small cluster dead within this: probe, suspicion, gossip (LAN profile). */
export const DETECTION: Micros = seconds(15);

const familyField = (family: Family): "IPv4" | "IPv6" => (family === "ipv4" ? "IPv4" : "IPv6");

export interface Given extends ServiceSpec {
  readonly family?: Family;
  readonly replicas?: number;
  readonly advertisement?: L2Spec;
  /** Pins the pods to a node. */
  readonly podsOn?: string;
}

/** The objects of one announced Service: a pool, an advertisement, pods, and the Service. */
export function announcedService(name: string, given: Given = {}): readonly KubeObject[] {
  const { family = "ipv4", replicas = 3, advertisement, podsOn, ...spec } = given;
  return [
    pool("main", [RANGES[family]]),
    l2Advertisement("main", advertisement),
    deployment(name, replicas, podsOn === undefined ? {} : { node: podsOn }),
    service(name, { families: [familyField(family)], ...spec }),
  ];
}

/** Addresses of a Service in its status, in their order. */
export async function addressesOf(world: World, name: string): Promise<readonly Ip[]> {
  const found = await world.kubernetes.service(name);
  return (found?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [parseIp(ip)]));
}

/** Waits until a Service has an address and returns the first. */
export async function addressOf(world: World, name: string, within: Micros = SETTLE): Promise<Ip> {
  return world.waitFor(`${name} gets an address`, async () => (await addressesOf(world, name))[0], within);
}

/** Names of the nodes that answer for an address now, without duplicates. */
export async function answering(client: Client, vip: Ip): Promise<readonly string[]> {
  const responders = await client.whoHas(vip);
  return [...new Set(responders.map((responder) => responder.node ?? responder.mac))].sort();
}

/** Waits until exactly one node answers for an address, and that node is none of `except`. */
export async function ownerOf(
  world: World,
  vip: Ip,
  options: { readonly within?: Micros; readonly except?: readonly string[]; readonly client?: Client } = {},
): Promise<string> {
  const { within = SETTLE, except = [], client = world.client() } = options;
  const condition = except.length === 0 ? "one node answers" : `one node other than ${except.join(", ")} answers`;
  return world.waitFor(
    `${condition} for ${vip}`,
    async () => {
      const [only, ...others] = await answering(client, vip);
      return others.length === 0 && only !== undefined && !except.includes(only) ? only : undefined;
    },
    within,
  );
}

/** Waits until exactly these nodes answer for an address. */
export async function settlesOn(
  world: World,
  vip: Ip,
  nodes: readonly string[],
  options: { readonly within?: Micros; readonly client?: Client } = {},
): Promise<void> {
  const { within = SETTLE, client = world.client() } = options;
  const wanted = nodes.toSorted().join();
  await world.waitFor(
    `${nodes.length === 0 ? "nobody" : nodes.join(", ")} answers for ${vip}`,
    async () => (await answering(client, vip)).join() === wanted,
    within,
  );
}

/** Nodes in the order in which the election takes them: by the SHA-256 of `node#address`, computed apart from Assay. */
export function electionOrder(nodes: readonly string[], vip: string): readonly string[] {
  const hash = (node: string): string => createHash("sha256").update(`${node}#${vip}`).digest("hex");
  return nodes.toSorted((a, b) => (hash(a) < hash(b) ? -1 : 1));
}

/** Gives a node labels; null takes one away. */
export async function labelNode(
  world: World,
  node: string,
  labels: Readonly<Record<string, string | null>>,
): Promise<void> {
  await world.kubernetes.patch("Node", node, { metadata: { labels } });
}

/** Waits until a speaker warns about a Service, and returns its last warning. */
export async function speakerWarning(world: World, name: string, within: Micros = SETTLE): Promise<EventObject> {
  return world.waitFor(
    `a speaker warns about ${name}`,
    async () =>
      (await world.kubernetes.events("Service", name)).findLast(
        ({ type, source }) => type === "Warning" && source.component === "metallb-speaker",
      ),
    within,
  );
}

/** What the ServiceL2Status objects of a Service say: each a node with its interfaces, as `node: a b`. */
export async function layer2Statuses(world: World, name: string): Promise<readonly string[]> {
  const statuses = ((await world.kubernetes.list("ServiceL2Status")) as readonly ServiceL2Status[]).map(
    ({ status }) => status,
  );
  return statuses
    .filter((status) => `${status?.serviceNamespace ?? ""}/${status?.serviceName ?? ""}` === name)
    .map((status) => `${status?.node ?? ""}: ${(status?.interfaces ?? []).map((one) => one.name).join(" ")}`.trimEnd())
    .sort();
}

/** Who owns an address once all speakers know each other and all pods are ready; undefined: that is not known beforehand. */
function rightfulOwner(world: World, vip: Ip, given: Given): string | undefined {
  if (given.advertisement !== undefined) return undefined;
  if (given.policy === "Local" && given.podsOn !== undefined) return given.podsOn;
  if (given.policy === "Local" && (given.replicas ?? 3) < world.nodes.length) return undefined;
  return electionOrder(world.nodes, vip)[0];
}

/**
 * Applies the objects of a Service and waits until a client gets an answer through its address, and the address is where
 * it stays: while a cluster starts, another node may hold it for a moment.
 */
export async function serving(
  world: World,
  name: string,
  given: Given = {},
): Promise<{ readonly vip: Ip; readonly owner: string }> {
  await world.kubernetes.apply(...announcedService(name, given));
  const vip = await addressOf(world, `${given.namespace ?? "default"}/${name}`);
  const rightful = rightfulOwner(world, vip, given);
  if (rightful !== undefined) await settlesOn(world, vip, [rightful]);
  const owner = rightful ?? (await ownerOf(world, vip));
  const port = given.ports?.[0];
  const target = { vip, port: port?.port ?? 80, protocol: port?.protocol ?? "TCP" };
  await world.waitFor(
    `${vip} answers a request`,
    async () => (await world.client().request(target)).outcome === "ok",
    SETTLE,
  );
  return { vip, owner };
}

/** How long a Linux client may be without an answer after its owner has been declared dead and a GARP was believed. */
export const RELEARN: Micros = millis(1500);

/** Lets time pass. */
export async function passes(world: World, during: Micros): Promise<void> {
  await world.holds("time passes", async () => true, during);
}
