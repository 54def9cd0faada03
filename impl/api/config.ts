// The configuration that a set of metallb.io objects means, after every cross-object rule. Controller and speaker work on
// this, never on the objects.
import { type Ip } from "../wire/ip.ts";
import { type Prefix } from "../wire/prefix.ts";
import { type Micros } from "../wire/time.ts";
import { type RouteAnnotations } from "./route-annotations.ts";
import { type Selector } from "./selector.ts";

export interface Pool {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Every prefix in spec order; a range is the fewest prefixes that cover it, ascending. */
  readonly prefixes: readonly Prefix[];
  readonly autoAssign: boolean;
  readonly avoidBuggyIPs: boolean;
  /** Undefined: any Service may use the pool, and it serves those that no pinned pool takes. */
  readonly allocation: PoolAllocation | undefined;
  readonly l2Advertisements: readonly L2Advertisement[];
  /** Those that include this node. */
  readonly bgpAdvertisements: readonly BgpAdvertisement[];
  /** Those of other nodes: they tell whether anybody announces what this node does not. */
  readonly foreignBgpAdvertisements: readonly BgpAdvertisement[];
}

export interface PoolAllocation {
  /** 0 is the lowest; among the others the smaller number comes first. */
  readonly priority: number;
  /** Names given and names whose labels match; may be empty. */
  readonly namespaces: ReadonlySet<string>;
  /** Alternatives. */
  readonly serviceSelectors: readonly Selector[];
}

export interface L2Advertisement {
  readonly name: string;
  /** Alternatives; empty: every node. */
  readonly nodeSelectors: readonly Selector[];
  readonly serviceSelectors: readonly Selector[];
  /** Empty: every interface. */
  readonly interfaces: readonly string[];
  readonly preferredNodeSelectors: readonly { readonly weight: number; readonly preference: Selector }[];
}

export interface BgpAdvertisement extends RouteAnnotations {
  readonly name: string;
  readonly aggregationLength: number;
  readonly aggregationLengthV6: number;
  readonly localPref: number;
  readonly communities: readonly string[];
  readonly nodeSelectors: readonly Selector[];
  readonly serviceSelectors: readonly Selector[];
  /** Names of BGPPeers; empty: all. */
  readonly peers: readonly string[];
}

export interface BfdProfile {
  readonly name: string;
  readonly receiveInterval: Micros | undefined;
  readonly transmitInterval: Micros | undefined;
  readonly detectMultiplier: number | undefined;
  readonly echoInterval: Micros | undefined;
  readonly echoMode: boolean;
  readonly passiveMode: boolean;
  readonly minimumTtl: number | undefined;
}

export interface Peer {
  readonly name: string;
  readonly myAsn: number;
  readonly peerAsn: number | "internal" | "external";
  readonly localAsn: number | undefined;
  readonly peer: { readonly kind: "address"; readonly ip: Ip } | { readonly kind: "interface"; readonly name: string };
  readonly peerPort: number;
  readonly sourceAddress: Ip | undefined;
  readonly holdTime: Micros | undefined;
  readonly keepaliveTime: Micros | undefined;
  readonly connectTime: Micros | undefined;
  readonly routerId: Ip | undefined;
  readonly nodeSelectors: readonly Selector[];
  readonly password: string | undefined;
  readonly bfdProfile: string | undefined;
  readonly gracefulRestart: boolean;
  readonly ebgpMultiHop: boolean;
  readonly vrf: string | undefined;
  readonly dualStackAddressFamily: boolean;
}

export interface Config {
  /** By name. */
  readonly pools: ReadonlyMap<string, Pool>;
  readonly peers: ReadonlyMap<string, Peer>;
  readonly bfdProfiles: ReadonlyMap<string, BfdProfile>;
}
