// For each Service, each peer and each node: what is announced, or why nothing is.
import { objectKey, type KubeObject, type Service } from "../../../impl/api/kubernetes.ts";
import { type PeerView, type ServiceView } from "../../../impl/speaker/bgp/peer-view.ts";
import { type Family, familyOf, type Ip, readIp } from "../../../impl/wire/ip.ts";
import { contains, type Prefix } from "../../../impl/wire/prefix.ts";
import { ingressOf } from "../../invariants/addresses.ts";
import { type NodeView } from "../show/node-view.ts";
import { list, part } from "../workloads.ts";

/** A route that a peer was told. */
export interface Told {
  readonly prefix: Prefix;
  readonly nextHop: Ip;
  readonly linkLocal: Ip | undefined;
  readonly asPath: readonly number[];
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  readonly communities: readonly string[];
  readonly largeCommunities: readonly string[];
}

export interface Announcement {
  readonly service: string;
  /** Name of the BGPPeer. */
  readonly peer: string;
  readonly node: string;
  /** Routes to addresses of the Service. */
  readonly told: readonly Told[];
  /** Why an address of it is in none of them. */
  readonly because: string | undefined;
  /** Addresses of the Service in none of them. */
  readonly missing: readonly Ip[];
  /** How far it came: the Service is not announced from the node, or not to the peer, or the session or a route is missing. */
  readonly stage: Stage;
}

const STAGES = ["service", "peer", "session", "route", "told"] as const;
export type Stage = (typeof STAGES)[number];

/** The refusals of a speaker, as a person would say them. */
const REFUSALS: Readonly<Record<string, string>> = {
  notOwner: "no BGPAdvertisement of its pool is for this node",
  noMatchingAdvertisement: "the serviceSelectors of its pool's BGPAdvertisements leave it out",
  conflictingAdvertisements: "its BGPAdvertisements contradict each other",
  nodeNetworkUnavailable: "the node's network is unavailable, as its conditions say",
  nodeLabeledExcludeBalancers: "the node's label node.kubernetes.io/exclude-from-external-load-balancers keeps it out",
  noLocalEndpoints: "no endpoint is on this node, and its externalTrafficPolicy is Local",
  noEndpoints: "it has no ready endpoint",
};

const STATES: Readonly<Record<PeerView["state"], string>> = {
  idle: "Idle",
  connect: "Connect",
  openSent: "OpenSent",
  openConfirm: "OpenConfirm",
  established: "Established",
};

export const stateName = (state: PeerView["state"]): string => STATES[state];

export interface Cluster {
  readonly nodes: readonly string[];
  /** Undefined while a node has no speaker. */
  viewOf(node: string): NodeView | undefined;
  readonly services: readonly Service[];
  readonly peers: readonly KubeObject[];
}

/** Of every Service that has an address. */
export function announcementsOf(cluster: Cluster): readonly Announcement[] {
  const { nodes, peers, services } = cluster;
  const views = new Map(nodes.map((node) => [node, cluster.viewOf(node)]));
  return services.flatMap((service) => {
    const vips = ingressOf(service).flatMap((text) => readIp(text) ?? []);
    if (vips.length === 0) return [];
    const key = objectKey(service);
    return peers.flatMap((peer) =>
      nodes.map((node): Announcement => {
        const found = toldOf(vips, key, peer, views.get(node));
        return { service: key, peer: peer.metadata.name, node, ...found };
      }),
    );
  });
}

type Found = Pick<Announcement, "told" | "because" | "missing" | "stage">;

function toldOf(vips: readonly Ip[], service: string, object: KubeObject, view: NodeView | undefined): Found {
  const nothing = (stage: Stage, because: string): Found => ({ told: [], because, missing: vips, stage });
  if (view === undefined) return nothing("service", "no speaker runs on the node");
  const verdict = view.services.find((each) => each.service === service);
  const peer = view.peers.find(({ name }) => name === object.metadata.name);
  const refusal = refusalOf(verdict);
  if (refusal !== undefined) return nothing("service", refusal);
  if (peer === undefined) return nothing("peer", reasonOfNoPeer(object));
  if (verdict?.announced === true && !verdict.peers.includes(peer.name)) {
    return nothing("peer", "the peer is not among the peers of its BGPAdvertisements");
  }
  if (peer.state !== "established") return nothing("session", sessionWords(peer));
  const told = peer.routes.filter(({ prefix }) => vips.some((vip) => contains(prefix, vip))).map(toldFrom);
  const missing = vips.filter((vip) => !told.some(({ prefix }) => contains(prefix, vip)));
  if (missing.length === 0) return { told, because: undefined, missing, stage: "told" };
  return { told, because: reasonOfMissing(missing, peer), missing, stage: "route" };
}

function refusalOf(verdict: ServiceView | undefined): string | undefined {
  if (verdict === undefined) return "its speaker does not take the Service for its own";
  if (verdict.announced) return undefined;
  return verdict.detail ?? REFUSALS[verdict.because] ?? verdict.because;
}

function reasonOfNoPeer(object: KubeObject): string {
  const selectors = list(part(object, "spec", "nodeSelectors"));
  return selectors.length > 0
    ? "the nodeSelectors of the BGPPeer leave this node out"
    : "its speaker has not taken the BGPPeer";
}

/** `the session is in Connect: connection refused`. */
export function sessionWords({ state, lastError, address }: PeerView): string {
  if (address === undefined) return "no router was heard on the interface of the peer yet";
  return `the session is in ${stateName(state)}${lastError === undefined ? "" : `: ${lastError.text}`}`;
}

function reasonOfMissing(missing: readonly Ip[], { negotiated, pending }: PeerView): string {
  const families = new Set(missing.map(familyOf));
  const uncarried = [...families].filter((family) => negotiated?.families.includes(family) !== true);
  if (uncarried.length > 0) return `the session carries no ${uncarried.map(familyName).join(" and no ")}`;
  if (pending > 0) return "it has not been told yet";
  return "the node has no address of that family for a next hop on this session";
}

const familyName = (family: Family): string => (family === "ipv4" ? "IPv4" : "IPv6");

function toldFrom({ prefix, nextHop, linkLocal, attributes }: PeerView["routes"][number]): Told {
  return {
    prefix,
    nextHop,
    linkLocal,
    asPath: attributes.asPath.flatMap(({ asns }) => asns),
    localPref: attributes.localPref,
    med: attributes.multiExitDisc,
    communities: attributes.communities ?? [],
    largeCommunities: attributes.largeCommunities ?? [],
  };
}

/** Why a Service is announced to nobody: where it came farthest, in the words that most nodes have; undefined where it is. */
export function silenceOf(announcements: readonly Announcement[]): string | undefined {
  if (announcements.length === 0 || announcements.some(({ told }) => told.length > 0)) return undefined;
  const farthest = Math.max(...announcements.map(({ stage }) => STAGES.indexOf(stage)));
  const reasons = new Map<string, number>();
  for (const { because = "", peer, stage } of announcements) {
    if (STAGES.indexOf(stage) < farthest) continue;
    const text = stage === "service" ? because : `BGPPeer ${peer}: ${because}`;
    reasons.set(text, (reasons.get(text) ?? 0) + 1);
  }
  const [most] = [...reasons].toSorted(([, a], [, b]) => b - a);
  return most?.[0];
}
