// RFC 4271 section 4.2, BGP Identifier: four bytes that are unique, wherever they come from.
import { crc32 } from "../../wire/crc32.ts";
import { type Ip, type Ipv4, ipv4FromBytes, isIpv4 } from "../../wire/ip.ts";
import { encodeUtf8 } from "../../wire/text.ts";

/**
 * The identifier of a session whose peer has none configured: our address in it; over IPv6 the first IPv4 address of the
 * same interface, or else four bytes made of the node's name, as MetalLB makes them.
 */
export function defaultRouterId(local: Ip, onInterface: readonly Ip[], node: string): Ipv4 {
  if (isIpv4(local)) return local;
  const [first] = onInterface.filter(isIpv4);
  if (first !== undefined) return first;
  const checksum = crc32(encodeUtf8(node));
  return ipv4FromBytes(Uint8Array.of(checksum, checksum >>> 8, checksum >>> 16, checksum >>> 24));
}
