// Steps of scenarios with routers. A prefix is written as routers write it; an address stands for its /32 or /128.
import { type KubeObject, type NodeObject } from "../impl/api/kubernetes.ts";
import { type ServiceBGPStatus } from "../impl/api/metallb.ts";
import { type Family, familyOf, type Ip, parseIp } from "../impl/wire/ip.ts";
import { type Micros, seconds } from "../impl/wire/time.ts";
import { expectEqual } from "./expect.ts";
import {
  bgpAdvertisement,
  bgpPeer,
  type BgpSpec,
  deployment,
  type PeerSpec,
  pool,
  ROUTER_ASN,
  service,
  type ServiceSpec,
} from "./objects.ts";
import { addressesOf, SETTLE } from "./steps.ts";
import {
  type BfdPeer,
  type BgpNeighbor,
  type BgpPath,
  type Client,
  type RouterControl,
  type Variant,
  type World,
} from "./world.ts";

/** Ranges for Services in topologies with routers; no interface has an address of them. */
export const BGP_RANGES: Readonly<Record<Family, string>> = { ipv4: "203.0.113.0/24", ipv6: "2001:db8:0:113::/120" };

/** The first router on the LAN of the nodes. */
export const ROUTER: Readonly<Record<Family, string>> = { ipv4: "192.0.2.1", ipv6: "2001:db8:0:2::1" };

/** One family after the other, and both at once. */
export const BGP_FAMILIES: readonly Variant[] = [
  { name: "ipv4", family: "ipv4" },
  { name: "ipv6", family: "ipv6" },
  { name: "dual", dual: true },
];

/** Time for a change to reach the routers: the API, the controller, the speakers, and one more attempt to connect. */
export const PROPAGATION: Micros = seconds(20);

export function familiesOf({ family = "ipv4", dual }: Variant): readonly Family[] {
  return dual === true ? ["ipv4", "ipv6"] : [family];
}

export const hostPrefix = (ip: Ip): string => `${ip}/${familyOf(ip) === "ipv4" ? 32 : 128}`;

/** `router-ipv4`. */
export const peerName = (family: Family): string => `router-${family}`;

/** A BGPPeer for the router's address of each family. */
export function routerPeers(families: readonly Family[], spec: PeerSpec = {}): readonly KubeObject[] {
  return families.map((family) => bgpPeer(peerName(family), { peerAddress: ROUTER[family], ...spec }));
}

export interface BgpGiven extends Omit<ServiceSpec, "families" | "familyPolicy"> {
  /** IPv4 unless told. */
  readonly families?: readonly Family[];
  readonly replicas?: number;
  /** Pins the pods to a node. */
  readonly podsOn?: string;
  readonly advertisement?: BgpSpec;
  /** On top of what the peers need. */
  readonly peer?: PeerSpec;
  /** In place of a peer for each address of the router. */
  readonly peers?: readonly KubeObject[];
}

/** The Service of an announced address, and its pods: without pools, peers or advertisements. */
export function workload(name: string, given: BgpGiven = {}): readonly KubeObject[] {
  const { families = ["ipv4"], replicas = 3, podsOn, advertisement: _1, peer: _2, peers: _3, ...spec } = given;
  const ipFamilies = families.map((family) => (family === "ipv4" ? "IPv4" : "IPv6"));
  const both = families.length > 1 ? { familyPolicy: "RequireDualStack" as const } : {};
  return [
    deployment(name, replicas, podsOn === undefined ? {} : { node: podsOn }),
    service(name, { families: ipFamilies, ...both, ...spec }),
  ];
}

/** The objects of one Service that is announced over BGP: a pool, an advertisement, peers, pods, and the Service. */
export function bgpService(name: string, given: BgpGiven = {}): readonly KubeObject[] {
  const { families = ["ipv4"], advertisement, peer, peers } = given;
  return [
    pool(
      "main",
      families.map((family) => BGP_RANGES[family]),
    ),
    bgpAdvertisement("main", advertisement),
    ...(peers ?? routerPeers(families, peer)),
    ...workload(name, given),
  ];
}

interface On {
  /** The first unless told. */
  readonly router?: RouterControl;
  readonly within?: Micros;
}

/** Names of the nodes that a router sends an address or prefix to, sorted; where a next hop is no node, its address. */
export async function nextHops(router: RouterControl, prefix: string): Promise<readonly string[]> {
  const entry = await router.fib(prefix.includes("/") ? prefix : hostPrefix(parseIp(prefix)));
  return (entry?.nextHops ?? []).map(({ node, ip }) => node ?? ip).toSorted();
}

/** Waits until a router sends an address or prefix to exactly these nodes. */
export async function announcedBy(
  world: World,
  prefix: string,
  nodes: readonly string[] = world.nodes,
  { router = world.router(), within = PROPAGATION }: On = {},
): Promise<void> {
  const wanted = nodes.toSorted().join();
  await world.waitFor(
    `${router.name} sends ${prefix} to ${nodes.length === 0 ? "nobody" : nodes.join(", ")}`,
    async () => (await nextHops(router, prefix)).join() === wanted,
    within,
  );
}

/** Waits until a router has no route to an address or prefix. */
export async function withdrawn(world: World, prefix: string, on: On = {}): Promise<void> {
  await announcedBy(world, prefix, [], on);
}

/** Waits until a router's BGP table holds nothing that came from nodes. */
export async function routesGone(
  world: World,
  { router = world.router(), within = PROPAGATION }: On = {},
): Promise<void> {
  await world.waitFor(
    `${router.name} has no path that a node told`,
    async () => (await router.paths()).every(({ node }) => node === undefined),
    within,
  );
}

/** A router's established sessions with nodes, in the order of the nodes. */
export async function sessions(
  world: World,
  { router = world.router(), family }: On & { readonly family?: Family } = {},
): Promise<readonly BgpNeighbor[]> {
  const neighbors = await router.neighbors();
  return world.nodes.flatMap((node) =>
    neighbors.filter(
      (each) =>
        each.node === node &&
        each.state === "established" &&
        (family === undefined || familyOf(each.address) === family),
    ),
  );
}

const nodesOf = (all: readonly { readonly node: string | undefined }[]): string =>
  [...new Set(all.map(({ node = "" }) => node))].toSorted().join();

/** Waits until a router has a session with each of these nodes and with no other, and returns them. */
export async function established(
  world: World,
  nodes: readonly string[] = world.nodes,
  options: On & { readonly family?: Family } = {},
): Promise<readonly BgpNeighbor[]> {
  const { router = world.router(), within = PROPAGATION } = options;
  const wanted = nodes.toSorted().join();
  return world.waitFor(
    `${router.name} has sessions with ${nodes.length === 0 ? "no node" : nodes.join(", ")}`,
    async () => {
      const up = await sessions(world, options);
      return nodesOf(up) === wanted && up;
    },
    within,
  );
}

/** What each node told a router about an address or prefix, in the order of the nodes. */
export async function pathsFrom(
  world: World,
  prefix: string,
  { router = world.router() }: On = {},
): Promise<readonly BgpPath[]> {
  const paths = await router.paths(prefix.includes("/") ? prefix : hostPrefix(parseIp(prefix)));
  return world.nodes.flatMap((node) => paths.filter((path) => path.node === node));
}

/** Waits until a router's paths from nodes to an address or prefix, each in the words of `show`, are `wanted`. */
export async function pathsBecome(
  world: World,
  prefix: string,
  show: (path: BgpPath) => string,
  wanted: readonly string[],
  on: On = {},
): Promise<void> {
  const { router = world.router(), within = PROPAGATION } = on;
  let last = "";
  const read = async (): Promise<boolean> => {
    last = (await pathsFrom(world, prefix, on)).map(show).join("; ");
    return last === wanted.join("; ");
  };
  await world.waitFor(`${router.name} hears of ${prefix} from nodes: ${wanted.join("; ") || "nothing"}`, read, within);
}

/** `k8s-worker 64500:123`: who told it with which communities of both sorts. */
export const withCommunities = ({ node = "", communities, largeCommunities }: BgpPath): string =>
  [node, ...communities, ...largeCommunities].join(" ");

/** Waits until a router's BFD is up with each of these nodes and with no other. */
export async function bfdUp(
  world: World,
  nodes: readonly string[] = world.nodes,
  { router = world.router(), within = PROPAGATION }: On = {},
): Promise<readonly BfdPeer[]> {
  const wanted = nodes.toSorted().join();
  return world.waitFor(
    `BFD is up between ${router.name} and ${nodes.join(", ") || "no node"}`,
    async () => {
      const up = (await router.bfdPeers()).filter(({ node, state }) => node !== undefined && state === "up");
      return nodesOf(up) === wanted && up;
    },
    within,
  );
}

/** What the ServiceBGPStatus objects of a Service say: each a node with its peers, as `node: a b`. */
export async function bgpStatuses(world: World, name: string): Promise<readonly string[]> {
  const statuses = ((await world.kubernetes.list("ServiceBGPStatus")) as readonly ServiceBGPStatus[]).map(
    ({ status }) => status,
  );
  return statuses
    .filter((status) => `${status?.serviceNamespace ?? ""}/${status?.serviceName ?? ""}` === name)
    .map((status) => `${status?.node ?? ""}: ${(status?.peers ?? []).join(" ")}`.trimEnd())
    .sort();
}

/** Waits until the ServiceBGPStatus objects of a Service say exactly this, in the order of the nodes' names. */
export async function bgpStatusesBecome(world: World, name: string, wanted: readonly string[]): Promise<void> {
  await world.waitFor(
    `the BGP statuses of ${name} say ${wanted.join(", ") || "nothing"}`,
    async () => (await bgpStatuses(world, name)).join() === wanted.toSorted().join(),
    SETTLE,
  );
}

/** Waits until a client gets an answer through an address. */
export async function answers(world: World, vip: Ip, client: Client = world.client(), port = 80): Promise<void> {
  await world.waitFor(
    `${vip} answers a request of ${client.name}`,
    async () => (await client.request({ vip, port, timeout: seconds(1) })).outcome === "ok",
    SETTLE,
  );
}

/** Waits until a Service has as many addresses as it has families, and returns them. */
export async function vipsOf(world: World, name: string, count: number): Promise<readonly Ip[]> {
  return world.waitFor(
    `${name} gets ${count} addresses`,
    async () => {
      const found = await addressesOf(world, name);
      return found.length === count && found;
    },
    SETTLE,
  );
}

/**
 * Applies the objects of a Service, and waits until the router sends its addresses to all nodes (or, with policy Local, to
 * `podsOn`) and a client is answered through each.
 */
export async function bgpServing(
  world: World,
  name: string,
  given: BgpGiven = {},
): Promise<{ readonly vip: Ip; readonly vips: readonly Ip[] }> {
  await world.kubernetes.apply(...bgpService(name, given));
  const vips = await vipsOf(world, `${given.namespace ?? "default"}/${name}`, (given.families ?? ["ipv4"]).length);
  const nodes = given.policy === "Local" && given.podsOn !== undefined ? [given.podsOn] : world.nodes;
  for (const vip of vips) {
    await announcedBy(world, vip, nodes);
    await answers(world, vip, world.client(), given.ports?.[0]?.port);
  }
  const [vip] = vips;
  if (vip === undefined) throw new Error(`${name} has no address`);
  return { vip, vips };
}

/** The peer-groups of the nodes in the frr.conf of the topologies. */
const NODE_GROUPS: Readonly<Record<Family, string>> = { ipv4: "nodes", ipv6: "nodes6" };

/** Lines below `router bgp` of the first router. */
export const inBgp = (...lines: readonly string[]): readonly string[] => [`router bgp ${ROUTER_ASN}`, ...lines];

/** Says something about the nodes as neighbours of the first router: `timers 3 9`. */
export const aboutNodes = (...statements: readonly string[]): readonly string[] =>
  inBgp(
    ...Object.values(NODE_GROUPS).flatMap((group) => statements.map((statement) => `neighbor ${group} ${statement}`)),
  );

/**
 * The first router leaves its nodes alone with BFD. It would ask each of them once a second whether it has BFD now (RFC 5880
 * section 6.8.3), which is nearly all there is to simulate in an hour in which nothing happens.
 */
export async function withoutBfd(world: World): Promise<void> {
  await world.router().configure(...aboutNodes("bfd").map((line) => line.replace("neighbor", "no neighbor")));
}

/**
 * Gives the first router a neighbour of its own for each node: one that comes from a range is forgotten with its session,
 * one that has a name counts them.
 */
export async function nameNodes(world: World): Promise<void> {
  const nodes = (await world.kubernetes.list("Node")) as readonly NodeObject[];
  const internal = nodes.flatMap(({ status }) => (status?.addresses ?? []).filter(({ type }) => type === "InternalIP"));
  const lines = internal.map(
    ({ address }) => `neighbor ${address} peer-group ${NODE_GROUPS[familyOf(parseIp(address))]}`,
  );
  await world.router().configure(...inBgp(...lines));
}

/** Fails where a router has had more than one session with a node that has a name there. */
export async function noSessionLost(world: World): Promise<void> {
  for (const { node, established: count } of await sessions(world)) {
    expectEqual(`sessions with ${node ?? ""} so far`, count, 1);
  }
}

/** Makes the first router one of the cluster's own AS; peers need `myASN: ROUTER_ASN` then. */
export const oneAs = (): readonly string[] => [
  ...aboutNodes(`remote-as ${ROUTER_ASN}`),
  ...(["ipv4", "ipv6"] as const).flatMap((family) => [
    `address-family ${family} unicast`,
    "maximum-paths ibgp 16",
    "exit-address-family",
  ]),
];

/** Sessions over one family carry the routes of the other, too, as far as the first router is concerned. */
export const bothFamilies = (): readonly string[] => [
  ...inBgp("address-family ipv4 unicast", `neighbor ${NODE_GROUPS.ipv6} activate`, "exit-address-family"),
  ...inBgp("address-family ipv6 unicast", `neighbor ${NODE_GROUPS.ipv4} activate`, "exit-address-family"),
];
