import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "../golden/hex.ts";
import { parseIp, parseIpv4, parseIpv6 } from "../ip.ts";
import { maskTo, type Prefix, parsePrefix } from "../prefix.ts";
import { pathOf } from "./as-path.ts";
import { community, largeCommunity } from "./communities.ts";
import { routesInWords, settled, updateInWords } from "./golden/in-words.ts";
import { ROUTES } from "./golden/routes.ts";
import { decodeMessage } from "./message.ts";
import { encodeEndOfRib, type PackContext, packUpdates, packWithdrawals } from "./pack.ts";
import { type Announcement, encodeAttributes, type PathAttributes } from "./path-attributes.ts";
import { decodeUpdate, type UpdateContext } from "./update.ts";

const MARKER = "ff".repeat(16);
const FOUR: PackContext = { asSize: 4 };
const INTERNAL: UpdateContext = { asSize: 4, internal: true, families: ["ipv4", "ipv6"] };
const EXTERNAL: UpdateContext = { ...INTERNAL, internal: false };

const prefixes = (...texts: readonly string[]): readonly Prefix[] => texts.map((text) => parsePrefix(text));
const NODE = parseIp("192.0.2.2");
const NODE_V6 = parseIp("2001:db8::2");
const LINK_LOCAL = parseIpv6("fe80::ff:fe00:2");

const PLAIN: PathAttributes = { origin: "igp", asPath: pathOf(4200000001) };

const inWords = (messages: readonly Uint8Array[], context = EXTERNAL): readonly string[] =>
  messages.map((bytes) => updateInWords(decodeUpdate(bytes, context)));

/** What BIRD 2.0.12 sent for the same routes. */
const BIRD: readonly (readonly [string, Announcement, string])[] = [
  [
    "IPv4 routes",
    { prefixes: prefixes("203.0.113.128/25", "100.64.0.0/10"), nextHop: NODE, attributes: PLAIN },
    `${MARKER} 0033 02
     0000                 # nothing is withdrawn
     0014                 # attributes of 20 bytes
     40 01 01 00          # ORIGIN IGP
     40 02 06 02 01 fa56ea01  # AS_PATH 4200000001
     40 03 04 c0000202    # NEXT_HOP 192.0.2.2
     19 cb007180          # 203.0.113.128/25
     0a 6440              # 100.64.0.0/10`,
  ],
  [
    "a route with communities of three kinds",
    {
      prefixes: prefixes("203.0.113.77/32"),
      nextHop: NODE,
      attributes: {
        ...PLAIN,
        multiExitDisc: 7,
        communities: [community(64513, 200)],
        largeCommunities: [largeCommunity(4200000001, 7, 8)],
        others: [{ flags: 0xc0, type: 16, value: hex("0002fc0100000009") }],
      },
    },
    `${MARKER} 0058 02 0000 003c
     40 01 01 00
     40 02 06 02 01 fa56ea01
     40 03 04 c0000202
     80 04 04 00000007          # MULTI_EXIT_DISC 7
     c0 08 04 fc0100c8          # COMMUNITIES 64513:200
     c0 10 08 0002fc0100000009  # EXTENDED_COMMUNITIES: a route target
     c0 20 0c fa56ea01 00000007 00000008  # LARGE_COMMUNITY
     20 cb00714d`,
  ],
  [
    "IPv6 routes",
    {
      prefixes: prefixes("2001:db8:b::/48", "2001:db8:b:1::1/128"),
      nextHop: NODE_V6,
      linkLocal: LINK_LOCAL,
      attributes: PLAIN,
    },
    `${MARKER} 0065 02 0000 004e
     90 0e 003d           # MP_REACH_NLRI
     0002 01              # IPv6 unicast
     20 20010db8000000000000000000000002 fe80000000000000000000fffe000002
     00
     30 20010db8000b
     80 20010db8000b00010000000000000001
     40 01 01 00
     40 02 06 02 01 fa56ea01`,
  ],
];

/** What other programs read in our messages. */
const OURS = readFileSync(new URL("./golden/ours.hex", import.meta.url), "utf8")
  .matchAll(/^# tshark: (.+)\n(?:# exabgp: (.+)\n)?([0-9a-f]+)$/gm)
  .map(([, tshark = "", exabgp = tshark, digits = ""]) => ({ tshark, exabgp, digits }))
  .toArray();

describe("Routes are packed", () => {
  it.each(BIRD)("as BIRD does it with %s", (_name, announcement, bytes) => {
    expect(packUpdates([announcement], FOUR)).toEqual({ messages: [hex(bytes)], oversized: [] });
  });

  it("so that tshark and exabgp read what was meant", () => {
    const all = ROUTES.flatMap((each) => each.prefixes);
    const messages = [
      ...packUpdates(ROUTES, FOUR).messages,
      ...packWithdrawals(all),
      ...packWithdrawals(all, { ipv4InMultiprotocol: true }),
      encodeEndOfRib("ipv4"),
      encodeEndOfRib("ipv6"),
      ...packUpdates(ROUTES, { asSize: 2 }).messages,
    ];
    expect(messages.map((bytes) => Buffer.from(bytes).toString("hex"))).toEqual(OURS.map(({ digits }) => digits));
    const [ipv4, ipv6] = [
      "198.51.100.10/32 198.51.100.11/32 10.0.0.0/8 0.0.0.0/0 198.51.100.12/32 198.51.100.13/32",
      "2001:db8:1::/48 2001:db8:8000::/33 2001:db8::1/128",
    ];
    const routes = ROUTES.map((each) => settled(routesInWords(each)));
    const withdrawals = [`withdraw ${ipv4}`, `withdraw ${ipv6}`];
    const meant = [...routes, ...withdrawals, ...withdrawals, "End-of-RIB IPv4", "End-of-RIB IPv6", ...routes];
    expect(OURS.map(({ tshark }) => settled(tshark))).toEqual(meant);
    expect(OURS.map(({ exabgp }) => settled(exabgp))).toEqual(meant);
  });

  it("together where their attributes are equal, whoever holds them", () => {
    const attributes = (localPref: number): PathAttributes => ({ ...PLAIN, asPath: pathOf(4200000001), localPref });
    const route = (prefix: string, localPref: number, nextHop = NODE): Announcement => ({
      prefixes: prefixes(prefix),
      nextHop,
      attributes: attributes(localPref),
    });
    const { messages } = packUpdates(
      [
        route("198.51.100.1/32", 100),
        route("198.51.100.2/32", 200),
        route("198.51.100.3/32", 100),
        route("198.51.100.4/32", 100, parseIp("192.0.2.3")),
        route("198.51.100.5/32", 200),
        route("2001:db8::1/128", 100, NODE_V6),
        { ...route("2001:db8::2/128", 100, NODE_V6), linkLocal: LINK_LOCAL },
        { ...route("198.51.100.6/32", 100, NODE_V6), prefixes: prefixes("198.51.100.6/32", "2001:db8::3/128") },
      ],
      FOUR,
    );
    const tail = (localPref: number): string => `; ORIGIN IGP; AS_PATH 4200000001; LOCAL_PREF ${localPref}`;
    expect(inWords(messages, INTERNAL)).toEqual([
      `announce 198.51.100.1/32 198.51.100.3/32 via 192.0.2.2${tail(100)}`,
      `announce 198.51.100.2/32 198.51.100.5/32 via 192.0.2.2${tail(200)}`,
      `announce 198.51.100.4/32 via 192.0.2.3${tail(100)}`,
      `announce 2001:db8::1/128 2001:db8::3/128 via 2001:db8::2${tail(100)}`,
      `announce 2001:db8::2/128 via 2001:db8::2 and fe80::ff:fe00:2${tail(100)}`,
      `announce 198.51.100.6/32 via 2001:db8::2${tail(100)}`,
    ]);
  });

  it("into no message where there are none", () => {
    expect(packUpdates([], FOUR)).toEqual({ messages: [], oversized: [] });
    expect(packUpdates([{ prefixes: [], nextHop: NODE, attributes: PLAIN }], FOUR)).toEqual({
      messages: [],
      oversized: [],
    });
    expect(packWithdrawals([])).toEqual([]);
  });

  const many = (count: number): readonly Prefix[] =>
    Array.from({ length: count }, (_, index) =>
      parsePrefix(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32`),
    );

  /** RFC 4271 section 4.1: 4,096 bytes hold 19 of header, 4 of lengths and prefixes of 5 bytes. */
  it.each([3_000, 30_000])("into legal messages when %i of them go at once", (count) => {
    const messages = packWithdrawals(many(count));
    expect(messages.map(({ length }) => length)).toEqual(lengths(count, 814, 23));
    expect(messages.flatMap(withdrawnIn)).toEqual(many(count));
  });

  it("to the last byte of a message", () => {
    const pack = (count: number): readonly number[] =>
      packUpdates([{ prefixes: many(count), nextHop: NODE, attributes: PLAIN }], FOUR).messages.map(
        ({ length }) => length,
      );
    // 23 bytes and 20 of attributes leave room for 810 prefixes of 5 bytes and 3 bytes that nothing fits.
    expect(pack(810)).toEqual([4093]);
    expect(pack(811)).toEqual([4093, 48]);
  });

  it("so that a message may be exactly as long as it may be", () => {
    const list = [...many(810), ...prefixes("172.16.0.0/16")];
    const { messages } = packUpdates([{ prefixes: list, nextHop: NODE, attributes: PLAIN }], FOUR);
    expect(messages.map(({ length }) => length)).toEqual([4096]);
    expect(packWithdrawals([...many(814), ...prefixes("172.16.0.0/16")]).map(({ length }) => length)).toEqual([4096]);
  });

  it("with lengths of two bytes for attributes of more than 255", () => {
    const written = (count: number): string => {
      const communities = Array.from({ length: count }, () => community(64512, 100));
      const route: Announcement = {
        prefixes: prefixes("198.51.100.1/32"),
        nextHop: NODE,
        attributes: { ...PLAIN, communities },
      };
      return packUpdates([route], FOUR)
        .messages.map((bytes) => Buffer.from(bytes).toString("hex"))
        .join(" ");
    };
    const raw = (length: number): string => {
      const others = [{ flags: 0xd0, type: 99, value: new Uint8Array(length) }];
      return Buffer.from(encodeAttributes({ ...PLAIN, others }, 4)).toString("hex");
    };
    expect(raw(255)).toMatch(/^40010100400206020[0-9a-f]{9}c063ff(00){255}$/);
    expect(raw(256)).toMatch(/^40010100400206020[0-9a-f]{9}d0630100(00){256}$/);
    expect(written(63)).toContain(`c008fc${"fc000064".repeat(63)}20c6336401`);
    expect(written(64)).toContain(`d0080100${"fc000064".repeat(64)}20c6336401`);
  });

  it("to the last byte of a message in MP-BGP", () => {
    const list = Array.from({ length: 300 }, (_, index) => parsePrefix(`2001:db8::${index.toString(16)}/128`));
    const { messages } = packUpdates([{ prefixes: list, nextHop: NODE_V6, attributes: PLAIN }], FOUR);
    // 23 bytes, 4 of attribute header, 21 up to the prefixes, 13 of other attributes: 4,035 bytes hold 237 of 17.
    expect(messages.map(({ length }) => length)).toEqual([61 + 237 * 17, 61 + 63 * 17]);
    expect(
      inWords(messages)
        .join(" ")
        .match(/2001:db8::\w*\/128/g),
    ).toEqual([...list]);
  });

  it("with AS4_AGGREGATOR for the numbers that two bytes do not hold", () => {
    const written = (asn: number): string =>
      Buffer.from(
        encodeAttributes({ origin: "igp", asPath: [], aggregator: { asn, address: parseIpv4("192.0.2.1") } }, 2),
      ).toString("hex");
    expect(written(65535)).toBe("40010100400200c00706ffffc0000201");
    expect(written(65536)).toBe("40010100400200c007065ba0c0000201c0120800010000c0000201");
  });

  it("by the length that was agreed on", () => {
    const messages = packUpdates([{ prefixes: many(20), nextHop: NODE, attributes: PLAIN }], {
      asSize: 4,
      maxLength: 70,
    }).messages;
    expect(messages.map(({ length }) => length)).toEqual([68, 68, 68, 68]);
  });

  it("or left out where their attributes leave no room", () => {
    const communities = Array.from({ length: 1100 }, (_, index) => community(64512, index));
    const large: Announcement = {
      prefixes: prefixes("198.51.100.1/32"),
      nextHop: NODE,
      attributes: { ...PLAIN, communities },
    };
    const small: Announcement = { prefixes: prefixes("198.51.100.2/32"), nextHop: NODE, attributes: PLAIN };
    const { messages, oversized } = packUpdates([large, small], FOUR);
    expect(oversized).toEqual([large]);
    expect(inWords(messages)).toEqual(["announce 198.51.100.2/32 via 192.0.2.2; ORIGIN IGP; AS_PATH 4200000001"]);
  });

  it("never with an IPv6 route to an IPv4 next hop", () => {
    const wrong: Announcement = { prefixes: prefixes("2001:db8::/32"), nextHop: NODE, attributes: PLAIN };
    expect(() => packUpdates([wrong], FOUR)).toThrow("an IPv6 route with the next hop 192.0.2.2");
  });

  it("so that the peer has all of them, in messages of at most 4,096 bytes", () => {
    fc.assert(
      fc.property(
        fc.array(anyAnnouncement(), { maxLength: 8 }),
        fc.constantFrom(2 as const, 4 as const),
        (list, asSize) => {
          const { messages, oversized } = packUpdates(list, { asSize });
          expect(oversized).toEqual([]);
          const sent = messages.flatMap((bytes) => {
            expect(bytes.length).toBeLessThanOrEqual(4096);
            const message = decodeMessage(bytes, { ...INTERNAL, asSize });
            expect(message).toMatchObject({ kind: "update", faults: [], withdrawn: [] });
            return message.kind === "update" ? [...message.announced] : [];
          });
          expect(lines(sent)).toEqual(lines(list));
          expect(
            new Set(sent.map(({ prefixes: _prefixes, ...rest }) => JSON.stringify(rest))).size,
          ).toBeLessThanOrEqual(messages.length);
        },
      ),
    );
  });

  it("and taken back in messages of at most 4,096 bytes", () => {
    fc.assert(
      fc.property(fc.array(anyPrefix(), { maxLength: 2000 }), fc.boolean(), (list, ipv4InMultiprotocol) => {
        const messages = packWithdrawals(list, { ipv4InMultiprotocol });
        expect(messages.every(({ length }) => length <= 4096)).toBe(true);
        expect(messages.flatMap(withdrawnIn).toSorted()).toEqual(list.toSorted());
      }),
      { numRuns: 30 },
    );
  });
});

/** Full messages, and one with what is left. */
function lengths(count: number, most: number, head: number): readonly number[] {
  const full = Array<number>(Math.floor(count / most)).fill(head + most * 5);
  return count % most === 0 ? full : [...full, head + (count % most) * 5];
}

function withdrawnIn(bytes: Uint8Array): readonly Prefix[] {
  const message = decodeUpdate(bytes, EXTERNAL);
  return message.kind === "update" ? message.withdrawn : [];
}

/** One line for each prefix, in an order of their own. */
function lines(list: readonly Announcement[]): readonly string[] {
  return list.flatMap((each) => each.prefixes.map((prefix) => routesInWords({ ...each, prefixes: [prefix] }))).sort();
}

function anyPrefix(): fc.Arbitrary<Prefix> {
  return fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, length]) => maskTo(parseIp(ip), length)),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([ip, length]) => maskTo(parseIp(ip), length)),
  );
}

function anyAnnouncement(): fc.Arbitrary<Announcement> {
  const u16 = fc.integer({ min: 0, max: 0xffff });
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  const asn = fc.integer({ min: 1, max: 0xffffffff }).filter((number) => number !== 23456);
  const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined });
  const attributes: fc.Arbitrary<PathAttributes> = fc.record({
    origin: fc.constantFrom("igp" as const, "egp" as const, "incomplete" as const),
    asPath: fc.array(asn, { maxLength: 5 }).map((asns) => pathOf(...asns)),
    multiExitDisc: maybe(u32),
    localPref: u32,
    atomicAggregate: maybe(fc.constant(true as const)),
    aggregator: maybe(fc.record({ asn, address: fc.constant(parseIpv4("192.0.2.9")) })),
    communities: maybe(
      fc.array(
        fc.tuple(u16, u16).map(([high, low]) => community(high, low)),
        { minLength: 1, maxLength: 70 },
      ),
    ),
    largeCommunities: maybe(
      fc.uniqueArray(
        fc.tuple(u32, u32, u32).map(([a, b, c]) => largeCommunity(a, b, c)),
        { minLength: 1, maxLength: 30 },
      ),
    ),
  });
  const ipv4 = fc.record({
    prefixes: fc.array(
      anyPrefix().filter((prefix) => !prefix.includes(":")),
      { maxLength: 40 },
    ),
    nextHop: fc.constantFrom(NODE, NODE_V6),
    attributes,
  });
  const ipv6 = fc.record({
    prefixes: fc.array(
      anyPrefix().filter((prefix) => prefix.includes(":")),
      { maxLength: 40 },
    ),
    nextHop: fc.constant(NODE_V6),
    linkLocal: maybe(fc.constant(LINK_LOCAL)),
    attributes,
  });
  return fc.oneof(ipv4, ipv6);
}
