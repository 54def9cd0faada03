import { describe, expect, it } from "vitest";
import { type BfdControl, type BfdState } from "../../wire/bfd.ts";
import { micros, millis, seconds } from "../../wire/time.ts";
import { type BfdSession, newSession } from "./session.ts";
import { step } from "./step.ts";
import { CONFIG, NO_JITTER } from "./test-pair.ts";
import { jittered } from "./timing.ts";

function packet(state: BfdState, parts: Partial<BfdControl> = {}): BfdControl {
  return {
    diagnostic: "none",
    state,
    poll: false,
    final: false,
    controlPlaneIndependent: false,
    demand: false,
    multipoint: false,
    detectMultiplier: 3,
    myDiscriminator: 7,
    yourDiscriminator: 1,
    desiredMinTx: millis(300),
    requiredMinRx: millis(300),
    requiredMinEchoRx: micros(0),
    ...parts,
  };
}

const now = seconds(1);
const after = (session: BfdSession, received: BfdControl): BfdSession =>
  step(session, { kind: "received", packet: received }, now, NO_JITTER).session;

function sessionIn(state: BfdState): BfdSession {
  const down = step(newSession(CONFIG, 1), { kind: "enable" }, now, NO_JITTER).session;
  if (state === "adminDown") return step(down, { kind: "disable" }, now, NO_JITTER).session;
  if (state === "down") return down;
  return after(down, packet(state === "init" ? "down" : "init"));
}

describe("what a received state does (RFC 5880 section 6.8.6)", () => {
  // The prose of the section, and the picture of section 6.2, one line for each of its 16 cases.
  it.each([
    "adminDown hears adminDown: adminDown",
    "adminDown hears down: adminDown",
    "adminDown hears init: adminDown",
    "adminDown hears up: adminDown",
    "down hears adminDown: down",
    "down hears down: init",
    "down hears init: up",
    "down hears up: down",
    "init hears adminDown: down neighborSignaledSessionDown",
    "init hears down: init",
    "init hears init: up",
    "init hears up: up",
    "up hears adminDown: down neighborSignaledSessionDown",
    "up hears down: down neighborSignaledSessionDown",
    "up hears init: up",
    "up hears up: up",
  ])("%s", (line) => {
    const [, from, heard, to, diagnostic = "none"] = /^(\w+) hears (\w+): (\w+)(?: (\w+))?$/.exec(line) ?? [];
    const session = after(sessionIn(from as BfdState), packet(heard as BfdState));
    expect(session.kind).toBe(to);
    expect(session.diagnostic).toBe(to === "adminDown" ? "administrativelyDown" : diagnostic);
  });

  it("answers a Poll at once, but not while it is AdminDown", () => {
    const finals = (state: BfdState): number => {
      const polled = step(sessionIn(state), { kind: "received", packet: packet("up", { poll: true }) }, now, NO_JITTER);
      return polled.effects.filter((effect) => effect.kind === "send" && effect.packet.final && !effect.packet.poll)
        .length;
    };
    expect((["adminDown", "down", "init", "up"] as const).map(finals)).toEqual([0, 1, 1, 1]);
  });

  it("sends nothing periodically to a peer in Demand mode while both are up (section 6.6)", () => {
    const up = after(sessionIn("up"), packet("up", { final: true }));
    expect(up.transmit).toBeDefined();
    expect(after(up, packet("up", { demand: true })).transmit).toBeUndefined();
  });
});

describe("a peer that wants no periodic packets (section 6.8.7)", () => {
  it("gets none", () => {
    expect(after(sessionIn("up"), packet("up", { requiredMinRx: micros(0) })).transmit).toBeUndefined();
  });
});

describe("jitter (section 6.8.7)", () => {
  it.each([
    { multiplier: 3, drawn: 0, interval: 750_000 },
    { multiplier: 3, drawn: 0.999999, interval: 999_999 },
    { multiplier: 1, drawn: 0, interval: 750_000 },
    { multiplier: 1, drawn: 0.999999, interval: 899_999 },
  ])("makes $interval µs of a second with multiplier $multiplier", ({ multiplier, drawn, interval }) => {
    expect(jittered(seconds(1), multiplier, { next: () => drawn })).toBe(interval);
  });
});
