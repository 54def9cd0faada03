import { type Ip, ipv4FromBytes, ipv6FromBytes, isIpv4, isIpv6 } from "../../impl/wire/ip.ts";
import { decodeIpv4, encodeIpv4 } from "../../impl/wire/ipv4.ts";
import { decodeIpv6, encodeIpv6 } from "../../impl/wire/ipv6.ts";
import { type IpPacket } from "./hooks.ts";

/** RFC 6864 section 4: a datagram that is never fragmented needs no identification. */
export function encodeIp({ source, destination, protocol, ttl, payload }: IpPacket): Uint8Array {
  if (isIpv4(source) && isIpv4(destination)) {
    return encodeIpv4({ source, destination, protocol, ttl, tos: 0, identification: 0, dontFragment: true, payload });
  }
  if (isIpv6(source) && isIpv6(destination)) {
    const rest = { nextHeader: protocol, hopLimit: ttl, trafficClass: 0, flowLabel: 0, payload };
    return encodeIpv6({ source, destination, ...rest });
  }
  throw new Error(`a packet from ${source} to ${destination} has no family`);
}

/** Throws DecodeError. */
export function decodeIp(bytes: Uint8Array, version6: boolean): IpPacket {
  if (version6) {
    const { source, destination, nextHeader, hopLimit, payload } = decodeIpv6(bytes);
    return { source, destination, protocol: nextHeader, ttl: hopLimit, payload };
  }
  const { source, destination, protocol, ttl, payload } = decodeIpv4(bytes);
  return { source, destination, protocol, ttl, payload };
}

/** What an encoded packet is longer than its payload. */
export const headerLength = (ip: Ip): number => (isIpv4(ip) ? 20 : 40);

/** A packet as ICMP errors quote it: the header, and as much as there is. No checksum can be right here. */
export function readQuoted(bytes: Uint8Array, version6: boolean): IpPacket | undefined {
  const length = version6 ? 40 : ((bytes[0] ?? 0) & 0xf) * 4;
  // RFC 792: at least eight bytes of what the header was before.
  if (bytes.length < length + 8) return undefined;
  const payload = bytes.subarray(length);
  if (version6) {
    const [protocol = 0, ttl = 0] = bytes.subarray(6);
    return { source: ipv6FromBytes(bytes, 8), destination: ipv6FromBytes(bytes, 24), protocol, ttl, payload };
  }
  const [ttl = 0, protocol = 0] = bytes.subarray(8);
  return { source: ipv4FromBytes(bytes, 12), destination: ipv4FromBytes(bytes, 16), protocol, ttl, payload };
}
