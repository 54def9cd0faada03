import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BfdControl, decodeBfd } from "../../wire/bfd.ts";
import { parseIp } from "../../wire/ip.ts";
import { type Micros, micros, millis, seconds } from "../../wire/time.ts";
import { bfdConfig } from "./config.ts";
import { detectionDeadline } from "./session.ts";
import { type BfdDatagram, BfdSessions } from "./sessions.ts";
import { CONFIG, datagram, NO_JITTER, Pair, PATH, randomOf } from "./test-pair.ts";

const OPENING: BfdControl = {
  diagnostic: "none",
  state: "down",
  poll: false,
  final: false,
  controlPlaneIndependent: false,
  demand: false,
  multipoint: false,
  detectMultiplier: 3,
  myDiscriminator: 7,
  yourDiscriminator: 0,
  desiredMinTx: seconds(1),
  requiredMinRx: millis(300),
  requiredMinEchoRx: micros(0),
};

describe("packets that change nothing (RFC 5880 section 6.8.6, RFC 5881 section 5)", () => {
  const up = (): BfdSessions => {
    const sessions = new BfdSessions(NO_JITTER);
    sessions.open("peer", PATH, CONFIG, micros(0));
    sessions.receive(datagram({ ...OPENING, state: "init", yourDiscriminator: mine(sessions) }), micros(0));
    return sessions;
  };
  const mine = (sessions: BfdSessions): number => sessions.session("peer")?.localDiscriminator ?? 0;
  const valid = (sessions: BfdSessions): BfdControl => ({ ...OPENING, state: "up", yourDiscriminator: mine(sessions) });
  const raw = (sessions: BfdSessions, change: (bytes: Uint8Array) => void): Uint8Array => {
    const { bytes } = datagram(valid(sessions));
    change(bytes);
    return bytes;
  };
  const cases: readonly [name: string, make: (sessions: BfdSessions) => BfdDatagram, reason: string][] = [
    ["TTL 254", (s) => datagram(valid(s), { ttl: 254 }), "ttlTooLow"],
    ["version 0", (s) => datagram(raw(s, (bytes) => bytes.fill(0, 0, 1))), "malformed"],
    ["version 2", (s) => datagram(raw(s, (bytes) => bytes.fill(0x40, 0, 1))), "malformed"],
    ["length 23", (s) => datagram(raw(s, (bytes) => bytes.fill(23, 3, 4))), "malformed"],
    ["length 25 of 24 bytes", (s) => datagram(raw(s, (bytes) => bytes.fill(25, 3, 4))), "malformed"],
    ["no bytes", () => datagram(new Uint8Array()), "malformed"],
    ["detect multiplier 0", (s) => datagram({ ...valid(s), detectMultiplier: 0 }), "detectMultiplierZero"],
    ["multipoint", (s) => datagram({ ...valid(s), multipoint: true }), "multipoint"],
    ["my discriminator 0", (s) => datagram({ ...valid(s), myDiscriminator: 0 }), "myDiscriminatorZero"],
    ["another's discriminator", (s) => datagram({ ...valid(s), yourDiscriminator: 1 }), "unknownDiscriminator"],
    ["no discriminator in state Up", (s) => datagram({ ...valid(s), yourDiscriminator: 0 }), "yourDiscriminatorZero"],
    [
      "no discriminator in state Init",
      (s) => datagram({ ...valid(s), yourDiscriminator: 0, state: "init" }),
      "yourDiscriminatorZero",
    ],
    ["a stranger", () => datagram(OPENING, { source: parseIp("192.0.2.9") }), "unknownPeer"],
    ["the peer on another interface", () => datagram(OPENING, { link: "eth1" }), "unknownPeer"],
    ["the port of several hops", (s) => datagram(valid(s), { hops: "multi" }), "otherHops"],
    [
      "authentication",
      (s) => datagram({ ...valid(s), authentication: { type: 1, data: Uint8Array.of(1, 2) } }),
      "authentication",
    ],
  ];
  it.each(cases)("%s", (_, make, reason) => {
    const sessions = up();
    const before = sessions.session("peer");
    const effects = sessions.receive(make(sessions), millis(100));
    expect({ effects, drops: [...sessions.drops] }).toEqual({ effects: [], drops: [[reason, 1]] });
    expect(sessions.session("peer")).toEqual(before);
  });

  it("several hops allow as many routers as the profile says", () => {
    const sessions = new BfdSessions(NO_JITTER);
    sessions.open("peer", { ...PATH, hops: "multi", link: undefined }, { ...CONFIG, minimumTtl: 253 }, micros(0));
    sessions.receive(datagram(OPENING, { hops: "multi", ttl: 252 }), micros(0));
    expect(sessions.session("peer")?.kind).toBe("down");
    sessions.receive(datagram(OPENING, { hops: "multi", ttl: 253 }), micros(0));
    expect(sessions.session("peer")?.kind).toBe("init");
  });

  it("arbitrary bytes are dropped or understood", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const sessions = up();
        sessions.receive(datagram(bytes), millis(1));
        sessions.receiveEcho(bytes, millis(1));
      }),
    );
  });
});

describe("a table of sessions", () => {
  it("another path is another session, another profile is not", () => {
    const sessions = new BfdSessions(randomOf(1));
    const discriminator = (): number | undefined => sessions.session("peer")?.localDiscriminator;
    sessions.open("peer", PATH, CONFIG, micros(0));
    const first = discriminator();
    sessions.open("peer", PATH, { ...CONFIG, desiredMinTx: seconds(2) }, micros(0));
    expect(discriminator()).toBe(first);
    sessions.open("peer", { ...PATH, link: "eth1" }, CONFIG, micros(0));
    expect(discriminator()).not.toBe(first);
  });

  it("wakes at the earliest of all deadlines", () => {
    const sessions = new BfdSessions(NO_JITTER);
    sessions.open("one", PATH, CONFIG, seconds(1));
    sessions.open("two", { ...PATH, peer: parseIp("192.0.2.3") }, CONFIG, millis(1500));
    expect(sessions.deadline()).toBe(seconds(2));
    expect(sessions.wake(seconds(2)).map(({ key }) => key)).toEqual(["one"]);
    expect(sessions.deadline()).toBe(millis(2500));
  });

  it("a peer that speaks to another address of this node means the session there", () => {
    const sessions = new BfdSessions(NO_JITTER);
    const [first, second] = [parseIp("192.0.2.1"), parseIp("192.0.2.11")];
    sessions.open("first", { ...PATH, local: first }, CONFIG, micros(0));
    sessions.open("second", { ...PATH, local: second }, CONFIG, micros(0));
    sessions.receive(datagram(OPENING, { destination: second }), micros(0));
    expect(["first", "second"].map((key) => sessions.session(key)?.kind)).toEqual(["down", "init"]);
  });

  it("a passive session speaks up when its peer still calls the one before it: FRR would call for ever", () => {
    const sessions = new BfdSessions(NO_JITTER);
    sessions.open("peer", PATH, { ...CONFIG, role: "passive" }, micros(0));
    const call = datagram({ ...OPENING, yourDiscriminator: 1 });
    expect(sessions.receive({ ...call, source: parseIp("192.0.2.9") }, micros(0))).toEqual([]);
    const [sent, ...rest] = sessions.receive(call, micros(0));
    expect(rest).toEqual([]);
    const packet = sent?.kind === "sendControl" ? decodeBfd(sent.bytes) : undefined;
    expect(packet).toMatchObject({ state: "down", yourDiscriminator: 0 });
    expect(sessions.receive(call, millis(1))).toEqual([]);
    expect([...sessions.drops]).toEqual([["unknownDiscriminator", 3]]);
    expect(sessions.deadline()).toBe(seconds(1));
  });

  it("closing nothing does nothing", () => {
    expect(new BfdSessions(NO_JITTER).close("peer", micros(0))).toEqual([]);
  });
});

describe("a BFDProfile", () => {
  const profile = {
    name: "p",
    receiveInterval: undefined,
    transmitInterval: undefined,
    detectMultiplier: undefined,
    echoInterval: undefined,
    echoMode: false,
    passiveMode: false,
    minimumTtl: undefined,
  };
  it("means what FRR's defaults say", () => {
    expect(bfdConfig(profile, "single")).toEqual(CONFIG);
    expect(bfdConfig(profile, "multi")).toEqual({ ...CONFIG, minimumTtl: 254 });
  });

  it("has no Echo over several hops (RFC 5883 section 3)", () => {
    const echo = { ...profile, echoMode: true };
    expect(bfdConfig(echo, "single").echoInterval).toBe(millis(50));
    expect(bfdConfig(echo, "multi").echoInterval).toBeUndefined();
  });

  it("sets every field", () => {
    const full = {
      name: "full",
      receiveInterval: millis(60),
      transmitInterval: millis(61),
      detectMultiplier: 3,
      echoInterval: millis(62),
      echoMode: true,
      passiveMode: true,
      minimumTtl: 250,
    };
    expect(bfdConfig(full, "multi")).toEqual({
      role: "passive",
      desiredMinTx: millis(61),
      requiredMinRx: millis(60),
      detectMultiplier: 3,
      echoInterval: undefined,
      minimumTtl: 250,
    });
  });
});

describe("over any channel", () => {
  const interval = fc.integer({ min: 50, max: 2000 }).map(millis);
  const side = fc.record({
    desiredMinTx: interval,
    requiredMinRx: interval,
    detectMultiplier: fc.integer({ min: 1, max: 5 }),
  });

  it("nobody is up who has not heard the other within the Detection Time, and nobody sends out of turn", () => {
    fc.assert(
      fc.property(side, side, fc.integer(), fc.integer({ min: 0, max: 50 }), (a, b, seed, loss) => {
        const pair = new Pair({ a, b, randomA: randomOf(seed), randomB: randomOf(seed + 1) });
        const dice = randomOf(seed + 2);
        pair.lose = () => dice.next() * 100 < loss;
        pair.verbose = false;
        pair.open("a", "b");
        for (let round = 0; round < 50; round++) {
          pair.run(millis(137));
          for (const name of ["a", "b"] as const) checkTimers(pair, name);
        }
        pair.lose = () => false;
        pair.run(seconds(30));
        const { length } = pair.trace;
        pair.run(seconds(10));
        // Multiplier 1 has no packet to spare for the way; it is known to flap where intervals near the latency.
        if (a.detectMultiplier > 1 && b.detectMultiplier > 1) {
          expect([pair.state("a"), pair.state("b"), pair.trace.length]).toEqual(["up", "up", length]);
        }
      }),
      { numRuns: 50 },
    );
  });

  function checkTimers(pair: Pair, name: "a" | "b"): void {
    const session = pair.speaker(name).session("peer");
    if (session === undefined) throw new Error("no session");
    const notBefore = (at: Micros | undefined): void => {
      if (at !== undefined) expect(at).toBeGreaterThan(pair.now);
    };
    notBefore(detectionDeadline(session));
    notBefore(session.transmit?.at);
    if (session.kind !== "up" && session.transmit !== undefined) {
      expect(session.transmit.interval).toBeGreaterThanOrEqual(seconds(1));
    }
  }
});
