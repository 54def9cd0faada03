// RFC 4271 section 4.3 (the form of prefixes), RFC 7606 section 5.3 (what is wrong with them).
import { DecodeError } from "../errors.ts";
import { type Family, ipv4FromBytes, ipv6FromBytes, putIp } from "../ip.ts";
import { addressOf, bitsOf, lengthOf, type Prefix } from "../prefix.ts";

/** Room that putPrefix may write into beyond what it counts: an address is written whole, and its end written over. */
export const PREFIX_SLACK = 16;

const octetsOf = (bits: number): number => (bits + 7) >> 3;

/** Bytes of the prefix on the wire. */
export const prefixSize = (prefix: Prefix): number => 1 + octetsOf(lengthOf(prefix));

/** Writes the prefix at `at` and returns where the next one goes. The caller has made room for prefixSize and PREFIX_SLACK. */
export function putPrefix(prefix: Prefix, bytes: Uint8Array, at: number): number {
  const length = lengthOf(prefix);
  bytes[at] = length;
  putIp(addressOf(prefix), bytes, at + 1);
  return at + 1 + octetsOf(length);
}

/**
 * Reads prefixes to the end of the bytes.
 *
 *   length  1  bits
 *   prefix  …  as many bytes as hold them; the bits that follow in the last one mean nothing
 */
export function readPrefixes(bytes: Uint8Array, family: Family, path: string): readonly Prefix[] {
  const most = bitsOf(family);
  const address = new Uint8Array(most / 8);
  const prefixes: Prefix[] = [];
  let at = 0;
  while (at < bytes.length) {
    const bits = bytes[at] ?? 0;
    if (bits > most) throw new DecodeError(`${path}[${prefixes.length}].length`, `is ${bits}`);
    const end = at + 1 + octetsOf(bits);
    if (end > bytes.length) {
      const problem = `needs ${end - at - 1} bytes and ${bytes.length - at - 1} are left`;
      throw new DecodeError(`${path}[${prefixes.length}].prefix`, problem, true);
    }
    address.fill(0);
    for (let index = at + 1; index < end; index++) address[index - at - 1] = bytes[index] ?? 0;
    const last = octetsOf(bits) - 1;
    if ((bits & 7) !== 0) address[last] = (address[last] ?? 0) & (0xff00 >> (bits & 7));
    const ip = family === "ipv4" ? ipv4FromBytes(address) : ipv6FromBytes(address);
    prefixes.push(`${ip}/${bits}` as Prefix);
    at = end;
  }
  return prefixes;
}
