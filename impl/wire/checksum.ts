// RFC 1071 (computing the Internet checksum), RFC 8200 section 8.1 and RFC 9293 section 3.1 (pseudo-headers).
import { type Ip, ipToBytes, isIpv6 } from "./ip.ts";

/** The 16-bit words of `bytes` added to `initial`, carries not yet folded; an odd last byte is the high half of a word. */
function addWords(bytes: Uint8Array, initial: number): number {
  let sum = initial;
  const even = bytes.length & ~1;
  for (let at = 0; at < even; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (even < bytes.length) sum += (bytes[even] ?? 0) << 8;
  return sum;
}

/** The checksum of `bytes`. Over bytes that carry their right checksum it is 0. */
export function internetChecksum(bytes: Uint8Array, initial = 0): number {
  let sum = addWords(bytes, initial);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** An IPv4 address is added as it is read, without bytes in between: every segment needs two of them. */
function addressSum(ip: Ip): number {
  if (isIpv6(ip)) return addWords(ipToBytes(ip), 0);
  let sum = 0;
  let part = 0;
  let high = true;
  for (let index = 0; index <= ip.length; index++) {
    const digit = ip.charCodeAt(index) - 0x30;
    if (digit >= 0) {
      part = part * 10 + digit;
      continue;
    }
    // A dot, or the end.
    sum += high ? part << 8 : part;
    part = 0;
    high = !high;
  }
  return sum;
}

/** What the pseudo-header adds to a transport checksum: pass it as `initial`. The same sum for IPv4 and IPv6. */
export function pseudoHeaderSum(source: Ip, destination: Ip, protocol: number, length: number): number {
  return addressSum(source) + addressSum(destination) + protocol + (length >>> 16) + (length & 0xffff);
}
