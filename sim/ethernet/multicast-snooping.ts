// RFC 4541 section 3 (MLD snooping), RFC 3810 section 9 (timers of a querier).
import { type Random } from "../../impl/ports.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { ETHER_TYPES, encodeEthernet, type Ethernet } from "../../impl/wire/ethernet.ts";
import { decodeIcmp6, encodeIcmp6, type Icmp6 } from "../../impl/wire/icmp6.ts";
import { ALL_NODES, type Ipv6, isMulticast, parseIpv6, UNSPECIFIED_V6 } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeIpv6, encodeIpv6, type Ipv6Packet } from "../../impl/wire/ipv6.ts";
import { type Mac, macFromBytes, multicastMac } from "../../impl/wire/mac.ts";
import { type MldRecord } from "../../impl/wire/mld.ts";
import { micros, type Micros, plus, seconds, times } from "../../impl/wire/time.ts";
import { type Scheduler, type SimWorld } from "../world.ts";

export interface QuerierTimers {
  readonly robustness: number;
  readonly interval: Micros;
  readonly response: Micros;
  readonly lastListener: Micros;
}

/** RFC 3810 sections 9.1, 9.2, 9.3 and 9.8. */
export const QUERIER_TIMERS: QuerierTimers = {
  robustness: 2,
  interval: seconds(125),
  response: seconds(10),
  lastListener: seconds(1),
};

/** To one port or all, in one VLAN or all. */
export interface QueryTarget {
  readonly vlan?: number;
  readonly port?: string;
}

type SendQuery = (query: Uint8Array, target: QueryTarget) => void;

/** What is known of one VLAN: until when somebody listens to a group, or routes, behind which port. */
interface Membership {
  readonly listeners: Map<Ipv6, Map<string, Micros>>;
  readonly routers: Map<string, Micros>;
}

/** Queries for listeners as a router would, and knows from their MLDv2 reports which ports a group concerns. */
export class MulticastSnooping {
  readonly #scheduler: Scheduler;
  readonly #timers: QuerierTimers;
  readonly #mac: Mac;
  readonly #send: SendQuery;
  readonly #since: Micros;
  readonly #vlans = new Map<number, Membership>();

  constructor(world: SimWorld, owner: string, timers: QuerierTimers, send: SendQuery) {
    this.#scheduler = world.scheduler;
    this.#timers = timers;
    this.#mac = drawMac(world.random(`${owner}/mac`));
    this.#send = send;
    this.#since = world.scheduler.now;
    this.#queryAgain(0);
  }

  /** Asks for the listeners of one group, or of all. */
  query(target: QueryTarget, group = UNSPECIFIED_V6): void {
    this.#send(queryFrame(this.#mac, group, this.#timers), target);
  }

  /** Takes note of a report or a query that came in. */
  hear(vlan: number, port: string, frame: Ethernet): void {
    const message = mldIn(frame);
    if (message?.kind === "mldQuery") this.#hearQuerier(this.#membership(vlan), port);
    if (message?.kind !== "mldReport") return;
    for (const record of message.records) {
      const left = this.#hearRecord(this.#membership(vlan), port, record);
      if (left) this.query({ vlan, port }, record.group);
    }
  }

  /** The ports that a frame goes to: listeners and routers. Undefined for what is flooded. */
  listeners(vlan: number, frame: Ethernet): ReadonlySet<string> | undefined {
    const { now } = this.#scheduler;
    // Before the first answers are due, nobody is known not to listen.
    if (now < plus(this.#since, this.#timers.response)) return undefined;
    const packet = ipv6In(frame);
    // RFC 4541 section 3: the all-nodes group is never reported.
    if (packet === undefined || !isMulticast(packet.destination) || packet.destination === ALL_NODES) return undefined;
    const { listeners, routers } = this.#membership(vlan);
    // RFC 4541 section 2.1.1: reports go to routers only, lest hosts hear each other.
    const isReport = icmp6In(packet)?.kind === "mldReport";
    const ports = isReport ? routers : [...(listeners.get(packet.destination) ?? []), ...routers];
    return new Set([...ports].filter(([, until]) => now < until).map(([port]) => port));
  }

  flush(port: string): void {
    for (const { listeners, routers } of this.#vlans.values()) {
      routers.delete(port);
      for (const ports of listeners.values()) ports.delete(port);
    }
  }

  #membership(vlan: number): Membership {
    const known = this.#vlans.get(vlan);
    if (known !== undefined) return known;
    const fresh: Membership = { listeners: new Map(), routers: new Map() };
    this.#vlans.set(vlan, fresh);
    return fresh;
  }

  /** RFC 3810 sections 9.6 and 9.7: the first queries, as many as the robustness says, come four times as often. */
  #queryAgain(sent: number): void {
    const { interval, robustness } = this.#timers;
    const wait = sent === 0 ? micros(0) : times(interval, sent < robustness ? 1 / 4 : 1);
    this.#scheduler.after(wait, () => {
      this.query({});
      this.#queryAgain(sent + 1);
    });
  }

  #hearQuerier({ routers }: Membership, port: string): void {
    const { robustness, interval, response } = this.#timers;
    // RFC 3810 section 9.5: the other querier present timeout.
    const timeout = plus(times(interval, robustness), times(response, 1 / 2));
    routers.set(port, plus(this.#scheduler.now, timeout));
  }

  /** True where the record says that a listener left, so that others behind the port must be asked. */
  #hearRecord({ listeners }: Membership, port: string, record: MldRecord): boolean {
    const { robustness, interval, response, lastListener } = this.#timers;
    const { now } = this.#scheduler;
    const ports = listeners.get(record.group) ?? new Map<string, Micros>();
    listeners.set(record.group, ports);
    if (saysNothing(record)) return false;
    const until = ports.get(port);
    if (record.type === "changeToInclude" && record.sources.length === 0) {
      if (until === undefined) return false;
      // RFC 3810 section 9.10: the last listener query time.
      const soon = plus(now, times(lastListener, robustness));
      ports.set(port, until < soon ? until : soon);
      return true;
    }
    // RFC 3810 section 9.4: the multicast address listening interval.
    ports.set(port, plus(now, plus(times(interval, robustness), response)));
    return false;
  }
}

/** Records that do not tell of a listener: sources that are not wanted, or of which none are. */
function saysNothing({ type, sources }: MldRecord): boolean {
  return type === "blockOldSources" || (type === "modeIsInclude" && sources.length === 0);
}

/** A query from the switch itself; `group` is `::` for all. */
function queryFrame(source: Mac, group: Ipv6, timers: QuerierTimers): Uint8Array {
  const general = group === UNSPECIFIED_V6;
  const destination = general ? ALL_NODES : group;
  const address = linkLocalOf(source);
  const query: Icmp6 = {
    kind: "mldQuery",
    maximumResponse: general ? timers.response : timers.lastListener,
    group,
    version2: { suppress: false, robustness: timers.robustness, interval: timers.interval, sources: [] },
  };
  const packet = encodeIpv6({
    source: address,
    destination,
    nextHeader: IP_PROTOCOLS.icmp6,
    hopLimit: 1,
    trafficClass: 0,
    flowLabel: 0,
    routerAlert: 0,
    payload: encodeIcmp6(query, address, destination),
  });
  const etherType = ETHER_TYPES.ipv6;
  return encodeEthernet({ destination: multicastMac(destination), source, etherType, payload: packet });
}

/** A locally administered address. */
function drawMac(stream: Random): Mac {
  const byte = (): number => Math.floor(stream.next() * 256);
  return macFromBytes(Uint8Array.of(0x02, byte(), byte(), byte(), byte(), byte()));
}

/** RFC 4291 appendix A: the interface identifier from an EUI-48. */
function linkLocalOf(mac: Mac): Ipv6 {
  const [a = "", b = "", c = "", d = "", e = "", f = ""] = mac.split(":");
  const first = (Number.parseInt(a, 16) ^ 2).toString(16);
  return parseIpv6(`fe80::${first}${b}:${c}ff:fe${d}:${e}${f}`);
}

function mldIn(frame: Ethernet): Icmp6 | undefined {
  const packet = ipv6In(frame);
  // RFC 3810 section 5: MLD messages have hop limit 1 and a Router Alert option.
  return packet?.hopLimit === 1 && packet.routerAlert === 0 ? icmp6In(packet) : undefined;
}

function ipv6In(frame: Ethernet): Ipv6Packet | undefined {
  if (frame.etherType !== ETHER_TYPES.ipv6) return undefined;
  return readable(() => decodeIpv6(frame.payload));
}

function icmp6In(packet: Ipv6Packet): Icmp6 | undefined {
  if (packet.nextHeader !== IP_PROTOCOLS.icmp6) return undefined;
  return readable(() => decodeIcmp6(packet.payload, packet.source, packet.destination));
}

/** A switch does not check what hosts will: what it cannot read it treats as data. */
function readable<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
