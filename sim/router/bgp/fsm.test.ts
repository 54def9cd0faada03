// Expected: RFC 4271 section 8.2.2, state by state.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../../impl/wire/bgp/error-codes.ts";
import { notification } from "../../../impl/wire/bgp/notification.ts";
import { parseIpv4 } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { type SessionEvent, type SessionState, step } from "./fsm.ts";
import { type Agreement } from "./negotiation.ts";

const agreement: Agreement = {
  peerAsn: 64_500,
  peerId: parseIpv4("192.0.2.2"),
  internal: false,
  holdTime: seconds(90),
  keepalive: seconds(30),
  asSize: 4,
  families: ["ipv4"],
  extendedNextHop: false,
  routeRefresh: true,
  enhancedRefresh: false,
  gracefulRestart: undefined,
  restartsAfterNotification: false,
  capabilities: [],
};

const STATES: readonly SessionState[] = [
  { kind: "idle" },
  { kind: "connect" },
  { kind: "active" },
  { kind: "openSent" },
  { kind: "openConfirm", agreement },
  { kind: "established", agreement },
];

const EVENTS: Readonly<Record<string, SessionEvent>> = {
  start: { kind: "start", passive: false },
  "start passive": { kind: "start", passive: true },
  stop: { kind: "stop", tell: notification(ERRORS.administrativeShutdown) },
  "connect retry": { kind: "connectRetryExpires" },
  hold: { kind: "holdExpires" },
  "keepalive timer": { kind: "keepaliveExpires" },
  "tcp opened": { kind: "tcpOpened" },
  "tcp fails": { kind: "tcpFails", because: "ECONNRESET" },
  OPEN: { kind: "open", agreement },
  malformed: { kind: "malformed", answer: notification(ERRORS.malformedAttributeList) },
  NOTIFICATION: { kind: "notification", notification: notification(ERRORS.administrativeReset) },
  KEEPALIVE: { kind: "keepalive" },
  UPDATE: { kind: "update" },
};

/** `openConfirm: KEEPALIVE, arm keepalive, arm hold` */
function inWords(state: SessionState, event: SessionEvent): string {
  const { state: next, actions } = step(state, event);
  const words = actions.map((action) => {
    if (action.kind === "notify") return `notify ${action.notification.code}/${action.notification.subcode}`;
    return action.kind === "arm"
      ? `arm ${action.timer}`
      : action.kind === "end"
        ? `end ${action.ending.kind}`
        : action.kind;
  });
  return [next.kind, ...words].join(", ");
}

function rowsOf(kind: SessionState["kind"]): Readonly<Record<string, string>> {
  const state = STATES.find((each) => each.kind === kind) ?? { kind: "idle" };
  const changes = Object.entries(EVENTS).map(([name, event]) => [name, inWords(state, event)] as const);
  return Object.fromEntries(changes.filter(([, words]) => words !== kind));
}

describe("the state machine of RFC 4271", () => {
  it("Idle refuses everything but a start", () => {
    expect(rowsOf("idle")).toEqual({ start: "connect, dial, arm connectRetry", "start passive": "active" });
  });

  it("Connect", () => {
    expect(rowsOf("connect")).toEqual({
      stop: "idle, end stopped",
      "connect retry": "connect, dial, arm connectRetry",
      "tcp opened": "openSent, sendOpen, arm hold",
      "tcp fails": "active, arm connectRetry",
    });
  });

  it("Active", () => {
    expect(rowsOf("active")).toEqual({
      stop: "idle, end stopped",
      "connect retry": "connect, dial, arm connectRetry",
      "tcp opened": "openSent, sendOpen, arm hold",
    });
  });

  it("OpenSent: anything but an OPEN is an error of the state machine (RFC 6608: 5/1)", () => {
    expect(rowsOf("openSent")).toEqual({
      stop: "idle, notify 6/2, end sent",
      hold: "idle, notify 4/0, end sent",
      "tcp fails": "idle, end tcp",
      OPEN: "openConfirm, sendKeepalive, arm keepalive, arm hold",
      malformed: "idle, notify 3/1, end sent",
      NOTIFICATION: "idle, end received",
      KEEPALIVE: "idle, notify 5/1, end sent",
      UPDATE: "idle, notify 5/1, end sent",
    });
  });

  it("OpenConfirm (5/2)", () => {
    expect(rowsOf("openConfirm")).toEqual({
      stop: "idle, notify 6/2, end sent",
      hold: "idle, notify 4/0, end sent",
      "keepalive timer": "openConfirm, sendKeepalive, arm keepalive",
      "tcp fails": "idle, end tcp",
      OPEN: "idle, notify 5/2, end sent",
      malformed: "idle, notify 3/1, end sent",
      NOTIFICATION: "idle, end received",
      KEEPALIVE: "established, arm keepalive, arm hold",
      UPDATE: "idle, notify 5/2, end sent",
    });
  });

  it("Established (5/3)", () => {
    expect(rowsOf("established")).toEqual({
      stop: "idle, notify 6/2, end sent",
      hold: "idle, notify 4/0, end sent",
      "keepalive timer": "established, sendKeepalive, arm keepalive",
      "tcp fails": "idle, end tcp",
      OPEN: "idle, notify 5/3, end sent",
      malformed: "idle, notify 3/1, end sent",
      NOTIFICATION: "idle, end received",
      KEEPALIVE: "established, arm hold",
      UPDATE: "established, arm hold",
    });
  });

  it("a session that ends says so once, whatever comes", () => {
    const events = fc.array(fc.constantFrom(...Object.values(EVENTS)), { maxLength: 40 });
    fc.assert(
      fc.property(events, (all) => {
        let state: SessionState = { kind: "idle" };
        for (const event of all) {
          const { state: next, actions } = step(state, event);
          const ends = actions.filter(({ kind }) => kind === "end").length;
          expect(ends).toBe(next.kind === "idle" && state.kind !== "idle" ? 1 : 0);
          if (next.kind === "established") expect(["openConfirm", "established"]).toContain(state.kind);
          state = next;
        }
      }),
    );
  });
});
