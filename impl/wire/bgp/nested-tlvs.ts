// Attributes of types and lengths within each other, which we carry but do not use: RFC 7311 section 3 (AIGP),
// RFC 8669 section 3 (Prefix-SID), RFC 9012 sections 2 and 3 (Tunnel Encapsulation).
import { type Reader } from "../reader.ts";

/** Type of one byte; length of two, which counts the type and itself. */
export function judgeAigp(value: Reader): void {
  const header = 3;
  do {
    value.u8("type");
    const length = value.u16("length");
    if (length < header) value.fail("length", `is ${length}`);
    value.bytes(length - header, "tlv");
  } while (value.remaining > 0);
}

/** Type of one byte, length of two. */
export function judgePrefixSid(value: Reader): void {
  do {
    value.u8("type");
    value.bytes(value.u16("length"), "tlv");
  } while (value.remaining > 0);
}

/** Tunnels of a type and a length of two bytes; in them a type of one byte, and a length of two from type 128 on. */
export function judgeTunnels(value: Reader): void {
  do {
    value.u16("tunnelType");
    const tunnel = value.part(value.u16("tunnelLength"), "tunnel");
    while (tunnel.remaining > 0) {
      const type = tunnel.u8("type");
      tunnel.bytes(type < 128 ? tunnel.u8("length") : tunnel.u16("length"), "tlv");
    }
  } while (value.remaining > 0);
}
