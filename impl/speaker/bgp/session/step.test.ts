import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BgpError } from "../../../wire/bgp/bgp-error.ts";
import { ERRORS } from "../../../wire/bgp/error-codes.ts";
import { notification } from "../../../wire/bgp/notification.ts";
import { parseIpv4 } from "../../../wire/ip.ts";
import { micros, plus, seconds } from "../../../wire/time.ts";
import { keepsOwnConnection } from "./collision.ts";
import { BgpSession, type BgpSessionEffect } from "./session.ts";
import { INITIAL, type SessionEvent } from "./state.ts";
import { deadlineOf, step } from "./step.ts";
import { CONFIG, OPEN } from "./test-router.ts";
import { TRANSITIONS } from "./transitions.ts";

const EVENTS: readonly SessionEvent[] = [
  { kind: "start" },
  { kind: "stop", intent: "restart" },
  { kind: "tcpUp" },
  { kind: "tcpLost", error: "ECONNRESET" },
  OPEN,
  { ...OPEN, asn: 1 },
  { ...OPEN, holdTime: seconds(0) },
  { kind: "keepalive" },
  { kind: "update" },
  { kind: "routeRefresh", afi: 1, safi: 1, subtype: "request" },
  notification(ERRORS.administrativeShutdown),
  { kind: "malformed", error: new BgpError("bgp.marker", "is wrong", ERRORS.connectionNotSynchronized) },
  { kind: "bfdDown" },
  { kind: "collided" },
  { kind: "backlog", bytes: 100 },
  { kind: "updatesSent" },
  { kind: "wake" },
];

describe("any sequence of events", () => {
  it("moves along the picture, closes what it opened and never misses a deadline", () => {
    const events = fc.array(fc.tuple(fc.constantFrom(...EVENTS), fc.nat({ max: 6_000_000 })), { maxLength: 60 });
    fc.assert(
      fc.property(events, fc.double({ min: 0, max: 0.999, noNaN: true }), (list, drawn) => {
        let state = INITIAL;
        let now = micros(0);
        for (const [event, pause] of list) {
          now = plus(now, micros(pause));
          const { state: next, effects } = step(state, event, { config: CONFIG, now, random: { next: () => drawn } });
          if (next.kind !== state.kind) {
            expect(TRANSITIONS[state.kind]).toContain(next.kind);
            expect(effects).toContainEqual(expect.objectContaining({ from: state.kind, to: next.kind }));
          }
          const isUp = effects.some(({ kind }) => kind === "up");
          expect(isUp).toBe(next.kind === "established" && state.kind !== "established");
          const wentDown = effects.some((effect) => effect.kind === "down" && effect.wasUp);
          expect(wentDown).toBe(state.kind === "established" && next.kind === "idle");
          // A connection that was there is closed by us, unless it is what broke.
          if (state.kind !== "idle" && next.kind === "idle" && event.kind !== "tcpLost") {
            expect(effects.filter(({ kind }) => kind === "close")).toHaveLength(1);
          }
          if (event.kind === "wake") expect(deadlineOf(next) ?? plus(now, seconds(1))).toBeGreaterThan(now);
          state = next;
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Two speakers that both dial and, against their habit, both listen; segments arrive in an order that `pick` decides. */
function collide(ids: readonly [string, string], pick: (count: number) => number): readonly string[] {
  const sides = ids.map((id) => ({ id: parseIpv4(id), asn: CONFIG.localAsn }));
  const sessions = sides.map(({ id }) => {
    const config = { ...CONFIG, routerId: id, peerAsn: CONFIG.localAsn };
    const make = (): BgpSession => new BgpSession(config, { next: () => 0.5 });
    return { dialled: make(), accepted: make() };
  });
  const queue: { readonly line: string; readonly run: () => void }[] = [];
  const now = seconds(1);
  const local = parseIpv4("192.0.2.1");
  /** Connection `line` was dialled by side `line`; TCP keeps the order within a line and direction. */
  const end = (side: number, line: number): BgpSession | undefined =>
    side === line ? sessions[side]?.dialled : sessions[side]?.accepted;
  const post = (side: number, line: number, run: (session: BgpSession) => readonly BgpSessionEffect[]): void => {
    queue.push({
      line: `${line}>${side}`,
      run: () => {
        const session = end(side, line);
        if (session !== undefined) carryOut(side, line, run(session));
      },
    });
  };
  const resolve = (side: number): void => {
    const [own, other] = [sessions[side]?.dialled, sessions[side]?.accepted];
    const [me, peer] = [sides[side], sides[1 - side]];
    if (own === undefined || other === undefined || me === undefined || peer === undefined) return;
    const known = (session: BgpSession): boolean => ["openConfirm", "established"].includes(session.state.kind);
    if (!known(own) || !known(other)) return;
    const keepOwn = keepsOwnConnection(me, peer);
    const loser = keepOwn ? other : own;
    carryOut(side, loser === own ? side : 1 - side, loser.collide(now));
  };
  const carryOut = (side: number, line: number, effects: readonly BgpSessionEffect[]): void => {
    for (const effect of effects) {
      if (effect.kind === "write") post(1 - side, line, (peer) => peer.receive(1, effect.bytes, now));
      if (effect.kind === "close") post(1 - side, line, (peer) => peer.lost(1, "end", now));
    }
    resolve(side);
  };
  for (const side of [0, 1]) {
    sessions[side]?.dialled.start(now);
    post(side, side, (session) => session.connected(1, local, now));
    post(1 - side, side, (session) => session.accept(local, now).effects);
  }
  while (queue.length > 0) {
    // The first of each line may go.
    const heads = queue.filter(({ line }, at) => queue.findIndex((other) => other.line === line) === at);
    const chosen = heads[pick(heads.length)];
    if (chosen === undefined) break;
    queue.splice(queue.indexOf(chosen), 1);
    chosen.run();
  }
  return [0, 1].map((line) => [0, 1].map((side) => end(side, line)?.state.kind).join(" "));
}

describe("two speakers that dial each other at once", () => {
  it("keep one connection, in any order of events", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat({ max: 1000 })), (choices) => {
        const lines = collide(["192.0.2.1", "192.0.2.2"], (count) => (choices.next().value ?? 0) % count);
        expect([...lines].sort()).toEqual(["established established", "idle idle"]);
      }),
      { numRuns: 1000 },
    );
  });
});
