// What an frr.conf means: peer-groups, profiles and defaults are resolved, so that whoever runs it decides nothing about syntax.
import { type Community, type LargeCommunity } from "../../../impl/wire/bgp/communities.ts";
import { type Family, type Ip, type Ipv4 } from "../../../impl/wire/ip.ts";
import { type InterfaceAddress, type Prefix } from "../../../impl/wire/prefix.ts";
import { type Micros } from "../../../impl/wire/time.ts";

export interface RouterConfig {
  readonly hostname: string | undefined;
  /** Names of the VRFs that the file speaks of. */
  readonly vrfs: readonly string[];
  readonly interfaces: readonly InterfaceConfig[];
  readonly staticRoutes: readonly StaticRoute[];
  /** Packets for others are passed on; undefined: as the kernel has it. */
  readonly forwarding: Readonly<Record<Family, boolean | undefined>>;
  /** `ip nht resolve-via-default`: a default route makes a next hop reachable. */
  readonly resolveViaDefault: Readonly<Record<Family, boolean>>;
  /** One per VRF. */
  readonly bgp: readonly BgpConfig[];
  /** Sessions that the file asks for by themselves; those of BGP neighbours stand with the neighbours. */
  readonly bfdPeers: readonly BfdPeerConfig[];
  readonly prefixLists: Readonly<Record<Family, ReadonlyMap<string, readonly PrefixRule[]>>>;
  readonly communityLists: ReadonlyMap<string, readonly CommunityRule<Community>[]>;
  readonly largeCommunityLists: ReadonlyMap<string, readonly CommunityRule<LargeCommunity>[]>;
  readonly routeMaps: ReadonlyMap<string, readonly RouteMapEntry[]>;
}

export interface InterfaceConfig {
  readonly name: string;
  readonly vrf: string | undefined;
  readonly addresses: readonly InterfaceAddress[];
  readonly shutdown: boolean;
  /** RFC 4861 section 6.2; undefined: none are sent unless an unnumbered neighbour needs them. */
  readonly advertisements: { readonly interval: Micros; readonly lifetime: Micros } | undefined;
}

export interface StaticRoute {
  readonly prefix: Prefix;
  readonly vrf: string | undefined;
  readonly to:
    | { readonly kind: "via"; readonly via: Ip; readonly device: string | undefined }
    | { readonly kind: "device"; readonly device: string }
    | { readonly kind: "blackhole" };
  readonly distance: number;
}

export interface BgpConfig {
  readonly asn: number;
  readonly vrf: string | undefined;
  /** Undefined: the greatest IPv4 address of a loopback, else of any interface. */
  readonly routerId: Ipv4 | undefined;
  /** RFC 8212: eBGP neighbours without a policy neither receive nor tell anything. */
  readonly ebgpRequiresPolicy: boolean;
  /** A `network` is announced only while there is a route to exactly this prefix. */
  readonly networkImportCheck: boolean;
  /** The session to a neighbour on an own subnet falls with the interface. */
  readonly fastExternalFailover: boolean;
  readonly bestPath: BestPathConfig;
  readonly gracefulRestart: RestartTimes;
  /** RFC 8326: GRACEFUL_SHUTDOWN goes with what is told, and LOCAL_PREF 0 comes upon everything. */
  readonly gracefulShutdown: boolean;
  /** All neighbours are held down; the text is for them (RFC 9003). */
  readonly shutdown: { readonly message: string | undefined } | undefined;
  readonly neighbors: readonly NeighborConfig[];
  readonly listen: {
    readonly limit: number;
    readonly ranges: readonly { readonly prefix: Prefix; readonly group: string; readonly settings: PeerSettings }[];
  };
  readonly families: Readonly<Record<Family, BgpFamilyConfig>>;
}

/** RFC 4271 section 9.1.2.2, and what operators change about it. */
export interface BestPathConfig {
  readonly ignoreAsPath: boolean;
  /** Paths of one length are equal for multipath even where their ASNs differ. */
  readonly multipathRelax: boolean;
  /** The router ID decides among eBGP paths too, where otherwise the oldest wins. */
  readonly compareRouterId: boolean;
  /** MEDs of different neighbouring ASNs are compared. */
  readonly alwaysCompareMed: boolean;
  readonly deterministicMed: boolean;
  readonly missingMedIsWorst: boolean;
  readonly defaultLocalPreference: number;
}

/** RFC 4724. */
export interface RestartTimes {
  readonly restartTime: Micros;
  readonly stalePathTime: Micros;
  /** The forwarding state bit is set for every family. */
  readonly preserveForwarding: boolean;
  /** RFC 8538: the N bit. */
  readonly notification: boolean;
}

export interface BgpFamilyConfig {
  readonly networks: readonly { readonly prefix: Prefix; readonly routeMap: string | undefined }[];
  readonly redistribute: readonly Redistribution[];
  /** How many next hops a route may have: from eBGP neighbours, and from iBGP neighbours. */
  readonly maximumPaths: { readonly ebgp: number; readonly ibgp: number };
}

export interface Redistribution {
  readonly source: "connected" | "static" | "kernel";
  readonly routeMap: string | undefined;
  readonly metric: number | undefined;
}

export interface NeighborConfig extends PeerSettings {
  readonly peer:
    | { readonly kind: "address"; readonly ip: Ip; readonly device: string | undefined }
    /** Whoever sends Router Advertisements on the link. */
    | { readonly kind: "interface"; readonly device: string };
}

/** `internal` and `external` leave the number open (`remote-as internal`). */
export type RemoteAs = number | "internal" | "external";

/** What is the same for a neighbour and for all that may come from a listen range. */
export interface PeerSettings {
  readonly remoteAs: RemoteAs;
  readonly localAs: { readonly asn: number; readonly noPrepend: boolean; readonly replaceAs: boolean } | undefined;
  readonly description: string | undefined;
  readonly shutdown: { readonly message: string | undefined } | undefined;
  readonly port: number;
  readonly passive: boolean;
  readonly password: string | undefined;
  readonly updateSource: Ip | { readonly device: string } | undefined;
  /** What this side offers. */
  readonly holdTime: Micros;
  /** What this side wishes; never more than a third of the negotiated hold time. */
  readonly keepalive: Micros;
  readonly connectRetry: Micros;
  readonly advertisementInterval: Micros;
  /** TTL of what is sent to eBGP neighbours; more than 1 allows a neighbour that is not on an own subnet. */
  readonly ttl: number;
  /** RFC 5082: packets are sent with TTL 255, and must come with at least this one. */
  readonly minTtl: number | undefined;
  readonly disableConnectedCheck: boolean;
  /** RFC 8950 is offered for IPv4. */
  readonly extendedNextHop: boolean;
  readonly gracefulRestart: "restarter" | "helper" | "disabled";
  readonly bfd: BfdSettings | undefined;
  /** Undefined: not activated. */
  readonly families: Readonly<Record<Family, NeighborFamilyConfig | undefined>>;
}

export interface NeighborFamilyConfig {
  readonly routeMapIn: string | undefined;
  readonly routeMapOut: string | undefined;
  readonly prefixListIn: string | undefined;
  readonly prefixListOut: string | undefined;
  /** Always as next hop itself, `force` also for what iBGP neighbours told. */
  readonly nextHopSelf: boolean | "force";
  readonly softReconfiguration: boolean;
  readonly allowAsIn: number;
  readonly routeReflectorClient: boolean;
  readonly defaultOriginate: boolean;
  readonly maximumPrefix: MaximumPrefix | undefined;
}

export interface MaximumPrefix {
  readonly count: number;
  /** Percent of the count from which a warning is logged. */
  readonly threshold: number;
  readonly warningOnly: boolean;
  /** Undefined: the session stays down until it is cleared. */
  readonly restart: Micros | undefined;
}

/** RFC 5880 section 6.8.1, FRR's defaults where the file says nothing. */
export interface BfdSettings {
  readonly receiveInterval: Micros;
  readonly transmitInterval: Micros;
  readonly detectMultiplier: number;
  readonly echo: { readonly transmitInterval: Micros; readonly receiveInterval: Micros } | undefined;
  readonly passive: boolean;
  readonly shutdown: boolean;
  /** Least TTL of what comes over several hops. */
  readonly minimumTtl: number;
}

export interface BfdPeerConfig extends BfdSettings {
  readonly peer: Ip;
  readonly local: Ip | undefined;
  readonly multihop: boolean;
  readonly device: string | undefined;
  readonly vrf: string | undefined;
}

/** Applies to prefixes inside `prefix` whose length is from `atLeast` to `atMost`. A list without a fitting rule denies. */
export interface PrefixRule {
  readonly sequence: number;
  readonly permit: boolean;
  readonly prefix: Prefix;
  readonly atLeast: number;
  readonly atMost: number;
}

/** Fits a path that has all of these. */
export interface CommunityRule<Value> {
  readonly permit: boolean;
  readonly communities: readonly Value[];
}

/** Names of lists that are not there: a neighbour's list or map denies everything, a match in a route-map never fits. */
export interface RouteMapEntry {
  readonly sequence: number;
  readonly permit: boolean;
  /** All must fit. */
  readonly matches: readonly RouteMapMatch[];
  readonly sets: readonly RouteMapSet[];
  /** Where it goes on after this entry has fitted and permitted: nowhere, or at the first entry from this number on. */
  readonly continueAt: number | undefined;
}

export type RouteMapMatch =
  | { readonly kind: "prefixList"; readonly family: Family; readonly name: string }
  | { readonly kind: "nextHopPrefixList"; readonly family: Family; readonly name: string }
  | { readonly kind: "prefixLength"; readonly family: Family; readonly length: number }
  | { readonly kind: "community"; readonly name: string; readonly exact: boolean }
  | { readonly kind: "largeCommunity"; readonly name: string; readonly exact: boolean }
  | { readonly kind: "localPreference"; readonly value: number }
  | { readonly kind: "metric"; readonly value: number }
  | { readonly kind: "peer"; readonly ip: Ip };

export type RouteMapSet =
  | { readonly kind: "localPreference"; readonly value: number }
  | { readonly kind: "community"; readonly communities: readonly Community[]; readonly additive: boolean }
  | { readonly kind: "largeCommunity"; readonly communities: readonly LargeCommunity[]; readonly additive: boolean }
  | { readonly kind: "deleteCommunities"; readonly list: string }
  | { readonly kind: "metric"; readonly value: number; readonly change: "set" | "add" | "subtract" }
  | { readonly kind: "weight"; readonly value: number }
  | { readonly kind: "origin"; readonly origin: "igp" | "egp" | "incomplete" }
  | { readonly kind: "prepend"; readonly asns: readonly number[] }
  | { readonly kind: "nextHop"; readonly family: Family; readonly nextHop: Ip | "peerAddress" }
  /** The link-local next hop of RFC 2545 gives way to the global one. */
  | { readonly kind: "preferGlobal" };

export interface ConfigProblem {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

export type ReadResult = { readonly config: RouterConfig } | { readonly problems: readonly ConfigProblem[] };
