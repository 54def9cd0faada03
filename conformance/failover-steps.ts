// Steps and bounds of scenarios in which something goes that routes depend on. Bounds are sums of configured timers and of what
// the standards add to them; nothing here was measured on Assay.
import { type EndpointSlice, type KubeObject, type NodeObject } from "../impl/api/kubernetes.ts";
import { type Family, type Ip } from "../impl/wire/ip.ts";
import { micros, type Micros, millis, plus, seconds, times } from "../impl/wire/time.ts";
import {
  announcedBy,
  answers,
  BGP_RANGES,
  type BgpGiven,
  bgpServing,
  hostPrefix,
  nextHops,
  ROUTER,
  routerPeers,
  vipsOf,
} from "./bgp-steps.ts";
import { expectAtMost, expectTrue } from "./expect.ts";
import { bfdProfile, bgpAdvertisement, deployment, type PeerSpec, pool, service } from "./objects.ts";
import { BOTH_FAMILIES, SETTLE } from "./steps.ts";
import { type Ending, type Probe, type RouterControl, type Variant, type World } from "./world.ts";

/** The shortest hold time that RFC 4271 section 4.2 leaves room for in practice: three keepalives (section 10). */
export const HOLD: Micros = seconds(9);
export const KEEPALIVE: Micros = times(HOLD, 1 / 3);
/** Timers of peers whose failures are waited for. */
export const QUICK: PeerSpec = { holdTime: "9s", keepaliveTime: "3s" };

/** A profile that says nothing has FRR's 300 ms and a multiplier of 3; RFC 5880 section 6.8.4 multiplies them. */
export const BFD_DETECTION: Micros = times(millis(300), 3);
export const BFD_PROFILE = "default";

/** From the end of a session to the router's kernel: bgpd's and zebra's work queues take 61 ms as measured. */
const INSTALLATION: Micros = millis(61);
/** A probe is given up after that. */
const PATIENCE: Micros = millis(200);
/** What every bound is lengthened by. */
export const PROCESSING: Micros = plus(times(INSTALLATION, 2), PATIENCE);

/** From a change of endpoints to the routers: a watch event, the speaker, an UPDATE. */
export const ENDPOINT: Micros = plus(millis(500), PROCESSING);
/** A SYN goes out every few seconds, and one that was lost is repeated; then OPEN, KEEPALIVE, UPDATE. */
export const RECONNECT: Micros = seconds(10);
/** A speaker reads all objects before it dials. */
export const START: Micros = seconds(5);
/** RFC 4724 section 3: what is offered unless told, FRR's default on both sides. */
export const RESTART_TIME: Micros = seconds(120);

/** What a peer needs for a variant that has `bfd`. */
export const peerWith = ({ bfd }: Variant, spec: PeerSpec = {}): PeerSpec =>
  bfd === true ? { ...QUICK, bfdProfile: BFD_PROFILE, ...spec } : { ...QUICK, ...spec };

export const familyVariants = (name: string, parameters: Omit<Variant, "name"> = {}): readonly Variant[] =>
  BOTH_FAMILIES.map(({ family }) => ({ name: `${name}-${family}`, family, ...parameters }));

/** A Service of policy Local with a pod on every node, so that whoever answers is whom the router chose. */
export async function servedByEach(
  world: World,
  name: string,
  { families = ["ipv4"], ...given }: BgpGiven = {},
): Promise<{ readonly vip: Ip; readonly vips: readonly Ip[] }> {
  await world.kubernetes.apply(bfdProfile(BFD_PROFILE));
  return bgpServing(world, name, { families, policy: "Local", replicas: world.nodes.length, ...given });
}

/** The same, with a Deployment of one pod for each node, so that the pod of one node can go. */
export async function podOnEach(
  world: World,
  name: string,
  given: { readonly family: Family; readonly policy: "Cluster" | "Local" },
): Promise<{ readonly vip: Ip; readonly deploymentOf: (node: string) => string }> {
  const { family, policy } = given;
  const deploymentOf = (node: string): string => `${name}-${node}`;
  const pods: readonly KubeObject[] = world.nodes.map((node) =>
    deployment(deploymentOf(node), 1, { labels: { app: name, on: node }, node }),
  );
  await world.kubernetes.apply(
    pool("main", [BGP_RANGES[family]]),
    bgpAdvertisement("main"),
    ...routerPeers([family]),
    ...pods,
    service(name, { families: [family === "ipv4" ? "IPv4" : "IPv6"], policy }),
  );
  const [vip] = await vipsOf(world, `default/${name}`, 1);
  if (vip === undefined) throw new Error(`${name} has no address`);
  await announcedBy(world, vip);
  await answers(world, vip);
  return { vip, deploymentOf };
}

/** The node that a client's requests go through: routers that hash addresses alone send all of a client's to one. */
export async function carrierOf(world: World, vip: Ip): Promise<string> {
  const nodes = (await world.kubernetes.list("Node")) as readonly NodeObject[];
  const { node = "", seenAs } = await world.waitFor(
    `${vip} answers`,
    async () => {
      const answer = await world.client().request({ vip });
      return answer.outcome === "ok" && answer;
    },
    SETTLE,
  );
  // With policy Cluster the node that took the request asks in its own name.
  const asked = nodes.find(({ status }) => (status?.addresses ?? []).some(({ address }) => address === seenAs));
  return asked?.metadata.name ?? node;
}

/** Waits until no endpoint of a Service is on a node: a pod that ends serves until it is gone. */
export async function endpointsLeave(world: World, node: string): Promise<void> {
  await world.waitFor(
    `no endpoint is on ${node}`,
    async () => {
      const slices = (await world.kubernetes.list("EndpointSlice")) as readonly EndpointSlice[];
      return slices.every(({ endpoints = [] }) => endpoints.every(({ nodeName }) => nodeName !== node));
    },
    SETTLE,
  );
}

/** A request every 50 ms from now on. */
export const watch = (world: World, vip: Ip): Promise<Probe> => world.client().probe({ vip, every: millis(50) });

/** Ends a probe and fails where the client was without an answer for longer. */
export async function outageAtMost(probe: Probe, bound: Micros): Promise<void> {
  await probe.end();
  expectAtMost("outage of the client in microseconds", (await probe.report()).outage, bound);
}

/** Ends a probe and fails where a request was not answered. */
export async function noOutage(probe: Probe): Promise<void> {
  await outageAtMost(probe, micros(0));
}

/** The route stays as it is, and no path of it becomes stale. */
export async function routeHolds(
  world: World,
  vip: Ip,
  during: Micros,
  { nodes = world.nodes, router = world.router() }: { nodes?: readonly string[]; router?: RouterControl } = {},
): Promise<void> {
  const wanted = nodes.toSorted().join();
  await world.holds(
    `${router.name} sends ${vip} to ${wanted}`,
    async () => (await nextHops(router, vip)).join() === wanted,
    during,
  );
}

/** Nodes whose path to an address a router keeps for a session that is gone. */
export async function staleOf(vip: Ip, router: RouterControl): Promise<readonly string[]> {
  const paths = await router.paths(hostPrefix(vip));
  return paths.flatMap(({ stale, node }) => (stale && node !== undefined ? [node] : [])).toSorted();
}

/** What each speaker says of its session with the first router, in the order of the nodes; 0 where it says nothing. */
export async function peerMetrics(world: World, name: string, family: Family): Promise<readonly number[]> {
  const series = `${name}{peer="${ROUTER[family]}:179",vrf="default"}`;
  return Promise.all(world.nodes.map(async (node) => (await world.node(node).metric(series)) ?? 0));
}

/** The same of BFD. */
export async function bfdMetrics(world: World, name: string, family: Family): Promise<readonly number[]> {
  const series = `${name}{peer="${ROUTER[family]}",vrf="default"}`;
  return Promise.all(world.nodes.map(async (node) => (await world.node(node).metric(series)) ?? 0));
}

export async function sumOf(values: Promise<readonly number[]>): Promise<number> {
  return (await values).reduce((sum, value) => sum + value, 0);
}

/** Ways in which a node is gone for its peers. */
export const GONE = ["crash", "pause", "link", "power", "hang"] as const;
export type Gone = (typeof GONE)[number];

export async function takeAway(world: World, node: string, how: Gone): Promise<Ending> {
  const control = world.node(node);
  switch (how) {
    case "crash":
      await control.crashSpeaker();
      return { end: () => control.startSpeaker() };
    case "pause":
      return control.pauseSpeaker();
    case "link":
      return control.linkDown("eth1");
    case "power":
      return control.powerOff();
    case "hang":
      return control.hangKernel();
  }
}

/** The kernel of a process that ended says so; of whatever else is gone its peers learn by silence alone. */
export const isSaid = (how: Gone): boolean => how === "crash";

/**
 * A node that carries a client's requests goes: within `detection` no router sends there, and clients are served again. When it
 * is back, its route is.
 */
export async function losesNode(world: World, vip: Ip, how: Gone, detection: Micros): Promise<void> {
  const node = await carrierOf(world, vip);
  const others = world.nodes.filter((other) => other !== node);
  const probe = await watch(world, vip);
  const gone = await takeAway(world, node, how);
  const bound = plus(isSaid(how) ? micros(0) : detection, PROCESSING);
  await announcedBy(world, vip, others, { within: bound });
  await world.waitFor(
    "a client is served",
    async () => (await world.client().request({ vip, timeout: PATIENCE })).outcome === "ok",
    PROCESSING,
  );
  await outageAtMost(probe, bound);
  await routeHolds(world, vip, seconds(5), { nodes: others });
  await gone.end();
  // A node that slept, or whose kernel did, first finds out that its session is dead.
  await announcedBy(world, vip, world.nodes, { within: plus(HOLD, plus(START, RECONNECT)) });
  const answer = await world.client().request({ vip });
  expectTrue("a client is served in the end", answer.outcome === "ok");
}
