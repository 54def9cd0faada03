import { type Brand } from "./brand.ts";
import { DecodeError } from "./errors.ts";
import { type Ip, ipToBytes } from "./ip.ts";

/** An Ethernet address in lower case with colons: `02:00:00:00:00:2a`. */
export type Mac = Brand<string, "Mac">;

export const BROADCAST = "ff:ff:ff:ff:ff:ff" as Mac;
export const ZERO_MAC = "00:00:00:00:00:00" as Mac;

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function isMac(text: string): boolean {
  return /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text);
}

export function parseMac(text: string, path = "mac"): Mac {
  if (!isMac(text)) throw new DecodeError(path, `"${text}" is not a MAC address`);
  return text.toLowerCase().replaceAll("-", ":") as Mac;
}

/** Reads six bytes at `offset`; the caller has checked that they are there. */
export function macFromBytes(bytes: Uint8Array, offset = 0): Mac {
  let text = HEX[bytes[offset] ?? 0] ?? "";
  for (let index = 1; index < 6; index++) text += `:${HEX[bytes[offset + index] ?? 0]}`;
  return text as Mac;
}

export function macToBytes(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(6);
  for (let index = 0; index < 6; index++) bytes[index] = Number.parseInt(mac.slice(index * 3, index * 3 + 2), 16);
  return bytes;
}

/** True for group addresses, the broadcast address among them: the I/G bit of IEEE 802.3. */
export function isMulticastMac(mac: Mac): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** RFC 2464 section 7 for IPv6 groups, RFC 1112 section 6.4 for IPv4 groups. */
export function multicastMac(group: Ip): Mac {
  const bytes = ipToBytes(group);
  if (bytes.length === 4) {
    return macFromBytes(Uint8Array.of(0x01, 0x00, 0x5e, (bytes[1] ?? 0) & 0x7f, bytes[2] ?? 0, bytes[3] ?? 0));
  }
  return macFromBytes(Uint8Array.of(0x33, 0x33, ...bytes.subarray(12)));
}
