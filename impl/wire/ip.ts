// RFC 791, RFC 4291 (text forms, section 2.2), RFC 5952 (the canonical text of an IPv6 address).
import { type Brand } from "./brand.ts";
import { DecodeError } from "./errors.ts";

/** Dotted decimal without leading zeros: `192.0.2.1`. */
export type Ipv4 = Brand<string, "Ipv4">;
/** RFC 5952 text: `2001:db8::1`; IPv4-mapped addresses keep their form `::ffff:192.0.2.1`. */
export type Ipv6 = Brand<string, "Ipv6">;
export type Ip = Ipv4 | Ipv6;
export type Family = "ipv4" | "ipv6";

export const UNSPECIFIED_V4 = "0.0.0.0" as Ipv4;
export const UNSPECIFIED_V6 = "::" as Ipv6;
/** RFC 4291 section 2.7.1. */
export const ALL_NODES = "ff02::1" as Ipv6;
export const ALL_ROUTERS = "ff02::2" as Ipv6;

export const isIpv4 = (ip: Ip): ip is Ipv4 => !ip.includes(":");
export const isIpv6 = (ip: Ip): ip is Ipv6 => ip.includes(":");
export const familyOf = (ip: Ip): Family => (isIpv4(ip) ? "ipv4" : "ipv6");

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[index] = Number(part);
  }
  return bytes;
}

function ipv6Groups(text: string): readonly number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes(".")) {
      const v4 = ipv4Bytes(part);
      if (v4 === undefined) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = v4;
      groups.push(a * 256 + b, c * 256 + d);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [left = "", right = ""] = halves;
  // An embedded IPv4 address may only stand at the very end.
  if (halves.length === 2 && left.includes(".")) return undefined;
  const head = ipv6Groups(left);
  const tail = ipv6Groups(right);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // RFC 5952 section 4.2.2 lets "::" stand for one group when reading (RFC 4291), so at least one.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  for (const [index, group] of groups.entries()) {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group & 0xff;
  }
  return bytes;
}

/** The address in its canonical text, or undefined. Zone identifiers and leading zeros are refused. */
export function readIp(text: string): Ip | undefined {
  const bytes = text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
  return bytes === undefined ? undefined : ipFromBytes(bytes);
}

/** As readIp, but throws DecodeError at `path`. */
export function parseIp(text: string, path = "ip"): Ip {
  const ip = readIp(text);
  if (ip === undefined) throw new DecodeError(path, `"${text}" is not an IP address`);
  return ip;
}

export function parseIpv4(text: string, path = "ip"): Ipv4 {
  const ip = readIp(text);
  if (ip === undefined || !isIpv4(ip)) throw new DecodeError(path, `"${text}" is not an IPv4 address`);
  return ip;
}

export function parseIpv6(text: string, path = "ip"): Ipv6 {
  const ip = readIp(text);
  if (ip === undefined || !isIpv6(ip)) throw new DecodeError(path, `"${text}" is not an IPv6 address`);
  return ip;
}

/** Four or sixteen bytes at `offset`; the caller has checked that they are there. */
export function ipv4FromBytes(bytes: Uint8Array, offset = 0): Ipv4 {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}` as Ipv4;
}

export function ipv6FromBytes(bytes: Uint8Array, offset = 0): Ipv6 {
  const groups: number[] = [];
  for (let index = 0; index < 16; index += 2) {
    groups.push((bytes[offset + index] ?? 0) * 256 + (bytes[offset + index + 1] ?? 0));
  }
  // RFC 5952 section 5: the IPv4-mapped form is recognised by its prefix.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${ipv4FromBytes(bytes, offset + 12)}` as Ipv6;
  }
  let best = 0;
  let bestLength = 0;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    // RFC 5952 sections 4.2.2 and 4.2.3: the longest run of two or more zero groups, the first of equals.
    if (end - start > bestLength && end - start >= 2) {
      best = start;
      bestLength = end - start;
    }
    if (end > start) start = end - 1;
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestLength === 0) return hex.join(":") as Ipv6;
  return `${hex.slice(0, best).join(":")}::${hex.slice(best + bestLength).join(":")}` as Ipv6;
}

export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return ipv4FromBytes(bytes);
  if (bytes.length === 16) return ipv6FromBytes(bytes);
  throw new DecodeError("ip", `has ${bytes.length} bytes`);
}

/** Network order, 4 or 16 bytes. */
export function ipToBytes(ip: Ip): Uint8Array {
  const bytes = ip.includes(":") ? ipv6Bytes(ip) : ipv4Bytes(ip);
  if (bytes === undefined) throw new Error(`not a parsed address: ${ip}`);
  return bytes;
}

export function ipToBigInt(ip: Ip): bigint {
  let value = 0n;
  for (const byte of ipToBytes(ip)) value = value * 256n + BigInt(byte);
  return value;
}

export function ipFromBigInt(value: bigint, family: Family): Ip {
  const bytes = new Uint8Array(family === "ipv4" ? 4 : 16);
  let rest = value;
  for (let index = bytes.length - 1; index >= 0; index--) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return ipFromBytes(bytes);
}

/** Order by family, IPv4 first, then by number. */
export function compareIp(left: Ip, right: Ip): number {
  const a = ipToBytes(left);
  const b = ipToBytes(right);
  if (a.length !== b.length) return a.length - b.length;
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const isUnspecified = (ip: Ip): boolean => ip === UNSPECIFIED_V4 || ip === UNSPECIFIED_V6;

/** RFC 4291 section 2.5.6: fe80::/10. */
export function isLinkLocal(ip: Ip): boolean {
  return /^fe[89ab]/.test(ip) || ip.startsWith("169.254.");
}

export function isMulticast(ip: Ip): boolean {
  if (isIpv6(ip)) return ip.startsWith("ff") && ip.indexOf(":") === 4;
  const first = Number(ip.slice(0, ip.indexOf(".")));
  return first >= 224 && first <= 239;
}

/** RFC 4291 section 2.7.1: ff02::1:ffXX:XXXX of the last 24 bits. */
export function solicitedNodeGroup(ip: Ipv6): Ipv6 {
  const bytes = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...ipToBytes(ip).subarray(13));
  return ipv6FromBytes(bytes);
}
