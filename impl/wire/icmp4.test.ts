import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { bitFlips, settle, truncations } from "./golden/hostile.ts";
import { decodeIcmp4, encodeIcmp4, type Icmp4, UNREACHABLE_CODES } from "./icmp4.ts";

const GOLDEN: readonly { readonly name: string; readonly bytes: Uint8Array; readonly icmp: Icmp4 }[] = [
  {
    name: "an echo request that Linux answers",
    bytes: hex(`
      08 00  # type: echo, code
      7c5b   # checksum
      1234   # identifier
      0007   # sequence
      5a5a5a5a5a5a5a5a  # payload`),
    icmp: { kind: "echoRequest", identifier: 0x1234, sequence: 7, payload: hex("5a5a5a5a5a5a5a5a") },
  },
  {
    name: "the echo reply of Linux",
    bytes: hex("00 00 845b 1234 0007 5a5a5a5a5a5a5a5a"),
    icmp: { kind: "echoReply", identifier: 0x1234, sequence: 7, payload: hex("5a5a5a5a5a5a5a5a") },
  },
  {
    name: "port unreachable of Linux",
    bytes: hex(`
      03 03  # type: unreachable, code: port
      8130   # checksum
      0000 0000  # unused
      4500002025d44000401190e3c000020ac000020b  # the header of what could not be delivered
      c3520009000cd99370696e67                  # and its payload`),
    icmp: {
      kind: "unreachable",
      code: UNREACHABLE_CODES.port,
      original: hex("4500002025d44000401190e3c000020ac000020b c3520009000cd99370696e67"),
    },
  },
  {
    name: "fragmentation needed, made by scapy",
    bytes: hex(`
      03 04  # type: unreachable, code: fragmentation needed
      fddf   # checksum
      0000   # unused
      0578   # next-hop MTU 1400
      456f726967696e616c`),
    icmp: {
      kind: "unreachable",
      code: UNREACHABLE_CODES.fragmentationNeeded,
      nextHopMtu: 1400,
      original: hex("456f726967696e616c"),
    },
  },
  {
    name: "host unreachable, made by scapy",
    bytes: hex("03 01 035b 0000 0000 456f726967696e616c"),
    icmp: { kind: "unreachable", code: UNREACHABLE_CODES.host, original: hex("456f726967696e616c") },
  },
  {
    name: "a timestamp request, made by scapy, as unknown",
    bytes: hex("0d 00 f2f9 0001 0002 00000003 00000000 00000000"),
    icmp: { kind: "unknown", type: 13, code: 0, body: hex("0001 0002 00000003 00000000 00000000") },
  },
];

const MALFORMED: readonly { readonly name: string; readonly bytes: string; readonly error: DecodeError }[] = [
  { name: "no bytes", bytes: "", error: new DecodeError("icmp4.type", "needs 1 bytes and 0 are left", true) },
  {
    name: "no checksum",
    bytes: "08 00 7c",
    error: new DecodeError("icmp4.checksum", "needs 2 bytes and 1 are left", true),
  },
  { name: "a wrong checksum", bytes: "08 00 7c5c 1234 0007", error: new DecodeError("icmp4.checksum", "is wrong") },
  {
    name: "an echo with a code",
    bytes: "08 01 e5c3 1234 0007",
    error: new DecodeError("icmp4.code", "is 1 in an echo"),
  },
  {
    name: "an echo without a sequence",
    bytes: "08 00 e5cb 1234",
    error: new DecodeError("icmp4.sequence", "needs 2 bytes and 0 are left", true),
  },
  {
    name: "unreachable without what was",
    bytes: "03 03 fcfc 0000",
    error: new DecodeError("icmp4.nextHopMtu", "needs 2 bytes and 0 are left", true),
  },
];

describe("ICMP", () => {
  it.each(GOLDEN)("writes $name", ({ icmp, bytes }) => {
    expect(encodeIcmp4(icmp)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ icmp, bytes }) => {
    expect(decodeIcmp4(bytes)).toEqual(icmp);
  });

  it("reads back what it wrote", () => {
    const u16 = fc.nat(0xffff);
    const payload = fc.uint8Array({ maxLength: 64 });
    const messages: fc.Arbitrary<Icmp4> = fc.oneof(
      fc.record({ kind: fc.constantFrom("echoRequest", "echoReply"), identifier: u16, sequence: u16, payload }),
      fc.record({ kind: fc.constant("unreachable"), code: fc.constantFrom(0, 1, 3, 13), original: payload }),
      fc.record({ kind: fc.constant("unreachable"), code: fc.constant(4), nextHopMtu: u16, original: payload }),
      fc.record({
        kind: fc.constant("unknown"),
        type: fc.nat(255).filter((type) => type !== 0 && type !== 3 && type !== 8),
        code: fc.nat(255),
        body: payload,
      }),
    );
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeIcmp4(encodeIcmp4(message))).toEqual(message);
      }),
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(0, 3, 8), (noise, type) => {
        settle(decodeIcmp4, noise);
        settle(decodeIcmp4, encodeIcmp4({ kind: "unknown", type, code: 0, body: noise }));
      }),
    );
  });

  it("refuses every truncation, and any bit turned over", () => {
    const whole = hex("00 00 845b 1234 0007 5a5a5a5a5a5a5a5a");
    const damaged = [...truncations(whole), ...bitFlips(whole)];
    expect(new Set(damaged.map((bytes) => settle(decodeIcmp4, bytes)))).toEqual(new Set(["refused"]));
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, error }) => {
    expect(() => decodeIcmp4(hex(bytes))).toThrow(error);
  });
});
