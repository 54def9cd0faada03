// What `show bgp` and `show bfd` would print.
import { type BfdState } from "../../impl/wire/bfd.ts";
import { findCapability, offersFamily } from "../../impl/wire/bgp/capabilities.ts";
import { unicast } from "../../impl/wire/bgp/families.ts";
import { type Origin } from "../../impl/wire/bgp/path-attributes.ts";
import { type Ip, type Ipv6, UNSPECIFIED_V6 } from "../../impl/wire/ip.ts";
import { type Prefix } from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type BfdView } from "./bfd/sessions.ts";
import { type SessionState } from "./bgp/fsm.ts";
import { type BgpInstance } from "./bgp/instance.ts";
import { type Choice } from "./bgp/loc-rib.ts";
import { type Agreement } from "./bgp/negotiation.ts";
import { type Neighbor } from "./bgp/neighbor.ts";
import { type Path } from "./bgp/path.ts";

export interface PathView {
  readonly prefix: Prefix;
  readonly peer: Ip;
  readonly nextHop: Ip;
  readonly linkLocal: Ipv6 | undefined;
  readonly origin: Origin;
  readonly asPath: readonly number[];
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  readonly communities: readonly string[];
  readonly largeCommunities: readonly string[];
  readonly best: boolean;
  readonly multipath: boolean;
  readonly stale: boolean;
}

export const bgpPaths = (instance: BgpInstance): readonly PathView[] =>
  [...instance.table.paths()].map(([path, choice]) => pathView(path, choice));

function pathView(path: Path, { best, multipath }: Choice): PathView {
  const { prefix, source, nextHop, linkLocal, attributes, stale } = path;
  return {
    prefix,
    peer: source.address,
    nextHop,
    linkLocal,
    origin: attributes.origin,
    asPath: attributes.asPath.flatMap(({ asns }) => asns),
    localPref: attributes.localPref,
    med: attributes.multiExitDisc,
    communities: (attributes.communities ?? []).toSorted(),
    largeCommunities: (attributes.largeCommunities ?? []).toSorted(),
    best: path === best,
    multipath: multipath.length > 1 && multipath.includes(path),
    stale,
  };
}

const CAPABILITIES = [
  "multiprotocolIpv4",
  "multiprotocolIpv6",
  "fourOctetAs",
  "routeRefresh",
  "gracefulRestart",
  "extendedNextHop",
] as const;
type CapabilityName = (typeof CAPABILITIES)[number];

export interface NeighborView {
  readonly address: Ip;
  readonly link: string | undefined;
  readonly state: SessionState["kind"];
  readonly remoteAs: number;
  readonly localAs: number;
  readonly routerId: Ip | undefined;
  readonly holdTime: Micros | undefined;
  readonly keepalive: Micros | undefined;
  readonly established: number;
  readonly capabilities: readonly CapabilityName[];
  readonly prefixes: number;
  readonly notificationsReceived: readonly string[];
  readonly notificationsSent: readonly string[];
}

export const bgpNeighbors = (instance: BgpInstance): readonly NeighborView[] =>
  instance.neighbors().map((neighbor) => neighborView(instance, neighbor));

function neighborView(instance: BgpInstance, neighbor: Neighbor): NeighborView {
  const { identity, address, state, settings, history } = neighbor;
  const agreement = neighbor.isEstablished ? neighbor.agreement : undefined;
  const localAs = settings.localAs?.asn ?? instance.config.asn;
  return {
    address: address ?? UNSPECIFIED_V6,
    link: identity.key.startsWith("%") ? identity.device : undefined,
    state,
    remoteAs: agreement?.peerAsn ?? configuredAs(settings.remoteAs, localAs),
    localAs,
    routerId: agreement?.peerId,
    holdTime: agreement?.holdTime,
    keepalive: agreement?.keepalive,
    established: history.established,
    capabilities: agreement === undefined ? [] : CAPABILITIES.filter((name) => has(agreement, name)),
    prefixes: instance.routesOf(neighbor)?.accepted ?? 0,
    notificationsReceived: [...history.received],
    notificationsSent: [...history.sent],
  };
}

/** 0 where only the neighbour knows. */
function configuredAs(remoteAs: Neighbor["settings"]["remoteAs"], localAs: number): number {
  if (remoteAs === "external") return 0;
  return remoteAs === "internal" ? localAs : remoteAs;
}

function has({ capabilities }: Agreement, name: CapabilityName): boolean {
  switch (name) {
    case "multiprotocolIpv4":
      return offersFamily(capabilities, unicast("ipv4"));
    case "multiprotocolIpv6":
      return offersFamily(capabilities, unicast("ipv6"));
    default:
      return findCapability(capabilities, name) !== undefined;
  }
}

export interface BfdPeerView {
  readonly peer: Ip;
  readonly multihop: boolean;
  readonly state: BfdState;
  readonly transmitInterval: Micros;
  readonly receiveInterval: Micros;
  readonly detectMultiplier: number;
  readonly remote: {
    readonly transmitInterval: Micros;
    readonly receiveInterval: Micros;
    readonly detectMultiplier: number;
    readonly echoReceiveInterval: Micros;
  };
  readonly downs: number;
}

export function bfdPeer({ wish, session, downs }: BfdView): BfdPeerView {
  const { remote } = session;
  return {
    peer: wish.peer,
    multihop: wish.multihop,
    state: session.state,
    transmitInterval: session.transmitInterval,
    receiveInterval: session.receiveInterval,
    detectMultiplier: wish.settings.detectMultiplier,
    remote: {
      transmitInterval: remote.minTransmit,
      receiveInterval: remote.minReceive,
      detectMultiplier: remote.detectMultiplier,
      echoReceiveInterval: remote.echoReceive,
    },
    downs,
  };
}
