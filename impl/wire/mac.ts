import { type Brand } from "./brand.ts";
import { DecodeError } from "./errors.ts";
import { type Ip, ipToBytes } from "./ip.ts";

/** An Ethernet address in lower case with colons: `02:00:00:00:00:2a`. */
export type Mac = Brand<string, "Mac">;

export const BROADCAST = "ff:ff:ff:ff:ff:ff" as Mac;
export const ZERO_MAC = "00:00:00:00:00:00" as Mac;

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Six pairs of hexadecimal digits, with colons or with hyphens (IEEE 802 section 8.1). */
export function isMac(text: string): boolean {
  return /^[0-9a-f]{2}([:-])([0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text);
}

export function parseMac(text: string, path = "mac"): Mac {
  if (!isMac(text)) throw new DecodeError(path, `"${text}" is not a MAC address`);
  return text.toLowerCase().replaceAll("-", ":") as Mac;
}

/** Reads six bytes at `offset`; the caller has checked that they are there. */
export function macFromBytes(bytes: Uint8Array, offset = 0): Mac {
  const a = HEX[bytes[offset] ?? 0];
  const b = HEX[bytes[offset + 1] ?? 0];
  const c = HEX[bytes[offset + 2] ?? 0];
  const d = HEX[bytes[offset + 3] ?? 0];
  const e = HEX[bytes[offset + 4] ?? 0];
  return `${a}:${b}:${c}:${d}:${e}:${HEX[bytes[offset + 5] ?? 0]}` as Mac;
}

/** The value of a digit in lower case: 0 to 9 are 0x30 to 0x39, a to f are 0x61 to 0x66. */
const digit = (code: number): number => (code < 0x3a ? code - 0x30 : code - 0x57);

/** Writes six bytes at `at`; the caller has made room. */
export function putMac(mac: Mac, bytes: Uint8Array, at: number): void {
  for (let index = 0; index < 6; index++) {
    bytes[at + index] = digit(mac.charCodeAt(index * 3)) * 16 + digit(mac.charCodeAt(index * 3 + 1));
  }
}

export function macToBytes(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(6);
  putMac(mac, bytes, 0);
  return bytes;
}

/** True for group addresses, the broadcast address among them: the I/G bit of IEEE 802.3. */
export function isMulticastMac(mac: Mac): boolean {
  return (digit(mac.charCodeAt(1)) & 1) === 1;
}

/** RFC 2464 section 7 for IPv6 groups, RFC 1112 section 6.4 for IPv4 groups. */
export function multicastMac(group: Ip): Mac {
  const bytes = ipToBytes(group);
  if (bytes.length === 4) {
    const d = HEX[(bytes[1] ?? 0) & 0x7f];
    return `01:00:5e:${d}:${HEX[bytes[2] ?? 0]}:${HEX[bytes[3] ?? 0]}` as Mac;
  }
  const c = HEX[bytes[12] ?? 0];
  const d = HEX[bytes[13] ?? 0];
  return `33:33:${c}:${d}:${HEX[bytes[14] ?? 0]}:${HEX[bytes[15] ?? 0]}` as Mac;
}
