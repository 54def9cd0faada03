// RFC 4271 section 4.3 (the form of prefixes), RFC 7606 section 5.3 (what is wrong with them).
import { DecodeError } from "../errors.ts";
import { type Family, ipv4FromBytes, ipv6FromBytes, putIp } from "../ip.ts";
import { addressOf, bitsOf, lengthOf, type Prefix } from "../prefix.ts";

/** The most bytes that putPrefix writes: an address is written whole, and its end written over. */
export const PREFIX_ROOM = 17;

const octetsOf = (bits: number): number => (bits + 7) >> 3;

/** Writes a prefix of the family at `at`, where there must be PREFIX_ROOM, and returns where the next one goes. */
export function putPrefix(prefix: Prefix, family: Family, bytes: Uint8Array, at: number): number {
  if (family === "ipv4") return putIpv4Prefix(prefix, bytes, at);
  const length = lengthOf(prefix);
  bytes[at] = length;
  putIp(addressOf(prefix), bytes, at + 1);
  return at + 1 + octetsOf(length);
}

const ZERO = 0x30;
const NINE = 0x39;

/** The text is canonical: four numbers, each with one character behind it, and the length. */
function putIpv4Prefix(prefix: Prefix, bytes: Uint8Array, at: number): number {
  let next = at + 1;
  let value = 0;
  for (let index = 0; index < prefix.length; index++) {
    const code = prefix.charCodeAt(index);
    if (code >= ZERO && code <= NINE) value = value * 10 + code - ZERO;
    else {
      bytes[next++] = value;
      value = 0;
    }
  }
  bytes[at] = value;
  return at + 1 + octetsOf(value);
}

const LENGTHS: readonly string[] = Array.from({ length: bitsOf("ipv6") + 1 }, (_, bits) => `/${bits}`);

/**
 * Reads prefixes to the end of the bytes.
 *
 *   length  1  bits
 *   prefix  …  as many bytes as hold them; the bits that follow in the last one mean nothing
 */
export function readPrefixes(bytes: Uint8Array, family: Family, path: string): readonly Prefix[] {
  const most = bitsOf(family);
  const textOf = family === "ipv4" ? ipv4FromBytes : ipv6FromBytes;
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
    const ip = bits === most ? textOf(bytes, at + 1) : textOf(masked(bytes, at + 1, bits, address));
    prefixes.push(`${ip}${LENGTHS[bits]}` as Prefix);
    at = end;
  }
  return prefixes;
}

/** The first `bits` that stand at `from`, in an address that is zero behind them. */
function masked(bytes: Uint8Array, from: number, bits: number, address: Uint8Array): Uint8Array {
  const octets = octetsOf(bits);
  address.fill(0);
  for (let index = 0; index < octets; index++) address[index] = bytes[from + index] ?? 0;
  const last = octets - 1;
  if ((bits & 7) !== 0) address[last] = (address[last] ?? 0) & (0xff00 >> (bits & 7));
  return address;
}
