// RFC 4271 section 8.2.2: the state machine, as a function of its state and one event. RFC 6608 names its errors.
import { ERRORS, type ErrorCode } from "../../../wire/bgp/error-codes.ts";
import { MESSAGE_TYPES } from "../../../wire/bgp/header.ts";
import { notification, notificationOf } from "../../../wire/bgp/notification.ts";
import { type Open } from "../../../wire/bgp/open.ts";
import { unreachable } from "../../../wire/brand.ts";
import { earliest, type Micros, plus, seconds } from "../../../wire/time.ts";
import { jitter, restAfterLoss, restAfterNotification, restAfterRefusal, withOneMore } from "./back-off.ts";
import { fail, failWith, stop } from "./ending.ts";
import { backlogged, bfdDown, heard, nextKeepalive, refresh, spoke, wakeEstablished } from "./established.ts";
import { negotiate, openFor } from "./negotiation.ts";
import {
  type Context,
  type Established,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  type Step,
} from "./state.ts";

/** A dial that takes longer goes on with a fresh SYN: those of the first one come ever more rarely. */
const CONNECT_TIME = seconds(5);
/** Whoever takes the connection and has not said OPEN by then does not mean it. */
const HANDSHAKE_TIME = seconds(10);

type In<Kind extends SessionState["kind"]> = Extract<SessionState, { readonly kind: Kind }>;

export function step(state: SessionState, event: SessionEvent, context: Context): Step {
  if (event.kind === "stop") return stop(state, event.intent);
  switch (state.kind) {
    case "idle":
      return inIdle(state, event, context);
    case "connect":
      return inConnect(state, event, context);
    case "openSent":
      return inOpenSent(state, event, context);
    case "openConfirm":
      return inOpenConfirm(state, event, context);
    case "established":
      return inEstablished(state, event, context);
    default:
      return unreachable(state);
  }
}

export function deadlineOf(state: SessionState): Micros | undefined {
  switch (state.kind) {
    case "idle":
      return state.startAt;
    case "connect":
      return state.retryAt;
    case "openSent":
      return state.holdAt;
    case "openConfirm":
      return earliest(state.holdAt, state.keepaliveAt);
    case "established":
      return earliest(state.holdAt, state.keepaliveAt, state.backlog?.until);
    default:
      return unreachable(state);
  }
}

const unchanged = (state: SessionState): Step => ({ state, effects: [] });

/** A state, how it came about, and what goes out before it is entered. */
function enter(from: SessionState, state: SessionState, because: string, effects: readonly SessionEffect[]): Step {
  return { state, effects: [...effects, { kind: "changed", from: from.kind, to: state.kind, because }] };
}

function inIdle(state: In<"idle">, event: SessionEvent, context: Context): Step {
  const due = state.startAt !== undefined && state.startAt <= context.now;
  if (event.kind === "start" || (event.kind === "wake" && due)) {
    const because = event.kind === "start" ? "started" : "idle hold timer expired";
    const { failures, wasUp } = state;
    const dialling = enter(state, { kind: "connect", retryAt: retryAt(context), failures, wasUp }, because, []);
    return { ...dialling, effects: [...dialling.effects, { kind: "connect" }] };
  }
  // A connection that a listener took.
  return event.kind === "tcpUp" ? sendOpen(state, context) : unchanged(state);
}

function retryAt({ config, now, random }: Context): Micros {
  const { connectTime } = config;
  const patience = connectTime !== undefined && connectTime < CONNECT_TIME ? connectTime : CONNECT_TIME;
  return plus(now, jitter(patience, random));
}

function sendOpen(state: In<"idle"> | In<"connect">, context: Context): Step {
  const { failures, wasUp } = state;
  const holdAt = plus(context.now, HANDSHAKE_TIME);
  const message = openFor(context.config, !wasUp);
  return enter(state, { kind: "openSent", holdAt, failures, wasUp }, "TCP is up", [{ kind: "send", message }]);
}

function inConnect(state: In<"connect">, event: SessionEvent, context: Context): Step {
  switch (event.kind) {
    case "tcpUp":
      return sendOpen(state, context);
    case "tcpLost":
      return fail(state, { kind: "connectionLost", error: event.error }, restAfterLoss(), context);
    case "wake":
      if (state.retryAt > context.now) return unchanged(state);
      // RFC 4271 event 9: the connection is dropped and dialled again, without leaving Connect.
      return {
        state: { ...state, retryAt: retryAt(context), failures: withOneMore(state.failures, restAfterLoss()) },
        effects: [
          { kind: "close", abort: true },
          { kind: "down", wasUp: false, because: { kind: "connectTimeout" } },
          { kind: "connect" },
        ],
      };
    default:
      return unchanged(state);
  }
}

/** What ends every state that has a connection; undefined for what the state itself must judge. */
function endConnected(state: SessionState, event: SessionEvent, context: Context): Step | undefined {
  switch (event.kind) {
    case "tcpLost":
      return fail(state, { kind: "connectionLost", error: event.error }, restAfterLoss(), context);
    case "notification":
      return fail(state, { kind: "received", notification: event }, restAfterNotification(event), context);
    case "malformed":
      return failWith(state, notificationOf(event.error), event.error.message, restAfterRefusal(), context);
    case "collided": {
      const sent = notification(ERRORS.connectionCollisionResolution);
      return failWith(state, sent, "the other connection stays", restAfterLoss(), context);
    }
    default:
      return undefined;
  }
}

/** RFC 6608 section 3: the data is the type of the message that was not expected. */
function unexpected(
  state: SessionState,
  event: Extract<SessionEvent, { kind: keyof typeof MESSAGE_TYPES }>,
  error: ErrorCode,
  context: Context,
): Step {
  const sent = notification(error, Uint8Array.of(MESSAGE_TYPES[event.kind]));
  return failWith(state, sent, `${event.kind} in ${state.kind}`, restAfterRefusal(), context);
}

function inOpenSent(state: In<"openSent">, event: SessionEvent, context: Context): Step {
  switch (event.kind) {
    case "open":
      return judgeOpen(state, event, context);
    case "keepalive":
    case "update":
    case "routeRefresh":
      return unexpected(state, event, ERRORS.unexpectedInOpenSent, context);
    case "wake":
      if (state.holdAt > context.now) return unchanged(state);
      return failWith(state, notification(ERRORS.holdTimerExpired), "no OPEN in time", restAfterLoss(), context);
    default:
      return endConnected(state, event, context) ?? unchanged(state);
  }
}

function judgeOpen(state: In<"openSent">, open: Open, context: Context): Step {
  const negotiation = negotiate(context.config, open);
  if (!negotiation.agreed) {
    const { answer, data, problem } = negotiation;
    return failWith(state, notification(answer, data), problem, restAfterRefusal(), context);
  }
  const { negotiated } = negotiation;
  const holdAt = plus(context.now, negotiated.holdTime === 0 ? HANDSHAKE_TIME : negotiated.holdTime);
  const { failures, wasUp } = state;
  const keepaliveAt = nextKeepalive(negotiated, context);
  const next: SessionState = { kind: "openConfirm", negotiated, holdAt, keepaliveAt, failures, wasUp };
  return enter(state, next, "OPEN received", [{ kind: "send", message: { kind: "keepalive" } }]);
}

function inOpenConfirm(state: In<"openConfirm">, event: SessionEvent, context: Context): Step {
  switch (event.kind) {
    case "keepalive":
      return establish(state, context);
    case "open":
    case "update":
    case "routeRefresh":
      return unexpected(state, event, ERRORS.unexpectedInOpenConfirm, context);
    case "wake":
      if (state.holdAt <= context.now) {
        return failWith(state, notification(ERRORS.holdTimerExpired), "no KEEPALIVE in time", restAfterLoss(), context);
      }
      if (state.keepaliveAt === undefined || state.keepaliveAt > context.now) return unchanged(state);
      return {
        state: { ...state, keepaliveAt: nextKeepalive(state.negotiated, context) },
        effects: [{ kind: "send", message: { kind: "keepalive" } }],
      };
    default:
      return endConnected(state, event, context) ?? unchanged(state);
  }
}

function establish(state: In<"openConfirm">, context: Context): Step {
  const { negotiated, keepaliveAt, failures, wasUp } = state;
  const up: Established = {
    kind: "established",
    negotiated,
    since: context.now,
    holdAt: undefined,
    keepaliveAt,
    backlog: undefined,
    failures,
    wasUp,
  };
  const entered = enter(state, heard(up, context).state, "KEEPALIVE received", []);
  return { ...entered, effects: [...entered.effects, { kind: "up", negotiated }] };
}

function inEstablished(state: Established, event: SessionEvent, context: Context): Step {
  switch (event.kind) {
    case "keepalive":
    case "update":
      return heard(state, context);
    case "routeRefresh":
      return refresh(state, event);
    case "open":
      return unexpected(state, event, ERRORS.unexpectedInEstablished, context);
    case "updatesSent":
      return spoke(state, context);
    case "backlog":
      return backlogged(state, event.bytes, context);
    case "bfdDown":
      return bfdDown(state, context);
    case "wake":
      return wakeEstablished(state, context);
    default:
      return endConnected(state, event, context) ?? unchanged(state);
  }
}
