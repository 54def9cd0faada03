import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { bitFlips, settle, truncations } from "./golden/hostile.ts";
import { type Ip, ipFromBytes, parseIp } from "./ip.ts";
import { decodeUdp, encodeUdp, type Udp } from "./udp.ts";

const A4 = parseIp("192.0.2.10");
const B4 = parseIp("192.0.2.11");
const A6 = parseIp("2001:db8::10");
const B6 = parseIp("2001:db8::11");

const GOLDEN: readonly {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly source: Ip;
  readonly destination: Ip;
  readonly udp: Udp;
}[] = [
  {
    name: "a datagram of odd length, made by scapy",
    bytes: hex(`
      1f0a    # source port 7946
      0035    # destination port 53
      000b    # length 11
      891e    # checksum
      6f6464  # payload`),
    source: A4,
    destination: B4,
    udp: { sourcePort: 7946, destinationPort: 53, payload: hex("6f6464") },
  },
  {
    name: "a datagram whose sum is zero, made by scapy",
    bytes: hex("1f0a 0035 000a ffff 5c85"),
    source: A4,
    destination: B4,
    udp: { sourcePort: 7946, destinationPort: 53, payload: hex("5c85") },
  },
  {
    name: "the datagram of Linux over IPv4",
    bytes: hex("c352 0009 000c d993 70696e67"),
    source: A4,
    destination: B4,
    udp: { sourcePort: 50002, destinationPort: 9, payload: hex("70696e67") },
  },
  {
    name: "the datagram of Linux over IPv6",
    bytes: hex("c35a 0009 000c 020f 70696e67"),
    source: A6,
    destination: B6,
    udp: { sourcePort: 50010, destinationPort: 9, payload: hex("70696e67") },
  },
];

const MALFORMED: readonly {
  readonly name: string;
  readonly bytes: string;
  readonly source?: Ip;
  readonly error: DecodeError;
}[] = [
  {
    name: "a length of 7",
    bytes: "1f0a 0035 0007 891e 6f6464",
    error: new DecodeError("udp.length", "is 7 in 11 bytes"),
  },
  {
    name: "a length beyond its bytes",
    bytes: "1f0a 0035 000c 891e 6f6464",
    error: new DecodeError("udp.length", "is 12 in 11 bytes"),
  },
  { name: "a wrong checksum", bytes: "1f0a 0035 000b 891f 6f6464", error: new DecodeError("udp.checksum", "is wrong") },
  {
    name: "no checksum over IPv6",
    bytes: "1f0a 0035 000b 0000 6f6464",
    source: A6,
    error: new DecodeError("udp.checksum", "is absent"),
  },
  {
    name: "half a checksum",
    bytes: "1f0a 0035 0007 89",
    error: new DecodeError("udp.length", "is 7 in 7 bytes"),
  },
  {
    name: "no ports",
    bytes: "1f0a 00",
    error: new DecodeError("udp.destinationPort", "needs 2 bytes and 1 are left", true),
  },
];

describe("UDP", () => {
  it.each(GOLDEN)("writes $name", ({ udp, source, destination, bytes }) => {
    expect(encodeUdp(udp, source, destination)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ udp, source, destination, bytes }) => {
    expect(decodeUdp(bytes, source, destination)).toEqual(udp);
  });

  it("reads a datagram without checksum over IPv4, and leaves what follows its length", () => {
    const bytes = hex("1f0a 0035 000c 0000 6e6f6e65 ffff");
    expect(decodeUdp(bytes, A4, B4)).toEqual({ sourcePort: 7946, destinationPort: 53, payload: hex("6e6f6e65") });
  });

  it("reads back what it wrote", () => {
    const ips = fc.constantFrom(4, 16).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
    const datagrams = fc.record({
      sourcePort: fc.nat(0xffff),
      destinationPort: fc.nat(0xffff),
      payload: fc.uint8Array({ maxLength: 64 }),
    });
    fc.assert(
      fc.property(datagrams, ips, (udp, bytes) => {
        const ip = ipFromBytes(bytes);
        expect(decodeUdp(encodeUdp(udp, ip, ip), ip, ip)).toEqual(udp);
      }),
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(A4, A6), (bytes, source) => {
        settle((noise) => decodeUdp(noise, source, source), bytes);
      }),
    );
  });

  it("refuses every truncation, and any bit turned over", () => {
    const whole = hex("c352 0009 000c d993 70696e67");
    const damaged = [...truncations(whole), ...bitFlips(whole)];
    expect(new Set(damaged.map((bytes) => settle((noise) => decodeUdp(noise, A4, B4), bytes)))).toEqual(
      new Set(["refused"]),
    );
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, source, error }) => {
    expect(() => decodeUdp(hex(bytes), source ?? A4, source === undefined ? B4 : B6)).toThrow(error);
  });
});
