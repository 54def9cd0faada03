import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "../golden/hex.ts";
import { truncations } from "../golden/hostile.ts";
import { parseIpv4 } from "../ip.ts";
import { seconds } from "../time.ts";
import { BgpError } from "./bgp-error.ts";
import { type Capability, findCapability, offersFamily } from "./capabilities.ts";
import { describeError } from "./error-codes.ts";
import { unicast } from "./families.ts";
import { decodeOpen, encodeOpen, type Open } from "./open.ts";

const MARKER = "ff".repeat(16);

/** A message with this body; its length is counted here, not by the code under test. */
function open(body: string): Uint8Array {
  const bytes = hex(body);
  return hex(`${MARKER} ${(bytes.length + 19).toString(16).padStart(4, "0")} 01 ${body}`);
}

const FIXED = "04 fde8 005a c0000201";

/** One parameter of capabilities, as a body after the fixed fields. */
function withCapabilities(capabilities: string): string {
  const length = hex(capabilities).length;
  const byte = (value: number): string => value.toString(16).padStart(2, "0");
  return `${FIXED} ${byte(length + 2)} 02 ${byte(length)} ${capabilities}`;
}

const GOLDEN: readonly { readonly name: string; readonly bytes: Uint8Array; readonly open: Open }[] = [
  {
    name: "BIRD 2.0.12, as it stands first in a session",
    bytes: hex(`
      ${MARKER}         # marker
      0039 01           # length 57, OPEN
      04                # version
      5ba0              # AS_TRANS
      005a              # hold time 90 s
      c0000202          # identifier 192.0.2.2
      1c 02 1a          # parameters of 28 bytes: capabilities of 26 bytes
      01 04 0001 00 01  # multiprotocol: IPv4 unicast
      02 00             # route refresh
      40 06 0078        # graceful restart, 120 s
        0001 01 00      #   IPv4 unicast, forwarding state not preserved
      41 04 fa56ea01    # AS 4200000001
      46 00             # enhanced route refresh
      47 00             # long-lived graceful restart (RFC 9494)`),
    open: {
      kind: "open",
      asn: 4200000001,
      holdTime: seconds(90),
      bgpIdentifier: parseIpv4("192.0.2.2"),
      capabilities: [
        { kind: "multiprotocol", afi: 1, safi: 1 },
        { kind: "routeRefresh" },
        {
          kind: "gracefulRestart",
          restarting: false,
          notification: false,
          restartTime: seconds(120),
          families: [{ afi: 1, safi: 1, forwardingPreserved: false }],
        },
        { kind: "fourOctetAs", asn: 4200000001 },
        { kind: "enhancedRouteRefresh" },
        { kind: "unknown", code: 71, value: hex("") },
      ],
    },
  },
  {
    name: "the native implementation of MetalLB: two families and a four-octet number",
    bytes: hex(`
      ${MARKER} 0031 01
      04 fc00 005a c0000203
      14 02 12
      01 04 0001 00 01
      01 04 0002 00 01
      41 04 0000fc00`),
    open: {
      kind: "open",
      asn: 64512,
      holdTime: seconds(90),
      bgpIdentifier: parseIpv4("192.0.2.3"),
      capabilities: [
        { kind: "multiprotocol", afi: 1, safi: 1 },
        { kind: "multiprotocol", afi: 2, safi: 1 },
        { kind: "fourOctetAs", asn: 64512 },
      ],
    },
  },
  {
    name: "FRR 8.4.4 that negotiates no capabilities",
    bytes: hex(`${MARKER} 001d 01 04 fde8 00b4 c0000201 00`),
    open: {
      kind: "open",
      asn: 65000,
      holdTime: seconds(180),
      bgpIdentifier: parseIpv4("192.0.2.1"),
      capabilities: [],
    },
  },
];

/** Sent with each capability in a parameter of its own, which is not how we write them. */
const FRR: Uint8Array = hex(`
  ${MARKER} 007e 01
  04 5ba0 0009 c0000201
  61                               # parameters of 97 bytes
  02 06 01 04 0001 00 01           # multiprotocol: IPv4 unicast
  02 08 05 06 0001 0001 0002       # extended next hop: IPv4 unicast over IPv6
  02 06 01 04 0002 00 01           # multiprotocol: IPv6 unicast
  02 02 80 00                      # route refresh of Cisco
  02 02 02 00                      # route refresh
  02 02 46 00                      # enhanced route refresh
  02 06 41 04 fa56ea02             # AS 4200000002
  02 02 06 00                      # extended messages
  02 0a 45 08 0001 01 01 0002 01 01 # add-path
  02 09 49 07 05 6672722d61 00     # host name frr-a, no domain
  02 04 40 02 c078                 # graceful restart: restarting, notification, 120 s, no family
  02 10 47 0e 0001 01 80 000000 0002 01 80 000000`);

describe("OPEN", () => {
  it.each(GOLDEN)("writes $name", ({ bytes, open }) => {
    expect(encodeOpen(open)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ bytes, open }) => {
    expect(decodeOpen(bytes)).toEqual(open);
  });

  it("reads FRR 8.4.4, which gives each capability a parameter", () => {
    expect(decodeOpen(FRR)).toEqual({
      kind: "open",
      asn: 4200000002,
      holdTime: seconds(9),
      bgpIdentifier: "192.0.2.1",
      capabilities: [
        { kind: "multiprotocol", afi: 1, safi: 1 },
        { kind: "extendedNextHop", encodings: [{ afi: 1, safi: 1, nextHopAfi: 2 }] },
        { kind: "multiprotocol", afi: 2, safi: 1 },
        { kind: "unknown", code: 128, value: hex("") },
        { kind: "routeRefresh" },
        { kind: "enhancedRouteRefresh" },
        { kind: "fourOctetAs", asn: 4200000002 },
        { kind: "unknown", code: 6, value: hex("") },
        { kind: "unknown", code: 69, value: hex("0001 01 01 0002 01 01") },
        { kind: "fqdn", hostName: "frr-a", domainName: "" },
        {
          kind: "gracefulRestart",
          restarting: true,
          notification: true,
          restartTime: seconds(120),
          families: [],
        },
        { kind: "unknown", code: 71, value: hex("0001 01 80 000000 0002 01 80 000000") },
      ],
    });
  });

  it("reads and writes the extended form of RFC 9072 section 2", () => {
    const value = hex("00".repeat(250));
    const bytes = open(`
      ${FIXED} ff      # length that says nothing
      ff 0109          # type that says so; parameters of 265 bytes
      02 0106          # capabilities of 262 bytes
      c8 fa ${"00".repeat(250)}
      c9 08 0102030405060708`);
    const capabilities: readonly Capability[] = [
      { kind: "unknown", code: 200, value },
      { kind: "unknown", code: 201, value: hex("0102030405060708") },
    ];
    expect(decodeOpen(bytes).capabilities).toEqual(capabilities);
    expect(encodeOpen({ ...decodeOpen(open(`${FIXED} 00`)), capabilities })).toEqual(bytes);
  });

  it("writes the short form as long as it can", () => {
    const of = (length: number): Uint8Array =>
      encodeOpen({
        kind: "open",
        asn: 65000,
        holdTime: seconds(90),
        bgpIdentifier: parseIpv4("192.0.2.1"),
        capabilities: [{ kind: "unknown", code: 200, value: new Uint8Array(length) }],
      });
    expect(of(251)).toEqual(open(`${FIXED} ff 02 fd c8 fb ${"00".repeat(251)}`));
    expect(of(252)).toEqual(open(`${FIXED} ff ff 0101 02 00fe c8 fc ${"00".repeat(252)}`));
    expect(of(255)).toEqual(open(`${FIXED} ff ff 0104 02 0101 c8 ff ${"00".repeat(255)}`));
    expect(() => of(256)).toThrow("capability unknown has 256 bytes");
  });

  it("believes the extended form whatever the short length says, but for 0", () => {
    const extended = "ff 0009 02 0002 02 00 02 0001";
    expect(decodeOpen(open(`${FIXED} 01 ff 0005 02 0002 02 00`)).capabilities).toEqual([{ kind: "routeRefresh" }]);
    expect(judge(open(`${FIXED} 00 ${extended}`))).toBe("2/0 bgp.open.parametersLength is 0 before 11 bytes");
  });

  const wrong: readonly (readonly [string, string, string])[] = [
    ["version 3", "03 fde8 005a c0000201 00", "2/1 bgp.open.version is 3, data 0004"],
    ["version 5", "05 fde8 005a c0000201 00", "2/1 bgp.open.version is 5, data 0004"],
    ["hold time 1", "04 fde8 0001 c0000201 00", "2/6 bgp.open.holdTime is 1 s"],
    ["hold time 2", "04 fde8 0002 c0000201 00", "2/6 bgp.open.holdTime is 2 s"],
    ["identifier 0", "04 fde8 005a 00000000 00", "2/3 bgp.open.bgpIdentifier is 0.0.0.0"],
    ["AS 0", "04 0000 005a c0000201 00", "2/2 bgp.open.myAs is 0"],
    ["AS_TRANS alone", "04 5ba0 005a c0000201 00", "2/2 bgp.open.myAs is AS_TRANS without a four-octet number"],
    ["AS 0 in four octets", withCapabilities("41 04 00000000"), "2/2 bgp.open.myAs is 0 in four octets"],
    ["AS_TRANS in four octets", withCapabilities("41 04 00005ba0"), "2/2 bgp.open.myAs is 23456 in four octets"],
    ["two numbers", withCapabilities("41 04 0000fde9"), "2/2 bgp.open.myAs is 65000, and 65001 in four octets"],
    ["a parameter of authentication", `${FIXED} 04 01 02 0000`, "2/4 bgp.open.parameterType is 1"],
    ["a parameter nobody knows", `${FIXED} 02 2a 00`, "2/4 bgp.open.parameterType is 42"],
    [
      "type 255 and nothing else (CVE-2022-40302)",
      `${FIXED} 01 ff`,
      "2/0 bgp.open.extendedLength needs 2 bytes and 0 are left",
    ],
    [
      "type 255 and half a length (CVE-2022-40318)",
      `${FIXED} ff ff 00`,
      "2/0 bgp.open.extendedLength needs 2 bytes and 1 are left",
    ],
    [
      "an extended parameter without its length (CVE-2022-43681)",
      `${FIXED} ff ff 0001 02`,
      "2/0 bgp.open.parameterLength needs 2 bytes and 0 are left",
    ],
    [
      "an extended length beyond the message",
      `${FIXED} ff ff 0006 02 0002 02 00`,
      "2/0 bgp.open.parametersLength differs from the 5 bytes that follow",
    ],
    [
      "parameters shorter than said",
      `${FIXED} 05 02 02 02 00`,
      "2/0 bgp.open.parametersLength differs from the 3 bytes that follow",
    ],
    [
      "parameters longer than said",
      `${FIXED} 03 02 02 02 00`,
      "2/0 bgp.open.parametersLength differs from the 3 bytes that follow",
    ],
    ["a parameter beyond the others", `${FIXED} 04 02 03 02 00`, "2/0 bgp.open.parameter needs 3 bytes and 2 are left"],
    ["a type without a length", `${FIXED} 01 02`, "2/0 bgp.open.parameterLength needs 1 bytes and 0 are left"],
    [
      "a capability beyond its parameter",
      withCapabilities("02 01"),
      "2/0 bgp.open.parameter.capability2 needs 1 bytes and 0 are left",
    ],
    [
      "a capability of one byte",
      withCapabilities("02"),
      "2/0 bgp.open.parameter.capabilityLength needs 1 bytes and 0 are left",
    ],
    [
      "a short four-octet number",
      withCapabilities("41 03 000000"),
      "2/0 bgp.open.parameter.capability65.asn needs 4 bytes and 3 are left",
    ],
    [
      "a long family",
      withCapabilities("01 05 0001000100"),
      "2/0 bgp.open.parameter.capability1.length leaves 1 bytes over",
    ],
    [
      "a route refresh with a value",
      withCapabilities("02 01 00"),
      "2/0 bgp.open.parameter.capability2.length leaves 1 bytes over",
    ],
    [
      "half a family of graceful restart",
      withCapabilities("40 04 0078 0001"),
      "2/0 bgp.open.parameter.capability64.safi needs 1 bytes and 0 are left",
    ],
    [
      "half an extended next hop",
      withCapabilities("05 04 0001 0001"),
      "2/0 bgp.open.parameter.capability5.nextHopAfi needs 2 bytes and 0 are left",
    ],
    [
      "a host name beyond its capability",
      withCapabilities("49 02 05 66"),
      "2/0 bgp.open.parameter.capability73.hostName needs 5 bytes and 1 are left",
    ],
  ];
  it.each(wrong)("refuses %s", (_name, body, answer) => {
    expect(judge(open(body))).toBe(answer);
  });

  it("accepts a hold time of 0 and of 3 s", () => {
    for (const [time, digits] of [
      [0, "0000"],
      [3, "0003"],
    ] as const) {
      expect(decodeOpen(open(`04 fde8 ${digits} c0000201 00`)).holdTime).toBe(seconds(time));
    }
  });

  it("takes the last of capabilities that contradict each other", () => {
    const body = "04 5ba0 005a c0000201 0e 02 0c 41 04 0000fde8 41 04 0001fde8";
    const { asn, capabilities } = decodeOpen(open(body));
    expect(asn).toBe(0x1fde8);
    expect(findCapability(capabilities, "fourOctetAs")).toEqual({ kind: "fourOctetAs", asn: 0x1fde8 });
  });

  it("reads 122 capabilities, as many as a parameter holds", () => {
    expect(decodeOpen(open(withCapabilities("02 00 ".repeat(122)))).capabilities.length).toBe(122);
  });

  it("finds the families that a peer offers", () => {
    const { capabilities } = decodeOpen(FRR);
    expect(offersFamily(capabilities, unicast("ipv6"))).toBe(true);
    expect(offersFamily(capabilities, { afi: 2, safi: 2 })).toBe(false);
    expect(offersFamily([], unicast("ipv4"))).toBe(false);
  });

  it("answers every truncation with a NOTIFICATION about an OPEN", () => {
    for (const { bytes } of [...GOLDEN, { bytes: FRR }]) {
      for (const part of truncations(bytes).slice(19)) expect(judge(part)).toMatch(/^2\/0 bgp\.open\./);
    }
  });

  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(anyOpen(), (value) => {
        expect(decodeOpen(encodeOpen(value))).toEqual(value);
      }),
    );
  });

  it("gives a value or an answer to any bytes", () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }).map((rest) => Uint8Array.of(...hex(FIXED), rest.length, ...rest)),
      fc
        .uint8Array({ maxLength: 600 })
        .map((rest) => Uint8Array.of(...hex(`${FIXED} ff ff`), rest.length >> 8, rest.length, ...rest)),
    );
    fc.assert(
      fc.property(body, (bytes) => {
        const message = Uint8Array.of(...hex(`${MARKER} 0000 01`), ...bytes);
        expect(judge(message)).toMatch(/^(open|2\/[0-6] bgp\.open\.)/);
      }),
    );
  });
});

/** `open`, or the answer with the path of what is wrong. */
function judge(message: Uint8Array): string {
  try {
    return decodeOpen(message).kind;
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    expect(error.answer).toBe(describeError(error.code, error.subcode));
    const data = error.data.length === 0 ? "" : `, data ${Buffer.from(error.data).toString("hex")}`;
    return `${error.code}/${error.subcode} ${error.message}${data}`;
  }
}

function anyOpen(): fc.Arbitrary<Open> {
  const afi = fc.integer({ min: 0, max: 0xffff });
  const safi = fc.integer({ min: 0, max: 0xff });
  const known = [1, 2, 5, 64, 65, 70, 73];
  const capability: fc.Arbitrary<Capability> = fc.oneof(
    fc.record({ kind: fc.constant("multiprotocol" as const), afi, safi }),
    fc.record({ kind: fc.constant("routeRefresh" as const) }),
    fc.record({ kind: fc.constant("enhancedRouteRefresh" as const) }),
    fc.record({
      kind: fc.constant("extendedNextHop" as const),
      encodings: fc.array(fc.record({ afi, safi: afi, nextHopAfi: afi }), { maxLength: 5 }),
    }),
    fc.record({
      kind: fc.constant("gracefulRestart" as const),
      restarting: fc.boolean(),
      notification: fc.boolean(),
      restartTime: fc.integer({ min: 0, max: 4095 }).map(seconds),
      families: fc.array(fc.record({ afi, safi, forwardingPreserved: fc.boolean() }), { maxLength: 5 }),
    }),
    fc.record({
      kind: fc.constant("fqdn" as const),
      hostName: fc.string({ maxLength: 60 }),
      domainName: fc.string({ maxLength: 60 }),
    }),
    fc.record({
      kind: fc.constant("unknown" as const),
      code: safi.filter((code) => !known.includes(code)),
      value: fc.uint8Array({ maxLength: 255 }),
    }),
  );
  const asn = fc.integer({ min: 1, max: 0xffffffff }).filter((number) => number !== 23456);
  return fc
    .record({
      kind: fc.constant("open" as const),
      asn,
      holdTime: fc.integer({ min: 3, max: 0xffff }).map(seconds),
      bgpIdentifier: fc
        .ipV4()
        .filter((ip) => ip !== "0.0.0.0")
        .map((ip) => parseIpv4(ip)),
      capabilities: fc.array(capability, { maxLength: 10 }),
    })
    .map((value) => ({ ...value, capabilities: [...value.capabilities, { kind: "fourOctetAs", asn: value.asn }] }));
}
