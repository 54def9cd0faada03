// RFC 4271 section 8.2.2 (what every way to Idle has in common), RFC 4724 section 4 and RFC 8538 sections 3 and 4 (which
// of them leave our routes with the peer).
import { ERRORS } from "../../../wire/bgp/error-codes.ts";
import { hardReset, type Notification, notification, notificationWithText } from "../../../wire/bgp/notification.ts";
import { type Micros, plus, seconds } from "../../../wire/time.ts";
import { type Failures, NO_FAILURES, type Rest, restTime, withOneMore } from "./back-off.ts";
import { type Negotiated } from "./negotiation.ts";
import {
  type Context,
  type DownReason,
  describeDown,
  type Intent,
  type SessionEffect,
  type SessionState,
  type Step,
} from "./state.ts";

/** A session that lasted as long proves that the configuration is right and the peer is willing. */
const LASTING = seconds(10);

/** Ends an attempt or a session, with a NOTIFICATION where the reason is one that we sent, and plans the next attempt. */
export function fail(state: SessionState, because: DownReason, rest: Rest, context: Context): Step {
  const lasted = state.kind === "established" && context.now - state.since >= LASTING;
  const failures = lasted ? NO_FAILURES : state.failures;
  const startAt = plus(context.now, restTime(rest, failures, context.config.connectTime, context.random));
  return end(state, because, startAt, withOneMore(failures, rest));
}

export function failWith(state: SessionState, sent: Notification, problem: string, rest: Rest, context: Context): Step {
  return fail(state, { kind: "sent", notification: sent, problem }, rest, context);
}

/** Ends whatever there is and stays idle. */
export function stop(state: SessionState, intent: Intent): Step {
  if (state.kind === "idle") return { state: { ...state, startAt: undefined }, effects: [] };
  const negotiated = state.kind === "established" || state.kind === "openConfirm" ? state.negotiated : undefined;
  return end(state, farewell(negotiated, intent), undefined, NO_FAILURES);
}

function end(state: SessionState, because: DownReason, startAt: Micros | undefined, failures: Failures): Step {
  const effects: SessionEffect[] = [];
  if (because.kind === "sent" && state.kind !== "connect")
    effects.push({ kind: "send", message: because.notification });
  // Data that the peer never takes would hold the socket for minutes; a dial that is under way has nothing to say.
  const abort =
    because.kind === "sendHoldTimerExpired" || because.kind === "connectTimeout" || state.kind === "connect";
  if (because.kind !== "connectionLost") effects.push({ kind: "close", abort });
  const wasUp = state.kind === "established";
  effects.push({ kind: "changed", from: state.kind, to: "idle", because: describeDown(because) });
  effects.push({ kind: "down", wasUp, because });
  return { state: { kind: "idle", startAt, failures, wasUp: state.wasUp || wasUp }, effects };
}

function farewell(negotiated: Negotiated | undefined, intent: Intent): DownReason {
  const sent = (message: Notification, problem: string): DownReason => ({
    kind: "sent",
    notification: message,
    problem,
  });
  const notificationKeepsRoutes = negotiated?.notificationKeepsRoutes === true;
  switch (intent) {
    case "restart": {
      // RFC 4724 section 4: a NOTIFICATION would end the session for good, unless the peer knows RFC 8538.
      const silent = negotiated?.gracefulRestart !== undefined && !notificationKeepsRoutes;
      if (silent) return { kind: "restarting" };
      return sent(notificationWithText(ERRORS.administrativeShutdown, "speaker stops"), "the speaker stops");
    }
    case "remove": {
      const message = notification(ERRORS.peerDeconfigured);
      return sent(notificationKeepsRoutes ? hardReset(message) : message, "the peer was removed");
    }
    case "change":
      return sent(notification(ERRORS.otherConfigurationChange), "the configuration changed");
  }
}
