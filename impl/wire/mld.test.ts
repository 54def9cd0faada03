import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { bitFlips, settle, truncations } from "./golden/hostile.ts";
import { decodeIcmp6, encodeIcmp6 } from "./icmp6.ts";
import { type Ipv6, ipv6FromBytes, parseIpv6 } from "./ip.ts";
import { type MldQuery, type MldRecord, type MldReport } from "./mld.ts";
import { millis, seconds } from "./time.ts";

const A = parseIpv6("fe80::ff:fe00:a");
const B = parseIpv6("fe80::ff:fe00:b");
const ROUTERS = parseIpv6("ff02::16");

interface Golden {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly mld: MldReport | MldQuery;
}

const GOLDEN: readonly Golden[] = [
  {
    name: "the report of Linux that joins",
    bytes: hex(`
      8f 00  # type: version 2 report, reserved
      70fe   # checksum
      0000   # reserved
      0001   # records
      04 00  # change to exclude mode, no auxiliary data
      0000   # sources
      ff0200000000000000000001ff000100`),
    source: B,
    destination: ROUTERS,
    mld: {
      kind: "mldReport",
      records: [{ type: "changeToExclude", group: parseIpv6("ff02::1:ff00:100"), sources: [] }],
    },
  },
  {
    name: "the report of Linux that leaves",
    bytes: hex("8f 00 71fe 0000 0001 03 00 0000 ff0200000000000000000001ff000100"),
    source: B,
    destination: ROUTERS,
    mld: {
      kind: "mldReport",
      records: [{ type: "changeToInclude", group: parseIpv6("ff02::1:ff00:100"), sources: [] }],
    },
  },
  {
    name: "the report of Linux that joins one source",
    bytes: hex(`
      8f 00 41f8 0000 0001
      05 00 0001 ff3e0000000000000000000000000001  # allow new sources
        20010db8000000000000000000000001`),
    source: B,
    destination: ROUTERS,
    mld: {
      kind: "mldReport",
      records: [{ type: "allowNewSources", group: parseIpv6("ff3e::1"), sources: [parseIpv6("2001:db8::1")] }],
    },
  },
  {
    name: "the report of Linux that leaves one source",
    bytes: hex(`
      8f 00 40f8 0000 0001
      06 00 0001 ff3e0000000000000000000000000001  # block old sources
        20010db8000000000000000000000001`),
    source: B,
    destination: ROUTERS,
    mld: {
      kind: "mldReport",
      records: [{ type: "blockOldSources", group: parseIpv6("ff3e::1"), sources: [parseIpv6("2001:db8::1")] }],
    },
  },
  {
    name: "the report of Linux that answers a query",
    bytes: hex(`
      8f 00 448e 0000 0004
      01 00 0001 ff3e0000000000000000000000000001  # mode is include
        20010db8000000000000000000000001
      02 00 0000 ff0200000000000000000001ff000100  # mode is exclude
      02 00 0000 ff0200000000000000000001ff000011
      02 00 0000 ff0200000000000000000001ff00000b`),
    source: B,
    destination: ROUTERS,
    mld: {
      kind: "mldReport",
      records: [
        { type: "modeIsInclude", group: parseIpv6("ff3e::1"), sources: [parseIpv6("2001:db8::1")] },
        { type: "modeIsExclude", group: parseIpv6("ff02::1:ff00:100"), sources: [] },
        { type: "modeIsExclude", group: parseIpv6("ff02::1:ff00:11"), sources: [] },
        { type: "modeIsExclude", group: parseIpv6("ff02::1:ff00:b"), sources: [] },
      ],
    },
  },
  {
    name: "the general query of a Linux bridge",
    bytes: hex(`
      82 00  # type: query, code
      76cd   # checksum
      07d0   # maximum response 2000 ms
      0000   # reserved
      00000000000000000000000000000000
      02     # robustness 2
      7d     # interval 125 s
      0000   # sources`),
    source: A,
    destination: parseIpv6("ff02::1"),
    mld: {
      kind: "mldQuery",
      maximumResponse: seconds(2),
      group: parseIpv6("::"),
      version2: { suppress: false, robustness: 2, interval: seconds(125), sources: [] },
    },
  },
  {
    name: "the second query of a Linux bridge after a leave, which routers let pass",
    bytes: hex("82 00 73af 03e8 0000 ff0200000000000000000001ff000100 0a 7d 0000"),
    source: A,
    destination: parseIpv6("ff02::1:ff00:100"),
    mld: {
      kind: "mldQuery",
      maximumResponse: seconds(1),
      group: parseIpv6("ff02::1:ff00:100"),
      version2: { suppress: true, robustness: 2, interval: seconds(125), sources: [] },
    },
  },
  {
    name: "a query with floating point codes, made by scapy",
    bytes: hex(`
      82 00 8748
      9234   # maximum response: exponent 1, mantissa 0x234: (0x234 | 0x1000) << 4
      0000
      ff3e0000000000000000000000000001
      0b     # suppress, robustness 3
      93     # interval: exponent 1, mantissa 3: (3 | 0x10) << 4
      0002   # sources
      20010db8000000000000000000000001
      20010db8000000000000000000000002`),
    source: parseIpv6("fe80::1"),
    destination: parseIpv6("ff3e::1"),
    mld: {
      kind: "mldQuery",
      maximumResponse: millis(0x12340),
      group: parseIpv6("ff3e::1"),
      version2: {
        suppress: true,
        robustness: 3,
        interval: seconds(0x130),
        sources: [parseIpv6("2001:db8::1"), parseIpv6("2001:db8::2")],
      },
    },
  },
  {
    name: "a query of version 1, made by scapy",
    bytes: hex("82 00 e6be 9c40 0000 ff0200000000000000000001ff000011"),
    source: parseIpv6("fe80::1"),
    destination: parseIpv6("ff02::1:ff00:11"),
    mld: { kind: "mldQuery", maximumResponse: seconds(40), group: parseIpv6("ff02::1:ff00:11") },
  },
];

const GROUP = "ff0200000000000000000001ff000100";

const MALFORMED: readonly {
  readonly name: string;
  readonly type: number;
  readonly body: string;
  readonly error: DecodeError;
}[] = [
  {
    name: "a report without a count",
    type: 143,
    body: "0000",
    error: new DecodeError("mldReport.recordCount", "needs 2 bytes and 0 are left", true),
  },
  {
    name: "fewer records than counted",
    type: 143,
    body: `0000 0002 04 00 0000 ${GROUP}`,
    error: new DecodeError("mldReport.records.type", "needs 1 bytes and 0 are left", true),
  },
  {
    name: "fewer sources than counted",
    type: 143,
    body: `0000 0001 04 00 ffff ${GROUP}`,
    error: new DecodeError("mldReport.records.sources", "needs 16 bytes and 0 are left", true),
  },
  {
    name: "less auxiliary data than said",
    type: 143,
    body: `0000 0001 04 01 0000 ${GROUP} 00`,
    error: new DecodeError("mldReport.records.auxiliary", "needs 4 bytes and 1 are left", true),
  },
  {
    name: "a query without a group",
    type: 130,
    body: "07d0 0000 ff02",
    error: new DecodeError("mldQuery.group", "needs 16 bytes and 2 are left", true),
  },
  {
    name: "a query between the versions",
    type: 130,
    body: `07d0 0000 ${GROUP} 02 7d`,
    error: new DecodeError("mldQuery.sourceCount", "needs 2 bytes and 0 are left", true),
  },
  {
    name: "a query with fewer sources than counted",
    type: 130,
    body: `07d0 0000 ${GROUP} 02 7d 0001`,
    error: new DecodeError("mldQuery.sources", "needs 16 bytes and 0 are left", true),
  },
];

const ips = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ipv6FromBytes(bytes));
const RECORDS: fc.Arbitrary<MldRecord> = fc.record({
  type: fc.constantFrom(
    "modeIsInclude",
    "modeIsExclude",
    "changeToInclude",
    "changeToExclude",
    "allowNewSources",
    "blockOldSources",
  ),
  group: ips,
  sources: fc.array(ips, { maxLength: 3 }),
});
const MESSAGES: fc.Arbitrary<MldReport | MldQuery> = fc.oneof(
  fc.record({ kind: fc.constant("mldReport"), records: fc.array(RECORDS, { maxLength: 4 }) }),
  fc.record({
    kind: fc.constant("mldQuery"),
    maximumResponse: fc.nat(0x7fff).map((count) => millis(count)),
    group: ips,
    version2: fc.option(
      fc.record({
        suppress: fc.boolean(),
        robustness: fc.nat(7),
        interval: fc.nat(127).map((count) => seconds(count)),
        sources: fc.array(ips, { maxLength: 3 }),
      }),
      { nil: undefined },
    ),
  }),
);

const raw = (type: number, body: Uint8Array): Uint8Array => encodeIcmp6({ kind: "unknown", type, code: 0, body }, A, B);

describe("Multicast listener discovery", () => {
  it.each(GOLDEN)("writes $name", ({ mld, source, destination, bytes }) => {
    expect(encodeIcmp6(mld, source, destination)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ mld, source, destination, bytes }) => {
    expect(decodeIcmp6(bytes, source, destination)).toEqual(mld);
  });

  it("ignores records of an unknown type, and auxiliary data", () => {
    const body = hex(`0000 0002 07 00 0000 ${GROUP} 04 01 0000 ${GROUP} 00000000`);
    expect(decodeIcmp6(raw(143, body), A, B)).toEqual({
      kind: "mldReport",
      records: [{ type: "changeToExclude", group: "ff02::1:ff00:100", sources: [] }],
    });
  });

  it("rounds long times down to one that has a code, and up to no more than the longest", () => {
    const query = (response: number, interval: number): MldQuery => ({
      kind: "mldQuery",
      maximumResponse: millis(response),
      group: parseIpv6("::"),
      version2: { suppress: false, robustness: 0, interval: seconds(interval), sources: [] },
    });
    const sent = (response: number, interval: number) =>
      decodeIcmp6(encodeIcmp6(query(response, interval), A, B), A, B);
    expect(sent(32768, 128)).toEqual(query(32768, 128));
    expect(sent(32775, 135)).toEqual(query(32768, 128));
    // RFC 3810 sections 5.1.3 and 5.1.9: all ones are (0xfff | 0x1000) << 10 and (0xf | 0x10) << 10.
    expect(sent(1e9, 1e6)).toEqual(query(8387584, 31744));
  });

  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(MESSAGES, (message) => {
        expect(decodeIcmp6(encodeIcmp6(message, A, B), A, B)).toEqual(message);
      }),
    );
  });

  it("takes or refuses any body, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(130, 143), (body, type) => {
        settle((bytes) => decodeIcmp6(bytes, A, B), raw(type, body));
        settle((bytes) => decodeIcmp6(bytes, A, B), raw(143, Uint8Array.of(0, 0, 0, 3, 4, 0, 0, 1, ...body)));
      }),
    );
  });

  it("refuses every truncation, and any bit turned over", () => {
    for (const { bytes, source, destination } of GOLDEN) {
      const damaged = [...truncations(bytes), ...bitFlips(bytes)];
      expect(new Set(damaged.map((noise) => settle((each) => decodeIcmp6(each, source, destination), noise)))).toEqual(
        new Set(["refused"]),
      );
    }
  });

  it.each(MALFORMED)("refuses $name", ({ type, body, error }) => {
    expect(() => decodeIcmp6(raw(type, hex(body)), A, B)).toThrow(error);
  });
});
