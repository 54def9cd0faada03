// From what the statements said to what holds: a neighbour's own word first, then its peer-group's, then the default.
import { type Family, readIp } from "../../../impl/wire/ip.ts";
import { times } from "../../../impl/wire/time.ts";
import {
  ADVERTISEMENT_INTERVAL,
  BFD,
  BFD_ECHO,
  BGP_PORT,
  DEFAULT_TTL,
  MAX_TTL,
  ROUTER_ADVERTISEMENT_INTERVAL,
} from "./defaults.ts";
import {
  type BfdDraft,
  type BgpDraft,
  type BgpFamilyDraft,
  type Draft,
  type InterfaceDraft,
  type ListDraft,
  type OwnSettings,
  type PeerDraft,
  type Said,
} from "./draft.ts";
import {
  type BfdPeerConfig,
  type BfdSettings,
  type BgpConfig,
  type BgpFamilyConfig,
  type CommunityRule,
  type InterfaceConfig,
  type NeighborConfig,
  type NeighborFamilyConfig,
  type PeerSettings,
  type RouteMapEntry,
  type RouterConfig,
} from "./model.ts";

function interfaceConfig(device: InterfaceDraft): InterfaceConfig {
  const { name, vrf, addresses, shutdown, suppressAdvertisements } = device;
  const interval = device.advertisementInterval ?? ROUTER_ADVERTISEMENT_INTERVAL;
  // RFC 4861 section 6.2.1: AdvDefaultLifetime.
  const lifetime = device.advertisementLifetime ?? times(interval, 3);
  return {
    name,
    vrf,
    addresses,
    shutdown,
    advertisements: suppressAdvertisements ? undefined : { interval, lifetime },
  };
}

/** The first layer that says something wins. */
function bfdSettings(...layers: readonly (BfdDraft | undefined)[]): BfdSettings {
  const said = <Key extends keyof BfdDraft>(key: Key): BfdDraft[Key] | undefined =>
    layers.find((layer) => layer?.[key] !== undefined)?.[key];
  const echo = {
    transmitInterval: said("echoTransmitInterval") ?? BFD_ECHO.transmitInterval,
    receiveInterval: said("echoReceiveInterval") ?? BFD_ECHO.receiveInterval,
  };
  return {
    receiveInterval: said("receiveInterval") ?? BFD.receiveInterval,
    transmitInterval: said("transmitInterval") ?? BFD.transmitInterval,
    detectMultiplier: said("detectMultiplier") ?? BFD.detectMultiplier,
    echo: said("echo") === true ? echo : BFD.echo,
    passive: said("passive") ?? BFD.passive,
    shutdown: said("shutdown") ?? BFD.shutdown,
    minimumTtl: said("minimumTtl") ?? BFD.minimumTtl,
  };
}

function neighborBfd(draft: Draft, bfd: OwnSettings["bfd"] | undefined): BfdSettings | undefined {
  if (bfd === undefined || bfd === "no") return undefined;
  // A profile that is not there (yet) is as one that says nothing.
  return "profile" in bfd ? bfdSettings(draft.bfdProfiles.get(bfd.profile)) : bfdSettings(bfd);
}

function bfdPeers(draft: Draft): readonly BfdPeerConfig[] {
  return [...draft.bfdPeers.values()].map((said): BfdPeerConfig => {
    const { peer, local, multihop, device, vrf, profile } = said;
    const named = profile === undefined ? undefined : draft.bfdProfiles.get(profile);
    return { peer, local, multihop, device, vrf, ...bfdSettings(said, named) };
  });
}

function familySettings(
  family: Family,
  peer: PeerDraft,
  group: PeerDraft | undefined,
): NeighborFamilyConfig | undefined {
  const { activated, atFirst, own } = peer.families[family];
  const ofGroup = group?.families[family];
  const inherited = ofGroup === undefined ? atFirst : (ofGroup.activated ?? ofGroup.atFirst);
  if (!(activated ?? inherited)) return undefined;
  const said: Said<NeighborFamilyConfig> = ofGroup?.own ?? {};
  return {
    routeMapIn: own.routeMapIn ?? said.routeMapIn,
    routeMapOut: own.routeMapOut ?? said.routeMapOut,
    prefixListIn: own.prefixListIn ?? said.prefixListIn,
    prefixListOut: own.prefixListOut ?? said.prefixListOut,
    nextHopSelf: own.nextHopSelf ?? said.nextHopSelf ?? false,
    softReconfiguration: own.softReconfiguration ?? said.softReconfiguration ?? false,
    allowAsIn: own.allowAsIn ?? said.allowAsIn ?? 0,
    routeReflectorClient: own.routeReflectorClient ?? said.routeReflectorClient ?? false,
    defaultOriginate: own.defaultOriginate ?? said.defaultOriginate ?? false,
    maximumPrefix: own.maximumPrefix ?? said.maximumPrefix,
  };
}

/** RFC 5082 section 3: a packet over n hops has lost at most n - 1 of 255. */
const leastTtl = (hops: number | undefined): number | undefined =>
  hops === undefined ? undefined : MAX_TTL - hops + 1;

/** Undefined: it has no AS, and FRR keeps it idle. */
function peerSettings(draft: Draft, bgp: BgpDraft, peer: PeerDraft): PeerSettings | undefined {
  const group = peer.group === undefined ? undefined : bgp.peers.get(peer.group);
  const say = <Key extends keyof OwnSettings>(key: Key): OwnSettings[Key] | undefined =>
    peer.own[key] ?? group?.own[key];
  const remoteAs = say("remoteAs");
  if (remoteAs === undefined) return undefined;
  const shutdown = say("shutdown");
  const hops = say("securityHops");
  return {
    remoteAs,
    localAs: say("localAs"),
    description: say("description"),
    shutdown: shutdown === "no" ? undefined : shutdown,
    port: say("port") ?? BGP_PORT,
    passive: say("passive") ?? false,
    password: say("password"),
    updateSource: say("updateSource"),
    ...(say("timers") ?? bgp.timers),
    connectRetry: say("connectRetry") ?? bgp.connectRetry,
    advertisementInterval: say("advertisementInterval") ?? ADVERTISEMENT_INTERVAL,
    ttl: hops === undefined ? (say("multihop") ?? DEFAULT_TTL) : MAX_TTL,
    minTtl: leastTtl(hops),
    disableConnectedCheck: say("disableConnectedCheck") ?? false,
    extendedNextHop: say("extendedNextHop") ?? peer.kind === "interface",
    gracefulRestart: say("gracefulRestart") ?? bgp.restart,
    bfd: neighborBfd(draft, say("bfd")),
    families: { ipv4: familySettings("ipv4", peer, group), ipv6: familySettings("ipv6", peer, group) },
  };
}

function neighbors(draft: Draft, bgp: BgpDraft): readonly NeighborConfig[] {
  return [...bgp.peers.values()].flatMap((peer): NeighborConfig[] => {
    const settings = peer.kind === "group" ? undefined : peerSettings(draft, bgp, peer);
    if (settings === undefined) return [];
    const ip = readIp(peer.name);
    return [
      {
        ...settings,
        peer: ip === undefined ? { kind: "interface", device: peer.name } : { kind: "address", ip, device: undefined },
      },
    ];
  });
}

function listenRanges(draft: Draft, bgp: BgpDraft): BgpConfig["listen"]["ranges"] {
  return [...bgp.ranges].flatMap(([prefix, name]) => {
    const group = bgp.peers.get(name);
    const settings = group === undefined ? undefined : peerSettings(draft, bgp, group);
    // Who is listened to does not get called.
    return settings === undefined ? [] : [{ prefix, group: name, settings: { ...settings, passive: true } }];
  });
}

const familyConfig = ({ networks, redistribute, ebgpPaths, ibgpPaths }: BgpFamilyDraft): BgpFamilyConfig => ({
  networks: [...networks].map(([prefix, routeMap]) => ({ prefix, routeMap })),
  redistribute: [...redistribute.values()],
  maximumPaths: { ebgp: ebgpPaths, ibgp: ibgpPaths },
});

function bgpConfig(draft: Draft, bgp: BgpDraft): BgpConfig {
  const { flags } = bgp;
  return {
    asn: bgp.asn,
    vrf: bgp.vrf,
    routerId: bgp.routerId ?? (bgp.vrf === undefined ? draft.routerId : undefined),
    ebgpRequiresPolicy: flags.ebgpRequiresPolicy,
    networkImportCheck: flags.networkImportCheck,
    fastExternalFailover: flags.fastExternalFailover,
    bestPath: {
      ignoreAsPath: flags.ignoreAsPath,
      multipathRelax: flags.multipathRelax,
      compareRouterId: flags.compareRouterId,
      alwaysCompareMed: flags.alwaysCompareMed,
      deterministicMed: flags.deterministicMed,
      missingMedIsWorst: flags.missingMedIsWorst,
      defaultLocalPreference: bgp.localPreference,
    },
    gracefulRestart: {
      restartTime: bgp.restartTime,
      stalePathTime: bgp.stalePathTime,
      preserveForwarding: flags.preserveForwarding,
      notification: flags.restartNotification,
    },
    gracefulShutdown: flags.gracefulShutdown,
    shutdown: bgp.shutdown,
    neighbors: neighbors(draft, bgp),
    listen: { limit: bgp.listenLimit, ranges: listenRanges(draft, bgp) },
    families: { ipv4: familyConfig(bgp.families.ipv4), ipv6: familyConfig(bgp.families.ipv6) },
  };
}

const inOrder = <Entry>(entries: ReadonlyMap<number, Entry>): readonly Entry[] =>
  [...entries].sort(([a], [b]) => a - b).map(([, entry]) => entry);

const lists = <Value>(
  all: ReadonlyMap<string, ListDraft<Value>>,
): ReadonlyMap<string, readonly CommunityRule<Value>[]> =>
  new Map([...all].map(([name, list]) => [name, inOrder(list)]));

function routeMaps({ routeMaps: all }: Draft): RouterConfig["routeMaps"] {
  const entries = [...all].map(([name, map]) => {
    const listed = inOrder(map).map(
      ({ sequence, permit, matches, sets, continueAt }): RouteMapEntry => ({
        sequence,
        permit,
        matches: [...matches.values()],
        sets: [...sets.values()],
        continueAt,
      }),
    );
    return [name, listed] as const;
  });
  return new Map(entries);
}

export function resolve(draft: Draft): RouterConfig {
  return {
    hostname: draft.hostname,
    vrfs: [...draft.vrfs],
    interfaces: [...draft.interfaces.values()].map(interfaceConfig),
    staticRoutes: draft.staticRoutes,
    forwarding: { ...draft.forwarding },
    resolveViaDefault: { ...draft.resolveViaDefault },
    bgp: [...draft.bgp.values()].map((bgp) => bgpConfig(draft, bgp)),
    bfdPeers: bfdPeers(draft),
    prefixLists: { ipv4: new Map(draft.prefixLists.ipv4), ipv6: new Map(draft.prefixLists.ipv6) },
    communityLists: lists(draft.communityLists),
    largeCommunityLists: lists(draft.largeCommunityLists),
    routeMaps: routeMaps(draft),
  };
}
