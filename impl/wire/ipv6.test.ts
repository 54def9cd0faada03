import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { replaced, settle, truncations } from "./golden/hostile.ts";
import { ipv6FromBytes, parseIpv6 } from "./ip.ts";
import { decodeIpv6, encodeIpv6, type Ipv6Packet } from "./ipv6.ts";

const ADDRESSES = `
  20010db8000000000000000000000010  # source 2001:db8::10
  20010db8000000000000000000000011  # destination 2001:db8::11
`;

const ECHO = hex(`
  60053484  # version 6, traffic class 0, flow label 0x53484
  0010      # payload length
  3a        # next header: ICMPv6
  40        # hop limit 64
  ${ADDRESSES}
  8000a87d123400075a5a5a5a5a5a5a5a  # payload`);

const REPORT = hex(`
  60000000  # version 6, traffic class 0, flow label 0
  0024      # payload length, with the extension header
  00        # next header: hop-by-hop options
  01        # hop limit
  fe80000000000000000000fffe00000b  # source fe80::ff:fe00:b
  ff020000000000000000000000000016  # destination ff02::16
  3a        # next header: ICMPv6
  00        # length: 8 bytes
  0502 0000 # Router Alert: MLD
  0100      # PadN
  8f0070fe0000000104000000ff0200000000000000000001ff000100  # payload`);

const GOLDEN: readonly { readonly name: string; readonly bytes: Uint8Array; readonly packet: Ipv6Packet }[] = [
  {
    name: "the echo request of Linux",
    bytes: ECHO,
    packet: {
      source: parseIpv6("2001:db8::10"),
      destination: parseIpv6("2001:db8::11"),
      nextHeader: 58,
      hopLimit: 64,
      trafficClass: 0,
      flowLabel: 0x53484,
      payload: hex("8000a87d123400075a5a5a5a5a5a5a5a"),
    },
  },
  {
    name: "the MLD report of Linux, with Router Alert",
    bytes: REPORT,
    packet: {
      source: parseIpv6("fe80::ff:fe00:b"),
      destination: parseIpv6("ff02::16"),
      nextHeader: 58,
      hopLimit: 1,
      trafficClass: 0,
      flowLabel: 0,
      routerAlert: 0,
      payload: hex("8f0070fe0000000104000000ff0200000000000000000001ff000100"),
    },
  },
];

/** Made by scapy. */
const EXTENDED = hex(`
  6b812345  # version 6, traffic class 0xb8, flow label 0x12345
  0031 00 40
  ${ADDRESSES}
  3c 00 0502 0000 0100  # hop-by-hop options: Router Alert
  2b 00 0104 00000000   # destination options: PadN of four bytes
  11 02 00 00 00000000  # routing header with one address
  20010db8000000000000000000000099
  00010002 0009 2c46 78 # payload`);

const MALFORMED: readonly { readonly name: string; readonly bytes: Uint8Array; readonly error: DecodeError }[] = [
  { name: "version 4", bytes: replaced(ECHO, 0, 0x40), error: new DecodeError("ipv6.version", "is 4") },
  {
    name: "a payload beyond its bytes",
    bytes: replaced(ECHO, 5, 17),
    error: new DecodeError("ipv6.payload", "needs 17 bytes and 16 are left", true),
  },
  {
    name: "a fragment, made by scapy",
    bytes: hex(`60000000 0010 2c 40 ${ADDRESSES} 11 00 0001 00000007 3132333435363738`),
    error: new DecodeError("ipv6.payload.fragment", "is of a fragment"),
  },
  {
    name: "hop-by-hop options in second place",
    bytes: hex(`60000000 0010 3c 40 ${ADDRESSES} 00 00 0104 00000000 3a 00 0104 00000000`),
    error: new DecodeError("ipv6.payload.hopByHop", "is not the first header"),
  },
  {
    name: "an extension beyond the payload",
    bytes: hex(`60000000 0008 00 40 ${ADDRESSES} 3a 01 0502 0000 0100`),
    error: new DecodeError("ipv6.payload.extension", "needs 14 bytes and 6 are left", true),
  },
  {
    name: "an option beyond its header",
    bytes: hex(`60000000 0008 00 40 ${ADDRESSES} 3a 00 0508 0000 0100`),
    error: new DecodeError("ipv6.payload.extension.value", "needs 8 bytes and 4 are left", true),
  },
  {
    name: "a Router Alert of one byte",
    bytes: hex(`60000000 0008 00 40 ${ADDRESSES} 3a 00 0501 00 010100`),
    error: new DecodeError("ipv6.payload.extension.value.routerAlert", "needs 2 bytes and 1 are left", true),
  },
  {
    name: "nine extension headers",
    bytes: hex(`60000000 0048 3c 40 ${ADDRESSES} ${"3c 00 0104 00000000".repeat(9)}`),
    error: new DecodeError("ipv6.payload.extensions", "are more than 8"),
  },
];

describe("IPv6", () => {
  it.each(GOLDEN)("writes $name", ({ packet, bytes }) => {
    expect(encodeIpv6(packet)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ packet, bytes }) => {
    expect(decodeIpv6(bytes)).toEqual(packet);
  });

  it("reads past extension headers", () => {
    expect(decodeIpv6(EXTENDED)).toEqual({
      source: "2001:db8::10",
      destination: "2001:db8::11",
      nextHeader: 17,
      hopLimit: 64,
      trafficClass: 0xb8,
      flowLabel: 0x12345,
      routerAlert: 0,
      payload: hex("0001000200092c4678"),
    });
  });

  it("leaves the padding of a short frame", () => {
    expect(decodeIpv6(Uint8Array.of(...ECHO, 0, 0)).payload).toHaveLength(16);
  });

  it("reads back what it wrote", () => {
    const ips = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ipv6FromBytes(bytes));
    const packets: fc.Arbitrary<Ipv6Packet> = fc.record({
      source: ips,
      destination: ips,
      nextHeader: fc.constantFrom(6, 17, 58, 253),
      hopLimit: fc.nat(255),
      trafficClass: fc.nat(255),
      flowLabel: fc.nat(0xfffff),
      routerAlert: fc.option(fc.nat(0xffff), { nil: undefined }),
      payload: fc.uint8Array({ maxLength: 64 }),
    });
    fc.assert(
      fc.property(packets, (packet) => {
        expect(decodeIpv6(encodeIpv6(packet))).toEqual(packet);
      }),
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(0, 43, 60, 17), (noise, header) => {
        settle(decodeIpv6, noise);
        settle(decodeIpv6, Uint8Array.of(0x60, 0, 0, 0, 0, noise.length, header, 1, ...ECHO.subarray(8, 40), ...noise));
      }),
    );
  });

  it("refuses every truncation", () => {
    for (const whole of [ECHO, REPORT, EXTENDED]) {
      expect(new Set(truncations(whole).map((bytes) => settle(decodeIpv6, bytes)))).toEqual(new Set(["refused"]));
    }
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, error }) => {
    expect(() => decodeIpv6(bytes)).toThrow(error);
  });
});
