import { describe, expect, it } from "vitest";
import { internetChecksum, pseudoHeaderSum } from "./checksum.ts";
import { hex } from "./golden/hex.ts";
import { parseIp } from "./ip.ts";

describe("Internet checksum", () => {
  it("is that of the example in RFC 1071 section 3", () => {
    // The sum there is ddf2; the checksum is its complement.
    expect(internetChecksum(hex("0001 f203 f4f5 f6f7"))).toBe(0xddf2 ^ 0xffff);
  });

  it("takes an odd last byte for the high half of a word", () => {
    expect(internetChecksum(hex("0001 f2"))).toBe(internetChecksum(hex("0001 f200")));
  });

  it("is zero over bytes that carry it", () => {
    expect(internetChecksum(hex("0001 f203 f4f5 f6f7 220d"))).toBe(0);
  });

  it("goes on from a sum", () => {
    expect(internetChecksum(hex("f4f5 f6f7"), 0x0001 + 0xf203)).toBe(0x220d);
  });

  it("carries as often as a long packet needs", () => {
    expect(internetChecksum(new Uint8Array(65536).fill(0xff))).toBe(0);
    expect(internetChecksum(hex(""))).toBe(0xffff);
  });

  it("adds the pseudo-headers of IPv4 and IPv6", () => {
    // RFC 9293 section 3.1: addresses, zero, protocol, length.
    const ipv4 = internetChecksum(hex("c000020a c000020b 0006 0014"));
    expect(internetChecksum(hex(""), pseudoHeaderSum(parseIp("192.0.2.10"), parseIp("192.0.2.11"), 6, 20))).toBe(ipv4);
    // RFC 8200 section 8.1: addresses, length of 32 bits, zero, next header.
    const ipv6 = internetChecksum(
      hex("20010db8000000000000000000000001 20010db8000000000000000000000002 00010020 0000003a"),
    );
    const sum = pseudoHeaderSum(parseIp("2001:db8::1"), parseIp("2001:db8::2"), 58, 0x10020);
    expect(internetChecksum(hex(""), sum)).toBe(ipv6);
  });
});
