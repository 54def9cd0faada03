// RFC 791 (IPv4), RFC 1122 section 3.2.1.1 (what a host checks).
import { internetChecksum } from "./checksum.ts";
import { type Ipv4 } from "./ip.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** IANA "Protocol Numbers". */
export const IP_PROTOCOLS = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;

const HEADER_LENGTH = 20;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;

/**
 *   version         4 bits  4
 *   headerLength    4 bits  in words of 32 bits
 *   tos             1
 *   totalLength     2       the bytes after it are the padding of a short frame
 *   identification  2
 *   flags           3 bits  reserved, don't fragment, more fragments
 *   fragmentOffset  13 bits
 *   ttl             1
 *   protocol        1
 *   checksum        2       of the header
 *   source          4
 *   destination     4
 *   options         …       raw
 *   payload         …
 */
export interface Ipv4Packet {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  /** A multiple of four bytes, at most 40. */
  readonly options?: Uint8Array | undefined;
  readonly payload: Uint8Array;
}

export function encodeIpv4(packet: Ipv4Packet): Uint8Array {
  const { options, payload } = packet;
  const headerLength = HEADER_LENGTH + (options?.length ?? 0);
  const writer = new Writer(headerLength + payload.length)
    .u8(0x40 | (headerLength / 4))
    .u8(packet.tos)
    .u16(headerLength + payload.length)
    .u16(packet.identification)
    .u16(packet.dontFragment ? DONT_FRAGMENT : 0)
    .u8(packet.ttl)
    .u8(packet.protocol)
    .u16(0)
    .ip(packet.source)
    .ip(packet.destination);
  if (options !== undefined) writer.bytes(options);
  return writer.patchU16(10, internetChecksum(writer.view())).bytes(payload).finish();
}

/** Whole datagrams only: fragments are refused, since nothing here reassembles. */
export function decodeIpv4(bytes: Uint8Array): Ipv4Packet {
  const reader = new Reader(bytes, "ipv4");
  const versionAndLength = reader.u8("version");
  if (versionAndLength >> 4 !== 4) reader.fail("version", `is ${versionAndLength >> 4}`);
  const headerLength = (versionAndLength & 0xf) * 4;
  if (headerLength < HEADER_LENGTH) reader.fail("headerLength", `is ${headerLength}`);
  const tos = reader.u8("tos");
  const totalLength = reader.u16("totalLength");
  if (totalLength < headerLength || totalLength > bytes.length) {
    reader.fail("totalLength", `is ${totalLength}, with a header of ${headerLength} in ${bytes.length} bytes`);
  }
  // RFC 1122 section 3.2.1.2: a datagram with a wrong header checksum is discarded.
  if (internetChecksum(bytes.subarray(0, headerLength)) !== 0) reader.fail("checksum", "is wrong");
  const identification = reader.u16("identification");
  const fragment = reader.u16("fragmentOffset");
  if ((fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) !== 0) reader.fail("fragmentOffset", "is of a fragment");
  const ttl = reader.u8("ttl");
  const protocol = reader.u8("protocol");
  reader.u16("checksum");
  const source = reader.ipv4("source");
  const destination = reader.ipv4("destination");
  const options = headerLength > HEADER_LENGTH ? reader.bytes(headerLength - HEADER_LENGTH, "options") : undefined;
  const payload = reader.bytes(totalLength - headerLength, "payload");
  const dontFragment = (fragment & DONT_FRAGMENT) !== 0;
  const packet = { source, destination, protocol, ttl, tos, identification, dontFragment, payload };
  return options === undefined ? packet : { ...packet, options };
}
