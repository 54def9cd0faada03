import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { bitFlips, settle, truncations } from "./golden/hostile.ts";
import { type Ip, ipFromBytes, parseIp } from "./ip.ts";
import { internetChecksum, pseudoHeaderSum } from "./checksum.ts";
import { decodeTcp, encodeTcp, type Tcp, type TcpFlags, type TcpOptions } from "./tcp.ts";

const A4 = parseIp("192.0.2.10");
const B4 = parseIp("192.0.2.11");
const A6 = parseIp("2001:db8::10");
const B6 = parseIp("2001:db8::11");

const only = (...names: readonly (keyof TcpFlags)[]): TcpFlags => ({
  fin: names.includes("fin"),
  syn: names.includes("syn"),
  rst: names.includes("rst"),
  psh: names.includes("psh"),
  ack: names.includes("ack"),
});

interface Golden {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly source: Ip;
  readonly destination: Ip;
  readonly tcp: Tcp;
}

const GOLDEN: readonly Golden[] = [
  {
    name: "the SYN of Linux",
    bytes: hex(`
      9c42      # source port 40002
      1f0a      # destination port 7946
      0a0d3613  # sequence
      00000000  # acknowledgement
      a002      # header of 10 words, SYN
      faf0      # window 64240
      090b      # checksum
      0000      # urgent pointer
      0204 05b4 # maximum segment size 1460
      0402      # SACK permitted
      080a 75bf4ebf 00000000  # timestamps
      01        # no operation
      0303 0a   # window scale 10`),
    source: A4,
    destination: B4,
    tcp: {
      sourcePort: 40002,
      destinationPort: 7946,
      sequence: 0x0a0d3613,
      acknowledgement: 0,
      flags: only("syn"),
      window: 64240,
      options: { mss: 1460, sackPermitted: true, timestamps: { value: 0x75bf4ebf, echo: 0 }, windowScale: 10 },
      payload: hex(""),
    },
  },
  {
    name: "data of Linux",
    bytes: hex(`
      9c42 1f0a 0a0d3614 14adb0fb
      8018 003f # header of 8 words, PSH and ACK, window 63
      794c 0000
      0101 080a 75bf4ebf 59c255e5  # timestamps
      68656c6c6f  # payload`),
    source: A4,
    destination: B4,
    tcp: {
      sourcePort: 40002,
      destinationPort: 7946,
      sequence: 0x0a0d3614,
      acknowledgement: 0x14adb0fb,
      flags: only("psh", "ack"),
      window: 63,
      options: { timestamps: { value: 0x75bf4ebf, echo: 0x59c255e5 } },
      payload: hex("68656c6c6f"),
    },
  },
  {
    name: "the FIN of Linux",
    bytes: hex("9c42 1f0a 0a0d3619 14adb0fb 8011 003f bcc1 0000 0101 080a 75bf4f23 59c255e5"),
    source: A4,
    destination: B4,
    tcp: {
      sourcePort: 40002,
      destinationPort: 7946,
      sequence: 0x0a0d3619,
      acknowledgement: 0x14adb0fb,
      flags: only("fin", "ack"),
      window: 63,
      options: { timestamps: { value: 0x75bf4f23, echo: 0x59c255e5 } },
      payload: hex(""),
    },
  },
  {
    name: "the reset of Linux over IPv6",
    bytes: hex("0009 bb56 00000000 87c131b8 5014 0000 df64 0000"),
    source: B6,
    destination: A6,
    tcp: {
      sourcePort: 9,
      destinationPort: 47958,
      sequence: 0,
      acknowledgement: 0x87c131b8,
      flags: only("rst", "ack"),
      window: 0,
      options: {},
      payload: hex(""),
    },
  },
  {
    name: "the SYN of Linux with an MD5 signature",
    bytes: hex(`
      8774 00b3 7b7efb98 00000000 d002 faf0 9570 0000
      0101 1312 25f8053462cdfeec49d37078f548bab5  # MD5
      0204 05b4 # maximum segment size 1460
      0101 0402 # SACK permitted
      01 0303 0a  # window scale 10`),
    source: A4,
    destination: B4,
    tcp: {
      sourcePort: 34676,
      destinationPort: 179,
      sequence: 0x7b7efb98,
      acknowledgement: 0,
      flags: only("syn"),
      window: 64240,
      options: { md5: hex("25f8053462cdfeec49d37078f548bab5"), mss: 1460, sackPermitted: true, windowScale: 10 },
      payload: hex(""),
    },
  },
  {
    name: "an acknowledgement with SACK blocks, made by scapy",
    bytes: hex(`
      9c40 00b3 fffffffe 000003e8 d010 01f5 255c 0000
      0101 080a deadbeef 00000007  # timestamps
      0101 0512 000007d0 00000bb8 00000fa0 00001388  # SACK`),
    source: A4,
    destination: B4,
    tcp: {
      sourcePort: 40000,
      destinationPort: 179,
      sequence: 0xfffffffe,
      acknowledgement: 1000,
      flags: only("ack"),
      window: 501,
      options: {
        timestamps: { value: 0xdeadbeef, echo: 7 },
        sack: [
          { left: 2000, right: 3000 },
          { left: 4000, right: 5000 },
        ],
      },
      payload: hex(""),
    },
  },
];

/** The segment with the checksum that it has from 192.0.2.10 to 192.0.2.11. */
function sealed(bytes: Uint8Array): Uint8Array {
  const sum = internetChecksum(bytes, pseudoHeaderSum(A4, B4, 6, bytes.length));
  return bytes.with(16, sum >> 8).with(17, sum & 0xff);
}

/** A SYN with these options, a whole number of words. */
function withOptions(options: Uint8Array): Uint8Array {
  const header = hex("0001 0002 00000000 00000000 5002 0400 0000 0000");
  return sealed(Uint8Array.of(...header.with(12, 0x50 + options.length * 4), ...options));
}

const MALFORMED: readonly { readonly name: string; readonly bytes: Uint8Array; readonly error: DecodeError }[] = [
  {
    name: "half a header",
    bytes: hex("9c42 1f0a 0a0d3613 0000"),
    error: new DecodeError("tcp.acknowledgement", "needs 4 bytes and 2 are left", true),
  },
  {
    name: "a header of 4 words",
    bytes: hex("9c42 1f0a 0a0d3613 00000000 4002 faf0 090b 0000"),
    error: new DecodeError("tcp.dataOffset", "is 16 bytes"),
  },
  {
    name: "a wrong checksum",
    bytes: hex("9c42 1f0a 0a0d3613 00000000 5002 faf0 090b 0000"),
    error: new DecodeError("tcp.checksum", "is wrong"),
  },
  {
    name: "options beyond its bytes",
    bytes: sealed(hex("0001 0002 00000000 00000000 6002 0400 0000 0000")),
    error: new DecodeError("tcp.options", "needs 4 bytes and 0 are left", true),
  },
  {
    name: "an option of no length",
    bytes: withOptions(hex("fe00 0000")),
    error: new DecodeError("tcp.options.length", "is 0"),
  },
  {
    name: "an option beyond the header",
    bytes: withOptions(hex("fe05 0000")),
    error: new DecodeError("tcp.options.value", "needs 3 bytes and 2 are left", true),
  },
  {
    name: "a kind without a length",
    bytes: withOptions(hex("010101fe")),
    error: new DecodeError("tcp.options.length", "needs 1 bytes and 0 are left", true),
  },
];

const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const OPTIONS: fc.Arbitrary<TcpOptions> = fc.oneof(
  fc.record({
    mss: fc.option(u16, { nil: undefined }),
    windowScale: fc.option(fc.nat(255), { nil: undefined }),
    sackPermitted: fc.constantFrom(true, undefined),
    timestamps: fc.option(fc.record({ value: u32, echo: u32 }), { nil: undefined }),
    unknown: fc.option(
      fc.array(fc.record({ kind: fc.integer({ min: 20, max: 255 }), value: fc.uint8Array({ maxLength: 4 }) }), {
        minLength: 1,
        maxLength: 2,
      }),
      { nil: undefined },
    ),
  }),
  fc.record({
    md5: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    sack: fc.option(fc.array(fc.record({ left: u32, right: u32 }), { minLength: 1, maxLength: 2 }), { nil: undefined }),
  }),
);

describe("TCP", () => {
  it.each(GOLDEN)("writes $name", ({ tcp, source, destination, bytes }) => {
    expect(encodeTcp(tcp, source, destination)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ tcp, source, destination, bytes }) => {
    expect(decodeTcp(bytes, source, destination)).toEqual(tcp);
  });

  it("keeps the options that it does not know, made by scapy", () => {
    const bytes = hex("9c40 00b3 00000001 00000000 9002 0400 96c0 0000 020405b4 fe06f989aabb 030307 000000");
    expect(decodeTcp(bytes, A4, B4).options).toEqual({
      mss: 1460,
      windowScale: 7,
      unknown: [{ kind: 254, value: hex("f989aabb") }],
    });
  });

  it.each([
    { name: "maximum segment size", options: "0203 07 00", kind: 2, value: "07" },
    { name: "window scale", options: "0304 0707", kind: 3, value: "0707" },
    { name: "SACK permitted", options: "0403 07 00", kind: 4, value: "07" },
    { name: "SACK of no block", options: "0502 0000", kind: 5, value: "" },
    { name: "SACK of half a block", options: "0506 00000001 0000", kind: 5, value: "00000001" },
    { name: "timestamps", options: "0806 00000001 0000", kind: 8, value: "00000001" },
    { name: "MD5", options: "130a 0000000100000002 0000", kind: 19, value: "0000000100000002" },
    {
      name: "any other kind of eight bytes",
      options: "fe0a 0000000100000002 0000",
      kind: 254,
      value: "0000000100000002",
    },
  ])("keeps an option with the length of another as unknown: $name", ({ options, kind, value }) => {
    expect(decodeTcp(withOptions(hex(options)), A4, B4).options).toEqual({ unknown: [{ kind, value: hex(value) }] });
  });

  it("reads nothing behind the end of the options", () => {
    expect(decodeTcp(withOptions(hex("00 fe 00 00")), A4, B4).options).toEqual({});
  });

  it("reads past the urgent pointer and the bits of ECN, made by scapy", () => {
    const bytes = hex("0001 0002 00000001 00000002 50f8 0400 5364 0005 6f6464");
    const { flags, payload } = decodeTcp(bytes, A4, B4);
    expect({ flags, payload }).toEqual({ flags: only("psh", "ack"), payload: hex("6f6464") });
  });

  it("refuses to write more options than fit", () => {
    const tcp = GOLDEN.at(0)?.tcp;
    const unknown = Array.from({ length: 11 }, () => ({ kind: 254, value: hex("0000") }));
    expect(() => tcp && encodeTcp({ ...tcp, options: { unknown } }, A4, B4)).toThrow("44 bytes do not fit");
  });

  it("reads back what it wrote", () => {
    const ips = fc.constantFrom(4, 16).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
    const flags = fc.record({
      fin: fc.boolean(),
      syn: fc.boolean(),
      rst: fc.boolean(),
      psh: fc.boolean(),
      ack: fc.boolean(),
    });
    const segments: fc.Arbitrary<Tcp> = fc.record({
      sourcePort: u16,
      destinationPort: u16,
      sequence: u32,
      acknowledgement: u32,
      flags,
      window: u16,
      options: OPTIONS,
      payload: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(segments, ips, (segment, bytes) => {
        const ip = ipFromBytes(bytes);
        expect(decodeTcp(encodeTcp(segment, ip, ip), ip, ip)).toEqual(segment);
      }),
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ minLength: 8, maxLength: 8 }), (noise, options) => {
        settle((bytes) => decodeTcp(bytes, A4, B4), noise);
        settle((bytes) => decodeTcp(bytes, A4, B4), withOptions(options));
      }),
    );
  });

  it("refuses every truncation, and any bit turned over", () => {
    const whole = GOLDEN.at(1)?.bytes ?? hex("");
    const damaged = [...truncations(whole), ...bitFlips(whole)];
    expect(new Set(damaged.map((bytes) => settle((noise) => decodeTcp(noise, A4, B4), bytes)))).toEqual(
      new Set(["refused"]),
    );
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, error }) => {
    expect(() => decodeTcp(bytes, A4, B4)).toThrow(error);
  });
});
