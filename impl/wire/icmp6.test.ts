import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { bitFlips, settle, truncations } from "./golden/hostile.ts";
import { decodeIcmp6, encodeIcmp6, type Icmp6, UNREACHABLE6_CODES } from "./icmp6.ts";
import { type Ipv6, ipv6FromBytes, parseIpv6 } from "./ip.ts";

const A = parseIpv6("2001:db8::10");
const B = parseIpv6("2001:db8::11");

interface Golden {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly icmp: Icmp6;
}

const GOLDEN: readonly Golden[] = [
  {
    name: "an echo request that Linux answers",
    bytes: hex(`
      80 00  # type: echo request, code
      a87d   # checksum
      1234   # identifier
      0007   # sequence
      5a5a5a5a5a5a5a5a  # payload`),
    source: A,
    destination: B,
    icmp: { kind: "echoRequest", identifier: 0x1234, sequence: 7, payload: hex("5a5a5a5a5a5a5a5a") },
  },
  {
    name: "the echo reply of Linux",
    bytes: hex("81 00 a77d 1234 0007 5a5a5a5a5a5a5a5a"),
    source: B,
    destination: A,
    icmp: { kind: "echoReply", identifier: 0x1234, sequence: 7, payload: hex("5a5a5a5a5a5a5a5a") },
  },
  {
    name: "port unreachable of Linux",
    bytes: hex(`
      01 04     # type: unreachable, code: port
      7000      # checksum
      00000000  # unused
      6000c1c2000c1140 20010db8000000000000000000000010 20010db8000000000000000000000011  # IPv6 header
      c35a0009000c020f70696e67  # and payload of what could not be delivered`),
    source: B,
    destination: A,
    icmp: {
      kind: "unreachable",
      code: UNREACHABLE6_CODES.port,
      original: hex(`6000c1c2000c1140 20010db8000000000000000000000010 20010db8000000000000000000000011
        c35a0009000c020f70696e67`),
    },
  },
  {
    name: "packet too big, made by scapy, as unknown",
    bytes: hex("02 00 c44c 00000500 6f726967"),
    source: A,
    destination: B,
    icmp: { kind: "unknown", type: 2, code: 0, body: hex("00000500 6f726967") },
  },
  {
    name: "a redirect, made by scapy, as unknown",
    bytes: hex("89 00 4cd2 00000000 fe800000000000000000000000000002 20010db8000000000000000000000009"),
    source: parseIpv6("fe80::1"),
    destination: parseIpv6("ff02::1"),
    icmp: {
      kind: "unknown",
      type: 137,
      code: 0,
      body: hex("00000000 fe800000000000000000000000000002 20010db8000000000000000000000009"),
    },
  },
];

const MALFORMED: readonly { readonly name: string; readonly bytes: Uint8Array; readonly error: DecodeError }[] = [
  { name: "no bytes", bytes: hex(""), error: new DecodeError("icmp6.type", "needs 1 bytes and 0 are left", true) },
  {
    name: "no checksum",
    bytes: hex("80 00 a8"),
    error: new DecodeError("icmp6.checksum", "needs 2 bytes and 1 are left", true),
  },
  {
    name: "a wrong checksum",
    bytes: hex("80 00 a87e 1234 0007 5a5a5a5a5a5a5a5a"),
    error: new DecodeError("icmp6.checksum", "is wrong"),
  },
  {
    name: "an echo with a code",
    bytes: encodeIcmp6({ kind: "unknown", type: 128, code: 1, body: hex("1234 0007") }, A, B),
    error: new DecodeError("icmp6.code", "is 1"),
  },
  {
    name: "an echo without a sequence",
    bytes: encodeIcmp6({ kind: "unknown", type: 129, code: 0, body: hex("1234") }, A, B),
    error: new DecodeError("echoReply.sequence", "needs 2 bytes and 0 are left", true),
  },
  {
    name: "unreachable without its unused bytes",
    bytes: encodeIcmp6({ kind: "unknown", type: 1, code: 4, body: hex("0000") }, A, B),
    error: new DecodeError("unreachable.unused", "needs 4 bytes and 2 are left", true),
  },
];

describe("ICMPv6", () => {
  it.each(GOLDEN)("writes $name", ({ icmp, source, destination, bytes }) => {
    expect(encodeIcmp6(icmp, source, destination)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ icmp, source, destination, bytes }) => {
    expect(decodeIcmp6(bytes, source, destination)).toEqual(icmp);
  });

  it("reads back what it wrote", () => {
    const u16 = fc.nat(0xffff);
    const payload = fc.uint8Array({ maxLength: 64 });
    const ips = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ipv6FromBytes(bytes));
    const messages: fc.Arbitrary<Icmp6> = fc.oneof(
      fc.record({ kind: fc.constantFrom("echoRequest", "echoReply"), identifier: u16, sequence: u16, payload }),
      fc.record({ kind: fc.constant("unreachable"), code: fc.nat(255), original: payload }),
      fc.record({
        kind: fc.constant("unknown"),
        type: fc.constantFrom(0, 2, 3, 4, 131, 132, 137, 255),
        code: fc.nat(255),
        body: payload,
      }),
    );
    fc.assert(
      fc.property(messages, ips, ips, (message, source, destination) => {
        expect(decodeIcmp6(encodeIcmp6(message, source, destination), source, destination)).toEqual(message);
      }),
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(255), (noise, type) => {
        settle((bytes) => decodeIcmp6(bytes, A, B), noise);
        settle((bytes) => decodeIcmp6(bytes, A, B), encodeIcmp6({ kind: "unknown", type, code: 0, body: noise }, A, B));
      }),
    );
  });

  it("refuses every truncation, and any bit turned over", () => {
    const whole = hex("81 00 a77d 1234 0007 5a5a5a5a5a5a5a5a");
    const damaged = [...truncations(whole), ...bitFlips(whole)];
    expect(new Set(damaged.map((bytes) => settle((noise) => decodeIcmp6(noise, B, A), bytes)))).toEqual(
      new Set(["refused"]),
    );
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, error }) => {
    expect(() => decodeIcmp6(bytes, A, B)).toThrow(error);
  });
});
