// RFC 7606: for everything that can be wrong in an UPDATE, what becomes of its routes and of the session.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "../golden/hex.ts";
import { bitFlips, truncations } from "../golden/hostile.ts";
import { parseIp } from "../ip.ts";
import { BgpError } from "./bgp-error.ts";
import { updateInWords } from "./golden/in-words.ts";
import { decodeUpdate, type UpdateContext } from "./update.ts";

const EXTERNAL: UpdateContext = {
  asSize: 4,
  internal: false,
  families: ["ipv4", "ipv6"],
  ownAddress: parseIp("192.0.2.2"),
};
const INTERNAL: UpdateContext = { ...EXTERNAL, internal: true };
const TWO_OCTET: UpdateContext = { ...EXTERNAL, asSize: 2 };
const IPV4_ONLY: UpdateContext = { ...EXTERNAL, families: ["ipv4"] };

const ORIGIN = "40 01 01 00";
const AS_PATH = "40 02 06 02 01 0000fde8";
const NEXT_HOP = "40 03 04 c0000201";
const MANDATORY = `${ORIGIN} ${AS_PATH} ${NEXT_HOP}`;
const NLRI = "18 c63364";
const REACH = "80 0e 1d 0002 01 10 20010db8000000000000000000000001 00 38 20010db8000001";
const AGGREGATOR = "c0 07 08 0000fde8 c0000201";

/** A message with these fields; its lengths are counted here, not by the code under test. */
function update(attributes: string, nlri = "", withdrawn = ""): Uint8Array {
  const u16 = (bytes: string): string => hex(bytes).length.toString(16).padStart(4, "0");
  return message(`${u16(withdrawn)} ${withdrawn} ${u16(attributes)} ${attributes} ${nlri}`);
}

function message(body: string): Uint8Array {
  const length = (hex(body).length + 19).toString(16).padStart(4, "0");
  return hex(`${"ff".repeat(16)} ${length} 02 ${body}`);
}

/** What became of it in one line; a session reset with its answer. */
function judge(bytes: Uint8Array, context: UpdateContext = EXTERNAL): string {
  try {
    return updateInWords(decodeUpdate(bytes, context));
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    const data = error.data.length === 0 ? "" : `, data ${Buffer.from(error.data).toString("hex")}`;
    return `reset ${error.code}/${error.subcode} ${error.message.replace("bgp.update.", "")}${data}`;
  }
}

type Row = readonly [name: string, attributes: string, outcome: string, context?: UpdateContext];

const named = ([name, attributes, outcome, context]: Row) => ({ name, attributes, outcome, context });

const ANNOUNCED = "announce 198.51.100.0/24 via 192.0.2.1; ORIGIN IGP; AS_PATH 65000";
const WITHDRAWN = "withdraw 198.51.100.0/24";
const withdrawn = (fault: string): string => `treatAsWithdraw ${fault}; ${WITHDRAWN}`;
const discarded = (fault: string): string => `attributeDiscard ${fault}; ${ANNOUNCED}`;

/** Each with the IPv4 prefix 198.51.100.0/24. */
const ATTRIBUTES: readonly Row[] = [
  ["nothing wrong", MANDATORY, ANNOUNCED],
  // Section 3 (c).
  ["ORIGIN that is optional", `c0 01 01 00 ${AS_PATH} ${NEXT_HOP}`, withdrawn("3/4 origin has flags 0xc0")],
  ["ORIGIN that is not transitive", `00 01 01 00 ${AS_PATH} ${NEXT_HOP}`, withdrawn("3/4 origin has flags 0x0")],
  [
    "COMMUNITIES that are not transitive",
    `${MANDATORY} 80 08 04 fde80001`,
    withdrawn("3/4 communities has flags 0x80"),
  ],
  [
    "MULTI_EXIT_DISC that is transitive",
    `${MANDATORY} c0 04 04 00000001`,
    withdrawn("3/4 multiExitDisc has flags 0xc0"),
  ],
  [
    "an AGGREGATOR that is well-known",
    `${MANDATORY} 40 07 08 0000fde8 c0000201`,
    withdrawn("3/4 aggregator has flags 0x40"),
  ],
  ["flags without meaning", `4f 01 01 00 ${AS_PATH} ${NEXT_HOP}`, ANNOUNCED],
  ["a partial bit on a well-known attribute", `60 01 01 00 ${AS_PATH} ${NEXT_HOP}`, ANNOUNCED],
  ["a length of two bytes without need", `50 01 0001 00 ${AS_PATH} ${NEXT_HOP}`, ANNOUNCED],
  // Section 3 (d).
  ["no ORIGIN", `${AS_PATH} ${NEXT_HOP}`, withdrawn("3/3 origin is missing")],
  ["no AS_PATH", `${ORIGIN} ${NEXT_HOP}`, withdrawn("3/3 asPath is missing")],
  ["no NEXT_HOP", `${ORIGIN} ${AS_PATH}`, withdrawn("3/3 nextHop is missing")],
  ["no LOCAL_PREF from an internal peer", MANDATORY, withdrawn("3/3 localPref is missing"), INTERNAL],
  // Section 3 (g).
  ["ORIGIN twice", `${MANDATORY} 40 01 01 02`, discarded("3/1 attributes hold type 1 twice")],
  ["ORIGIN three times", `${MANDATORY} 40 01 01 02 40 01 01 01`, discarded("3/1 attributes hold type 1 twice")],
  [
    "ORIGIN twice, the first of them wrong",
    `40 01 01 03 ${MANDATORY}`,
    `treatAsWithdraw 3/6 origin origin.value is 3; attributeDiscard 3/1 attributes hold type 1 twice; ${WITHDRAWN}`,
  ],
  [
    "an unknown attribute twice",
    `${MANDATORY} c0 63 00 c0 63 01 00`,
    `${discarded("3/1 attributes hold type 99 twice")}; attribute 99`,
  ],
  ["MP_REACH_NLRI twice", `${REACH} ${REACH} ${MANDATORY}`, "reset 3/1 attributes hold type 14 twice"],
  [
    "MP_UNREACH_NLRI twice",
    `80 0f 03 0002 01 80 0f 03 0002 01 ${MANDATORY}`,
    "reset 3/1 attributes hold type 15 twice",
  ],
  // Section 3 (h).
  [
    "two faults, the stronger one second",
    `${MANDATORY} c0 07 01 00 c0 08 01 00`,
    `attributeDiscard 3/9 aggregator aggregator.value has 1 bytes; ${withdrawn("3/5 communities has 1 bytes")}`,
  ],
  // Section 4.
  [
    "a last attribute longer than the field",
    `${MANDATORY} 80 04 05 00000001`,
    withdrawn("3/1 attributes bgp.update.attributes.value needs 5 bytes and 4 are left"),
  ],
  [
    "two bytes after the last attribute",
    `${MANDATORY} 80 04`,
    withdrawn("3/1 attributes bgp.update.attributes.length needs 1 bytes and 0 are left"),
  ],
  [
    "one byte after the last attribute",
    `${MANDATORY} 80`,
    withdrawn("3/1 attributes bgp.update.attributes.type needs 1 bytes and 0 are left"),
  ],
  [
    "half a length of two bytes",
    `${MANDATORY} 90 04 00`,
    withdrawn("3/1 attributes bgp.update.attributes.length needs 2 bytes and 1 are left"),
  ],
  // Section 7.1.
  ["ORIGIN of two bytes", `40 01 02 0000 ${AS_PATH} ${NEXT_HOP}`, withdrawn("3/5 origin has 2 bytes")],
  ["ORIGIN of no byte", `40 01 00 ${AS_PATH} ${NEXT_HOP}`, withdrawn("3/5 origin has 0 bytes")],
  ["ORIGIN 3", `40 01 01 03 ${AS_PATH} ${NEXT_HOP}`, withdrawn("3/6 origin origin.value is 3")],
  // Section 7.2.
  [
    "an empty AS_PATH",
    `${ORIGIN} 40 02 00 ${NEXT_HOP}`,
    "announce 198.51.100.0/24 via 192.0.2.1; ORIGIN IGP; AS_PATH empty",
  ],
  ["a segment of type 5", `${ORIGIN} 40 02 06 05 01 0000fde8 ${NEXT_HOP}`, withdrawn("3/11 asPath asPath.type is 5")],
  ["a segment of type 0", `${ORIGIN} 40 02 06 00 01 0000fde8 ${NEXT_HOP}`, withdrawn("3/11 asPath asPath.type is 0")],
  ["a segment of no number", `${ORIGIN} 40 02 02 02 00 ${NEXT_HOP}`, withdrawn("3/11 asPath asPath.count is 0")],
  [
    "a segment beyond the path",
    `${ORIGIN} 40 02 06 02 02 0000fde8 ${NEXT_HOP}`,
    withdrawn("3/11 asPath asPath.asns needs 8 bytes and 4 are left"),
  ],
  [
    "a byte after the last segment",
    `${ORIGIN} 40 02 07 02 01 0000fde8 02 ${NEXT_HOP}`,
    withdrawn("3/11 asPath asPath.count needs 1 bytes and 0 are left"),
  ],
  [
    "numbers of two bytes where four were agreed",
    `${ORIGIN} 40 02 04 02 01 fde8 ${NEXT_HOP}`,
    withdrawn("3/11 asPath asPath.asns needs 4 bytes and 2 are left"),
  ],
  [
    "AS 0 in the path (RFC 7607)",
    `${ORIGIN} 40 02 0a 02 02 0000fde8 00000000 ${NEXT_HOP}`,
    withdrawn("3/11 asPath asPath.asns hold AS 0"),
  ],
  [
    "a confederation from an external peer (RFC 5065)",
    `${ORIGIN} 40 02 06 03 01 0000fde8 ${NEXT_HOP}`,
    withdrawn("3/11 asPath asPath.type is of a confederation"),
  ],
  [
    "a confederation from an internal peer",
    `${ORIGIN} 40 02 06 03 01 0000fde8 ${NEXT_HOP} 40 05 04 00000064`,
    "announce 198.51.100.0/24 via 192.0.2.1; ORIGIN IGP; AS_PATH (65000); LOCAL_PREF 100",
    INTERNAL,
  ],
  // Section 7.3; RFC 4271 section 6.3.
  ["NEXT_HOP of no byte", `${ORIGIN} ${AS_PATH} 40 03 00`, withdrawn("3/5 nextHop has 0 bytes")],
  [
    "NEXT_HOP of three bytes (CVE-2026-30405)",
    `${ORIGIN} ${AS_PATH} 40 03 03 c00002`,
    withdrawn("3/5 nextHop has 3 bytes"),
  ],
  ["NEXT_HOP of five bytes", `${ORIGIN} ${AS_PATH} 40 03 05 c000020100`, withdrawn("3/5 nextHop has 5 bytes")],
  ["NEXT_HOP 0.0.0.0", `${ORIGIN} ${AS_PATH} 40 03 04 00000000`, withdrawn("3/8 nextHop is 0.0.0.0")],
  ["NEXT_HOP 224.0.0.1", `${ORIGIN} ${AS_PATH} 40 03 04 e0000001`, withdrawn("3/8 nextHop is 224.0.0.1")],
  ["NEXT_HOP 127.0.0.1", `${ORIGIN} ${AS_PATH} 40 03 04 7f000001`, withdrawn("3/8 nextHop is 127.0.0.1")],
  ["NEXT_HOP 255.255.255.255", `${ORIGIN} ${AS_PATH} 40 03 04 ffffffff`, withdrawn("3/8 nextHop is 255.255.255.255")],
  ["our own address as NEXT_HOP", `${ORIGIN} ${AS_PATH} 40 03 04 c0000202`, withdrawn("3/8 nextHop is 192.0.2.2")],
  // Sections 7.4 to 7.10.
  ["MULTI_EXIT_DISC of three bytes", `${MANDATORY} 80 04 03 000001`, withdrawn("3/5 multiExitDisc has 3 bytes")],
  [
    "LOCAL_PREF from an external peer",
    `${MANDATORY} 40 05 04 00000064`,
    discarded("3/0 localPref comes from an external peer"),
  ],
  [
    "LOCAL_PREF of one byte from an external peer",
    `${MANDATORY} 40 05 01 64`,
    discarded("3/0 localPref comes from an external peer"),
  ],
  [
    "LOCAL_PREF of three bytes from an internal peer",
    `${MANDATORY} 40 05 03 000064`,
    withdrawn("3/5 localPref has 3 bytes"),
    INTERNAL,
  ],
  ["ATOMIC_AGGREGATE with a value", `${MANDATORY} 40 06 01 00`, discarded("3/5 atomicAggregate has 1 bytes")],
  [
    "AGGREGATOR of six bytes where four-octet numbers were agreed",
    `${MANDATORY} c0 07 06 fde8 c0000201`,
    discarded("3/9 aggregator aggregator.value has 6 bytes"),
  ],
  ["AGGREGATOR of AS 0", `${MANDATORY} c0 07 08 00000000 c0000201`, discarded("3/9 aggregator aggregator.asn is 0")],
  ["COMMUNITIES of three bytes", `${MANDATORY} c0 08 03 fde800`, withdrawn("3/5 communities has 3 bytes")],
  ["COMMUNITIES of no byte", `${MANDATORY} c0 08 00`, withdrawn("3/5 communities has 0 bytes")],
  [
    "ORIGINATOR_ID from an external peer",
    `${MANDATORY} 80 09 04 c0000201`,
    discarded("3/0 originatorId comes from an external peer"),
  ],
  [
    "CLUSTER_LIST from an external peer",
    `${MANDATORY} 80 0a 04 c0000201`,
    discarded("3/0 clusterList comes from an external peer"),
  ],
  [
    "ORIGINATOR_ID of five bytes",
    `${MANDATORY} 40 05 04 00000064 80 09 05 c000020100`,
    withdrawn("3/5 originatorId has 5 bytes"),
    INTERNAL,
  ],
  [
    "CLUSTER_LIST of five bytes",
    `${MANDATORY} 40 05 04 00000064 80 0a 05 c000020100`,
    withdrawn("3/5 clusterList has 5 bytes"),
    INTERNAL,
  ],
  // Sections 7.14 and 7.15.
  [
    "EXTENDED_COMMUNITIES of seven bytes",
    `${MANDATORY} c0 10 07 00020001000000`,
    withdrawn("3/5 extendedCommunities has 7 bytes"),
  ],
  ["EXTENDED_COMMUNITIES of no byte", `${MANDATORY} c0 10 00`, withdrawn("3/5 extendedCommunities has 0 bytes")],
  [
    "an extended community of a type that nobody knows",
    `${MANDATORY} c0 10 08 ff02000100000001`,
    `${ANNOUNCED}; EXTENDED_COMMUNITIES`,
  ],
  [
    "extended communities of IPv6 that end early (CVE-2026-37461)",
    `${MANDATORY} c0 19 12 ${"00".repeat(18)}`,
    withdrawn("3/5 ipv6ExtendedCommunities has 18 bytes"),
  ],
  // RFC 8092 section 6.
  [
    "LARGE_COMMUNITY of eleven bytes",
    `${MANDATORY} c0 20 0b ${"00".repeat(11)}`,
    withdrawn("3/5 largeCommunities has 11 bytes"),
  ],
  ["LARGE_COMMUNITY of no byte", `${MANDATORY} c0 20 00`, withdrawn("3/5 largeCommunities has 0 bytes")],
  [
    "one large community twice",
    `${MANDATORY} c0 20 18 ${"000000010000000200000003".repeat(2)}`,
    `${ANNOUNCED}; LARGE_COMMUNITY 1:2:3`,
  ],
  // RFC 9234 section 5: what BIRD passed on in 2025.
  [
    "Only to Customer of 1,024 bytes",
    `${MANDATORY} d0 23 0400 ${"00".repeat(1024)}`,
    withdrawn("3/5 onlyToCustomer has 1024 bytes"),
  ],
  ["Only to Customer of four bytes", `${MANDATORY} c0 23 04 0000fde8`, `${ANNOUNCED}; attribute 35`],
  // RFC 6793 sections 4 and 6.
  [
    "AS4_PATH between speakers of four octets",
    `${MANDATORY} c0 11 06 02 01 0000fde8`,
    discarded("3/9 as4Path as4Path.value comes from a speaker of four-octet AS numbers"),
  ],
  [
    "AS4_AGGREGATOR between speakers of four octets",
    `${MANDATORY} c0 12 08 0000fde8 c0000201`,
    discarded("3/9 as4Aggregator as4Aggregator.value comes from a speaker of four-octet AS numbers"),
  ],
  [
    "a broken AS4_PATH before AS_PATH (CVE-2026-41643)",
    `c0 11 05 02 01 0000fd ${ORIGIN} 40 02 04 02 01 fde8 ${NEXT_HOP}`,
    discarded("3/9 as4Path as4Path.asns needs 4 bytes and 3 are left"),
    TWO_OCTET,
  ],
  [
    "an AS4_PATH of a confederation alone",
    `${ORIGIN} 40 02 04 02 01 fde8 ${NEXT_HOP} c0 11 06 03 01 0000fde8`,
    ANNOUNCED,
    TWO_OCTET,
  ],
  [
    "an AS4_AGGREGATOR of six bytes",
    `${ORIGIN} 40 02 04 02 01 fde8 ${NEXT_HOP} c0 12 06 fde8 c0000201`,
    discarded("3/9 as4Aggregator as4Aggregator.value has 6 bytes"),
    TWO_OCTET,
  ],
  [
    "an aggregator that came after the AS4 attributes",
    `${ORIGIN} 40 02 06 02 02 fde9 5ba0 ${NEXT_HOP} c0 07 06 fde9 c0000201 c0 11 06 02 01 fa56ea02 c0 12 08 fa56ea02 c0000209`,
    "announce 198.51.100.0/24 via 192.0.2.1; ORIGIN IGP; AS_PATH 65001 23456; AGGREGATOR AS: 65001 origin: 192.0.2.1",
    TWO_OCTET,
  ],
  [
    "an aggregator of two octets and a path of four",
    `${ORIGIN} 40 02 06 02 02 fde9 5ba0 ${NEXT_HOP} c0 07 06 fde9 c0000201 c0 11 06 02 01 fa56ea02`,
    "announce 198.51.100.0/24 via 192.0.2.1; ORIGIN IGP; AS_PATH 65001 4200000002; AGGREGATOR AS: 65001 origin: 192.0.2.1",
    TWO_OCTET,
  ],
  // What nobody knows.
  ["an unknown transitive attribute without a value", `${MANDATORY} c0 63 00`, `${ANNOUNCED}; attribute 99`],
  [
    "an unknown transitive attribute, partial, of 1,024 bytes",
    `${MANDATORY} f0 63 0400 ${"ff".repeat(1024)}`,
    `${ANNOUNCED}; attribute 99`,
  ],
  ["an unknown attribute that is not transitive", `${MANDATORY} 80 63 02 0102`, `${ANNOUNCED}; attribute 99`],
  [
    "an unknown well-known attribute (RFC 4271 section 6.3)",
    `${MANDATORY} 40 63 02 0102`,
    "reset 3/2 attribute99 is well-known, and unknown, data 4063020102",
  ],
  // Attributes of values within each other, their lengths one short, right, one long.
  [
    "a tunnel that ends early",
    `${MANDATORY} c0 17 06 0008 0003 0102`,
    discarded("3/9 tunnelEncapsulation tunnelEncapsulation.tunnel needs 3 bytes and 2 are left"),
  ],
  ["a tunnel that fits", `${MANDATORY} c0 17 07 0008 0003 010100`, `${ANNOUNCED}; attribute 23`],
  [
    "a sub-TLV one byte beyond its tunnel (CVE-2024-44070)",
    `${MANDATORY} c0 17 07 0008 0003 010200`,
    discarded("3/9 tunnelEncapsulation tunnelEncapsulation.tunnel.tlv needs 2 bytes and 1 are left"),
  ],
  [
    "a sub-TLV without its length (CVE-2026-37459)",
    `${MANDATORY} c0 17 06 0008 0002 8000`,
    discarded("3/9 tunnelEncapsulation tunnelEncapsulation.tunnel.length needs 2 bytes and 1 are left"),
  ],
  [
    "a tunnel header cut short (CVE-2026-37460)",
    `${MANDATORY} c0 17 03 000800`,
    discarded("3/9 tunnelEncapsulation tunnelEncapsulation.tunnelLength needs 2 bytes and 1 are left"),
  ],
  [
    "an AIGP that counts less than itself (CVE-2026-37462)",
    `${MANDATORY} 80 1a 03 01 0002`,
    discarded("3/9 aigp aigp.length is 2"),
  ],
  [
    "an AIGP beyond its attribute",
    `${MANDATORY} 80 1a 0b 01 000c 0000000000000001`,
    discarded("3/9 aigp aigp.tlv needs 9 bytes and 8 are left"),
  ],
  ["an AIGP that fits", `${MANDATORY} 80 1a 0b 01 000b 0000000000000001`, `${ANNOUNCED}; attribute 26`],
  ["an AIGP of nothing but its head", `${MANDATORY} 80 1a 03 01 0003`, `${ANNOUNCED}; attribute 26`],
  [
    "a byte after the last AIGP",
    `${MANDATORY} 80 1a 04 01 0003 01`,
    discarded("3/9 aigp aigp.length needs 2 bytes and 0 are left"),
  ],
  [
    "a byte after the last tunnel",
    `${MANDATORY} c0 17 05 0008 0000 00`,
    discarded("3/9 tunnelEncapsulation tunnelEncapsulation.tunnelType needs 2 bytes and 1 are left"),
  ],
  ["a Prefix-SID that fits", `${MANDATORY} c0 28 04 01 0001 00`, `${ANNOUNCED}; attribute 40`],
  [
    "a byte after the last Prefix-SID",
    `${MANDATORY} c0 28 05 01 0001 00 01`,
    discarded("3/9 prefixSid prefixSid.length needs 2 bytes and 0 are left"),
  ],
  [
    "a Prefix-SID that ends early",
    `${MANDATORY} c0 28 04 01 0002 00`,
    discarded("3/9 prefixSid prefixSid.tlv needs 2 bytes and 1 are left"),
  ],
];

const reach = (nextHop: string, nlri: string, family = "0002 01"): string => {
  const value = `${family} ${nextHop} 00 ${nlri}`;
  return `90 0e ${hex(value).length.toString(16).padStart(4, "0")} ${value}`;
};
const GLOBAL = "10 20010db8000000000000000000000001";
const IPV6 = "announce 2001:db8:0:100::/56 via 2001:db8::1; ORIGIN IGP; AS_PATH 65000";
const ROUTE = "38 20010db8000001";

/** Messages of MP-BGP, with no prefix elsewhere. */
const MULTIPROTOCOL: readonly Row[] = [
  ["nothing wrong", `${REACH} ${ORIGIN} ${AS_PATH}`, IPV6],
  ["MP_REACH_NLRI last", `${ORIGIN} ${AS_PATH} ${REACH}`, IPV6],
  ["MP_REACH_NLRI with a NEXT_HOP that is for nothing", `${REACH} ${ORIGIN} ${AS_PATH} 40 03 04 00000000`, IPV6],
  ["no ORIGIN", `${REACH} ${AS_PATH}`, "treatAsWithdraw 3/3 origin is missing; withdraw 2001:db8:0:100::/56"],
  [
    "wrong flags",
    `c0${REACH.slice(2)} ${ORIGIN} ${AS_PATH}`,
    "treatAsWithdraw 3/4 mpReachNlri has flags 0xc0; withdraw 2001:db8:0:100::/56",
  ],
  [
    "the link-local address beside the global one",
    `${reach("20 20010db8000000000000000000000001 fe800000000000000000000000000001", ROUTE)} ${ORIGIN} ${AS_PATH}`,
    IPV6.replace("::1;", "::1 and fe80::1;"),
  ],
  [
    "the link-local address beside ::",
    `${reach("20 00000000000000000000000000000000 fe800000000000000000000000000001", ROUTE)} ${ORIGIN} ${AS_PATH}`,
    IPV6.replace("2001:db8::1", "fe80::1"),
  ],
  [
    "two addresses of which the second is not link-local",
    `${reach("20 20010db8000000000000000000000001 20010db8000000000000000000000003", ROUTE)} ${ORIGIN} ${AS_PATH}`,
    IPV6,
  ],
  [
    "the link-local address alone",
    `${reach("10 fe800000000000000000000000000001", ROUTE)} ${ORIGIN} ${AS_PATH}`,
    IPV6.replace("2001:db8::1", "fe80::1"),
  ],
  [
    "the next hop ::",
    `${reach("10 00000000000000000000000000000000", ROUTE)} ${ORIGIN} ${AS_PATH}`,
    "treatAsWithdraw 3/8 mpReachNlri.nextHop is ::; withdraw 2001:db8:0:100::/56",
  ],
  [
    "the next hop ff02::1",
    `${reach("10 ff020000000000000000000000000001", ROUTE)} ${ORIGIN} ${AS_PATH}`,
    "treatAsWithdraw 3/8 mpReachNlri.nextHop is ff02::1; withdraw 2001:db8:0:100::/56",
  ],
  [
    "an IPv4 route over IPv6 (RFC 8950)",
    `${reach(GLOBAL, NLRI, "0001 01")} ${ORIGIN} ${AS_PATH}`,
    "announce 198.51.100.0/24 via 2001:db8::1; ORIGIN IGP; AS_PATH 65000",
  ],
  ["an IPv4 route over IPv4", `${reach("04 c0000201", NLRI, "0001 01")} ${ORIGIN} ${AS_PATH}`, ANNOUNCED],
  [
    "an IPv6 route over IPv4",
    `${reach("04 c0000201", ROUTE)} ${ORIGIN} ${AS_PATH}`,
    "disableFamily 3/9 mpReachNlri.nextHop.length is 4",
  ],
  [
    "a next hop of no byte",
    `${reach("00", ROUTE)} ${ORIGIN} ${AS_PATH}`,
    "disableFamily 3/9 mpReachNlri.nextHop.length is 0",
  ],
  [
    "a next hop of 255 bytes",
    `${reach("ff 20010db8", ROUTE)} ${ORIGIN} ${AS_PATH}`,
    "disableFamily 3/9 mpReachNlri.nextHop needs 255 bytes and 13 are left",
  ],
  [
    "a prefix of 129 bits",
    `${reach(GLOBAL, `81 ${"00".repeat(17)}`)} ${ORIGIN} ${AS_PATH}`,
    "disableFamily 3/9 mpReachNlri.prefixes[0].length is 129",
  ],
  [
    "a prefix of 255 bits",
    `${reach(GLOBAL, `${ROUTE} ff`)} ${ORIGIN} ${AS_PATH}`,
    "disableFamily 3/9 mpReachNlri.prefixes[1].length is 255",
  ],
  [
    "a prefix beyond the attribute",
    `${reach(GLOBAL, "38 20010db80000")} ${ORIGIN} ${AS_PATH}`,
    "disableFamily 3/9 mpReachNlri.prefixes[0].prefix needs 7 bytes and 6 are left",
  ],
  [
    "no byte after the next hop",
    `80 0e 14 0002 01 ${GLOBAL} ${ORIGIN} ${AS_PATH}`,
    "disableFamily 3/9 mpReachNlri.reserved needs 1 bytes and 0 are left",
  ],
  ["no prefix", `${reach(GLOBAL, "")} ${ORIGIN} ${AS_PATH}`, ""],
  ["no prefix, and the next hop ::", `${reach("10 00000000000000000000000000000000", "")} ${ORIGIN} ${AS_PATH}`, ""],
  ["the default route", `${reach(GLOBAL, "00")} ${ORIGIN} ${AS_PATH}`, IPV6.replace("2001:db8:0:100::/56", "::/0")],
  [
    "not even a family (CVE-2023-46752)",
    `80 0e 02 0002 ${ORIGIN} ${AS_PATH}`,
    "reset 3/9 mpReachNlri.safi needs 1 bytes and 0 are left",
  ],
  [
    "FlowSpec of length 0 (CVE-2023-38406)",
    `${reach("00", "00", "0001 85")} ${ORIGIN} ${AS_PATH}`,
    "familyIgnored 3/9 mpReachNlri is of AFI 1 and SAFI 133, which the session does not carry",
  ],
  [
    "a family of our own that was not agreed on",
    `${REACH} ${ORIGIN} ${AS_PATH}`,
    "familyIgnored 3/9 mpReachNlri is of AFI 2 and SAFI 1, which the session does not carry",
    IPV4_ONLY,
  ],
  ["withdrawn routes", `80 0f 0b 0002 01 ${ROUTE}`, "withdraw 2001:db8:0:100::/56"],
  [
    "withdrawn routes of 129 bits",
    `80 0f 05 0002 01 81 00`,
    "disableFamily 3/9 mpUnreachNlri.prefixes[0].length is 129",
  ],
  [
    "withdrawn routes and wrong flags",
    `c0 0f 0b 0002 01 ${ROUTE}`,
    "treatAsWithdraw 3/4 mpUnreachNlri has flags 0xc0; withdraw 2001:db8:0:100::/56",
  ],
  [
    "withdrawn routes of a family that was not agreed on",
    `80 0f 0b 0002 01 ${ROUTE}`,
    "familyIgnored 3/9 mpUnreachNlri is of AFI 2 and SAFI 1, which the session does not carry",
    IPV4_ONLY,
  ],
  [
    "routes and withdrawn routes together",
    `${REACH} 80 0f 06 0001 01 10 ac10 ${ORIGIN} ${AS_PATH}`,
    `withdraw 172.16.0.0/16; ${IPV6}`,
  ],
  ["End-of-RIB of IPv6", "80 0f 03 0002 01", "End-of-RIB IPv6"],
  ["End-of-RIB in the extended form", "90 0f 0003 0002 01", "End-of-RIB IPv6"],
  // Section 5.2: these are no End-of-RIB and have no routes, so that some may have been lost.
  ["attributes and no route", `${ORIGIN} ${AS_PATH}`, ""],
  ["attributes and no route, one wrong", `40 01 01 03 ${AS_PATH}`, "reset 3/6 origin origin.value is 3, data 40010103"],
  [
    "attributes and no route, one discarded",
    `${ORIGIN} ${AS_PATH} 40 06 01 00`,
    "attributeDiscard 3/5 atomicAggregate has 1 bytes",
  ],
  [
    "a withdrawal with a wrong ORIGIN",
    `80 0f 0b 0002 01 ${ROUTE} 40 01 01 03`,
    "reset 3/6 origin origin.value is 3, data 40010103",
  ],
  [
    "a walk that ends before any route",
    "40 01 ff 00",
    "reset 3/1 attributes bgp.update.attributes.value needs 255 bytes and 1 are left",
  ],
];

describe("RFC 7606", () => {
  it.each(ATTRIBUTES.map(named))("of an IPv4 route with $name", ({ attributes, outcome, context }) => {
    expect(judge(update(attributes, NLRI), context)).toBe(outcome);
  });

  it.each(MULTIPROTOCOL.map(named))("of MP-BGP with $name", ({ attributes, outcome, context }) => {
    expect(judge(update(attributes), context)).toBe(outcome);
  });

  const fields: readonly (readonly [string, Uint8Array, string])[] = [
    ["a prefix of 33 bits", update(MANDATORY, "21 c633640000"), "reset 3/10 announced[0].length is 33"],
    ["a prefix of 255 bits", update(MANDATORY, `${NLRI} ff`), "reset 3/10 announced[1].length is 255"],
    [
      "a prefix beyond the message",
      update(MANDATORY, "18 c633"),
      "reset 3/10 announced[0].prefix needs 3 bytes and 2 are left",
    ],
    [
      "a second prefix beyond the message",
      update(MANDATORY, `${NLRI} 18 c633`),
      "reset 3/10 announced[1].prefix needs 3 bytes and 2 are left",
    ],
    [
      "an empty MP_UNREACH_NLRI beside routes",
      update("80 0f 03 0002 01", NLRI, "18 c63365"),
      "treatAsWithdraw 3/3 origin is missing; treatAsWithdraw 3/3 asPath is missing; treatAsWithdraw 3/3 nextHop is missing; withdraw 198.51.101.0/24 198.51.100.0/24",
    ],
    ["an empty MP_UNREACH_NLRI beside withdrawn routes", update("80 0f 03 0002 01", "", NLRI), WITHDRAWN],
    ["as many bytes withdrawn as there are of attributes", update(ORIGIN, "", NLRI), WITHDRAWN],
    ["a withdrawn prefix of 33 bits", update("", "", "21 c633640000"), "reset 3/10 withdrawn[0].length is 33"],
    [
      "a withdrawn prefix beyond its field",
      update("", "", "20 c63364"),
      "reset 3/10 withdrawn[0].prefix needs 4 bytes and 3 are left",
    ],
    ["withdrawn routes beyond the message", message("0005 0000"), "reset 3/1 withdrawn needs 5 bytes and 2 are left"],
    [
      "withdrawn routes that leave one byte",
      message("0001 0000"),
      "reset 3/1 attributesLength needs 2 bytes and 1 are left",
    ],
    [
      "attributes beyond the message",
      message("0000 0005 40010100"),
      "reset 3/1 attributes needs 5 bytes and 4 are left",
    ],
    [
      "attributes of 65,535 bytes (CVE-2026-37462)",
      message("0000 ffff"),
      "reset 3/1 attributes needs 65535 bytes and 0 are left",
    ],
    ["withdrawn routes of 65,535 bytes", message("ffff 0000"), "reset 3/1 withdrawn needs 65535 bytes and 2 are left"],
    ["the default route", update(MANDATORY, "00"), ANNOUNCED.replace("198.51.100.0/24", "0.0.0.0/0")],
    [
      "bits beyond the length of a prefix",
      update(MANDATORY, "11 c6ffff 09 0aff"),
      ANNOUNCED.replace("198.51.100.0/24", "198.255.128.0/17 10.128.0.0/9"),
    ],
    ["End-of-RIB of IPv4", message("0000 0000"), "End-of-RIB IPv4"],
    ["withdrawn routes", update("", "", `${NLRI} 00`), "withdraw 198.51.100.0/24 0.0.0.0/0"],
    [
      "everything in one message",
      update(`${REACH} ${MANDATORY}`, NLRI, "10 ac10"),
      `withdraw 172.16.0.0/16; announce 198.51.100.0/24 via 192.0.2.1; announce 2001:db8:0:100::/56 via 2001:db8::1; ORIGIN IGP; AS_PATH 65000`,
    ],
    [
      "a fault in a message of everything",
      update(`${REACH} ${MANDATORY} c0 08 00`, NLRI, "10 ac10"),
      "treatAsWithdraw 3/5 communities has 0 bytes; withdraw 172.16.0.0/16 198.51.100.0/24 2001:db8:0:100::/56",
    ],
    [
      "a broken family beside a good one",
      update(`${reach("00", ROUTE)} ${MANDATORY}`, NLRI),
      `disableFamily 3/9 mpReachNlri.nextHop.length is 0; ${ANNOUNCED}`,
    ],
    [
      "nothing but an unknown attribute beside a route (CVE-2023-46753)",
      update("c0 63 00", NLRI),
      `treatAsWithdraw 3/3 origin is missing; treatAsWithdraw 3/3 asPath is missing; treatAsWithdraw 3/3 nextHop is missing; ${WITHDRAWN}`,
    ],
  ];
  it.each(fields)("of %s", (_name, bytes, outcome) => {
    expect(judge(bytes)).toBe(outcome);
  });

  it("does not depend on the order of the attributes", () => {
    const attributes = [
      ORIGIN,
      "40 02 06 02 02 5ba0 fde9",
      NEXT_HOP,
      "c0 07 06 5ba0 c0000201",
      "c0 11 0a 02 02 fa56ea02 0000fde9",
      "c0 12 08 fa56ea02 c0000209",
    ];
    const expected =
      "announce 198.51.100.0/24 via 192.0.2.1; ORIGIN IGP; AS_PATH 4200000002 65001; AGGREGATOR AS: 4200000002 origin: 192.0.2.9";
    const orders = permutations(attributes);
    expect(orders.length).toBe(720);
    for (const order of orders) expect(judge(update(order.join(" "), NLRI), TWO_OCTET)).toBe(expected);
  });

  it("holds paths as long as a message allows", () => {
    const segment = (count: number): string => `02 ${count.toString(16).padStart(2, "0")} ${"0000fde8".repeat(count)}`;
    const path = `${segment(255)} ${segment(255)} ${segment(255)} ${segment(240)}`;
    const long = `${ORIGIN} 50 02 ${hex(path).length.toString(16).padStart(4, "0")} ${path} ${NEXT_HOP}`;
    expect(judge(update(long, NLRI))).toBe(ANNOUNCED.replace("65000", Array(1005).fill(65000).join(" ")));
  });

  it("gives a value or an answer to every truncation and every flipped bit", () => {
    const whole = update(
      `${REACH} ${MANDATORY} ${AGGREGATOR} c0 08 04 fde80001 c0 17 07 0008 0003 010100`,
      NLRI,
      "10 ac10",
    );
    for (const bytes of [...truncations(whole).slice(19), ...bitFlips(whole).slice(19 * 8)]) {
      expect(judge(bytes)).toMatch(
        /^(reset 3\/(1|2|9|10) |(disableFamily|familyIgnored|treatAsWithdraw|attributeDiscard|withdraw) )/,
      );
    }
  });

  it("gives a value or an answer to any bytes, soon", () => {
    const attribute = fc
      .tuple(fc.constantFrom(0x40, 0x80, 0xc0, 0x50), fc.integer({ min: 1, max: 41 }), fc.uint8Array({ maxLength: 40 }))
      .map(([flags, type, value]) =>
        (flags & 0x10) === 0 ? [flags, type, value.length, ...value] : [flags, type, 0, value.length, ...value],
      );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.array(attribute, { maxLength: 12 }), fc.uint8Array({ maxLength: 30 })).map(([attributes, nlri]) => {
        const bytes = attributes.flat();
        return Uint8Array.of(0, 0, bytes.length >> 8, bytes.length, ...bytes, ...nlri);
      }),
    );
    fc.assert(
      fc.property(body, fc.constantFrom(EXTERNAL, INTERNAL, TWO_OCTET, IPV4_ONLY), (bytes, context) => {
        judge(Uint8Array.of(...hex(`${"ff".repeat(16)} 0000 02`), ...bytes), context);
      }),
      { numRuns: 500 },
    );
  });

  it("reports each repeated type once, however often it comes", () => {
    const many = `${MANDATORY} ${"40 01 01 00 ".repeat(900)}`;
    expect(judge(update(many, NLRI))).toBe(discarded("3/1 attributes hold type 1 twice"));
  });
});

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}
