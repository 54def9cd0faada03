// RFC 2385 (protection of BGP sessions via the TCP MD5 signature option).
import { type Ip, ipToBytes, isIpv6 } from "./ip.ts";
import { IP_PROTOCOLS } from "./ipv4.ts";
import { Md5 } from "./md5.ts";
import { encodeTcp, type Tcp } from "./tcp.ts";
import { Writer } from "./writer.ts";

const HEADER_LENGTH = 20;
const CHECKSUM = { from: 16, to: 18 } as const;
/** Two bytes of padding, kind and length, and the digest. */
export const MD5_OPTION_LENGTH = 20;
/** TCP_MD5SIG_MAXKEYLEN of Linux. */
export const LONGEST_MD5_KEY = 80;

/** The digest that an encoded segment must carry. What it carries does not matter: options are not signed. */
export function tcpMd5(segment: Uint8Array, source: Ip, destination: Ip, key: Uint8Array): Uint8Array {
  // RFC 2385 section 2.0: the pseudo-header, the header without options and with checksum zero, the data, the key.
  const header = segment.slice(0, HEADER_LENGTH);
  header.fill(0, CHECKSUM.from, CHECKSUM.to);
  const dataOffset = ((segment[12] ?? 0) >> 4) * 4;
  return new Md5()
    .update(pseudoHeader(source, destination, segment.length))
    .update(header)
    .update(segment.subarray(dataOffset))
    .update(key)
    .digest();
}

export function encodeSignedTcp(segment: Tcp, source: Ip, destination: Ip, key: Uint8Array): Uint8Array {
  const withDigest = (md5: Uint8Array): Uint8Array =>
    encodeTcp({ ...segment, options: { ...segment.options, md5 } }, source, destination);
  return withDigest(tcpMd5(withDigest(new Uint8Array(16)), source, destination, key));
}

/** RFC 9293 section 3.1; RFC 8200 section 8.1. */
function pseudoHeader(source: Ip, destination: Ip, length: number): Uint8Array {
  const writer = new Writer(40).bytes(ipToBytes(source)).bytes(ipToBytes(destination));
  if (isIpv6(source)) writer.u32(length).u32(IP_PROTOCOLS.tcp);
  else writer.u16(IP_PROTOCOLS.tcp).u16(length);
  return writer.finish();
}
