// What names one direction of a flow, and how a packet gets another name: RFC 3022 (NAT), RFC 1624 (checksums).
import { type Ip, ipToBytes } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { type IpPacket } from "./hooks.ts";

export interface Tuple {
  readonly protocol: number;
  readonly source: Ip;
  readonly sourcePort: number;
  readonly destination: Ip;
  readonly destinationPort: number;
}

/** RFC 9293 section 3.1, RFC 768: where the checksum is, and how long the header is at least. */
const CHECKSUM_AT: ReadonlyMap<number, { readonly offset: number; readonly header: number }> = new Map([
  [IP_PROTOCOLS.tcp, { offset: 16, header: 20 }],
  [IP_PROTOCOLS.udp, { offset: 6, header: 8 }],
]);

/** Undefined for what is neither TCP nor UDP, and for what is too short to be. */
export function tupleOf({ protocol, source, destination, payload }: IpPacket): Tuple | undefined {
  const header = CHECKSUM_AT.get(protocol)?.header;
  if (header === undefined || payload.length < header) return undefined;
  return { protocol, source, sourcePort: wordAt(payload, 0), destination, destinationPort: wordAt(payload, 2) };
}

export const keyOf = (tuple: Tuple): string =>
  `${tuple.protocol} ${tuple.source} ${tuple.sourcePort} ${tuple.destination} ${tuple.destinationPort}`;

export function inverse(tuple: Tuple): Tuple {
  return {
    protocol: tuple.protocol,
    source: tuple.destination,
    sourcePort: tuple.destinationPort,
    destination: tuple.source,
    destinationPort: tuple.sourcePort,
  };
}

/** The packet under the name `to`. A checksum that was wrong stays wrong: only the difference is applied. */
export function translate(packet: IpPacket, from: Tuple, to: Tuple): IpPacket {
  const payload = packet.payload.slice();
  writeWord(payload, 0, to.sourcePort);
  writeWord(payload, 2, to.destinationPort);
  const at = CHECKSUM_AT.get(packet.protocol)?.offset ?? 0;
  const checksum = wordAt(payload, at);
  // RFC 768: zero says that there is none.
  if (packet.protocol !== IP_PROTOCOLS.udp || checksum !== 0) {
    const updated = updatedChecksum(checksum, from, to);
    writeWord(payload, at, packet.protocol === IP_PROTOCOLS.udp && updated === 0 ? 0xffff : updated);
  }
  return { ...packet, source: to.source, destination: to.destination, payload };
}

/** RFC 1624 section 3, equation 3: HC' = ~(~HC + ~m + m'). */
function updatedChecksum(checksum: number, from: Tuple, to: Tuple): number {
  return ~fold((~checksum & 0xffff) + (~nameSum(from) & 0xffff) + nameSum(to)) & 0xffff;
}

function nameSum(tuple: Tuple): number {
  return fold(sumOf(tuple.source) + sumOf(tuple.destination) + tuple.sourcePort + tuple.destinationPort);
}

function sumOf(ip: Ip): number {
  const bytes = ipToBytes(ip);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += wordAt(bytes, at);
  return sum;
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return folded;
}

const wordAt = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 8;
  bytes[at + 1] = word & 0xff;
}
