import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Family, ipFromBigInt, parseIp } from "../wire/ip.ts";
import { maskTo, parsePrefix } from "../wire/prefix.ts";
import { AddressBlock, BlockIndex } from "./address-block.ts";

const anyPrefix = fc
  .tuple(fc.constantFrom<Family>("ipv4", "ipv6"), fc.bigInt(0n, 2n ** 128n - 1n), fc.integer({ min: 1, max: 128 }))
  .map(([family, address, length]) => {
    const bits = family === "ipv4" ? 32 : 128;
    return maskTo(ipFromBigInt(BigInt.asUintN(bits, address), family), Math.min(length, bits));
  });

describe("AddressBlock", () => {
  it("spells every address as the address parser does", () => {
    const offsets = fc.oneof(
      fc.nat(300),
      fc.nat(0xffff_ffff),
      fc.nat(0xffff).map((upper) => upper * 0x1_0000),
    );
    fc.assert(
      fc.property(anyPrefix, offsets, (prefix, offset) => {
        const block = new AddressBlock<string>(prefix, false);
        const address = block.first + BigInt(offset);
        fc.pre(address <= block.last);
        expect(block.ipAt(offset)).toBe(ipFromBigInt(address, block.family));
        expect(new BlockIndex([block]).find(block.ipAt(offset))).toEqual({ block, offset });
      }),
    );
    expect(new AddressBlock<string>(parsePrefix("::ffff:0:0/112"), false).ipAt(1)).toBe("::ffff:0.0.0.1");
    expect(new AddressBlock<string>(parsePrefix("2001:db8::/64"), false).ipAt(0)).toBe("2001:db8::");
  });

  it.each([
    ["198.51.100.0/24", false, 256n],
    ["198.51.100.0/24", true, 254n],
    ["198.51.100.0/25", true, 127n],
    ["198.51.100.128/25", true, 127n],
    ["198.51.100.64/26", true, 64n],
    ["198.51.100.0/32", true, 0n],
    ["198.51.100.0/31", true, 1n],
    ["10.0.0.0/8", true, 2n ** 24n - 2n ** 17n],
    ["2001:db8::/67", false, 2n ** 61n],
    ["2001:db8::/66", false, 2n ** 63n - 1n],
    ["::/1", true, 2n ** 63n - 1n],
  ])("%s (avoidBuggyIPs %s) holds %d addresses", (prefix, avoidBuggyIPs, capacity) => {
    expect(new AddressBlock<string>(parsePrefix(prefix), avoidBuggyIPs).capacity).toBe(capacity);
  });

  it("gives exactly as many addresses as it says, none of them buggy", () => {
    for (const text of [
      "198.51.100.0/23",
      "198.51.100.0/25",
      "198.51.100.224/27",
      "198.51.100.252/30",
      "198.51.100.0/32",
    ]) {
      const block = new AddressBlock<string>(parsePrefix(text), true);
      const given: string[] = [];
      for (let offset = block.firstFree(); offset !== undefined; offset = block.firstFree()) {
        block.take(offset, "");
        given.push(block.ipAt(offset));
      }
      expect(given.filter((ip) => /\.(0|255)$/.test(ip))).toEqual([]);
      expect(BigInt(given.length)).toBe(block.capacity);
    }
  });

  it("finds the block of an address among many", () => {
    const blocks = ["10.0.0.0/30", "10.0.0.8/29", "10.0.1.0/24", "2001:db8::/64"].map(
      (prefix) => new AddressBlock<string>(parsePrefix(prefix), false),
    );
    const index = new BlockIndex(blocks);
    const where = (ip: string): string => {
      const found = index.find(parseIp(ip));
      return found === undefined ? "nowhere" : `${found.block.prefix} at ${found.offset}`;
    };
    expect(
      ["9.255.255.255", "10.0.0.3", "10.0.0.4", "10.0.0.15", "10.0.1.255", "2001:db8::1:0:0:0"].map(where),
    ).toEqual([
      "nowhere",
      "10.0.0.0/30 at 3",
      "nowhere",
      "10.0.0.8/29 at 7",
      "10.0.1.0/24 at 255",
      "2001:db8::/64 at undefined",
    ]);
    expect(where("2001:db8:0:1::")).toBe("nowhere");
  });
});
