// What FRR's `show … json` says, in the words of the driver port.
import { compareIp, type Ip, isLinkLocal, isUnspecified, readIp, UNSPECIFIED_V6 } from "../../../impl/wire/ip.ts";
import { type Micros, millis } from "../../../impl/wire/time.ts";
import { WELL_KNOWN_COMMUNITIES } from "../../../impl/wire/bgp/communities.ts";
import { type BfdPeer, type BgpNeighbor, type BgpPath } from "../../world.ts";
import { type NodeOf } from "./routing-suite.ts";

/** bgpd tells of every NOTIFICATION once, in its log; the views know the last only. */
export class NotificationLog {
  readonly #sent = new Map<string, string[]>();
  readonly #received = new Map<string, string[]>();

  read(line: string): void {
    const [, verb, neighbor = "", code] =
      /%NOTIFICATION[^:]*: (sent to|received from) neighbor ([^\s(]+)\S* (\d+\/\d+)/.exec(line) ?? [];
    if (code === undefined) return;
    const log = verb === "sent to" ? this.#sent : this.#received;
    log.set(neighbor, [...(log.get(neighbor) ?? []), code]);
  }

  sentTo(neighbor: string): readonly string[] {
    return this.#sent.get(neighbor) ?? [];
  }

  receivedFrom(neighbor: string): readonly string[] {
    return this.#received.get(neighbor) ?? [];
  }
}

const STATES: Readonly<Record<string, BgpNeighbor["state"]>> = {
  Idle: "idle",
  Connect: "connect",
  Active: "active",
  OpenSent: "openSent",
  OpenConfirm: "openConfirm",
  Established: "established",
};

/** `received`, `advertisedAndReceived`, `receivedNew` …; or flags of the same names. */
type Offered = string | Readonly<Record<string, boolean>>;

const isReceived = (offered: Offered | undefined): boolean =>
  typeof offered === "string"
    ? /received/i.test(offered)
    : Object.entries(offered ?? {}).some(([how, so]) => so && /received/i.test(how));

interface FrrCapabilities {
  readonly "4byteAs"?: Offered;
  readonly routeRefresh?: Offered;
  readonly gracefulRestart?: Offered;
  readonly extendedNexthop?: Offered;
  readonly multiprotocolExtensions?: Readonly<Record<string, Offered>>;
}

interface FrrNeighbor {
  readonly remoteAs: number;
  readonly localAs: number;
  readonly remoteRouterId?: string;
  readonly bgpState: string;
  readonly hostForeign?: string;
  readonly bgpTimerHoldTimeMsecs?: number;
  readonly bgpTimerKeepAliveIntervalMsecs?: number;
  readonly neighborCapabilities?: FrrCapabilities;
  readonly addressFamilyInfo?: Readonly<Record<string, { readonly acceptedPrefixCounter?: number }>>;
  readonly connectionsEstablished?: number;
}

function capabilitiesOf(offered: FrrCapabilities = {}): BgpNeighbor["capabilities"] {
  const { multiprotocolExtensions: families = {} } = offered;
  const found: readonly (readonly [BgpNeighbor["capabilities"][number], Offered | undefined])[] = [
    ["multiprotocolIpv4", families["ipv4Unicast"]],
    ["multiprotocolIpv6", families["ipv6Unicast"]],
    ["fourOctetAs", offered["4byteAs"]],
    ["routeRefresh", offered.routeRefresh],
    ["gracefulRestart", offered.gracefulRestart],
    ["extendedNextHop", offered.extendedNexthop],
  ];
  return found.filter(([, how]) => isReceived(how)).map(([name]) => name);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const given = (ip: Ip | undefined): Ip | undefined => (ip === undefined || isUnspecified(ip) ? undefined : ip);

/** `show bgp neighbors json`: an object by address, or by interface for unnumbered ones. */
export function neighborsIn(text: string, nodeOf: NodeOf, log: NotificationLog): readonly BgpNeighbor[] {
  const neighbors: Readonly<Record<string, FrrNeighbor>> = JSON.parse(text);
  return Object.entries(neighbors).map(([key, each]) => {
    const named = readIp(key);
    const address = named ?? readIp(each.hostForeign ?? "") ?? UNSPECIFIED_V6;
    const isUp = each.bgpState === "Established";
    const time = (ms: number | undefined): Micros | undefined => (isUp && ms !== undefined ? millis(ms) : undefined);
    return {
      address,
      link: named === undefined ? key : undefined,
      node: nodeOf(address),
      state: STATES[each.bgpState] ?? "idle",
      remoteAs: each.remoteAs,
      localAs: each.localAs,
      routerId: given(readIp(each.remoteRouterId ?? "")),
      holdTime: time(each.bgpTimerHoldTimeMsecs),
      keepalive: time(each.bgpTimerKeepAliveIntervalMsecs),
      established: each.connectionsEstablished ?? 0,
      capabilities: capabilitiesOf(each.neighborCapabilities),
      prefixes: sum(Object.values(each.addressFamilyInfo ?? {}).map((family) => family.acceptedPrefixCounter ?? 0)),
      notificationsReceived: log.receivedFrom(key),
      notificationsSent: log.sentTo(key),
    };
  });
}

interface FrrPath {
  readonly aspath?: { readonly segments?: readonly { readonly list: readonly number[] }[] };
  readonly origin?: string;
  readonly locPrf?: number;
  readonly metric?: number;
  readonly bestpath?: { readonly overall?: boolean };
  readonly multipath?: boolean;
  readonly stale?: boolean;
  readonly community?: { readonly list?: readonly string[] };
  readonly largeCommunity?: { readonly list?: readonly string[] };
  readonly nexthops?: readonly { readonly ip: string; readonly scope?: string }[];
  readonly peer?: { readonly peerId?: string };
}

const ORIGINS: Readonly<Record<string, BgpPath["origin"]>> = { IGP: "igp", EGP: "egp", incomplete: "incomplete" };

/** FRR names the well-known ones. */
const NAMES: Readonly<Record<string, string>> = {
  ...WELL_KNOWN_COMMUNITIES,
  localAs: WELL_KNOWN_COMMUNITIES.noExportSubconfed,
};

function pathOf(prefix: string, path: FrrPath, nodeOf: NodeOf): readonly BgpPath[] {
  const peer = given(readIp(path.peer?.peerId ?? ""));
  // FRR's own routes have no peer.
  if (peer === undefined) return [];
  const hops = (path.nexthops ?? []).flatMap(({ ip, scope }) => {
    const parsed = readIp(ip);
    return parsed === undefined ? [] : [{ ip: parsed, scope }];
  });
  const linkLocal = hops.find(({ ip }) => ip.includes(":") && isLinkLocal(ip))?.ip;
  const nextHop = hops.find(({ ip }) => ip !== linkLocal)?.ip ?? linkLocal ?? UNSPECIFIED_V6;
  return [
    {
      prefix,
      peer,
      node: nodeOf(peer),
      nextHop,
      linkLocal,
      origin: ORIGINS[path.origin ?? ""] ?? "incomplete",
      asPath: (path.aspath?.segments ?? []).flatMap(({ list }) => list),
      localPref: path.locPrf,
      med: path.metric,
      communities: (path.community?.list ?? []).map((name) => NAMES[name] ?? name).sort(),
      largeCommunities: (path.largeCommunity?.list ?? []).toSorted(),
      best: path.bestpath?.overall === true,
      multipath: path.multipath === true,
      stale: path.stale === true,
    },
  ];
}

/** `show bgp FAMILY unicast PREFIX json`: an empty object where there is none. */
export function pathsIn(text: string, nodeOf: NodeOf): readonly BgpPath[] {
  const { prefix = "", paths = [] }: { readonly prefix?: string; readonly paths?: readonly FrrPath[] } =
    JSON.parse(text);
  const found = paths.flatMap((path) => pathOf(prefix, path, nodeOf));
  return found.sort((a, b) => compareIp(a.peer, b.peer));
}

/** `show bgp FAMILY unicast json`; nothing where there is no table. */
export function prefixesIn(text: string): readonly string[] {
  if (!text.trimStart().startsWith("{")) return [];
  const { routes = {} }: { readonly routes?: Readonly<Record<string, unknown>> } = JSON.parse(text);
  return Object.keys(routes);
}

interface FrrBfdPeer {
  readonly peer: string;
  readonly multihop: boolean;
  readonly status?: string;
  readonly "receive-interval"?: number;
  readonly "transmit-interval"?: number;
  readonly "detect-multiplier"?: number;
  readonly "remote-receive-interval"?: number;
  readonly "remote-transmit-interval"?: number;
  readonly "remote-echo-receive-interval"?: number;
  readonly "remote-detect-multiplier"?: number;
}

const BFD_STATES: Readonly<Record<string, BfdPeer["state"]>> = { up: "up", init: "init", shutdown: "adminDown" };

/** `show bfd peers json` and `show bfd peers counters json`. */
export function bfdPeersIn(peersText: string, countersText: string, nodeOf: NodeOf): readonly BfdPeer[] {
  const counters: readonly { readonly peer: string; readonly "session-down"?: number }[] = JSON.parse(countersText);
  const downs = new Map(counters.map((each) => [each.peer, each["session-down"] ?? 0]));
  const peers: readonly FrrBfdPeer[] = JSON.parse(peersText);
  const found = peers.flatMap((each): readonly BfdPeer[] => {
    const peer = readIp(each.peer);
    if (peer === undefined) return [];
    const remote = {
      transmitInterval: millis(each["remote-transmit-interval"] ?? 0),
      receiveInterval: millis(each["remote-receive-interval"] ?? 0),
      detectMultiplier: each["remote-detect-multiplier"] ?? 0,
      echoReceiveInterval: millis(each["remote-echo-receive-interval"] ?? 0),
    };
    const greater = (own: number | undefined, theirs: Micros): Micros =>
      millis(own ?? 0) > theirs ? millis(own ?? 0) : theirs;
    return [
      {
        peer,
        node: nodeOf(peer),
        multihop: each.multihop,
        state: BFD_STATES[each.status ?? ""] ?? "down",
        // RFC 5880 section 6.8.2: the slower of what one side wants and the other allows.
        transmitInterval: greater(each["transmit-interval"], remote.receiveInterval),
        receiveInterval: greater(each["receive-interval"], remote.transmitInterval),
        detectMultiplier: each["detect-multiplier"] ?? 0,
        remote,
        downs: downs.get(each.peer) ?? 0,
      },
    ];
  });
  return found.sort((a, b) => compareIp(a.peer, b.peer));
}
