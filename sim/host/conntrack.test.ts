import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Ip, parseIp } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeTcp, encodeTcp, type TcpFlags } from "../../impl/wire/tcp.ts";
import { inSeconds, type Micros, minutes, seconds } from "../../impl/wire/time.ts";
import { decodeUdp, encodeUdp } from "../../impl/wire/udp.ts";
import { Conntrack } from "./conntrack.ts";
import { nextTracked, type TrackedState } from "./conntrack-tcp.ts";
import { inverse, type Tuple, translate, tupleOf } from "./conntrack-tuple.ts";
import { type IpPacket } from "./hooks.ts";

const CLIENT = parseIp("198.51.100.9");
const VIP = parseIp("203.0.113.10");
const POD = parseIp("10.244.1.11");
const NODE = parseIp("192.0.2.1");

const FROM: Tuple = {
  protocol: IP_PROTOCOLS.tcp,
  source: CLIENT,
  sourcePort: 40_000,
  destination: VIP,
  destinationPort: 80,
};
const TO: Tuple = { ...FROM, source: NODE, sourcePort: 5000, destination: POD, destinationPort: 8080 };
const BACK: Tuple = inverse(TO);

const flag = (...names: readonly (keyof TcpFlags)[]): TcpFlags => ({
  syn: names.includes("syn"),
  ack: names.includes("ack"),
  fin: names.includes("fin"),
  rst: names.includes("rst"),
  psh: false,
});

function segment(tuple: Tuple, flags: TcpFlags, payload = new Uint8Array(0)): IpPacket {
  const { source, destination, sourcePort, destinationPort } = tuple;
  const fields = {
    sourcePort,
    destinationPort,
    sequence: 1,
    acknowledgement: 1,
    flags,
    window: 1000,
    options: {},
    payload,
  };
  return { source, destination, protocol: IP_PROTOCOLS.tcp, ttl: 64, payload: encodeTcp(fields, source, destination) };
}

function datagram(tuple: Tuple, payload = new Uint8Array(1)): IpPacket {
  const { source, destination, sourcePort, destinationPort } = tuple;
  const bytes = encodeUdp({ sourcePort, destinationPort, payload }, source, destination);
  return { source, destination, protocol: IP_PROTOCOLS.udp, ttl: 64, payload: bytes };
}

const ip = (family: "ipv4" | "ipv6"): fc.Arbitrary<Ip> =>
  (family === "ipv4" ? fc.ipV4() : fc.ipV6())
    .map((text) => parseIp(text))
    .filter((value) => value.includes(":") === (family === "ipv6"));
const tuple = (family: "ipv4" | "ipv6", protocol: number): fc.Arbitrary<Tuple> =>
  fc.record({
    protocol: fc.constant(protocol),
    source: ip(family),
    sourcePort: fc.nat(65_535),
    destination: ip(family),
    destinationPort: fc.nat(65_535),
  });

describe("translation", () => {
  it.each(["ipv4", "ipv6"] as const)("gives TCP and UDP over %s another name and a right checksum", (family) => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(tuple(family, IP_PROTOCOLS.tcp), tuple(family, IP_PROTOCOLS.tcp), bytes, (from, to, payload) => {
        const packet = translate(segment(from, flag("ack"), payload), from, to);
        expect(tupleOf(packet)).toEqual(to);
        expect(decodeTcp(packet.payload, to.source, to.destination).payload).toEqual(payload);
      }),
    );
    fc.assert(
      fc.property(tuple(family, IP_PROTOCOLS.udp), tuple(family, IP_PROTOCOLS.udp), bytes, (from, to, payload) => {
        const packet = translate(datagram(from, payload), from, to);
        expect(tupleOf(packet)).toEqual(to);
        expect(decodeUdp(packet.payload, to.source, to.destination).payload).toEqual(payload);
      }),
    );
  });

  it("leaves a wrong checksum wrong, an absent one absent, and the packet it was given alone", () => {
    const broken = segment(FROM, flag("ack"));
    broken.payload[5] = 99;
    const before = broken.payload.slice();
    expect(() => decodeTcp(translate(broken, FROM, TO).payload, TO.source, TO.destination)).toThrow("tcp.checksum");
    expect(broken.payload).toEqual(before);
    const udp = { ...FROM, protocol: IP_PROTOCOLS.udp };
    const bare = datagram(udp);
    bare.payload.fill(0, 6, 8);
    expect([...translate(bare, udp, { ...TO, protocol: IP_PROTOCOLS.udp }).payload.subarray(6, 8)]).toEqual([0, 0]);
  });

  it("has no name for what is neither TCP nor UDP, or too short", () => {
    expect(tupleOf({ ...segment(FROM, flag("ack")), protocol: IP_PROTOCOLS.icmp })).toBeUndefined();
    expect(tupleOf({ ...segment(FROM, flag("ack")), payload: new Uint8Array(19) })).toBeUndefined();
  });
});

const BITS = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 } as const;

/** Plays `>` (original) and `<` (reply) segments, from the beginning of a flow. */
function follow(...segments: readonly string[]): readonly string[] {
  let state: TrackedState = "new";
  return segments.map((text) => {
    const bits = text
      .slice(1)
      .split("+")
      .reduce((sum, name) => sum | (name in BITS ? BITS[name as keyof typeof BITS] : 0), 0);
    const next = nextTracked(state, text.startsWith(">") ? "original" : "reply", bits);
    if (next !== "ignore" && next !== "invalid") state = next;
    return next;
  });
}

// Expected: the states that the comments of net/netfilter/nf_conntrack_proto_tcp.c spell out.
describe("a tracked TCP flow", () => {
  it("opens and is closed by the client", () => {
    expect(follow(">syn", "<syn+ack", ">ack", ">ack", "<ack", ">fin+ack", "<ack", "<fin+ack", ">ack", ">ack")).toEqual([
      "synSent",
      "synReceived",
      "established",
      "established",
      "established",
      "finWait",
      "closeWait",
      "lastAck",
      "timeWait",
      "timeWait",
    ]);
  });

  it("may end both sides at once, and opens again after that", () => {
    expect(follow(">syn", "<syn+ack", ">ack", ">fin+ack", "<fin+ack", ">ack", ">syn")).toEqual([
      "synSent",
      "synReceived",
      "established",
      "finWait",
      "lastAck",
      "timeWait",
      "synSent",
    ]);
  });

  it("is closed by RST from either side", () => {
    expect(follow(">syn", "<rst+ack", ">syn")).toEqual(["synSent", "close", "synSent"]);
    expect(follow(">syn", "<syn+ack", ">ack", ">rst", "<rst")).toEqual([
      "synSent",
      "synReceived",
      "established",
      "close",
      "close",
    ]);
  });

  it("is picked up in the middle by an ACK, and by nothing else", () => {
    expect([">ack", ">fin+ack", ">rst", ">syn+ack", ">", "<ack"].map((text) => follow(text)[0])).toEqual([
      "established",
      "invalid",
      "invalid",
      "invalid",
      "invalid",
      "invalid",
    ]);
  });

  it("ignores repetitions, and refuses what cannot be", () => {
    expect(follow(">syn", ">syn", ">ack", "<fin+ack", "<syn+ack", "<syn+ack", ">ack", ">syn", "<syn")).toEqual([
      "synSent",
      "synSent",
      "invalid",
      "invalid",
      "synReceived",
      "ignore",
      "established",
      "ignore",
      "invalid",
    ]);
  });
});

/** A table whose clock the test sets. */
function table() {
  const clock = { now: 0 as Micros };
  return { clock, conntrack: new Conntrack(() => clock.now) };
}

/** How long a flow is remembered after `packets`, to the second. */
function lifetime(...packets: readonly { readonly after?: number; readonly packet: IpPacket }[]): number {
  const { clock, conntrack } = table();
  for (const [index, { after = 0, packet }] of packets.entries()) {
    clock.now = (clock.now + seconds(after)) as Micros;
    const name = tupleOf(packet);
    if (name === undefined) throw new Error("not a flow");
    if (index === 0) conntrack.begin(packet, name, { ...TO, protocol: name.protocol });
    else expect(conntrack.track(packet, name).kind).toBe("known");
  }
  const start = clock.now;
  const reply = { ...BACK, protocol: packets[0]?.packet.protocol ?? 0 };
  while (conntrack.has(reply)) clock.now = (clock.now + seconds(1)) as Micros;
  return inSeconds((clock.now - start) as Micros);
}

describe("the table", () => {
  const UDP = { ...FROM, protocol: IP_PROTOCOLS.udp };
  const UDP_BACK = { ...BACK, protocol: IP_PROTOCOLS.udp };
  const opening = [{ packet: segment(FROM, flag("syn")) }, { packet: segment(BACK, flag("syn", "ack")) }];

  it("remembers flows for as long as Linux does, and kube-proxy says", () => {
    expect(lifetime(...opening.slice(0, 1))).toBe(120);
    expect(lifetime(...opening)).toBe(60);
    expect(lifetime(...opening, { packet: segment(FROM, flag("rst")) })).toBe(10);
    const end = [{ packet: segment(FROM, flag("ack")) }, { packet: segment(FROM, flag("fin", "ack")) }];
    expect(lifetime(...opening, ...end)).toBe(120);
    expect(lifetime(...opening, ...end, { packet: segment(BACK, flag("ack")) })).toBe(3600);
    expect(lifetime(...opening, end[0] ?? expect.unreachable())).toBe(86_400);
    expect(lifetime({ packet: datagram(UDP) })).toBe(30);
    expect(lifetime({ packet: datagram(UDP) }, { after: 1, packet: datagram(UDP_BACK) })).toBe(30);
    expect(
      lifetime(
        { packet: datagram(UDP) },
        { after: 1, packet: datagram(UDP_BACK) },
        { after: 2, packet: datagram(UDP) },
      ),
    ).toBe(120);
  });

  it("names both directions, and only until the flow is forgotten", () => {
    const { conntrack } = table();
    conntrack.begin(segment(FROM, flag("syn")), FROM, TO);
    expect(conntrack.track(segment(BACK, flag("syn", "ack")), BACK)).toEqual({ kind: "known", to: inverse(FROM) });
    expect(conntrack.track(segment(FROM, flag("ack")), FROM)).toEqual({ kind: "known", to: TO });
    expect(conntrack.size).toBe(1);
    expect(conntrack.forget((original) => original.destination === VIP)).toBe(1);
    expect([conntrack.size, conntrack.track(segment(FROM, flag("ack")), FROM)]).toEqual([0, { kind: "new" }]);
  });

  it("translates a connection that opens anew under an old name anew", () => {
    const { conntrack } = table();
    conntrack.begin(segment(FROM, flag("syn")), FROM, TO);
    conntrack.track(segment(BACK, flag("rst", "ack")), BACK);
    expect(conntrack.track(segment(FROM, flag("syn")), FROM)).toEqual({ kind: "new" });
    expect(conntrack.size).toBe(0);
  });

  it("leaves a flow as it is when a segment in it may be wrong", () => {
    const { conntrack } = table();
    conntrack.begin(segment(FROM, flag("syn")), FROM, TO);
    conntrack.track(segment(BACK, flag("syn", "ack")), BACK);
    conntrack.track(segment(FROM, flag("ack")), FROM);
    expect(conntrack.track(segment(FROM, flag("syn")), FROM).kind).toBe("known");
    expect(conntrack.track(segment(BACK, flag("syn")), BACK).kind).toBe("invalid");
    expect(conntrack.track(segment(FROM, flag("ack")), FROM).kind).toBe("known");
  });

  it("forgets old flows while new ones come", () => {
    const { clock, conntrack } = table();
    for (let port = 1; port <= 1000; port++) {
      const from = { ...UDP, sourcePort: port };
      conntrack.begin(datagram(from), from, { ...TO, protocol: IP_PROTOCOLS.udp, sourcePort: port });
      clock.now = (clock.now + seconds(1)) as Micros;
    }
    // 31 of them are not older than 30 s; the sweep may lag a little.
    expect(conntrack.size).toBeLessThan(70);
    clock.now = (clock.now + minutes(1)) as Micros;
    expect(conntrack.has(BACK)).toBe(false);
  });
});
