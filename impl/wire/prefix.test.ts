import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { type Family, ipFromBigInt, ipToBigInt, parseIp } from "./ip.ts";
import {
  addressOf,
  bitsOf,
  contains,
  lengthOf,
  maskTo,
  overlaps,
  parseInterfaceAddress,
  parsePrefix,
  prefixFamily,
  type Range,
  rangeOf,
  readPrefix,
  summarise,
} from "./prefix.ts";

const between = (first: string, last: string): Range => ({
  family: first.includes(":") ? "ipv6" : "ipv4",
  first: ipToBigInt(parseIp(first)),
  last: ipToBigInt(parseIp(last)),
});

/** Python: ipaddress.ip_network(text, strict=False), its first address, its last. */
const NETWORKS = [
  ["192.0.2.77/24", "192.0.2.0/24", "192.0.2.0", "192.0.2.255"],
  ["10.255.255.255/9", "10.128.0.0/9", "10.128.0.0", "10.255.255.255"],
  ["192.0.2.1/0", "0.0.0.0/0", "0.0.0.0", "255.255.255.255"],
  ["192.0.2.1/32", "192.0.2.1/32", "192.0.2.1", "192.0.2.1"],
  ["2001:db8:ffff::1/33", "2001:db8:8000::/33", "2001:db8:8000::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["2001:db8::1/128", "2001:db8::1/128", "2001:db8::1", "2001:db8::1"],
  ["2001:db8::1/0", "::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["fe80::1/64", "fe80::/64", "fe80::", "fe80::ffff:ffff:ffff:ffff"],
  ["2001:db8:0:abcd::/52", "2001:db8:0:a000::/52", "2001:db8:0:a000::", "2001:db8:0:afff:ffff:ffff:ffff:ffff"],
] as const;

/** Python: ipaddress.summarize_address_range. */
const SUMMARIES: readonly (readonly [first: string, last: string, prefixes: readonly string[]])[] = [
  ["192.0.2.0", "192.0.2.255", ["192.0.2.0/24"]],
  [
    "192.0.2.1",
    "192.0.2.254",
    [
      "192.0.2.1/32",
      "192.0.2.2/31",
      "192.0.2.4/30",
      "192.0.2.8/29",
      "192.0.2.16/28",
      "192.0.2.32/27",
      "192.0.2.64/26",
      "192.0.2.128/26",
      "192.0.2.192/27",
      "192.0.2.224/28",
      "192.0.2.240/29",
      "192.0.2.248/30",
      "192.0.2.252/31",
      "192.0.2.254/32",
    ],
  ],
  ["10.0.0.5", "10.0.0.5", ["10.0.0.5/32"]],
  ["10.0.0.255", "10.0.1.0", ["10.0.0.255/32", "10.0.1.0/32"]],
  ["0.0.0.0", "255.255.255.255", ["0.0.0.0/0"]],
  ["198.51.100.10", "198.51.100.20", ["198.51.100.10/31", "198.51.100.12/30", "198.51.100.16/30", "198.51.100.20/32"]],
  ["2001:db8::", "2001:db8::ffff", ["2001:db8::/112"]],
  ["2001:db8::1", "2001:db8::6", ["2001:db8::1/128", "2001:db8::2/127", "2001:db8::4/127", "2001:db8::6/128"]],
  ["2001:db8::ffff:ffff:ffff:fffe", "2001:db8:0:1::1", ["2001:db8::ffff:ffff:ffff:fffe/127", "2001:db8:0:1::/127"]],
  ["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ["::/0"]],
];

const NO_PREFIX = [
  "",
  "/",
  "192.0.2.0",
  "192.0.2.0/",
  "192.0.2.0/33",
  "192.0.2.0/-1",
  "192.0.2.0/01",
  "192.0.2.0/24/24",
  "2001:db8::/129",
  "192.0.2/24",
  "192.0.2.0/255.255.255.0",
  "x/24",
];

const prefixes = fc
  .constantFrom<Family>("ipv4", "ipv6")
  .chain((family) =>
    fc.tuple(fc.bigInt(0n, (1n << BigInt(bitsOf(family))) - 1n), fc.nat(bitsOf(family)), fc.constant(family)),
  );

describe("Prefixes", () => {
  it.each(NETWORKS)("reads '%s' as '%s'", (text, prefix, first, last) => {
    const read = parsePrefix(text);
    expect([read, rangeOf(read)]).toEqual([prefix, between(first, last)]);
  });

  it("has an address, a length and a family", () => {
    const parts = ["192.0.2.0/24", "2001:db8::/32"].map((text) => {
      const prefix = parsePrefix(text);
      return [addressOf(prefix), lengthOf(prefix), prefixFamily(prefix)];
    });
    expect(parts).toEqual([
      ["192.0.2.0", 24, "ipv4"],
      ["2001:db8::", 32, "ipv6"],
    ]);
  });

  it.each(NO_PREFIX)("does not read '%s'", (text) => {
    expect(readPrefix(text)).toBeUndefined();
    expect(() => parsePrefix(text, "spec.prefix")).toThrow(
      new DecodeError("spec.prefix", `"${text}" is not a prefix such as 192.0.2.0/24`),
    );
  });

  it("keeps the host bits of an interface's address", () => {
    expect(parseInterfaceAddress("2001:DB8::10/64")).toEqual({ ip: "2001:db8::10", length: 64 });
    expect(() => parseInterfaceAddress("2001:db8::10", "exec")).toThrow(
      new DecodeError("exec", '"2001:db8::10" is not an address with a prefix length'),
    );
  });

  it("contains what lies in its range, and nothing of the other family", () => {
    fc.assert(
      fc.property(prefixes, fc.bigInt(-3n, 3n), fc.boolean(), ([value, length, family], offset, end) => {
        const prefix = maskTo(ipFromBigInt(value, family), length);
        const range = rangeOf(prefix);
        const near = (end ? range.last : range.first) + offset;
        fc.pre(near >= 0n && near < 1n << BigInt(bitsOf(family)));
        expect(contains(prefix, ipFromBigInt(near, family))).toBe(near >= range.first && near <= range.last);
        expect(contains(prefix, ipFromBigInt(0n, family === "ipv4" ? "ipv6" : "ipv4"))).toBe(false);
      }),
    );
  });

  it("overlaps what shares an address", () => {
    const range = between("192.0.2.10", "192.0.2.20");
    const others = [
      between("192.0.2.20", "192.0.2.30"),
      between("192.0.2.21", "192.0.2.30"),
      between("192.0.2.0", "192.0.2.10"),
      between("192.0.2.0", "192.0.2.9"),
      between("192.0.2.12", "192.0.2.13"),
      between("::c000:20a", "::c000:214"),
    ];
    expect(others.map((other) => [overlaps(range, other), overlaps(other, range)])).toEqual([
      [true, true],
      [false, false],
      [true, true],
      [false, false],
      [true, true],
      [false, false],
    ]);
  });

  it.each(SUMMARIES)("summarises '%s' to '%s'", (first, last, expected) => {
    expect(summarise(between(first, last))).toEqual(expected);
  });

  it("summarises a range into prefixes that follow each other and fill it", () => {
    fc.assert(
      fc.property(prefixes, fc.bigInt(0n, 5000n), ([first, , family], size) => {
        const top = (1n << BigInt(bitsOf(family))) - 1n;
        const last = first + size > top ? top : first + size;
        let next = first;
        for (const prefix of summarise({ family, first, last })) {
          expect(rangeOf(prefix).first).toBe(next);
          next = rangeOf(prefix).last + 1n;
        }
        expect(next).toBe(last + 1n);
      }),
    );
  });
});
