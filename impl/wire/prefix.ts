// RFC 4632 (CIDR), RFC 4291 section 2.3.
import { type Brand } from "./brand.ts";
import { DecodeError } from "./errors.ts";
import { type Family, familyOf, type Ip, ipFromBigInt, ipFromBytes, ipToBigInt, ipToBytes, readIp } from "./ip.ts";

/** A prefix with its host bits masked: `192.0.2.0/24`. */
export type Prefix = Brand<string, "Prefix">;

/** An inclusive range of addresses of one family. */
export interface Range {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

export const bitsOf = (family: Family): number => (family === "ipv4" ? 32 : 128);
export const addressOf = (prefix: Prefix): Ip => prefix.slice(0, prefix.indexOf("/")) as Ip;
export const lengthOf = (prefix: Prefix): number => Number(prefix.slice(prefix.indexOf("/") + 1));
export const prefixFamily = (prefix: Prefix): Family => (prefix.includes(":") ? "ipv6" : "ipv4");

/** Of the byte at `index`, the bits that belong to a prefix of `length`. */
function maskOf(index: number, length: number): number {
  const bits = length - index * 8;
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff00 >> bits) & 0xff;
}

/** Masks an address to `length` bits. */
export function maskTo(ip: Ip, length: number): Prefix {
  const bytes = ipToBytes(ip);
  for (const [index, byte] of bytes.entries()) bytes[index] = byte & maskOf(index, length);
  return `${ipFromBytes(bytes)}/${length}` as Prefix;
}

/** An address with the length of its subnet, as on an interface: `192.0.2.10/24`. */
export interface InterfaceAddress {
  readonly ip: Ip;
  readonly length: number;
}

export function readInterfaceAddress(text: string): InterfaceAddress | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const ip = readIp(match?.[1] ?? "");
  if (ip === undefined) return undefined;
  const length = Number(match?.[2]);
  return length > bitsOf(familyOf(ip)) ? undefined : { ip, length };
}

export function parseInterfaceAddress(text: string, path = "address"): InterfaceAddress {
  const address = readInterfaceAddress(text);
  if (address === undefined) throw new DecodeError(path, `"${text}" is not an address with a prefix length`);
  return address;
}

export function readPrefix(text: string): Prefix | undefined {
  const address = readInterfaceAddress(text);
  return address === undefined ? undefined : maskTo(address.ip, address.length);
}

/** Reads `address/length` and masks the host bits. Throws DecodeError at `path`. */
export function parsePrefix(text: string, path = "prefix"): Prefix {
  const prefix = readPrefix(text);
  if (prefix === undefined) throw new DecodeError(path, `"${text}" is not a prefix such as 192.0.2.0/24`);
  return prefix;
}

export function rangeOf(prefix: Prefix): Range {
  const family = prefixFamily(prefix);
  const first = ipToBigInt(addressOf(prefix));
  return { family, first, last: first + (1n << BigInt(bitsOf(family) - lengthOf(prefix))) - 1n };
}

export function contains(prefix: Prefix, ip: Ip): boolean {
  const bytes = ipToBytes(ip);
  const network = ipToBytes(addressOf(prefix));
  const length = lengthOf(prefix);
  if (bytes.length !== network.length) return false;
  for (let index = 0; index * 8 < length; index++) {
    if (((bytes[index] ?? 0) & maskOf(index, length)) !== network[index]) return false;
  }
  return true;
}

export const overlaps = (a: Range, b: Range): boolean =>
  a.family === b.family && a.first <= b.last && b.first <= a.last;

/** The fewest prefixes that cover exactly `first` to `last`, ascending. */
export function summarise(range: Range): readonly Prefix[] {
  const bits = bitsOf(range.family);
  const prefixes: Prefix[] = [];
  let next = range.first;
  while (next <= range.last) {
    let host = 0;
    while (host < bits) {
      const size = 1n << BigInt(host + 1);
      if (next % size !== 0n || next + size - 1n > range.last) break;
      host++;
    }
    prefixes.push(`${ipFromBigInt(next, range.family)}/${bits - host}` as Prefix);
    next += 1n << BigInt(host);
  }
  return prefixes;
}
