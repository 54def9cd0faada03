import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { decodeEthernet, encodeEthernet, type Ethernet } from "./ethernet.ts";
import { hex } from "./golden/hex.ts";
import { settle, truncations } from "./golden/hostile.ts";
import { macFromBytes, parseMac } from "./mac.ts";

const GOLDEN: readonly { readonly name: string; readonly bytes: Uint8Array; readonly frame: Ethernet }[] = [
  {
    name: "an untagged frame, from an ARP request of Linux",
    bytes: hex(`
      ffffffffffff  # destination
      02000000000a  # source
      0806          # EtherType: ARP
      000108000604000102000000000ac000020a000000000000c000020b  # payload`),
    frame: {
      destination: parseMac("ff:ff:ff:ff:ff:ff"),
      source: parseMac("02:00:00:00:00:0a"),
      etherType: 0x0806,
      payload: hex("000108000604000102000000000ac000020a000000000000c000020b"),
    },
  },
  {
    name: "a tagged frame, made by scapy",
    bytes: hex(`
      ffffffffffff  # destination
      02000000000a  # source
      8100          # tag protocol: 802.1Q
      a064          # priority 5, not drop eligible, VLAN 100
      0806          # EtherType: ARP
      0001          # payload`),
    frame: {
      destination: parseMac("ff:ff:ff:ff:ff:ff"),
      source: parseMac("02:00:00:00:00:0a"),
      vlan: { priority: 5, id: 100 },
      etherType: 0x0806,
      payload: hex("0001"),
    },
  },
  {
    name: "a frame with two tags, made by scapy",
    bytes: hex(`
      02000000000b  # destination
      02000000000a  # source
      8100          # tag protocol: 802.1Q
      b064          # priority 5, drop eligible, VLAN 100
      8100          # tag protocol of the inner tag
      00c8 0000     # payload: VLAN 200, EtherType
      0102`),
    frame: {
      destination: parseMac("02:00:00:00:00:0b"),
      source: parseMac("02:00:00:00:00:0a"),
      vlan: { priority: 5, id: 100, dropEligible: true },
      etherType: 0x8100,
      payload: hex("00c800000102"),
    },
  },
];

const MALFORMED: readonly { readonly name: string; readonly bytes: string; readonly error: DecodeError }[] = [
  {
    name: "half a destination",
    bytes: "ffffff",
    error: new DecodeError("ethernet.destination", "needs 6 bytes and 3 are left", true),
  },
  {
    name: "no source",
    bytes: "ffffffffffff",
    error: new DecodeError("ethernet.source", "needs 6 bytes and 0 are left", true),
  },
  {
    name: "half an EtherType",
    bytes: "ffffffffffff 02000000000a 08",
    error: new DecodeError("ethernet.etherType", "needs 2 bytes and 1 are left", true),
  },
  {
    name: "a tag of one byte",
    bytes: "ffffffffffff 02000000000a 8100 00",
    error: new DecodeError("ethernet.vlan", "needs 2 bytes and 1 are left", true),
  },
  {
    name: "a tag and nothing behind it",
    bytes: "ffffffffffff 02000000000a 8100 0064",
    error: new DecodeError("ethernet.etherType", "needs 2 bytes and 0 are left", true),
  },
];

describe("Ethernet", () => {
  it.each(GOLDEN)("writes $name", ({ frame, bytes }) => {
    expect(encodeEthernet(frame)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ frame, bytes }) => {
    expect(decodeEthernet(bytes)).toEqual(frame);
  });

  it("reads back what it wrote", () => {
    const macs = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macFromBytes(bytes));
    const tags = fc.record({ priority: fc.nat(7), id: fc.nat(4095), dropEligible: fc.constantFrom(true, undefined) });
    const frames: fc.Arbitrary<Ethernet> = fc.record({
      destination: macs,
      source: macs,
      vlan: fc.option(tags, { nil: undefined }),
      etherType: fc.nat(0xffff).filter((type) => type !== 0x8100),
      payload: fc.uint8Array({ maxLength: 64 }),
    });
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeEthernet(encodeEthernet(frame))).toEqual(frame);
      }),
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        settle(decodeEthernet, bytes);
      }),
    );
  });

  it("refuses a frame that ends within its header", () => {
    const header = hex("ffffffffffff 02000000000a 8100 0064 0806");
    expect(new Set(truncations(header).map((bytes) => settle(decodeEthernet, bytes)))).toEqual(new Set(["refused"]));
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, error }) => {
    expect(() => decodeEthernet(hex(bytes))).toThrow(error);
  });
});
