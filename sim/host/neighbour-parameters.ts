// RFC 4861 section 10 (constants), Linux Documentation/networking/ip-sysctl.rst, neigh/*.
import { type Random } from "../../impl/ports.ts";
import { type Family } from "../../impl/wire/ip.ts";
import { micros, type Micros, minutes, seconds, times } from "../../impl/wire/time.ts";

/** How entries that were resolved age. */
export type Ageing =
  /** RFC 4861 section 7.3: unconfirmed entries are verified when they are used. Linux does so for IPv4 too. */
  | { readonly kind: "verify" }
  /** Entries live for a fixed time, as in many routers; `refresh` says what is asked `before` it is over. */
  | { readonly kind: "timeout"; readonly refresh: "none" | "unicast" | "broadcast"; readonly before: Micros };

/** What an announcement that nobody asked for may do to the cache of a router. */
export type GratuitousPolicy =
  /** Linux: what `arp_accept`, `drop_gratuitous_arp` and their like say. */
  | { readonly kind: "sysctl" }
  | { readonly kind: "ignore" }
  | { readonly kind: "update" }
  | { readonly kind: "create" }
  /** Updates, at most so many in a second over all addresses. */
  | { readonly kind: "rateLimited"; readonly perSecond: number };

export interface NeighbourParameters {
  readonly baseReachable: Micros;
  /** Linux draws the time in use between half and one and a half of the base. */
  readonly randomReachable: boolean;
  readonly delayFirstProbe: Micros;
  readonly retransmit: Micros;
  readonly unicastProbes: number;
  readonly multicastProbes: number;
  readonly multicastReprobes: number;
  readonly staleCollect: Micros;
  readonly lockTime: Micros;
  readonly queueBytes: number;
  readonly collectAbove: number;
  readonly mostEntries: number;
  readonly ageing: Ageing;
  readonly gratuitous: GratuitousPolicy;
  /** False where gratuitous replies are not taken, only requests. */
  readonly gratuitousReplies: boolean;
}

/** Linux 6.18. */
export function linuxParameters(family: Family): NeighbourParameters {
  return {
    baseReachable: seconds(30),
    randomReachable: true,
    delayFirstProbe: seconds(5),
    retransmit: seconds(1),
    unicastProbes: 3,
    multicastProbes: 3,
    multicastReprobes: 0,
    staleCollect: seconds(60),
    lockTime: family === "ipv4" ? seconds(1) : micros(0),
    queueBytes: 212_992,
    collectAbove: 128,
    mostEntries: 1024,
    ageing: { kind: "verify" },
    gratuitous: { kind: "sysctl" },
    gratuitousReplies: true,
  };
}

export interface RouterNeighbourOptions {
  /** Four hours in IOS and EOS, twenty minutes in several switches. */
  readonly timeout?: Micros;
  readonly acceptGratuitous?: Exclude<GratuitousPolicy, { readonly kind: "sysctl" }>;
  readonly acceptGratuitousReplies?: boolean;
  readonly refresh?: "none" | "unicast" | "broadcast";
  readonly refreshBefore?: Micros;
  /** No second change of an entry for so long after one. */
  readonly holdDownAfterMove?: Micros;
}

/** A hardware router: entries last long and nobody verifies them. */
export function routerParameters(family: Family, options: RouterNeighbourOptions = {}): NeighbourParameters {
  return {
    ...linuxParameters(family),
    baseReachable: options.timeout ?? minutes(240),
    randomReachable: false,
    mostEntries: 131_072,
    collectAbove: 131_072,
    lockTime: options.holdDownAfterMove ?? micros(0),
    ageing: { kind: "timeout", refresh: options.refresh ?? "none", before: options.refreshBefore ?? seconds(60) },
    gratuitous: options.acceptGratuitous ?? { kind: "update" },
    gratuitousReplies: options.acceptGratuitousReplies ?? true,
  };
}

/** How a host's caches behave, as a topology says it. */
export type NeighbourProfile = RouterNeighbourOptions & { readonly kind: "linux" | "router" };

export function parametersOf(profile: NeighbourProfile, family: Family): NeighbourParameters {
  return profile.kind === "router" ? routerParameters(family, profile) : linuxParameters(family);
}

/** RFC 4861 section 6.3.2: between MIN_RANDOM_FACTOR and MAX_RANDOM_FACTOR of the base. */
export function drawReachable(parameters: NeighbourParameters, random: Random): Micros {
  return parameters.randomReachable ? times(parameters.baseReachable, 0.5 + random.next()) : parameters.baseReachable;
}
