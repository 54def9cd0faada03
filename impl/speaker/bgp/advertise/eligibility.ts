// Whether this node announces a Service over BGP. There is no election: every node that may announce does, so only its own
// state counts. The order in which the questions are asked is MetalLB's.
import { type BgpAdvertisement } from "../../../api/config.ts";
import { type Labels, matchesAny } from "../../../api/selector.ts";
import { familyOf, type Ip } from "../../../wire/ip.ts";
import { type NodeFacts } from "../../node-facts.ts";
import { type Subject } from "../../subject.ts";

export type BgpRefusal =
  /** No advertisement of the pool includes this node. */
  | "notOwner"
  | "noMatchingAdvertisement"
  | "conflictingAdvertisements"
  | "nodeNetworkUnavailable"
  | "nodeLabeledExcludeBalancers"
  | "noLocalEndpoints"
  | "noEndpoints";

export type BgpEligibility =
  | { readonly eligible: true; readonly advertisements: readonly BgpAdvertisement[] }
  | { readonly eligible: false; readonly because: BgpRefusal; readonly conflict?: Conflict };

const refuse = (because: BgpRefusal): BgpEligibility => ({ eligible: false, because });

/** `node` is this node; undefined while its Node is not known. */
export function eligibilityOf(
  { pool, service, ips, endpoints }: Subject,
  node: NodeFacts | undefined,
  ignoreExcludeLabel: boolean,
): BgpEligibility {
  const here = node === undefined ? [] : pool.bgpAdvertisements.filter((each) => includesNode(each, node.labels));
  if (node === undefined || here.length === 0) return refuse("notOwner");
  const advertisements = here.filter((each) => coversService(each, service.metadata.labels ?? {}));
  if (advertisements.length === 0) return refuse("noMatchingAdvertisement");
  const conflict = conflictOf(advertisements, ips);
  if (conflict !== undefined) return { eligible: false, because: "conflictingAdvertisements", conflict };
  if (node.networkUnavailable) return refuse("nodeNetworkUnavailable");
  if (node.excluded && !ignoreExcludeLabel) return refuse("nodeLabeledExcludeBalancers");
  const local = service.spec.externalTrafficPolicy === "Local";
  if (local && !endpoints.nodes.has(node.name)) return refuse("noLocalEndpoints");
  if (!endpoints.serving) return refuse("noEndpoints");
  return { eligible: true, advertisements };
}

export function includesNode({ nodeSelectors }: BgpAdvertisement, labels: Labels): boolean {
  return nodeSelectors.length === 0 || matchesAny(nodeSelectors, labels);
}

export function coversService({ serviceSelectors }: BgpAdvertisement, labels: Labels): boolean {
  return serviceSelectors.length === 0 || matchesAny(serviceSelectors, labels);
}

export type Conflict = readonly [BgpAdvertisement, BgpAdvertisement];

/** Two advertisements that would tell one peer the same prefix with different preferences. */
export function conflictOf(advertisements: readonly BgpAdvertisement[], ips: readonly Ip[]): Conflict | undefined {
  for (const [at, one] of advertisements.entries()) {
    const other = advertisements.slice(at + 1).find((each) => conflicts(one, each, ips));
    if (other !== undefined) return [one, other];
  }
  return undefined;
}

function conflicts(a: BgpAdvertisement, b: BgpAdvertisement, ips: readonly Ip[]): boolean {
  if (a.localPref === b.localPref) return false;
  const sharesPeer = a.peers.length === 0 || b.peers.length === 0 || a.peers.some((peer) => b.peers.includes(peer));
  return sharesPeer && ips.some((ip) => lengthFor(a, ip) === lengthFor(b, ip));
}

/** What the owner of a Service hears whose advertisements contradict each other. */
export function describeConflict(conflict: Conflict): string {
  const [a, b] = conflict.map(({ name, localPref }) => `BGPAdvertisement "${name}" with localPref ${localPref}`);
  return `${a} and ${b} would tell a peer the same prefix`;
}

export function lengthFor({ aggregationLength, aggregationLengthV6 }: BgpAdvertisement, ip: Ip): number {
  return familyOf(ip) === "ipv4" ? aggregationLength : aggregationLengthV6;
}
