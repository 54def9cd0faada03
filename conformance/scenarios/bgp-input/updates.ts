// RFC 4271 section 6.3 as RFC 7606 has it: UPDATEs that are wrong, and what they cost. The speaker keeps no route of a peer, so
// that what was treated as withdrawn can only be counted; a session that stays is what matters.
import { expectEqual } from "../../expect.ts";
import { type PeerSpec, ROUTER_ASN } from "../../objects.ts";
import {
  AS_PATH,
  attribute,
  capability,
  fourOctetAs,
  IPV4_UNICAST,
  KEEPALIVE,
  NEXT_HOP,
  octets,
  type Octets,
  open,
  ORIGIN,
  parameters,
  PREFIX,
  u16,
  u32,
  update,
} from "../../raw-messages.ts";
import {
  established,
  establishedRaw,
  type FaultAction,
  faults,
  GREETING,
  lastWord,
  type RawSession,
  stillUp,
  updatesReceived,
  warned,
} from "../../raw-session.ts";
import { passes } from "../../steps.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { type Scenario, type World } from "../../world.ts";

const WELL_KNOWN = 0x40;
const OPTIONAL = 0x80;
const TRANSITIVE = 0xc0;
const PARTIAL = 0xe0;

const ROUTE: readonly Octets[] = [ORIGIN, AS_PATH, NEXT_HOP];
/** An IPv4 route with these attributes beside or in place of its own. */
const routeWith = (...attributes: readonly Octets[]): Uint8Array =>
  update({ attributes: attributes.flat(), announced: PREFIX });
const extra = (...attributes: readonly Octets[]): Uint8Array => routeWith(...ROUTE, ...attributes);
const nextHop = (...value: Octets): Uint8Array => routeWith(ORIGIN, AS_PATH, attribute(WELL_KNOWN, 3, ...value));
const asPath = (...value: Octets): Uint8Array => routeWith(ORIGIN, attribute(WELL_KNOWN, 2, ...value), NEXT_HOP);

/** A type of one byte and a length, and as many bytes as there are in truth. */
const tlv = (type: number, length: Octets, count: number): Octets => [type, ...length, ...octets(count)];

// MP_REACH_NLRI: family, next hop behind its length, a reserved byte, prefixes.
const IPV6: Octets = [0, 2, 1];
const GLOBAL: Octets = [0x20, 0x01, 0x0d, 0xb8, ...octets(11), 1];
const V6_PREFIX: Octets = [48, 0x20, 0x01, 0x0d, 0xb8, 0, 0x99];
const mpReach = (...value: Octets): Octets => attribute(OPTIONAL, 14, ...value);
const mpUnreach = (...value: Octets): Octets => attribute(OPTIONAL, 15, ...value);
const v6Route = (hop: Octets, prefixes: Octets = V6_PREFIX): Octets =>
  mpReach(...IPV6, hop.length, ...hop, 0, ...prefixes);
const inMultiprotocol = (...attributes: readonly Octets[]): Uint8Array => update({ attributes: attributes.flat() });

/** What ends the session, as nothing better is left. RFC 7606 sections 3 (a), (g), (j), 4, 5.2 and 5.3. */
const RESETS: Readonly<Record<string, { readonly sent: Uint8Array; readonly answer: string }>> = {
  "withdrawn-longer-than-the-message": { sent: update({ withdrawnLength: 1 }), answer: "3/1" },
  "withdrawn-of-65535": { sent: update({ attributes: ROUTE.flat(), withdrawnLength: 65_535 }), answer: "3/1" },
  "withdrawn-over-the-attributes-length": { sent: update({ withdrawn: PREFIX, withdrawnLength: 5 }), answer: "3/1" },
  "attributes-longer-than-the-message": { sent: update({ attributes: ORIGIN, attributesLength: 5 }), answer: "3/1" },
  "attributes-of-65535": { sent: update({ attributesLength: 65_535 }), answer: "3/1" },
  "prefix-of-33-bits": {
    sent: update({ attributes: ROUTE.flat(), announced: [33, 198, 18, 7, 0, 0] }),
    answer: "3/10",
  },
  "prefix-of-255-bits": { sent: update({ attributes: ROUTE.flat(), announced: [255] }), answer: "3/10" },
  "prefix-that-ends-early": {
    sent: update({ attributes: ROUTE.flat(), announced: [...PREFIX, 24, 198, 18] }),
    answer: "3/10",
  },
  "withdrawn-prefix-of-33-bits": { sent: update({ withdrawn: [33, 198, 18, 7, 0, 0] }), answer: "3/10" },
  "mp-reach-twice": { sent: inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL), v6Route(GLOBAL)), answer: "3/1" },
  "mp-unreach-twice": { sent: inMultiprotocol(mpUnreach(...IPV6), mpUnreach(...IPV6)), answer: "3/1" },
  "mp-reach-without-a-family": { sent: inMultiprotocol(ORIGIN, AS_PATH, mpReach(0, 2)), answer: "3/9" },
  // RFC 4271 section 6.3; the data is the attribute.
  "unknown-well-known-attribute": { sent: routeWith(...ROUTE, attribute(WELL_KNOWN, 99, 1)), answer: "3/2 40630101" },
  // RFC 7606 section 5.2: there may have been a route.
  "mistake-without-a-route": { sent: update({ attributes: attribute(WELL_KNOWN, 1, 3) }), answer: "3/6 40010103" },
  "mp-unreach-of-nothing": { sent: inMultiprotocol(mpUnreach()), answer: "3/9" },
};

/** One mistake each, which costs the routes of its message. */
const WITHDRAWN: Readonly<Record<string, readonly Uint8Array[]>> = {
  "missing-attributes": [routeWith(AS_PATH, NEXT_HOP), routeWith(ORIGIN, NEXT_HOP), routeWith(ORIGIN, AS_PATH)],
  // CVE-2023-46753.
  "missing-next-hop-beside-an-unknown-attribute": [routeWith(ORIGIN, AS_PATH, attribute(TRANSITIVE, 99, 1, 2, 3))],
  "wrong-flags": [
    routeWith(attribute(TRANSITIVE, 1, 0), AS_PATH, NEXT_HOP),
    routeWith(ORIGIN, attribute(OPTIONAL, 2, 2, 1, ...u32(ROUTER_ASN)), NEXT_HOP),
    routeWith(ORIGIN, AS_PATH, attribute(0, 3, 192, 0, 2, 201)),
    extra(attribute(WELL_KNOWN, 8, 0, 0, 0, 0)),
  ],
  // CVE-2026-30405 is a NEXT_HOP of less than four bytes.
  "next-hop-of-another-length": [0, 1, 2, 3, 5, 16].map((length) => nextHop(...octets(length, 1))),
  "next-hop-that-is-no-host": [
    nextHop(0, 0, 0, 0),
    nextHop(127, 0, 0, 1),
    nextHop(224, 0, 0, 1),
    nextHop(240, 0, 0, 1),
    nextHop(255, 255, 255, 255),
  ],
  "next-hop-that-is-our-own-address": [nextHop(192, 0, 2, 11)],
  "origin-of-another-value-or-length": [
    routeWith(attribute(WELL_KNOWN, 1, 3), AS_PATH, NEXT_HOP),
    routeWith(attribute(WELL_KNOWN, 1), AS_PATH, NEXT_HOP),
    routeWith(attribute(WELL_KNOWN, 1, 0, 0), AS_PATH, NEXT_HOP),
  ],
  "as-path-of-nonsense": [
    asPath(2, 0),
    asPath(2, 2, ...u32(ROUTER_ASN)),
    asPath(2, 255, ...u32(ROUTER_ASN)),
    asPath(2, 1, ...u16(ROUTER_ASN)),
    asPath(2, 1, ...u32(ROUTER_ASN), 1),
    asPath(9, 1, ...u32(ROUTER_ASN)),
    asPath(2, 1, ...u32(0)),
    // Segments of a confederation come from nobody outside.
    asPath(3, 1, ...u32(ROUTER_ASN)),
  ],
  "as-path-as-long-as-the-message": [
    asPath(...octets(4000)),
    asPath(...Array.from({ length: 1333 }, () => [1, 0, 0]).flat()),
  ],
  "lengths-of-lists": [
    extra(attribute(TRANSITIVE, 8, ...octets(5, 1))),
    extra(attribute(TRANSITIVE, 8)),
    extra(attribute(TRANSITIVE, 16, ...octets(7, 1))),
    extra(attribute(TRANSITIVE, 16, ...octets(9, 1))),
    // CVE-2026-37461.
    extra(attribute(TRANSITIVE, 25, ...octets(19, 1))),
    extra(attribute(TRANSITIVE, 32, ...octets(11, 1))),
    extra(attribute(OPTIONAL, 4, 1, 2, 3)),
  ],
  // What was seen in the Internet in October 2025.
  "only-to-customer-of-1024-bytes": [extra(attribute(PARTIAL, 35, ...octets(1024)))],
  "attribute-longer-than-all": [
    routeWith(...ROUTE, [TRANSITIVE, 99, 1]),
    routeWith(...ROUTE, [TRANSITIVE, 99, 255, 0]),
    routeWith(...ROUTE, [TRANSITIVE | 0x10, 99, 0xff, 0xff]),
    routeWith(...ROUTE, [TRANSITIVE | 0x10, 99, 0]),
    routeWith(...ROUTE, [TRANSITIVE, 99]),
    routeWith(...ROUTE, [TRANSITIVE]),
  ],
};

/** One mistake each, which costs nothing but the attribute. */
const DISCARDED: Readonly<Record<string, readonly Uint8Array[]>> = {
  // RFC 9012: tunnel type, its length; in it a type and a length of one byte. One byte less and one more than there is.
  tunnels: [
    extra(attribute(TRANSITIVE, 23, 0, 8, 0, 3, ...tlv(1, [2], 1))),
    extra(attribute(TRANSITIVE, 23, 0, 8, 0, 3, ...tlv(1, [0], 1))),
    extra(attribute(TRANSITIVE, 23, 0, 8, 0, 4, ...tlv(1, [1], 1))),
    extra(attribute(TRANSITIVE, 23, 0, 8, 0, 2, ...tlv(1, [1], 1))),
    extra(attribute(TRANSITIVE, 23, 0, 8, 0, 4, ...tlv(128, [0, 2], 1))),
    extra(attribute(TRANSITIVE, 23, 0, 8)),
  ],
  // RFC 7311 section 3: the length counts type and length too.
  aigp: [
    [0, 10],
    [0, 12],
    [0, 2],
    [0, 0],
    [255, 255],
  ].map((length) => extra(attribute(OPTIONAL, 26, ...tlv(1, length, 8)))),
  "prefix-sid": [
    [0, 6],
    [0, 8],
    [255, 255],
  ].map((length) => extra(attribute(TRANSITIVE, 40, ...tlv(1, length, 7)))),
  aggregator: [0, 6, 7, 9].map((length) => extra(attribute(TRANSITIVE, 7, ...octets(length, 1)))),
  "atomic-aggregate-of-a-byte": [extra(attribute(WELL_KNOWN, 6, 0))],
  "local-preference-of-a-stranger": [extra(attribute(WELL_KNOWN, 5, 0, 0, 0, 100)), extra(attribute(WELL_KNOWN, 5, 0))],
  // CVE-2026-41643: in front of AS_PATH and wrong. Who has four octets does not send it at all.
  "as4-path-before-as-path": [
    routeWith(attribute(TRANSITIVE, 17, 2, 1, ...u32(ROUTER_ASN)), ...ROUTE),
    routeWith(attribute(TRANSITIVE, 17, 2, 9, 0), ...ROUTE),
    routeWith(attribute(TRANSITIVE, 17), ...ROUTE),
  ],
  // RFC 7606 section 3 (g): the first counts, so that a second one may be as wrong as it likes.
  twice: [
    extra(ORIGIN),
    extra(attribute(WELL_KNOWN, 1, 9)),
    extra(attribute(WELL_KNOWN, 3, 0)),
    extra(attribute(TRANSITIVE, 99), attribute(TRANSITIVE, 99, 1)),
  ],
};

/** Every order of these. */
function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((first, index) => permutations(items.toSpliced(index, 1)).map((rest) => [first, ...rest]));
}

const COMMUNITIES = attribute(TRANSITIVE, 8, ...u16(64_501), ...u16(123));
const MED = attribute(OPTIONAL, 4, 0, 0, 0, 7);
const UNKNOWN = attribute(TRANSITIVE, 99, 1, 2, 3);
const sequence = (count: number): Octets => [2, count, ...Array.from({ length: count }, () => u32(ROUTER_ASN)).flat()];

/** Nothing is wrong with these. */
const HARMLESS: Readonly<Record<string, readonly Uint8Array[]>> = {
  "every-order-of-attributes": permutations([...ROUTE, COMMUNITIES, MED, UNKNOWN]).map((each) => routeWith(...each)),
  "unknown-attributes-of-any-length": [0, 1, 2, 127, 254, 255, 256, 257, 1023, 1024].flatMap((length) =>
    [OPTIONAL, TRANSITIVE, PARTIAL].map((flags) => extra(attribute(flags, 99, ...octets(length, 0xff)))),
  ),
  "many-unknown-attributes": [
    extra(...Array.from({ length: 200 }, (_, index) => attribute(TRANSITIVE, 41 + index, 0))),
  ],
  // All addresses, and bits behind the length, which mean nothing.
  "unusual-prefixes": [
    update({ attributes: ROUTE.flat(), announced: [0] }),
    update({ withdrawn: [0] }),
    update({ attributes: ROUTE.flat(), announced: [20, 198, 18, 0xff] }),
  ],
  "prefixes-to-the-brim": [update({ attributes: ROUTE.flat(), announced: octets(4000) })],
  "long-as-paths": [
    asPath(...sequence(255), ...sequence(255), ...sequence(255), ...sequence(235)),
    asPath(1, 1, ...u32(ROUTER_ASN), 1, 1, ...u32(ROUTER_ASN)),
  ],
  "ends-of-families": [update({}), inMultiprotocol(mpUnreach(...IPV6)), inMultiprotocol(mpUnreach(0x40, 4, 71))],
  "withdrawn-alone": [
    update({ withdrawn: [...PREFIX, 32, 198, 18, 8, 1] }),
    update({ withdrawn: PREFIX, attributes: ROUTE.flat(), announced: PREFIX }),
  ],
};

/** Of a family that the session does not carry, whatever is in it. */
const IGNORED: readonly Uint8Array[] = [
  inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL)),
  inMultiprotocol(ORIGIN, AS_PATH, v6Route([])),
  inMultiprotocol(ORIGIN, AS_PATH, mpReach(...IPV6, 255)),
  inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL, [129])),
  // FlowSpec with a length of 0 (CVE-2023-38406), L2VPN, and what nobody knows.
  inMultiprotocol(ORIGIN, AS_PATH, mpReach(0, 1, 133, 0, 0, 0)),
  inMultiprotocol(ORIGIN, AS_PATH, mpReach(0, 25, 70, 0, 0, 2, 0)),
  inMultiprotocol(ORIGIN, AS_PATH, mpReach(0xff, 0xff, 0xff, 0, 0)),
  inMultiprotocol(mpUnreach(...IPV6, 255)),
];

/** Of a family that it does carry. RFC 7606 sections 5.3 and 7.11 leave the choice: the family is given up, the session stays. */
const DISABLED: readonly Uint8Array[] = [
  // CVE-2023-46752.
  inMultiprotocol(ORIGIN, AS_PATH, v6Route([])),
  inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL.slice(1))),
  inMultiprotocol(ORIGIN, AS_PATH, mpReach(...IPV6, 255, ...GLOBAL, 0)),
  inMultiprotocol(ORIGIN, AS_PATH, mpReach(...IPV6)),
  inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL, [129, ...octets(17)])),
  inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL, [255])),
  inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL, [64, 0x20, 0x01])),
  inMultiprotocol(mpUnreach(...IPV6, 129)),
];

/** UPDATEs of IPv6 routes that are not wrong in their form. */
const V6_HARMLESS: readonly Uint8Array[] = [
  inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL)),
  inMultiprotocol(ORIGIN, AS_PATH, v6Route([...GLOBAL, 0xfe, 0x80, ...octets(13), 1])),
  inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL, [0])),
  inMultiprotocol(ORIGIN, AS_PATH, v6Route(GLOBAL, [])),
  inMultiprotocol(v6Route(GLOBAL), AS_PATH, ORIGIN),
  inMultiprotocol(mpUnreach(...IPV6, ...V6_PREFIX)),
];

/** CVE-2026-41643 where it belongs: from a speaker of two octets. */
const AS4_ORDERS: readonly Uint8Array[] = permutations([
  ORIGIN,
  attribute(WELL_KNOWN, 2, 2, 1, ...u16(ROUTER_ASN)),
  NEXT_HOP,
  attribute(TRANSITIVE, 17, 2, 2, 0),
]).map((each) => routeWith(...each));

const DUAL: PeerSpec = { dualStackAddressFamily: true };
const DUAL_GREETING = [
  open({ parameters: parameters(IPV4_UNICAST, capability(1, 0, 2, 0, 1), fourOctetAs(ROUTER_ASN)) }),
  KEEPALIVE,
];

const names = (table: Readonly<Record<string, unknown>>): readonly { readonly name: string }[] =>
  Object.keys(table).map((name) => ({ name }));

/** Sends each UPDATE and sees that it is heard, what is found in it, and that the session goes on. */
async function judged(
  session: RawSession,
  updates: readonly Uint8Array[],
  action: FaultAction | undefined,
): Promise<void> {
  const { world, raw } = session;
  const before = await updatesReceived(session);
  for (const [index, bytes] of updates.entries()) {
    await raw.send(bytes);
    if (updates.length > 50) continue;
    await passes(world, seconds(0.1));
    expectEqual(
      `mistakes after ${index + 1}`,
      await faults(session),
      action === undefined ? {} : { [action]: index + 1 },
    );
  }
  await passes(world, seconds(1));
  expectEqual("UPDATEs that were heard", (await updatesReceived(session)) - before, updates.length);
  expectEqual("mistakes", await faults(session), action === undefined ? {} : { [action]: updates.length });
  await stillUp(session);
}

/** What is judged alike, in a session of IPv4. */
function judging(
  name: string,
  title: string,
  cites: readonly string[],
  table: Readonly<Record<string, readonly Uint8Array[]>>,
  action: FaultAction | undefined,
): Scenario {
  return {
    name: `bgp-input/${name}`,
    title,
    cites,
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    variants: names(table),
    async run(world: World, variant) {
      const session = await establishedRaw(world);
      await judged(session, table[variant.name] ?? [], action);
      await session.raw.end();
    },
  };
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-input/update-that-resets",
    title: "An UPDATE that cannot be taken apart costs the session, which is there again soon",
    cites: ["F14", "F17", "F20"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    variants: names(RESETS),
    async run(world, { name }) {
      const reset = RESETS[name];
      if (reset === undefined) throw new Error(`there is no UPDATE ${name}`);
      const session = await establishedRaw(world, { greet: DUAL_GREETING, peer: DUAL });
      await session.raw.send(reset.sent);
      expectEqual("the answer", await lastWord(session), `notification ${reset.answer}`);
      await warned(session, "SessionDown", "UPDATE Message Error");
      await established(session, 2);
      await session.raw.end();
    },
  },
  judging(
    "update-treated-as-withdrawn",
    "An UPDATE whose routes are worth nothing costs them and not the session",
    ["F15", "F16", "F18", "F21", "F22"],
    WITHDRAWN,
    "treatAsWithdraw",
  ),
  judging(
    "update-attribute-discarded",
    "An attribute that is wrong and does not matter costs nothing but itself",
    ["F18", "F19"],
    DISCARDED,
    "attributeDiscard",
  ),
  judging(
    "update-harmless",
    "Nothing is found in UPDATEs that are right, in whatever order and with whatever else they come",
    ["F19", "F20", "F21", "F22"],
    HARMLESS,
    undefined,
  ),
  {
    name: "bgp-input/update-of-other-families",
    title: "Routes of a family that the session does not carry are passed over unread",
    cites: ["F17", "F20"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    async run(world) {
      const session = await establishedRaw(world);
      await judged(session, IGNORED, "familyIgnored");
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/update-unreadable-family",
    title: "IPv6 routes that cannot be told apart cost their family and not the session",
    cites: ["F17", "F20"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    variants: [
      { name: "wrong", right: false },
      { name: "right", right: true },
    ],
    async run(world, { right }) {
      const session = await establishedRaw(world, { greet: DUAL_GREETING, peer: DUAL });
      if (right === true) await judged(session, V6_HARMLESS, undefined);
      else await judged(session, DISABLED, "disableFamily");
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/update-as4-path",
    title: "An AS4_PATH that is wrong is discarded wherever it stands, and AS_PATH counts",
    cites: ["F19"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    async run(world) {
      const greet = [open({ parameters: parameters(IPV4_UNICAST) }), KEEPALIVE];
      const session = await establishedRaw(world, { greet });
      await judged(session, AS4_ORDERS, "attributeDiscard");
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/update-wrong-for-ever",
    title: "A peer that sends nothing but wrong UPDATEs, a thousand at a time, keeps its session and costs no memory",
    cites: ["F15", "F28"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "resources", "virtualTime"],
    async run(world) {
      const session = await establishedRaw(world, { greet: GREETING });
      const { streams } = await session.node.resources();
      const wrong = (WITHDRAWN["lengths-of-lists"] ?? [])[0] ?? new Uint8Array();
      for (let round = 0; round < 10; round++) {
        for (let count = 0; count < 100; count++) await session.raw.send(wrong);
        await passes(world, seconds(1));
      }
      expectEqual("mistakes", await faults(session), { treatAsWithdraw: 1000 });
      expectEqual("streams that the speaker holds open", (await session.node.resources())["streams"], streams);
      await stillUp(session);
      await session.raw.end();
    },
  },
];
