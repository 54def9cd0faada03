import { isIPv4, isIPv6, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import {
  compareIp,
  familyOf,
  ipFromBigInt,
  ipFromBytes,
  ipToBigInt,
  ipToBytes,
  isLinkLocal,
  isMulticast,
  isUnspecified,
  parseIp,
  parseIpv4,
  parseIpv6,
  readIp,
  solicitedNodeGroup,
} from "./ip.ts";

/** What people write, and the one spelling of it. */
const CANONICAL: readonly (readonly [text: string, canonical: string])[] = [
  // RFC 4291 section 2.2.
  ["ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"],
  ["2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"],
  ["FF01:0:0:0:0:0:0:101", "ff01::101"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["0:0:0:0:0:0:0:0", "::"],
  ["0:0:0:0:0:0:13.1.68.3", "::d01:4403"],
  ["::FFFF:129.144.52.38", "::ffff:129.144.52.38"],
  // RFC 5952 section 1.
  ["2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:0:1::1", "2001:db8::1:0:0:1"],
  // RFC 5952 section 2.1.
  ["2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
  // RFC 5952 sections 4.2.1, 4.2.2 and 4.2.3.
  ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  // RFC 5952 section 5.
  ["::ffff:c000:201", "::ffff:192.0.2.1"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["192.0.2.1", "192.0.2.1"],
  ["0.0.0.0", "0.0.0.0"],
  ["255.255.255.255", "255.255.255.255"],
];

const NO_ADDRESS = [
  "",
  ".",
  ":",
  ":::",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "1.2.3.04",
  "1.2..4",
  ".1.2.3",
  "1.2.3.4.",
  "1.2.3.4 ",
  "0x1.2.3.4",
  "1.2.3.-4",
  "1.2.3.+4",
  "4294967296.1.1.1",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1::2::3",
  "1:::2",
  ":1::2",
  "1::2:",
  "12345::",
  "::g",
  "::-1",
  "::1.2.3",
  "::1.2.3.4:5",
  "::1.2.3.4:",
  "1.2.3.4::",
  "::1.2.3.256",
  "1:2:3:4:5:6:7:1.2.3.4",
  "fe80::1%eth0",
  "2001:db8::/32",
  "[::1]",
];

/** Addresses in which groups of zeros are as common as others. */
const groups = fc.oneof(fc.constant(0), fc.constantFrom(1, 0xffff, 0xff), fc.nat(0xffff));
const bytes16 = fc
  .array(groups, { minLength: 8, maxLength: 8 })
  .map((list) => Uint8Array.from(list.flatMap((group) => [group >> 8, group & 0xff])));
const bytes4 = fc.uint8Array({ minLength: 4, maxLength: 4 });

describe("IP addresses", () => {
  it.each(CANONICAL)("reads '%s' as '%s'", (text, canonical) => {
    expect(parseIp(text)).toBe(canonical);
  });

  it.each(NO_ADDRESS)("does not read '%s'", (text) => {
    expect(readIp(text)).toBeUndefined();
  });

  it("says what it could not read, and where", () => {
    expect(() => parseIp("x", "spec.ip")).toThrow(new DecodeError("spec.ip", '"x" is not an IP address'));
    expect(() => parseIpv4("::1", "spec.ip")).toThrow(new DecodeError("spec.ip", '"::1" is not an IPv4 address'));
    expect(() => parseIpv6("1.2.3.4")).toThrow(new DecodeError("ip", '"1.2.3.4" is not an IPv6 address'));
    expect(() => ipFromBytes(hex("0102"))).toThrow(new DecodeError("ip", "has 2 bytes"));
  });

  it("agrees with libuv on the text of any address", () => {
    fc.assert(
      fc.property(bytes16, bytes4, (sixteen, four) => {
        // libuv writes the deprecated IPv4-compatible addresses (RFC 4291 section 2.5.5.1) with dots too.
        fc.pre(sixteen.subarray(0, 12).some((byte) => byte !== 0));
        const long = Array.from({ length: 8 }, (_, index) =>
          ((sixteen[index * 2] ?? 0) * 256 + (sixteen[index * 2 + 1] ?? 0)).toString(16),
        );
        const { address } = new SocketAddress({ address: long.join(":"), family: "ipv6" });
        expect(ipFromBytes(sixteen)).toBe(address);
        expect(ipFromBytes(four)).toBe(four.join("."));
      }),
      { numRuns: 500 },
    );
  });

  it("agrees with libuv on what is an address", () => {
    const pieces = fc.constantFrom(
      "0",
      "1",
      "00",
      "01",
      "ffff",
      "10000",
      "256",
      "255",
      ":",
      ":",
      ":",
      "::",
      ".",
      ".",
      "1.2.3.4",
      "g",
      "F",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 17 }), (list) => {
        const text = list.join("");
        expect([text, readIp(text) !== undefined]).toEqual([text, isIPv4(text) || isIPv6(text)]);
      }),
      { numRuns: 3000 },
    );
  });

  it("gives back bytes and numbers", () => {
    fc.assert(
      fc.property(fc.oneof(bytes16, bytes4), (bytes) => {
        const ip = ipFromBytes(bytes);
        expect(ipToBytes(ip)).toEqual(bytes);
        expect(readIp(ip)).toBe(ip);
        expect(ipToBigInt(ip)).toBe(BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
        expect(ipFromBigInt(ipToBigInt(ip), familyOf(ip))).toBe(ip);
      }),
    );
  });

  it("orders by family, then by number", () => {
    const sorted = [
      "0.0.0.0",
      "9.255.255.255",
      "10.0.0.9",
      "10.0.0.10",
      "::",
      "::1",
      "2001:db8::9",
      "2001:db8::10",
      "ff02::1",
    ];
    const ips = sorted.map((text) => parseIp(text));
    expect(ips.toReversed().sort(compareIp)).toEqual(sorted);
    expect(compareIp(parseIp("10.0.0.9"), parseIp("10.0.0.9"))).toBe(0);
  });

  it("knows addresses with a meaning", () => {
    const meanings = [
      "0.0.0.0",
      "::",
      "169.254.0.1",
      "169.255.0.1",
      "fe80::1",
      "febf::1",
      "fec0::1",
      // 0x0fe8, which begins with the same letters.
      "fe8::1",
      "224.0.0.1",
      "239.255.255.255",
      "240.0.0.1",
      "223.255.255.255",
      "ff02::1",
      "ff::1",
    ].map((text) => {
      const ip = parseIp(text);
      const words = [
        isUnspecified(ip) && "unspecified",
        isLinkLocal(ip) && "linkLocal",
        isMulticast(ip) && "multicast",
      ];
      return `${text} ${words.filter(Boolean).join()}`.trim();
    });
    expect(meanings).toEqual([
      "0.0.0.0 unspecified",
      ":: unspecified",
      "169.254.0.1 linkLocal",
      "169.255.0.1",
      "fe80::1 linkLocal",
      "febf::1 linkLocal",
      "fec0::1",
      "fe8::1",
      "224.0.0.1 multicast",
      "239.255.255.255 multicast",
      "240.0.0.1",
      "223.255.255.255",
      "ff02::1 multicast",
      "ff::1",
    ]);
  });

  it("knows the solicited-node group of an address", () => {
    // RFC 4291 section 2.7.1.
    expect(solicitedNodeGroup(parseIpv6("4037::01:800:200E:8C6C"))).toBe("ff02::1:ff0e:8c6c");
    expect(solicitedNodeGroup(parseIpv6("2001:db8::"))).toBe("ff02::1:ff00:0");
    expect(solicitedNodeGroup(parseIpv6("2001:db8::12:3456"))).toBe("ff02::1:ff12:3456");
  });

  it("has one spelling for the group as for every address", () => {
    fc.assert(
      fc.property(bytes16, (bytes) => {
        const group = solicitedNodeGroup(parseIpv6(ipFromBytes(bytes)));
        expect(ipToBytes(group)).toEqual(
          Uint8Array.of(...hex("ff02 0000 0000 0000 0000 0001 ff"), ...bytes.subarray(13)),
        );
        expect(readIp(group)).toBe(group);
      }),
    );
  });

  it("breaks where something else was called an address", () => {
    expect(() => ipToBytes("nonsense" as ReturnType<typeof parseIp>)).toThrow("not a parsed address: nonsense");
  });
});
