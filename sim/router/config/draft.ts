// What the statements read so far amount to. Values that were not said are undefined: they come from a peer-group or a default.
import { type Community, type LargeCommunity } from "../../../impl/wire/bgp/communities.ts";
import { type Family, type Ip, type Ipv4 } from "../../../impl/wire/ip.ts";
import { type InterfaceAddress, type Prefix } from "../../../impl/wire/prefix.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { MAXIMUM_PATHS, PROFILES, type Profile, RESTART_TIME, STALE_PATH_TIME } from "./defaults.ts";
import {
  type BgpConfig,
  type CommunityRule,
  type NeighborFamilyConfig,
  type PeerSettings,
  type PrefixRule,
  type Redistribution,
  type RouteMapMatch,
  type RouteMapSet,
  type StaticRoute,
} from "./model.ts";

/** Some of the fields; those that are undefined were taken back. */
export type Said<T> = { -readonly [Key in keyof T]?: T[Key] | undefined };

export interface Draft {
  profile: Profile;
  hostname: string | undefined;
  routerId: Ipv4 | undefined;
  readonly vrfs: Set<string>;
  readonly interfaces: Map<string, InterfaceDraft>;
  staticRoutes: StaticRoute[];
  readonly forwarding: Record<Family, boolean | undefined>;
  readonly resolveViaDefault: Record<Family, boolean>;
  /** By VRF; the default one has no name. */
  readonly bgp: Map<string, BgpDraft>;
  readonly bfdProfiles: Map<string, BfdDraft>;
  readonly bfdPeers: Map<string, BfdPeerDraft>;
  readonly prefixLists: Readonly<Record<Family, Map<string, PrefixRule[]>>>;
  readonly communityLists: Map<string, ListDraft<Community>>;
  readonly largeCommunityLists: Map<string, ListDraft<LargeCommunity>>;
  readonly routeMaps: Map<string, Map<number, RouteMapEntryDraft>>;
}

export type ListDraft<Value> = Map<number, CommunityRule<Value>>;

export interface InterfaceDraft {
  readonly name: string;
  vrf: string | undefined;
  addresses: InterfaceAddress[];
  shutdown: boolean;
  suppressAdvertisements: boolean;
  advertisementInterval: Micros | undefined;
  advertisementLifetime: Micros | undefined;
}

export interface BfdDraft {
  receiveInterval: Micros | undefined;
  transmitInterval: Micros | undefined;
  detectMultiplier: number | undefined;
  echo: boolean | undefined;
  echoReceiveInterval: Micros | undefined;
  echoTransmitInterval: Micros | undefined;
  passive: boolean | undefined;
  shutdown: boolean | undefined;
  minimumTtl: number | undefined;
}

export interface BfdPeerDraft extends BfdDraft {
  readonly peer: Ip;
  readonly local: Ip | undefined;
  readonly multihop: boolean;
  readonly device: string | undefined;
  readonly vrf: string | undefined;
  profile: string | undefined;
}

/** A neighbour or a peer-group. */
export interface PeerDraft {
  readonly name: string;
  readonly kind: "address" | "interface" | "group";
  group: string | undefined;
  readonly own: Said<OwnSettings>;
  readonly families: Readonly<Record<Family, PeerFamilyDraft>>;
}

export interface OwnSettings
  extends Omit<PeerSettings, "families" | "bfd" | "shutdown" | "holdTime" | "keepalive" | "ttl" | "minTtl"> {
  readonly shutdown: NonNullable<PeerSettings["shutdown"]> | "no";
  readonly timers: { readonly keepalive: Micros; readonly holdTime: Micros };
  readonly multihop: number;
  readonly securityHops: number;
  readonly bfd: BfdDraft | { readonly profile: string } | "no";
}

export interface PeerFamilyDraft {
  activated: boolean | undefined;
  /** As it was activated when the neighbour was first named: `bgp default ipv4-unicast`. */
  readonly atFirst: boolean;
  readonly own: Said<NeighborFamilyConfig>;
}

export interface BgpDraft {
  readonly asn: number;
  readonly profile: Profile;
  readonly vrf: string | undefined;
  routerId: Ipv4 | undefined;
  timers: OwnSettings["timers"];
  connectRetry: Micros;
  readonly activeByDefault: Record<Family, boolean>;
  readonly flags: Record<BgpFlag, boolean>;
  localPreference: number;
  restart: "restarter" | "helper" | "disabled";
  restartTime: Micros;
  stalePathTime: Micros;
  shutdown: BgpConfig["shutdown"];
  readonly peers: Map<string, PeerDraft>;
  readonly ranges: Map<Prefix, string>;
  listenLimit: number;
  readonly families: Readonly<Record<Family, BgpFamilyDraft>>;
}

export type BgpFlag =
  | "ebgpRequiresPolicy"
  | "networkImportCheck"
  | "fastExternalFailover"
  | "ignoreAsPath"
  | "multipathRelax"
  | "compareRouterId"
  | "alwaysCompareMed"
  | "deterministicMed"
  | "missingMedIsWorst"
  | "preserveForwarding"
  | "restartNotification"
  | "gracefulShutdown";

export interface BgpFamilyDraft {
  readonly networks: Map<Prefix, string | undefined>;
  readonly redistribute: Map<Redistribution["source"], Redistribution>;
  ebgpPaths: number;
  ibgpPaths: number;
}

export interface RouteMapEntryDraft {
  readonly sequence: number;
  permit: boolean;
  /** One of each kind: a second replaces the first. */
  readonly matches: Map<string, RouteMapMatch>;
  readonly sets: Map<string, RouteMapSet>;
  continueAt: number | undefined;
}

export function newDraft(): Draft {
  return {
    profile: "traditional",
    hostname: undefined,
    routerId: undefined,
    vrfs: new Set(),
    interfaces: new Map(),
    staticRoutes: [],
    forwarding: { ipv4: undefined, ipv6: undefined },
    resolveViaDefault: { ipv4: false, ipv6: false },
    bgp: new Map(),
    bfdProfiles: new Map(),
    bfdPeers: new Map(),
    prefixLists: { ipv4: new Map(), ipv6: new Map() },
    communityLists: new Map(),
    largeCommunityLists: new Map(),
    routeMaps: new Map(),
  };
}

export function newBfd(): BfdDraft {
  return {
    receiveInterval: undefined,
    transmitInterval: undefined,
    detectMultiplier: undefined,
    echo: undefined,
    echoReceiveInterval: undefined,
    echoTransmitInterval: undefined,
    passive: undefined,
    shutdown: undefined,
    minimumTtl: undefined,
  };
}

const newFamily = (): BgpFamilyDraft => ({
  networks: new Map(),
  redistribute: new Map(),
  ebgpPaths: MAXIMUM_PATHS,
  ibgpPaths: MAXIMUM_PATHS,
});

export function flagDefaults(profile: Profile): Record<BgpFlag, boolean> {
  const { ebgpRequiresPolicy, deterministicMed } = PROFILES[profile];
  return {
    ebgpRequiresPolicy,
    networkImportCheck: true,
    fastExternalFailover: true,
    ignoreAsPath: false,
    multipathRelax: false,
    compareRouterId: false,
    alwaysCompareMed: false,
    deterministicMed,
    missingMedIsWorst: false,
    preserveForwarding: false,
    restartNotification: true,
    gracefulShutdown: false,
  };
}

export function newBgp(profile: Profile, asn: number, vrf: string | undefined): BgpDraft {
  const { keepalive, holdTime, connectRetry } = PROFILES[profile];
  return {
    asn,
    profile,
    vrf,
    routerId: undefined,
    timers: { keepalive, holdTime },
    connectRetry,
    activeByDefault: { ipv4: true, ipv6: false },
    flags: flagDefaults(profile),
    localPreference: 100,
    restart: "helper",
    restartTime: RESTART_TIME,
    stalePathTime: STALE_PATH_TIME,
    shutdown: undefined,
    peers: new Map(),
    ranges: new Map(),
    listenLimit: 100,
    families: { ipv4: newFamily(), ipv6: newFamily() },
  };
}

export function newPeer(name: string, kind: PeerDraft["kind"], { activeByDefault }: BgpDraft): PeerDraft {
  const family = (which: Family): PeerFamilyDraft => ({
    activated: undefined,
    atFirst: activeByDefault[which],
    own: {},
  });
  return { name, kind, group: undefined, own: {}, families: { ipv4: family("ipv4"), ipv6: family("ipv6") } };
}
