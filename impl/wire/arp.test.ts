import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Arp, decodeArp, encodeArp } from "./arp.ts";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { settle, truncations } from "./golden/hostile.ts";
import { ipv4FromBytes, parseIpv4 } from "./ip.ts";
import { macFromBytes, parseMac } from "./mac.ts";

const GOLDEN: readonly { readonly name: string; readonly bytes: Uint8Array; readonly arp: Arp }[] = [
  {
    name: "the request of Linux",
    bytes: hex(`
      0001          # hardware type: Ethernet
      0800          # protocol type: IPv4
      06            # hardware length
      04            # protocol length
      0001          # operation: request
      02000000000a  # sender MAC
      c000020a      # sender IP 192.0.2.10
      000000000000  # target MAC
      c000020b      # target IP 192.0.2.11`),
    arp: {
      operation: "request",
      senderMac: parseMac("02:00:00:00:00:0a"),
      senderIp: parseIpv4("192.0.2.10"),
      targetMac: parseMac("00:00:00:00:00:00"),
      targetIp: parseIpv4("192.0.2.11"),
    },
  },
  {
    name: "the reply of Linux",
    bytes: hex(`
      0001 0800 06 04
      0002          # operation: reply
      02000000000b  # sender MAC
      c000020b      # sender IP 192.0.2.11
      02000000000a  # target MAC
      c000020a      # target IP 192.0.2.10`),
    arp: {
      operation: "reply",
      senderMac: parseMac("02:00:00:00:00:0b"),
      senderIp: parseIpv4("192.0.2.11"),
      targetMac: parseMac("02:00:00:00:00:0a"),
      targetIp: parseIpv4("192.0.2.10"),
    },
  },
  {
    name: "the announcement of Linux (arp_notify)",
    bytes: hex(`
      0001 0800 06 04
      0001          # operation: request
      02000000000a  # sender MAC
      c000020a      # sender IP 192.0.2.10
      000000000000  # target MAC
      c000020a      # target IP 192.0.2.10`),
    arp: {
      operation: "request",
      senderMac: parseMac("02:00:00:00:00:0a"),
      senderIp: parseIpv4("192.0.2.10"),
      targetMac: parseMac("00:00:00:00:00:00"),
      targetIp: parseIpv4("192.0.2.10"),
    },
  },
  {
    name: "a probe, RFC 5227 section 2.1.1, made by scapy",
    bytes: hex(`
      0001 0800 06 04
      0001          # operation: request
      02000000000a  # sender MAC
      00000000      # sender IP 0.0.0.0
      000000000000  # target MAC
      c000020a      # target IP 192.0.2.10`),
    arp: {
      operation: "request",
      senderMac: parseMac("02:00:00:00:00:0a"),
      senderIp: parseIpv4("0.0.0.0"),
      targetMac: parseMac("00:00:00:00:00:00"),
      targetIp: parseIpv4("192.0.2.10"),
    },
  },
  {
    name: "an announcement as a reply, made by scapy",
    bytes: hex(`
      0001 0800 06 04
      0002          # operation: reply
      02000000000a  # sender MAC
      c0000264      # sender IP 192.0.2.100
      ffffffffffff  # target MAC
      c0000264      # target IP 192.0.2.100`),
    arp: {
      operation: "reply",
      senderMac: parseMac("02:00:00:00:00:0a"),
      senderIp: parseIpv4("192.0.2.100"),
      targetMac: parseMac("ff:ff:ff:ff:ff:ff"),
      targetIp: parseIpv4("192.0.2.100"),
    },
  },
];

const REST = "02000000000a c000020a 000000000000 c000020b";

const MALFORMED: readonly { readonly name: string; readonly bytes: string; readonly error: DecodeError }[] = [
  {
    name: "no bytes",
    bytes: "",
    error: new DecodeError("arp.hardwareType", "needs 2 bytes and 0 are left", true),
  },
  {
    name: "IEEE 802 hardware",
    bytes: `0006 0800 06 04 0001 ${REST}`,
    error: new DecodeError("arp.hardwareType", "is 0x6"),
  },
  { name: "IPv6", bytes: `0001 86dd 06 04 0001 ${REST}`, error: new DecodeError("arp.protocolType", "is 0x86dd") },
  {
    name: "a MAC of 8 bytes",
    bytes: `0001 0800 08 04 0001 ${REST}`,
    error: new DecodeError("arp.hardwareLength", "is 0x8"),
  },
  {
    name: "an IP of 16 bytes",
    bytes: `0001 0800 06 10 0001 ${REST}`,
    error: new DecodeError("arp.protocolLength", "is 0x10"),
  },
  {
    name: "a RARP request",
    bytes: `0001 0800 06 04 0003 ${REST}`,
    error: new DecodeError("arp.operation", "is 3"),
  },
  {
    name: "half a target",
    bytes: "0001 0800 06 04 0001 02000000000a c000020a 000000000000 c000",
    error: new DecodeError("arp.targetIp", "needs 4 bytes and 2 are left", true),
  },
];

describe("ARP", () => {
  it.each(GOLDEN)("writes $name", ({ arp, bytes }) => {
    expect(encodeArp(arp)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ arp, bytes }) => {
    expect(decodeArp(bytes)).toEqual(arp);
  });

  it("reads the 28 bytes of a padded frame and no more", () => {
    const padded = hex(
      "0001 0800 06 04 0001 02000000000a c000020a 000000000000 c000020b 000000000000000000000000000000000000",
    );
    expect(decodeArp(padded).targetIp).toBe("192.0.2.11");
  });

  it("reads back what it wrote", () => {
    const macs = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macFromBytes(bytes));
    const ips = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ipv4FromBytes(bytes));
    const arps: fc.Arbitrary<Arp> = fc.record({
      operation: fc.constantFrom("request", "reply"),
      senderMac: macs,
      senderIp: ips,
      targetMac: macs,
      targetIp: ips,
    });
    fc.assert(
      fc.property(arps, (arp) => {
        expect(decodeArp(encodeArp(arp))).toEqual(arp);
      }),
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    const header = hex("0001 0800 06 04 00");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (noise, likely) => {
        settle(decodeArp, likely ? Uint8Array.of(...header, ...noise) : noise);
      }),
    );
  });

  it("refuses every truncation", () => {
    const whole = hex(`0001 0800 06 04 0001 ${REST}`);
    expect(new Set(truncations(whole).map((bytes) => settle(decodeArp, bytes)))).toEqual(new Set(["refused"]));
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, error }) => {
    expect(() => decodeArp(hex(bytes))).toThrow(error);
  });
});
