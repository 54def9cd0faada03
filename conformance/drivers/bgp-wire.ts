// What BGP speakers say to each other, read from frames: for every world that can show its frames.
import { HEADER_LENGTH } from "../../impl/wire/bgp/header.ts";
import { ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { ipFromBytes, type Ip } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";

/** One end of a TCP connection. */
export interface End {
  readonly ip: Ip;
  readonly port: number;
}

/** One end said something to the other, or that it says no more. */
export interface Said {
  /** Unique in one run. */
  readonly connection: string;
  readonly from: End;
  readonly to: End;
  readonly what: { readonly kind: "message"; readonly bytes: Uint8Array } | { readonly kind: "fin" | "rst" };
}

/** What a TCP segment says of its connection. */
interface Segment {
  readonly isV4: boolean;
  /** Where the IP header begins. */
  readonly start: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly syn: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly payload: Uint8Array;
}

const IPV6_HEADER = 40;

/** Enough of a frame to follow a TCP connection; undefined for everything else. Fragments are not followed. */
function segmentOf(frame: Uint8Array): Segment | undefined {
  if (frame.length < 54) return undefined;
  const u16 = (at: number): number => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
  const start = u16(12) === ETHER_TYPES.vlan ? 18 : 14;
  const type = u16(start - 2);
  const isV4 = type === ETHER_TYPES.ipv4;
  if (!isV4 && type !== ETHER_TYPES.ipv6) return undefined;
  if (frame[start + (isV4 ? 9 : 6)] !== IP_PROTOCOLS.tcp) return undefined;
  const tcp = start + (isV4 ? ((frame[start] ?? 0) & 15) * 4 : IPV6_HEADER);
  const end = isV4 ? start + u16(start + 2) : tcp + u16(start + 4);
  if (end > frame.length || tcp + 20 > end) return undefined;
  const flags = frame[tcp + 13] ?? 0;
  return {
    isV4,
    start,
    sourcePort: u16(tcp),
    destinationPort: u16(tcp + 2),
    sequence: u16(tcp + 4) * 0x10000 + u16(tcp + 6),
    fin: (flags & 0x01) !== 0,
    syn: (flags & 0x02) !== 0,
    rst: (flags & 0x04) !== 0,
    payload: frame.subarray(Math.min(tcp + ((frame[tcp + 12] ?? 0) >> 4) * 4, end), end),
  };
}

/** Who sent a segment, and to whom. */
function endsOf(frame: Uint8Array, segment: Segment): { readonly from: End; readonly to: End } {
  const { isV4, start, sourcePort, destinationPort } = segment;
  const ipAt = (at: number): Ip => ipFromBytes(frame.subarray(at, at + (isV4 ? 4 : 16)));
  return {
    from: { ip: ipAt(start + (isV4 ? 12 : 8)), port: sourcePort },
    to: { ip: ipAt(start + (isV4 ? 16 : 24)), port: destinationPort },
  };
}

/** The same for both directions. */
const portsOf = ({ sourcePort, destinationPort }: Segment): number =>
  Math.min(sourcePort, destinationPort) * 0x10000 + Math.max(sourcePort, destinationPort);

/** RFC 4271 section 4.1: a marker of ones. */
const beginsMessage = (bytes: Uint8Array): boolean =>
  bytes.length >= HEADER_LENGTH && bytes[0] === 0xff && bytes.subarray(0, 16).every((byte) => byte === 0xff);

/** One direction: pieces in whatever order, out come messages. */
class Direction {
  #next: number | undefined;
  readonly #early = new Map<number, Uint8Array>();
  #begun: Uint8Array = new Uint8Array(0);
  #broken = false;

  take(sequence: number, payload: Uint8Array): readonly Uint8Array[] {
    if (payload.length === 0 || this.#broken) return [];
    this.#next ??= sequence;
    this.#early.set(sequence, payload);
    const messages: Uint8Array[] = [];
    for (let piece = this.#due(); piece !== undefined; piece = this.#due()) messages.push(...this.#cut(piece));
    return messages;
  }

  /** The next bytes in order, wherever segments were repeated or overtook each other. */
  #due(): Uint8Array | undefined {
    const next = this.#next ?? 0;
    for (const [sequence, payload] of this.#early) {
      const known = (next - sequence) | 0;
      if (known < 0) continue;
      this.#early.delete(sequence);
      if (known >= payload.length) continue;
      this.#next = (sequence + payload.length) >>> 0;
      return payload.subarray(known);
    }
    return undefined;
  }

  #cut(piece: Uint8Array): readonly Uint8Array[] {
    const bytes = new Uint8Array(this.#begun.length + piece.length);
    bytes.set(this.#begun);
    bytes.set(piece, this.#begun.length);
    const messages: Uint8Array[] = [];
    let at = 0;
    while (bytes.length - at >= HEADER_LENGTH) {
      const length = (bytes[at + 16] ?? 0) * 256 + (bytes[at + 17] ?? 0);
      // After a length that cannot be, the stream has no meaning.
      this.#broken = length < HEADER_LENGTH;
      if (this.#broken || bytes.length - at < length) break;
      messages.push(bytes.subarray(at, at + length));
      at += length;
    }
    this.#begun = bytes.subarray(at);
    return messages;
  }
}

interface Connection {
  readonly name: string;
  readonly directions: Map<string, Direction>;
  ended: boolean;
}

const endName = ({ ip, port }: End): string => `${ip} ${port}`;

/** Follows every TCP connection that begins like BGP, on whatever port. */
export class BgpWire {
  readonly #connections = new Map<string, Connection>();
  /** Ports of connections that are or were followed: most frames are told by them to be of no interest. */
  readonly #ports = new Set<number>();
  #count = 0;

  /** `frame` as its sender sent it; frames that routers pass on must be left out. */
  read(frame: Uint8Array): readonly Said[] {
    const segment = segmentOf(frame);
    if (segment === undefined) return [];
    const { payload } = segment;
    const ports = portsOf(segment);
    if (!this.#ports.has(ports) && !beginsMessage(payload)) return [];
    this.#ports.add(ports);
    const { from, to } = endsOf(frame, segment);
    const key = [endName(from), endName(to)].sort().join(" ");
    // The same ports again are another connection.
    if (segment.syn) this.#connections.delete(key);
    const known = this.#connections.get(key);
    if (known === undefined && !beginsMessage(payload)) return [];
    const connection = known ?? { name: `${key} ${this.#count++}`, directions: new Map(), ended: false };
    this.#connections.set(key, connection);
    const direction: Direction = connection.directions.get(endName(from)) ?? new Direction();
    connection.directions.set(endName(from), direction);
    const said = (what: Said["what"]): Said => ({ connection: connection.name, from, to, what });
    const messages = direction
      .take(segment.sequence, payload)
      .map((bytes: Uint8Array) => said({ kind: "message", bytes }));
    if (connection.ended || !(segment.fin || segment.rst)) return messages;
    connection.ended = true;
    return [...messages, said({ kind: segment.rst ? "rst" : "fin" })];
  }
}
