import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { bitFlips, settle, truncations } from "./golden/hostile.ts";
import { decodeIcmp6, encodeIcmp6 } from "./icmp6.ts";
import { type Ipv6, ipv6FromBytes, isMulticast, parseIpv6, solicitedNodeGroup } from "./ip.ts";
import { type Mac, macFromBytes, parseMac } from "./mac.ts";
import { INFINITE_LIFETIME } from "./ndp-options.ts";
import { type Ndp } from "./ndp.ts";
import { maskTo, parsePrefix } from "./prefix.ts";
import { millis, seconds } from "./time.ts";

const MAC_A = parseMac("02:00:00:00:00:0a");
const MAC_B = parseMac("02:00:00:00:00:0b");
const A = parseIpv6("2001:db8::10");
const B = parseIpv6("2001:db8::11");
const ALL_NODES = parseIpv6("ff02::1");

interface Golden {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly ndp: Ndp;
}

const GOLDEN: readonly Golden[] = [
  {
    name: "the solicitation of Linux",
    bytes: hex(`
      87 00     # type: neighbor solicitation, code
      1bf1      # checksum
      00000000  # reserved
      20010db8000000000000000000000011  # target
      01 01 02000000000a  # source link-layer address`),
    source: A,
    destination: parseIpv6("ff02::1:ff00:11"),
    ndp: { kind: "neighborSolicitation", target: B, sourceLinkLayer: MAC_A },
  },
  {
    name: "the duplicate address probe of Linux, with its nonce (RFC 7527)",
    bytes: hex(`
      87 00 57b9 00000000
      20010db8000000000000000000000011  # target
      0e 01 e50f882379d7  # nonce`),
    source: parseIpv6("::"),
    destination: parseIpv6("ff02::1:ff00:11"),
    ndp: { kind: "neighborSolicitation", target: B, nonce: hex("e50f882379d7") },
  },
  {
    name: "the solicited advertisement of Linux",
    bytes: hex(`
      88 00     # type: neighbor advertisement, code
      8a3b      # checksum
      60000000  # solicited, override
      20010db8000000000000000000000011  # target
      02 01 02000000000b  # target link-layer address`),
    source: B,
    destination: A,
    ndp: {
      kind: "neighborAdvertisement",
      target: B,
      router: false,
      solicited: true,
      override: true,
      targetLinkLayer: MAC_B,
    },
  },
  {
    name: "the unsolicited advertisement of Linux (ndisc_notify)",
    bytes: hex("88 00 f903 20000000 20010db8000000000000000000000010 02 01 02000000000a"),
    source: A,
    destination: ALL_NODES,
    ndp: {
      kind: "neighborAdvertisement",
      target: A,
      router: false,
      solicited: false,
      override: true,
      targetLinkLayer: MAC_A,
    },
  },
  {
    name: "a router's advertisement without options, made by scapy",
    bytes: hex("88 00 2e4f c0000000 20010db8000000000000000000000011"),
    source: B,
    destination: A,
    ndp: { kind: "neighborAdvertisement", target: B, router: true, solicited: true, override: false },
  },
  {
    name: "the router solicitation of Linux",
    bytes: hex("85 00 7b1a 00000000 01 01 02000000000a"),
    source: parseIpv6("fe80::ff:fe00:a"),
    destination: parseIpv6("ff02::2"),
    ndp: { kind: "routerSolicitation", sourceLinkLayer: MAC_A },
  },
  {
    name: "a solicitation with an unknown option, made by scapy",
    bytes: hex("87 00 29ba 00000000 20010db8000000000000000000000011 01 01 02000000000a c8 01 616263646566"),
    source: A,
    destination: parseIpv6("ff02::1:ff00:11"),
    ndp: {
      kind: "neighborSolicitation",
      target: B,
      sourceLinkLayer: MAC_A,
      otherOptions: [{ type: 200, value: hex("616263646566") }],
    },
  },
  {
    name: "a router advertisement with a DNS server, made by scapy",
    bytes: hex(`
      86 00     # type: router advertisement, code
      6591      # checksum
      40 40     # hop limit 64, other configuration
      0708      # lifetime 1800 s
      00007530  # reachable 30000 ms
      000003e8  # retransmit 1000 ms
      01 01 02000000000a      # source link-layer address
      05 01 0000 000005dc     # MTU 1500
      03 04 40 c0             # prefix of 64 bits, on link, autonomous
        00278d00 ffffffff     # valid 2592000 s, preferred for ever
        00000000 20010db8000000010000000000000000
      19 03 0000 00000258     # DNS server (RFC 8106): not known here
        20010db8000000000000000000000053`),
    source: parseIpv6("fe80::1"),
    destination: ALL_NODES,
    ndp: {
      kind: "routerAdvertisement",
      hopLimit: 64,
      managed: false,
      other: true,
      lifetime: seconds(1800),
      reachable: seconds(30),
      retransmit: seconds(1),
      sourceLinkLayer: MAC_A,
      mtu: 1500,
      prefixes: [
        {
          prefix: parsePrefix("2001:db8:0:1::/64"),
          onLink: true,
          autonomous: true,
          validLifetime: seconds(2592000),
          preferredLifetime: INFINITE_LIFETIME,
        },
      ],
      otherOptions: [{ type: 25, value: hex("0000 00000258 20010db8000000000000000000000053") }],
    },
  },
  {
    name: "a router advertisement of a managed host prefix, made by scapy",
    bytes: hex(`
      86 00 cad0
      00 80     # hop limit unspecified, managed
      0000      # not a default router
      00000000 00000000
      03 04 80 00             # prefix of 128 bits
        00000000 00000000 00000000 20010db8000000000000000000000001`),
    source: parseIpv6("fe80::1"),
    destination: ALL_NODES,
    ndp: {
      kind: "routerAdvertisement",
      hopLimit: 0,
      managed: true,
      other: false,
      lifetime: seconds(0),
      reachable: seconds(0),
      retransmit: seconds(0),
      prefixes: [
        {
          prefix: parsePrefix("2001:db8::1/128"),
          onLink: false,
          autonomous: false,
          validLifetime: seconds(0),
          preferredLifetime: seconds(0),
        },
      ],
    },
  },
];

/** A message of this type from `source` to `destination`, whose checksum is right. */
const raw = (type: number, body: string, source: Ipv6, destination: Ipv6): Uint8Array =>
  encodeIcmp6({ kind: "unknown", type, code: 0, body: hex(body) }, source, destination);

const TARGET = "20010db8000000000000000000000011";
const UNSPECIFIED = parseIpv6("::");
const GROUP_OF_B = parseIpv6("ff02::1:ff00:11");

const MALFORMED: readonly {
  readonly name: string;
  readonly type: number;
  readonly body: string;
  readonly source?: Ipv6;
  readonly destination?: Ipv6;
  readonly error: DecodeError;
}[] = [
  {
    name: "a solicitation without a target",
    type: 135,
    body: "00000000 20010db8",
    error: new DecodeError("neighborSolicitation.target", "needs 16 bytes and 4 are left", true),
  },
  {
    name: "a solicitation of a group",
    type: 135,
    body: "00000000 ff020000000000000000000000000001",
    error: new DecodeError("neighborSolicitation.target", "is the group ff02::1"),
  },
  {
    name: "a probe sent to a host",
    type: 135,
    body: `00000000 ${TARGET}`,
    source: UNSPECIFIED,
    error: new DecodeError("neighborSolicitation.target", "is probed for at 2001:db8::11"),
  },
  {
    name: "a probe with a source link-layer address",
    type: 135,
    body: `00000000 ${TARGET} 0101 02000000000a`,
    source: UNSPECIFIED,
    destination: GROUP_OF_B,
    error: new DecodeError("neighborSolicitation.sourceLinkLayer", "is of an unspecified source"),
  },
  {
    name: "an option of no length",
    type: 135,
    body: `00000000 ${TARGET} 0100 02000000000a`,
    error: new DecodeError("neighborSolicitation.options.length", "is 0"),
  },
  {
    name: "an option beyond the message",
    type: 135,
    body: `00000000 ${TARGET} 0102 02000000000a`,
    error: new DecodeError("neighborSolicitation.options", "needs 14 bytes and 6 are left", true),
  },
  {
    name: "a type without a length",
    type: 135,
    body: `00000000 ${TARGET} 01`,
    error: new DecodeError("neighborSolicitation.options.length", "needs 1 bytes and 0 are left", true),
  },
  {
    name: "a link-layer address of 14 bytes",
    type: 135,
    body: `00000000 ${TARGET} 0102 02000000000a 0000000000000000`,
    error: new DecodeError("neighborSolicitation.options.linkLayer", "has 8 bytes too many"),
  },
  {
    name: "a solicited advertisement to all nodes",
    type: 136,
    body: `40000000 ${TARGET}`,
    destination: ALL_NODES,
    error: new DecodeError("neighborAdvertisement.solicited", "is set in a message to ff02::1"),
  },
  {
    name: "an advertisement of a group",
    type: 136,
    body: "20000000 ff020000000000000000000000000001",
    error: new DecodeError("neighborAdvertisement.target", "is the group ff02::1"),
  },
  {
    name: "a router solicitation with the address of nobody",
    type: 133,
    body: "00000000 0101 02000000000a",
    source: UNSPECIFIED,
    error: new DecodeError("routerSolicitation.sourceLinkLayer", "is of an unspecified source"),
  },
  {
    name: "a router advertisement of a prefix of 129 bits",
    type: 134,
    body: `40 00 0708 00000000 00000000 0304 81c0 00000000 00000000 00000000 ${TARGET}`,
    error: new DecodeError("routerAdvertisement.options.prefixLength", "is 129"),
  },
  {
    name: "a router advertisement of a prefix option too short",
    type: 134,
    body: "40 00 0708 00000000 00000000 0302 40c0 00000000 00000000 00000000",
    error: new DecodeError("routerAdvertisement.options.prefix", "needs 16 bytes and 0 are left", true),
  },
];

const macs: fc.Arbitrary<Mac> = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macFromBytes(bytes));
const ips = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ipv6FromBytes(bytes));
const targets = ips.filter((ip) => !isMulticast(ip));
const maybe = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });
const others = maybe(
  fc.array(
    fc.record({ type: fc.integer({ min: 100, max: 255 }), value: fc.uint8Array({ minLength: 6, maxLength: 6 }) }),
    {
      minLength: 1,
      maxLength: 2,
    },
  ),
);
const lifetimes = fc.nat(0xffffffff).map((count) => seconds(count));

const MESSAGES: fc.Arbitrary<Ndp> = fc.oneof(
  fc.record({
    kind: fc.constant("neighborSolicitation"),
    target: targets,
    sourceLinkLayer: maybe(macs),
    nonce: maybe(fc.constantFrom(6, 14).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))),
    otherOptions: others,
  }),
  fc.record({
    kind: fc.constant("neighborAdvertisement"),
    target: targets,
    router: fc.boolean(),
    solicited: fc.boolean(),
    override: fc.boolean(),
    targetLinkLayer: maybe(macs),
    otherOptions: others,
  }),
  fc.record({ kind: fc.constant("routerSolicitation"), sourceLinkLayer: maybe(macs), otherOptions: others }),
  fc.record({
    kind: fc.constant("routerAdvertisement"),
    hopLimit: fc.nat(255),
    managed: fc.boolean(),
    other: fc.boolean(),
    lifetime: fc.nat(0xffff).map((count) => seconds(count)),
    reachable: fc.nat(0xffffffff).map((count) => millis(count)),
    retransmit: fc.nat(0xffffffff).map((count) => millis(count)),
    sourceLinkLayer: maybe(macs),
    mtu: maybe(fc.nat(0xffffffff)),
    prefixes: fc.array(
      fc.record({
        prefix: fc.tuple(ips, fc.nat(128)).map(([ip, length]) => maskTo(ip, length)),
        onLink: fc.boolean(),
        autonomous: fc.boolean(),
        validLifetime: lifetimes,
        preferredLifetime: lifetimes,
      }),
      { maxLength: 2 },
    ),
    otherOptions: others,
  }),
);

describe("Neighbour discovery", () => {
  it.each(GOLDEN)("writes $name", ({ ndp, source, destination, bytes }) => {
    expect(encodeIcmp6(ndp, source, destination)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ ndp, source, destination, bytes }) => {
    expect(decodeIcmp6(bytes, source, destination)).toEqual(ndp);
  });

  it("ignores what is reserved", () => {
    const read = (type: number, body: string) => decodeIcmp6(raw(type, body, A, B), A, B);
    expect(read(136, `1fffffff ${TARGET}`)).toEqual(read(136, `00000000 ${TARGET}`));
    expect(read(135, `ffffffff ${TARGET}`)).toEqual(read(135, `00000000 ${TARGET}`));
    expect(read(133, "ffffffff")).toEqual(read(133, "00000000"));
    expect(read(134, "40 3f 0708 00000000 00000000")).toEqual(read(134, "40 00 0708 00000000 00000000"));
    const information = (flags: string, reserved: string) =>
      read(134, `40 00 0708 00000000 00000000 0304 40${flags} 00000001 00000001 ${reserved} ${TARGET}`);
    expect(information("3f", "ffffffff")).toEqual(information("00", "00000000"));
  });

  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(MESSAGES, targets, targets, (message, source, destination) => {
        fc.pre(source !== UNSPECIFIED);
        expect(decodeIcmp6(encodeIcmp6(message, source, destination), source, destination)).toEqual(message);
      }),
    );
  });

  it("reads back a probe for any address", () => {
    fc.assert(
      fc.property(targets, (target) => {
        const probe: Ndp = { kind: "neighborSolicitation", target };
        const group = solicitedNodeGroup(target);
        expect(decodeIcmp6(encodeIcmp6(probe, UNSPECIFIED, group), UNSPECIFIED, group)).toEqual(probe);
      }),
    );
  });

  it("takes or refuses any body, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: 133, max: 136 }), (body, type) => {
        const bytes = encodeIcmp6({ kind: "unknown", type, code: 0, body }, A, B);
        settle((noise) => decodeIcmp6(noise, A, B), bytes);
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

  it.each(MALFORMED)("refuses $name", ({ type, body, source = A, destination = B, error }) => {
    expect(() => decodeIcmp6(raw(type, body, source, destination), source, destination)).toThrow(error);
  });

  it("refuses to write an option that does not fill its units", () => {
    const odd: Ndp = { kind: "neighborSolicitation", target: B, nonce: hex("00") };
    expect(() => encodeIcmp6(odd, A, B)).toThrow("does not fill its units");
  });
});
