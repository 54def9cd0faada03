import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMac } from "../../impl/wire/mac.ts";
import { type Micros, micros, plus, seconds } from "../../impl/wire/time.ts";
import { linuxParameters } from "./neighbour-parameters.ts";
import { type Neighbour, type NudEvent, type NudParameters, step, timerOf, unknownNeighbour } from "./nud.ts";

const OLD = parseMac("02:00:00:00:00:01");
const NEW = parseMac("02:00:00:00:00:02");
const PARAMETERS: NudParameters = { ...linuxParameters("ipv6"), reachable: seconds(30) };

const EVENTS = {
  send: { kind: "send" },
  timer: { kind: "timer" },
  confirm: { kind: "confirm" },
  // RFC 4861 section 7.2.5: solicited and unsolicited advertisements, with and without the O flag.
  SO: { kind: "learned", mac: NEW, as: "reachable", override: "always", router: false },
  S: { kind: "learned", mac: NEW, as: "reachable", override: "weakly", router: false },
  O: { kind: "learned", mac: NEW, as: "stale", override: "always", router: false },
  "-": { kind: "learned", mac: NEW, as: "stale", override: "weakly", router: false },
  same: { kind: "learned", mac: OLD, as: "stale", override: "weakly", router: false },
  "S same": { kind: "learned", mac: OLD, as: "reachable", override: "weakly", router: false },
  "S without address": { kind: "learned", mac: undefined, as: "reachable", override: "weakly", router: false },
} as const satisfies Record<string, NudEvent>;
type EventName = keyof typeof EVENTS;

/** Applies events, one second apart; a timer event comes when the timer is due. */
function play(names: readonly EventName[]): Neighbour {
  let now = seconds(100);
  let neighbour = unknownNeighbour(PARAMETERS, now);
  for (const name of names) {
    const due = timerOf(neighbour);
    now = name === "timer" && due !== undefined ? due : plus(now, seconds(1));
    neighbour = step(neighbour, EVENTS[name], PARAMETERS, now).neighbour;
  }
  return neighbour;
}

const show = (neighbour: Neighbour): string =>
  `${neighbour.kind}${"mac" in neighbour ? (neighbour.mac === OLD ? " old" : " new") : ""}`;

/** How each state with the old address is reached. */
const INTO = {
  failed: [],
  incomplete: ["send"],
  reachable: ["send", "S same"],
  stale: ["send", "S same", "timer"],
  delay: ["send", "S same", "timer", "send"],
  probe: ["send", "S same", "timer", "send", "timer"],
} as const satisfies Record<Neighbour["kind"], readonly EventName[]>;

// RFC 4861 appendix C; what Linux adds: nothing is ignored while it is INCOMPLETE, and a repeated address changes nothing.
const TABLE: Readonly<Record<Neighbour["kind"], Readonly<Record<EventName, string>>>> = {
  failed: {
    send: "incomplete",
    timer: "failed",
    confirm: "failed",
    SO: "reachable new",
    S: "reachable new",
    O: "stale new",
    "-": "stale new",
    same: "stale old",
    "S same": "reachable old",
    "S without address": "failed",
  },
  incomplete: {
    send: "incomplete",
    timer: "incomplete",
    confirm: "incomplete",
    SO: "reachable new",
    S: "reachable new",
    O: "stale new",
    "-": "stale new",
    same: "stale old",
    "S same": "reachable old",
    "S without address": "incomplete",
  },
  reachable: {
    send: "reachable old",
    timer: "stale old",
    confirm: "reachable old",
    SO: "reachable new",
    S: "stale old",
    O: "stale new",
    "-": "stale old",
    same: "reachable old",
    "S same": "reachable old",
    "S without address": "reachable old",
  },
  stale: {
    send: "delay old",
    timer: "stale old",
    confirm: "stale old",
    SO: "reachable new",
    S: "stale old",
    O: "stale new",
    "-": "stale old",
    same: "stale old",
    "S same": "reachable old",
    "S without address": "reachable old",
  },
  delay: {
    send: "delay old",
    timer: "probe old",
    confirm: "delay old",
    SO: "reachable new",
    S: "delay old",
    O: "stale new",
    "-": "delay old",
    same: "delay old",
    "S same": "reachable old",
    "S without address": "reachable old",
  },
  probe: {
    send: "probe old",
    timer: "probe old",
    confirm: "probe old",
    SO: "reachable new",
    S: "probe old",
    O: "stale new",
    "-": "probe old",
    same: "probe old",
    "S same": "reachable old",
    "S without address": "reachable old",
  },
};

const STATES = ["failed", "incomplete", "reachable", "stale", "delay", "probe"] as const;
const NAMES = ["send", "timer", "confirm", "SO", "S", "O", "-", "same", "S same", "S without address"] as const;

describe("neighbour unreachability detection", () => {
  it.each(STATES)("goes from %s as RFC 4861 and Linux say", (state) => {
    expect(show(play(INTO[state]))).toBe(state === "failed" || state === "incomplete" ? state : `${state} old`);
    const next = Object.fromEntries(NAMES.map((name) => [name, show(play([...INTO[state], name]))]));
    expect(next).toEqual(TABLE[state]);
  });

  it("gives up after three questions, in each of the states that ask", () => {
    expect(show(play(["send", "timer", "timer"]))).toBe("incomplete");
    expect(show(play(["send", "timer", "timer", "timer"]))).toBe("failed");
    expect(show(play([...INTO.probe, "timer", "timer"]))).toBe("probe old");
    expect(show(play([...INTO.probe, "timer", "timer", "timer"]))).toBe("failed");
  });

  it("is spared the probe when the layer above makes progress (RFC 4861 section 7.3.1)", () => {
    expect(show(play([...INTO.delay, "confirm", "timer"]))).toBe("reachable old");
    expect(show(play([...INTO.reachable, "confirm", "timer"]))).toBe("reachable old");
  });

  it("moves only along the transitions of the table, whatever happens", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...NAMES), { maxLength: 40 }), (names) => {
        let now: Micros = micros(0);
        let neighbour = unknownNeighbour(PARAMETERS, now);
        for (const name of names) {
          now = plus(now, seconds(1));
          const before = neighbour;
          neighbour = step(before, EVENTS[name], PARAMETERS, now).neighbour;
          const due = timerOf(neighbour);
          // A state that waits is never without a timer, and a timer never lies before its state began.
          expect(due === undefined || due >= neighbour.updated).toBe(true);
          expect("at" in neighbour).toBe(neighbour.kind !== "stale" && neighbour.kind !== "failed");
          if (neighbour.kind === "probe") expect(["delay", "probe"]).toContain(before.kind);
          if (neighbour.kind === "delay") expect(["stale", "delay", "reachable"]).toContain(before.kind);
          if (neighbour.kind === "incomplete") expect(["failed", "incomplete"]).toContain(before.kind);
        }
      }),
    );
  });
});
