// What BIRD's `show` says, in the words of the driver port. It tells no codes of NOTIFICATIONs, and of BFD neither the
// other side's values nor echo.
import { compareIp, type Ip, isLinkLocal, isUnspecified, readIp } from "../../../impl/wire/ip.ts";
import { micros, type Micros, seconds } from "../../../impl/wire/time.ts";
import { type BfdPeer, type BgpNeighbor, type BgpPath } from "../../world.ts";
import { type NodeOf } from "./routing-suite.ts";

const DEFAULT_LOCAL_PREF = 100;

const parseSeconds = (text: string): Micros => micros(Math.round(Number(text) * 1e6));

/** Text after a key at the start of one of the lines; undefined where none has it. */
const valueOf = (lines: readonly string[], key: string): string | undefined =>
  lines
    .map((line) => line.trim())
    .find((line) => line.startsWith(`${key}:`))
    ?.slice(key.length + 1)
    .trim();

const numberOf = (lines: readonly string[], key: string): number | undefined => {
  const text = valueOf(lines, key);
  return text === undefined ? undefined : Number.parseInt(text, 10);
};

const STATES: Readonly<Record<string, BgpNeighbor["state"]>> = {
  Connect: "connect",
  Active: "active",
  OpenSent: "openSent",
  OpenConfirm: "openConfirm",
  Established: "established",
};

/** What BIRD tells in its log only: how often sessions were up, by protocol, and how often BFD was and went, by peer. */
export class BirdLog {
  readonly #established = new Map<string, number>();
  readonly #bfdDowns = new Map<string, number>();

  read(line: string): void {
    const [, protocol] = /<TRACE> (\S+): BGP session established/.exec(line) ?? [];
    if (protocol !== undefined) this.#established.set(protocol, this.established(protocol) + 1);
    const [, peer] = /Session to (\S+) changed state from Up to/.exec(line) ?? [];
    if (peer !== undefined) this.#bfdDowns.set(peer, this.bfdDowns(peer) + 1);
  }

  established(protocol: string): number {
    return this.#established.get(protocol) ?? 0;
  }

  bfdDowns(peer: string): number {
    return this.#bfdDowns.get(peer) ?? 0;
  }
}

/** Lines below "Neighbor capabilities", which are indented further. */
function capabilitiesIn(lines: readonly string[]): BgpNeighbor["capabilities"] {
  const start = lines.findIndex((line) => line.trim() === "Neighbor capabilities");
  if (start === -1) return [];
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^ {0,4}\S/.test(line));
  const own = (end === -1 ? rest : rest.slice(0, end)).map((line) => line.trim());
  const families = valueOf(own, "AF announced") ?? "";
  const found: readonly (readonly [BgpNeighbor["capabilities"][number], boolean])[] = [
    ["multiprotocolIpv4", families.split(" ").includes("ipv4")],
    ["multiprotocolIpv6", families.split(" ").includes("ipv6")],
    ["fourOctetAs", own.includes("4-octet AS numbers")],
    ["routeRefresh", own.includes("Route refresh")],
    ["gracefulRestart", own.includes("Graceful restart")],
    ["extendedNextHop", own.includes("Extended next hop")],
  ];
  return found.filter(([, offered]) => offered).map(([name]) => name);
}

/** A BGP session, and the name that routes and commands call it by. */
export interface BirdSession {
  readonly protocol: string;
  readonly neighbor: BgpNeighbor;
}

function sessionIn([head = "", ...lines]: readonly string[], nodeOf: NodeOf, log: BirdLog): readonly BirdSession[] {
  const [protocol = "", kind] = head.split(/\s+/);
  const [, text = "", link] = /^([^%]+)(?:%(\S+))?$/.exec(valueOf(lines, "Neighbor address") ?? "") ?? [];
  const address = readIp(text);
  // A range by itself is no neighbour.
  if (kind !== "BGP" || address === undefined) return [];
  const state = STATES[valueOf(lines, "BGP state") ?? ""] ?? "idle";
  const isUp = state === "established";
  const time = (key: string): Micros | undefined => {
    const [, negotiated] = /\/(\d+)/.exec(valueOf(lines, key) ?? "") ?? [];
    return isUp && negotiated !== undefined ? seconds(Number(negotiated)) : undefined;
  };
  const imported = lines.flatMap((line) => {
    const [, count] = /^\s+Routes:\s+(\d+) imported/.exec(line) ?? [];
    return count === undefined ? [] : [Number(count)];
  });
  const neighbor: BgpNeighbor = {
    address,
    link,
    node: nodeOf(address),
    state,
    remoteAs: numberOf(lines, "Neighbor AS") ?? 0,
    localAs: numberOf(lines, "Local AS") ?? 0,
    routerId: readIp(valueOf(lines, "Neighbor ID") ?? ""),
    holdTime: time("Hold timer"),
    keepalive: time("Keepalive timer"),
    established: log.established(protocol),
    capabilities: isUp ? capabilitiesIn(lines) : [],
    prefixes: imported.reduce((total, count) => total + count, 0),
    notificationsReceived: [],
    notificationsSent: [],
  };
  return [{ protocol, neighbor }];
}

/** `show protocols all`: a line for each, its details, an empty line. */
export function sessionsIn(lines: readonly string[], nodeOf: NodeOf, log: BirdLog): readonly BirdSession[] {
  const blocks: string[][] = [];
  for (const line of lines) {
    if (/^\S/.test(line)) blocks.push([line]);
    else blocks.at(-1)?.push(line);
  }
  const sessions = blocks.flatMap((each) => sessionIn(each, nodeOf, log));
  return sessions.sort((a, b) => compareIp(a.neighbor.address, b.neighbor.address));
}

const ORIGINS: Readonly<Record<string, BgpPath["origin"]>> = { IGP: "igp", EGP: "egp", Incomplete: "incomplete" };

/** `(64500,1) (64500,2)`. */
const communitiesIn = (text = ""): readonly string[] =>
  [...text.matchAll(/\(([^)]+)\)/g)].map(([, numbers = ""]) => numbers.replaceAll(" ", "").replaceAll(",", ":")).sort();

interface Entry {
  readonly prefix: string;
  readonly head: string;
  readonly lines: string[];
}

function entriesIn(lines: readonly string[]): readonly Entry[] {
  const entries: Entry[] = [];
  for (const line of lines) {
    // The prefix stands before the first path to it only.
    const [, prefix, head] = /^(\S+)?\s+((?:unicast|blackhole|unreachable|prohibit) \[.*)$/.exec(line) ?? [];
    if (head !== undefined) entries.push({ prefix: prefix ?? entries.at(-1)?.prefix ?? "", head, lines: [] });
    else if (/^\s/.test(line)) entries.at(-1)?.lines.push(line);
  }
  return entries;
}

/** `show route all`: paths that a neighbour told. `isForwarded` says whether the kernel uses a next hop beside others. */
export function routesIn(
  lines: readonly string[],
  sessions: readonly BirdSession[],
  nodeOf: NodeOf,
  isForwarded: (prefix: string, hops: readonly Ip[]) => boolean,
): readonly BgpPath[] {
  const paths = entriesIn(lines).flatMap(({ prefix, head, lines: own }): readonly BgpPath[] => {
    const [, protocol = "", star = "", marks = ""] = /\[(\S+) [^\]]*\] (\*)? ?\(\d+([a-zA-Z]*)/.exec(head) ?? [];
    const session = sessions.find((each) => each.protocol === protocol)?.neighbor;
    if (session === undefined) return [];
    const { address: peer, remoteAs, localAs } = session;
    const hops = (valueOf(own, "BGP.next_hop") ?? "")
      .split(" ")
      .flatMap((text) => readIp(text) ?? [])
      // So it shows a next hop that is link-local only.
      .filter((ip) => !isUnspecified(ip));
    const [nextHop = peer] = hops;
    const localPref = numberOf(own, "BGP.local_pref");
    const asPath = valueOf(own, "BGP.as_path") ?? "";
    return [
      {
        prefix,
        peer,
        node: nodeOf(peer),
        nextHop,
        linkLocal: hops.find((ip) => ip.includes(":") && isLinkLocal(ip)),
        origin: ORIGINS[valueOf(own, "BGP.origin") ?? ""] ?? "incomplete",
        asPath: asPath
          .split(/[^\d]+/)
          .filter((asn) => asn !== "")
          .map(Number), // prettier-ignore
        // An external neighbour tells none, and BIRD shows its own default.
        localPref: remoteAs !== localAs && localPref === DEFAULT_LOCAL_PREF ? undefined : localPref,
        med: numberOf(own, "BGP.med"),
        communities: communitiesIn(valueOf(own, "BGP.community")),
        largeCommunities: communitiesIn(valueOf(own, "BGP.large_community")),
        best: star === "*",
        multipath: isForwarded(prefix, hops),
        // RFC 4724: BIRD marks what it keeps with an s behind the preference.
        stale: marks.includes("s"),
      },
    ];
  });
  return paths.sort((a, b) => a.prefix.localeCompare(b.prefix) || compareIp(a.peer, b.peer));
}

const BFD_STATES: Readonly<Record<string, BfdPeer["state"]>> = { Up: "up", Init: "init", AdminDown: "adminDown" };
const UNKNOWN = {
  transmitInterval: micros(0),
  receiveInterval: micros(0),
  detectMultiplier: 0,
  echoReceiveInterval: micros(0),
};

/** `show bfd sessions`: address, interface, state, since, interval, timeout. */
export function bfdSessionsIn(lines: readonly string[], nodeOf: NodeOf, log: BirdLog): readonly BfdPeer[] {
  const found = lines.flatMap((line): readonly BfdPeer[] => {
    const [text = "", link, state = "", , interval = "0", timeout = "0"] = line.split(/\s+/);
    const peer = readIp(text);
    if (peer === undefined) return [];
    const transmitInterval = parseSeconds(interval);
    return [
      {
        peer,
        node: nodeOf(peer),
        multihop: link === "---",
        state: BFD_STATES[state] ?? "down",
        transmitInterval,
        // Only how long it waits is told.
        receiveInterval: parseSeconds(timeout),
        detectMultiplier: 1,
        remote: UNKNOWN,
        downs: log.bfdDowns(peer),
      },
    ];
  });
  return found.sort((a, b) => compareIp(a.peer, b.peer));
}
