import { describe, expect, it } from "vitest";
import { millis, seconds } from "../../wire/time.ts";
import { LAN, parseMembersConfig, WAN } from "./config.ts";
import { Suspicion } from "./suspicion.ts";
import { Awareness, pushPullScale, remainingSuspicion, retransmitLimit, suspicionTimeout } from "./timing.ts";

describe("memberlist's formulas, computed by hand", () => {
  // 4 * max(1, log10(n)) * 1 s: 10 members and fewer 4 s; 100: 8 s; 1,000: 12 s; 50: 4 * 1.698 = 6.792 s.
  it.each([
    [1, 4],
    [3, 4],
    [10, 4],
    [50, 6.792],
    [100, 8],
    [1000, 12],
  ])("suspicion among %i members lasts %d s at least", (members, expected) => {
    expect(suspicionTimeout(LAN, members)).toBe(seconds(expected));
  });

  it("is slower with the WAN profile: 6 * 2 * 5 s among 100", () => {
    expect(suspicionTimeout(WAN, 100)).toBe(seconds(60));
  });

  // most - log(c + 1) / log(k + 1) * (most - least), memberlist's own table (suspicion_test.go): 2 s to 30 s, k = 3.
  it.each([
    [0, 3, 0, 30_000],
    [1, 3, 2, 14_000],
    [2, 3, 3, 4810],
    [3, 3, 4, -2000],
    [4, 3, 5, -3000],
    [5, 3, 10, -8000],
  ])(
    "after %i of %i confirmations and %i s, %i ms of a suspicion are left",
    (confirmations, expected, elapsed, left) => {
      expect(remainingSuspicion(confirmations, expected, seconds(elapsed), seconds(2), seconds(30))).toBe(millis(left));
    },
  );

  // mult * ceil(log10(n + 1)), memberlist util_test.go.
  it.each([
    [3, 0, 0],
    [3, 1, 3],
    [3, 99, 6],
    [4, 3, 4],
    [4, 1000, 16],
  ])("news with multiplier %i among %i members is sent %i times", (mult, members, limit) => {
    expect(retransmitLimit(mult, members)).toBe(limit);
  });

  // ceil(log2(n) - log2(32)) + 1, memberlist util_test.go: 32 and fewer once, 33 to 64 twice, 65 to 128 three times.
  it.each([
    [32, 1],
    [33, 2],
    [64, 2],
    [65, 3],
    [128, 3],
    [5000, 9],
  ])("state among %i members is exchanged every %i intervals", (members, times) => {
    expect(pushPullScale(seconds(30), members)).toBe(seconds(30 * times));
  });

  it("gives others more time the worse this node does, within bounds (Lifeguard)", () => {
    const awareness = new Awareness(8);
    const scores = [1, 1, 4, 4, -1, -100].map((delta) => {
      awareness.apply(delta);
      return awareness.scale(seconds(1));
    });
    expect(scores).toEqual([2, 3, 7, 8, 7, 1].map(seconds));
  });
});

describe("a suspicion", () => {
  it("shortens with each confirmation from somebody new, down to the least", () => {
    // 100 members: k = 2, least 8 s, most 48 s; one confirmation: 48 - log(2)/log(3) * 40 = 22.762 s.
    const suspicion = new Suspicion("a", LAN, 100, seconds(0));
    const steps = ["a", "b", "b", "c", "d"].map((from) => [suspicion.confirm(from, seconds(1)), suspicion.expiresAt]);
    expect(steps).toEqual([
      [false, seconds(48)],
      [true, millis(22_762)],
      [false, millis(22_762)],
      [true, seconds(8)],
      [false, seconds(8)],
    ]);
  });

  it("waits for nobody in a cluster of three", () => {
    expect(new Suspicion("a", LAN, 3, seconds(0)).expiresAt).toBe(seconds(4));
  });
});

describe("configuration file", () => {
  const file = {
    TCPTimeout: "10s",
    IndirectChecks: 3,
    RetransmitMult: 4,
    SuspicionMult: 4,
    SuspicionMaxTimeoutMult: 6,
    PushPullInterval: "30s",
    ProbeTimeout: "500ms",
    ProbeInterval: "1s",
    AwarenessMaxMultiplier: 8,
    GossipNodes: 3,
    GossipInterval: "200ms",
    GossipToTheDeadTime: "30s",
    GossipVerifyIncoming: true,
    EnableCompression: true,
    UDPBufferSize: 1400,
    QueueCheckInterval: "30s",
  };

  it("with memberlist's keys means the LAN profile", () => {
    expect(parseMembersConfig(file)).toEqual(LAN);
  });

  it("must name its durations; a missing number is 0", () => {
    const { ProbeInterval: _, ...without } = file;
    expect(() => parseMembersConfig(without)).toThrow("ProbeInterval: must be a duration such as 500ms");
    const { IndirectChecks: __, ...noChecks } = file;
    expect(parseMembersConfig(noChecks).indirectChecks).toBe(0);
    expect(() => parseMembersConfig({ ...file, GossipNodes: 1.5 })).toThrow("GossipNodes: must be a whole number");
    expect(() => parseMembersConfig({ ...file, GossipInterval: "0s" })).toThrow(
      "GossipInterval: must be longer than 0",
    );
    expect(() => parseMembersConfig({ ...file, PushPullInterval: "-1s" })).toThrow(
      "PushPullInterval: must not be negative",
    );
    expect(() => parseMembersConfig({ ...file, DisableTcpPings: "no" })).toThrow(
      "DisableTcpPings: must be true or false",
    );
  });
});
