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

const ZERO = 0x30;
const DOT = 0x2e;
const COLON = 0x3a;

/** Reads dotted decimal from `start` to the end of the text into four bytes at `at`; false where it is something else. */
function putIpv4(text: string, start: number, bytes: Uint8Array, at: number): boolean {
  let part = 0;
  let value = -1;
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (value === -1 || part === 3) return false;
      bytes[at + part++] = value;
      value = -1;
      continue;
    }
    const digit = code - ZERO;
    // Some readers take a leading zero for octal, so nobody may write one.
    if (digit < 0 || digit > 9 || value === 0) return false;
    value = value === -1 ? digit : value * 10 + digit;
    if (value > 255) return false;
  }
  if (value === -1 || part !== 3) return false;
  bytes[at + 3] = value;
  return true;
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= 0x39) return code - ZERO;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Reads an IPv6 address into sixteen bytes at `at`; false where the text is something else. */
function putIpv6(text: string, bytes: Uint8Array, at: number): boolean {
  let filled = 0;
  let gap = -1;
  let index = 0;
  if (text.startsWith("::")) {
    gap = 0;
    index = 2;
  }
  while (index < text.length) {
    if (filled === 16) return false;
    const start = index;
    let value = 0;
    for (let digit = 0; index < text.length; index++) {
      digit = hexDigit(text.charCodeAt(index));
      if (digit === -1) break;
      value = value * 16 + digit;
    }
    if (text.charCodeAt(index) === DOT) {
      // RFC 4291 section 2.2: the last 32 bits may be an IPv4 address.
      if (filled > 12 || !putIpv4(text, start, bytes, at + filled)) return false;
      filled += 4;
      break;
    }
    if (index === start || index > start + 4) return false;
    bytes[at + filled++] = value >> 8;
    bytes[at + filled++] = value;
    if (index === text.length) break;
    if (text.charCodeAt(index) !== COLON || ++index === text.length) return false;
    if (text.charCodeAt(index) === COLON) {
      if (gap !== -1) return false;
      gap = filled;
      index++;
    }
  }
  return gap === -1 ? filled === 16 : spread(bytes, at, gap, filled);
}

/** Makes room for the zeros of "::", which stand for at least one group (RFC 4291 section 2.2). */
function spread(bytes: Uint8Array, at: number, gap: number, filled: number): boolean {
  if (filled > 14) return false;
  const tail = filled - gap;
  bytes.copyWithin(at + 16 - tail, at + gap, at + filled);
  bytes.fill(0, at + gap, at + 16 - tail);
  return true;
}

/** The address in its canonical text, or undefined. Zone identifiers and leading zeros are refused. */
export function readIp(text: string): Ip | undefined {
  if (!text.includes(":")) {
    // There is one spelling of an IPv4 address only.
    return putIpv4(text, 0, new Uint8Array(4), 0) ? (text as Ipv4) : undefined;
  }
  const bytes = new Uint8Array(16);
  return putIpv6(text, bytes, 0) ? ipv6FromBytes(bytes) : undefined;
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

const DECIMAL: readonly string[] = Array.from({ length: 256 }, (_, byte) => `${byte}`);
const DECIMAL_DOT: readonly string[] = DECIMAL.map((text) => `${text}.`);
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16));
const HEX_PADDED: readonly string[] = HEX.map((text) => text.padStart(2, "0"));

/** Four bytes at `offset`; the caller has checked that they are there. */
export function ipv4FromBytes(bytes: Uint8Array, offset = 0): Ipv4 {
  const a = DECIMAL_DOT[bytes[offset] ?? 0];
  const b = DECIMAL_DOT[bytes[offset + 1] ?? 0];
  const c = DECIMAL_DOT[bytes[offset + 2] ?? 0];
  return `${a}${b}${c}${DECIMAL[bytes[offset + 3] ?? 0]}` as Ipv4;
}

/** RFC 5952 section 4.1: without leading zeros; section 4.3: in lower case. */
function groupText(high: number, low: number): string | undefined {
  return high === 0 ? HEX[low] : `${HEX[high]}${HEX_PADDED[low]}`;
}

/** Sixteen bytes at `offset`; the caller has checked that they are there. */
export function ipv6FromBytes(bytes: Uint8Array, offset = 0): Ipv6 {
  // RFC 5952 sections 4.2.2 and 4.2.3: the longest run of two or more zero groups, the first of equals.
  let best = 8;
  let bestLength = 1;
  for (let group = 0, run = 0; group < 8; group++) {
    run = bytes[offset + group * 2] === 0 && bytes[offset + group * 2 + 1] === 0 ? run + 1 : 0;
    if (run > bestLength) {
      best = group + 1 - run;
      bestLength = run;
    }
  }
  // RFC 5952 section 5: the IPv4-mapped form is recognised by its prefix.
  if (best === 0 && bestLength === 5 && bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff) {
    return `::ffff:${ipv4FromBytes(bytes, offset + 12)}` as Ipv6;
  }
  let text = "";
  for (let group = 0; group < 8; group++) {
    if (group === best) {
      text += "::";
      group += bestLength - 1;
    } else {
      if (group > 0 && group !== best + bestLength) text += ":";
      text += groupText(bytes[offset + group * 2] ?? 0, bytes[offset + group * 2 + 1] ?? 0);
    }
  }
  return text as Ipv6;
}

export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return ipv4FromBytes(bytes);
  if (bytes.length === 16) return ipv6FromBytes(bytes);
  throw new DecodeError("ip", `has ${bytes.length} bytes`);
}

/** Writes the address at `at` in network order; the caller has made room for ipLength of it. */
export function putIp(ip: Ip, bytes: Uint8Array, at: number): void {
  const done = isIpv6(ip) ? putIpv6(ip, bytes, at) : putIpv4(ip, 0, bytes, at);
  if (!done) throw new Error(`not a parsed address: ${ip}`);
}

export const ipLength = (ip: Ip): 4 | 16 => (isIpv6(ip) ? 16 : 4);

/** Network order, 4 or 16 bytes. */
export function ipToBytes(ip: Ip): Uint8Array {
  const bytes = new Uint8Array(ipLength(ip));
  putIp(ip, bytes, 0);
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

/** RFC 4291 section 2.5.6: fe80::/10; RFC 3927: 169.254.0.0/16. */
export function isLinkLocal(ip: Ip): boolean {
  return /^fe[89ab][0-9a-f]:/.test(ip) || ip.startsWith("169.254.");
}

export function isMulticast(ip: Ip): boolean {
  if (isIpv6(ip)) return ip.startsWith("ff") && ip.indexOf(":") === 4;
  const first = Number(ip.slice(0, ip.indexOf(".")));
  return first >= 224 && first <= 239;
}

/** RFC 4291 section 2.7.1: ff02::1:ffXX:XXXX of the last 24 bits. */
export function solicitedNodeGroup(ip: Ipv6): Ipv6 {
  const bytes = ipToBytes(ip);
  return `ff02::1:ff${HEX_PADDED[bytes[13] ?? 0]}:${groupText(bytes[14] ?? 0, bytes[15] ?? 0)}` as Ipv6;
}
