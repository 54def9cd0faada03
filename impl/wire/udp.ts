// RFC 768 (UDP), RFC 8200 section 8.1 (its checksum over IPv6).
import { internetChecksum, pseudoHeaderSum } from "./checksum.ts";
import { type Ip, isIpv6 } from "./ip.ts";
import { IP_PROTOCOLS } from "./ipv4.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

const HEADER_LENGTH = 8;

/**
 *   sourcePort       2
 *   destinationPort  2
 *   length           2  of header and payload
 *   checksum         2  with the pseudo-header; 0 is "none", over IPv4 only
 *   payload          …
 */
export interface Udp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

export function encodeUdp(datagram: Udp, source: Ip, destination: Ip): Uint8Array {
  const length = HEADER_LENGTH + datagram.payload.length;
  const writer = new Writer(length)
    .u16(datagram.sourcePort)
    .u16(datagram.destinationPort)
    .u16(length)
    .u16(0)
    .bytes(datagram.payload);
  const sum = internetChecksum(writer.view(), pseudoHeaderSum(source, destination, IP_PROTOCOLS.udp, length));
  // RFC 768: a checksum that comes out as zero is sent as all ones.
  return writer.patchU16(6, sum === 0 ? 0xffff : sum).finish();
}

export function decodeUdp(bytes: Uint8Array, source: Ip, destination: Ip): Udp {
  const reader = new Reader(bytes, "udp");
  const sourcePort = reader.u16("sourcePort");
  const destinationPort = reader.u16("destinationPort");
  const length = reader.u16("length");
  if (length < HEADER_LENGTH || length > bytes.length) reader.fail("length", `is ${length} in ${bytes.length} bytes`);
  const checksum = reader.u16("checksum");
  if (checksum === 0) {
    // RFC 8200 section 8.1: over IPv6 the checksum is not optional.
    if (isIpv6(source)) reader.fail("checksum", "is absent");
  } else {
    const pseudo = pseudoHeaderSum(source, destination, IP_PROTOCOLS.udp, length);
    if (internetChecksum(bytes.subarray(0, length), pseudo) !== 0) reader.fail("checksum", "is wrong");
  }
  return { sourcePort, destinationPort, payload: reader.bytes(length - HEADER_LENGTH, "payload") };
}
