import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { bitFlips, replaced, settle, truncations } from "./golden/hostile.ts";
import { ipv4FromBytes, parseIpv4 } from "./ip.ts";
import { decodeIpv4, encodeIpv4, type Ipv4Packet } from "./ipv4.ts";

const PLAIN = hex(`
  45        # version 4, header of 5 words
  10        # type of service
  0017      # total length 23
  beef      # identification
  0000      # flags, fragment offset
  3f        # time to live 63
  fd        # protocol 253
  cfa5      # checksum
  c000020a  # source 192.0.2.10
  c6336407  # destination 198.51.100.7
  686921    # payload`);

const GOLDEN: readonly { readonly name: string; readonly bytes: Uint8Array; readonly packet: Ipv4Packet }[] = [
  {
    name: "a datagram made by scapy",
    bytes: PLAIN,
    packet: {
      source: parseIpv4("192.0.2.10"),
      destination: parseIpv4("198.51.100.7"),
      protocol: 253,
      ttl: 63,
      tos: 0x10,
      identification: 0xbeef,
      dontFragment: false,
      payload: hex("686921"),
    },
  },
  {
    name: "a datagram with Router Alert (RFC 2113), made by scapy",
    bytes: hex(`
      46        # version 4, header of 6 words
      c0        # type of service
      0020      # total length 32
      0000      # identification
      4000      # don't fragment
      01        # time to live
      02        # protocol: IGMP
      41f7      # checksum
      c000020a  # source 192.0.2.10
      e0000016  # destination 224.0.0.22
      94040000  # option: Router Alert
      2200f9fd00000000  # payload`),
    packet: {
      source: parseIpv4("192.0.2.10"),
      destination: parseIpv4("224.0.0.22"),
      protocol: 2,
      ttl: 1,
      tos: 0xc0,
      identification: 0,
      dontFragment: true,
      options: hex("94040000"),
      payload: hex("2200f9fd00000000"),
    },
  },
  {
    name: "the echo request of Linux",
    bytes: hex(`
      45 00 0024  # version, header length, type of service, total length
      51d3        # identification
      4000        # don't fragment
      40 01       # time to live 64, ICMP
      64f0        # checksum
      c000020a    # source 192.0.2.10
      c000020b    # destination 192.0.2.11
      08007c5b123400075a5a5a5a5a5a5a5a  # payload`),
    packet: {
      source: parseIpv4("192.0.2.10"),
      destination: parseIpv4("192.0.2.11"),
      protocol: 1,
      ttl: 64,
      tos: 0,
      identification: 0x51d3,
      dontFragment: true,
      payload: hex("08007c5b123400075a5a5a5a5a5a5a5a"),
    },
  },
];

const MALFORMED: readonly { readonly name: string; readonly bytes: Uint8Array; readonly error: DecodeError }[] = [
  { name: "version 6", bytes: replaced(PLAIN, 0, 0x65), error: new DecodeError("ipv4.version", "is 6") },
  {
    name: "a header of 4 words",
    bytes: replaced(PLAIN, 0, 0x44),
    error: new DecodeError("ipv4.headerLength", "is 16"),
  },
  {
    name: "a length below its header",
    bytes: replaced(PLAIN, 3, 19),
    error: new DecodeError("ipv4.totalLength", "is 19, with a header of 20 in 23 bytes"),
  },
  {
    name: "a length beyond its bytes",
    bytes: replaced(PLAIN, 3, 24),
    error: new DecodeError("ipv4.totalLength", "is 24, with a header of 20 in 23 bytes"),
  },
  {
    name: "a header beyond its bytes",
    bytes: replaced(PLAIN, 0, 0x46),
    error: new DecodeError("ipv4.totalLength", "is 23, with a header of 24 in 23 bytes"),
  },
  { name: "a wrong checksum", bytes: replaced(PLAIN, 8, 62), error: new DecodeError("ipv4.checksum", "is wrong") },
  {
    name: "the first fragment, made by scapy",
    bytes: hex("4500001c beef2000 3ffdafb0 c000020a c6336407 6869212168692121"),
    error: new DecodeError("ipv4.fragmentOffset", "is of a fragment"),
  },
  {
    name: "a last fragment",
    bytes: hex("4500001c beef0001 3ffdcfaf c000020a c6336407 6869212168692121"),
    error: new DecodeError("ipv4.fragmentOffset", "is of a fragment"),
  },
  { name: "no bytes", bytes: hex(""), error: new DecodeError("ipv4.version", "needs 1 bytes and 0 are left", true) },
];

describe("IPv4", () => {
  it.each(GOLDEN)("writes $name", ({ packet, bytes }) => {
    expect(encodeIpv4(packet)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ packet, bytes }) => {
    expect(decodeIpv4(bytes)).toEqual(packet);
  });

  it("leaves the padding of a short frame", () => {
    expect(decodeIpv4(Uint8Array.of(...PLAIN, 0, 0, 0)).payload).toEqual(hex("686921"));
  });

  it("reads back what it wrote", () => {
    const ips = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ipv4FromBytes(bytes));
    const words = fc.integer({ min: 1, max: 10 });
    const packets: fc.Arbitrary<Ipv4Packet> = fc.record({
      source: ips,
      destination: ips,
      protocol: fc.nat(255),
      ttl: fc.nat(255),
      tos: fc.nat(255),
      identification: fc.nat(0xffff),
      dontFragment: fc.boolean(),
      options: fc.option(
        words.chain((count) => fc.uint8Array({ minLength: count * 4, maxLength: count * 4 })),
        { nil: undefined },
      ),
      payload: fc.uint8Array({ maxLength: 64 }),
    });
    fc.assert(
      fc.property(packets, (packet) => {
        expect(decodeIpv4(encodeIpv4(packet))).toEqual(packet);
      }),
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (noise, likely) => {
        settle(decodeIpv4, likely ? Uint8Array.of(0x45, 0, 0, noise.length, ...noise) : noise);
      }),
    );
  });

  it("refuses every truncation", () => {
    expect(new Set(truncations(PLAIN).map((bytes) => settle(decodeIpv4, bytes)))).toEqual(new Set(["refused"]));
  });

  it("refuses a header with any bit turned over", () => {
    const damaged = bitFlips(PLAIN).slice(0, 160);
    expect(new Set(damaged.map((bytes) => settle(decodeIpv4, bytes)))).toEqual(new Set(["refused"]));
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, error }) => {
    expect(() => decodeIpv4(bytes)).toThrow(error);
  });
});
