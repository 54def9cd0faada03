// RFC 5881 section 4: over IPv4 an Echo packet is addressed to its own sender, so that the peer forwards it back without
// knowing of BFD. No socket sends or receives such a packet: it is a frame to the peer's link-layer address.
import { type Effect, type Link } from "../../ports.ts";
import { decodeArp, encodeArp } from "../../wire/arp.ts";
import { DecodeError } from "../../wire/errors.ts";
import { decodeEthernet, ETHER_TYPES, encodeEthernet } from "../../wire/ethernet.ts";
import { type Ipv4, isIpv4 } from "../../wire/ip.ts";
import { decodeIpv4, encodeIpv4, IP_PROTOCOLS } from "../../wire/ipv4.ts";
import { BROADCAST, type Mac, ZERO_MAC } from "../../wire/mac.ts";
import { contains, maskTo } from "../../wire/prefix.ts";
import { type Micros, plus, seconds } from "../../wire/time.ts";
import { decodeUdp, encodeUdp } from "../../wire/udp.ts";
import { type BfdPath } from "./sessions.ts";
import { PORTS } from "./sockets.ts";

const TTL = 255;
/** RFC 791 (precedence internetwork control): what FRR marks them with. */
const TOS = 0xc0;
/** Between two questions for the peer's link-layer address, and before asking for one that is known. */
const ASK_AGAIN = seconds(1);
const REFRESH = seconds(30);

interface Row {
  readonly path: BfdPath;
  /** The interface that is captured for it. */
  link: string | undefined;
  linkIndex: number | undefined;
  mac: Mac | undefined;
  askAt: Micros | undefined;
}

interface Source {
  readonly link: Link;
  readonly ip: Ipv4;
}

export class EchoFrames {
  readonly #rows = new Map<string, Row>();
  #links: readonly Link[] = [];

  setLinks(links: readonly Link[]): void {
    this.#links = links;
  }

  /** Sends the packet, or asks for the peer's link-layer address first. */
  send(session: string, path: BfdPath, payload: Uint8Array, now: Micros): readonly Effect[] {
    const source = sourceFor(path, this.#links);
    if (source === undefined) return [];
    const row = this.#rows.get(session) ?? {
      path,
      link: undefined,
      linkIndex: undefined,
      mac: undefined,
      askAt: undefined,
    };
    this.#rows.set(session, row);
    const effects: Effect[] = [...this.#capture(row, source.link)];
    if (row.askAt === undefined || row.askAt <= now) {
      row.askAt = plus(now, row.mac === undefined ? ASK_AGAIN : REFRESH);
      effects.push(question(source, path, row.mac));
    }
    if (row.mac !== undefined) effects.push(echo(source, row.mac, payload));
    return effects;
  }

  release(session: string): readonly Effect[] {
    const row = this.#rows.get(session);
    this.#rows.delete(session);
    return row?.link === undefined ? [] : this.#uncapture(row.link);
  }

  /** What an Echo packet of this node carried that came back; other frames may tell a link-layer address. */
  receive(link: string, bytes: Uint8Array): Uint8Array | undefined {
    // Most nodes send no Echo packets, and every frame comes by here.
    if (this.#rows.size === 0) return undefined;
    const rows = [...this.#rows.values()].filter((row) => row.link === link);
    if (rows.length === 0) return undefined;
    try {
      const frame = decodeEthernet(bytes);
      if (frame.etherType === ETHER_TYPES.ipv4) return returned(frame.payload);
      if (frame.etherType !== ETHER_TYPES.arp) return undefined;
      const { senderIp, senderMac } = decodeArp(frame.payload);
      for (const row of rows) if (row.path.peer === senderIp) row.mac = senderMac;
      return undefined;
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  #capture(row: Row, { name, index }: Link): readonly Effect[] {
    if (row.link === name && row.linkIndex === index) return [];
    const left = row.link === undefined || row.link === name ? undefined : row.link;
    const isCaptured = [...this.#rows.values()].some((other) => other.link === name && other.linkIndex === index);
    row.link = name;
    row.linkIndex = index;
    row.mac = undefined;
    const opened: readonly Effect[] = isCaptured ? [] : [{ kind: "openLink", link: name }];
    return left === undefined ? opened : [...this.#uncapture(left), ...opened];
  }

  #uncapture(link: string): readonly Effect[] {
    const isNeeded = [...this.#rows.values()].some((row) => row.link === link);
    return isNeeded ? [] : [{ kind: "closeLink", link }];
  }
}

/** The address of the session, or the one beside the peer. */
function sourceFor({ link: name, local, peer }: BfdPath, links: readonly Link[]): Source | undefined {
  for (const link of links) {
    if (name !== undefined && link.name !== name) continue;
    const found = link.addresses.find(({ ip, length }) =>
      local === undefined ? contains(maskTo(ip, length), peer) : ip === local,
    );
    if (found !== undefined && isIpv4(found.ip)) return { link, ip: found.ip };
  }
  return undefined;
}

function question({ link, ip }: Source, { peer }: BfdPath, known: Mac | undefined): Effect {
  const targetIp = isIpv4(peer) ? peer : ip;
  const arp = { operation: "request", senderMac: link.mac, senderIp: ip, targetMac: ZERO_MAC, targetIp } as const;
  const destination = known ?? BROADCAST;
  const frame = { destination, source: link.mac, etherType: ETHER_TYPES.arp, payload: encodeArp(arp) };
  return { kind: "sendFrame", link: link.name, bytes: encodeEthernet(frame) };
}

function echo({ link, ip }: Source, destination: Mac, payload: Uint8Array): Effect {
  const udp = encodeUdp({ sourcePort: PORTS.echo, destinationPort: PORTS.echo, payload }, ip, ip);
  const packet = encodeIpv4({
    source: ip,
    destination: ip,
    protocol: IP_PROTOCOLS.udp,
    ttl: TTL,
    tos: TOS,
    identification: 0,
    dontFragment: false,
    payload: udp,
  });
  const frame = { destination, source: link.mac, etherType: ETHER_TYPES.ipv4, payload: packet };
  return { kind: "sendFrame", link: link.name, bytes: encodeEthernet(frame) };
}

/** The forwarding plane of the peer has taken one from the TTL. */
function returned(bytes: Uint8Array): Uint8Array | undefined {
  const { source, destination, protocol, ttl, payload } = decodeIpv4(bytes);
  if (protocol !== IP_PROTOCOLS.udp || source !== destination || ttl !== TTL - 1) return undefined;
  const udp = decodeUdp(payload, source, destination);
  return udp.destinationPort === PORTS.echo ? udp.payload : undefined;
}
