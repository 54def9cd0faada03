// RFC 4271 section 8: one connection to a neighbour as a function of its state and what happens to it. Events are named
// with their numbers of section 8.1; those of DelayOpen and of TCP tracking (6, 7, 12, 15, 20) are not used.
import { unreachable } from "../../../impl/wire/brand.ts";
import { ERRORS } from "../../../impl/wire/bgp/error-codes.ts";
import { notification, type Notification } from "../../../impl/wire/bgp/notification.ts";
import { type Agreement } from "./negotiation.ts";

export type SessionState =
  | { readonly kind: "idle" }
  | { readonly kind: "connect" }
  | { readonly kind: "active" }
  | { readonly kind: "openSent" }
  | { readonly kind: "openConfirm"; readonly agreement: Agreement }
  | { readonly kind: "established"; readonly agreement: Agreement };

export type SessionEvent =
  /** 1, 3, 13; 4 and 5 where the neighbour dials. */
  | { readonly kind: "start"; readonly passive: boolean }
  /** 2, 8, 23: with what the neighbour is told, where it can be told anything. */
  | { readonly kind: "stop"; readonly tell: Notification | undefined }
  /** 9. */
  | { readonly kind: "connectRetryExpires" }
  /** 10. */
  | { readonly kind: "holdExpires" }
  /** 11. */
  | { readonly kind: "keepaliveExpires" }
  /** 14, 16, 17. */
  | { readonly kind: "tcpOpened" }
  /** 18. */
  | { readonly kind: "tcpFails"; readonly because: string }
  /** 19. */
  | { readonly kind: "open"; readonly agreement: Agreement }
  /** 21, 22, 28. */
  | { readonly kind: "malformed"; readonly answer: Notification }
  /** 24, 25. */
  | { readonly kind: "notification"; readonly notification: Notification }
  /** 26. */
  | { readonly kind: "keepalive" }
  /** 27, and what comes besides in an established session: ROUTE-REFRESH. */
  | { readonly kind: "update" };

/** How a connection ended, which decides whether the routes stay (RFC 4724, RFC 8538). */
export type Ending =
  | { readonly kind: "stopped" }
  | { readonly kind: "sent"; readonly notification: Notification }
  | { readonly kind: "received"; readonly notification: Notification }
  | { readonly kind: "tcp"; readonly because: string };

export type TimerName = "connectRetry" | "hold" | "keepalive";

export type SessionAction =
  | { readonly kind: "dial" }
  | { readonly kind: "sendOpen" }
  | { readonly kind: "sendKeepalive" }
  | { readonly kind: "notify"; readonly notification: Notification }
  | { readonly kind: "arm"; readonly timer: TimerName }
  /** All timers stop, the socket is closed. */
  | { readonly kind: "end"; readonly ending: Ending };

export interface Step {
  readonly state: SessionState;
  readonly actions: readonly SessionAction[];
}

const IDLE: SessionState = { kind: "idle" };

const arm = (timer: TimerName): SessionAction => ({ kind: "arm", timer });

const stay = (state: SessionState, ...actions: readonly SessionAction[]): Step => ({ state, actions });

const end = (ending: Ending): Step => ({ state: IDLE, actions: [{ kind: "end", ending }] });

const tell = (said: Notification): Step => ({
  state: IDLE,
  actions: [
    { kind: "notify", notification: said },
    { kind: "end", ending: { kind: "sent", notification: said } },
  ],
});

export function step(state: SessionState, event: SessionEvent): Step {
  switch (state.kind) {
    case "idle":
      return inIdle(event);
    case "connect":
    case "active":
      return withoutConnection(state, event);
    case "openSent":
      return inOpenSent(state, event);
    case "openConfirm":
      return inOpenConfirm(state, event);
    case "established":
      return inEstablished(state, event);
    default:
      return unreachable(state);
  }
}

function inIdle(event: SessionEvent): Step {
  if (event.kind !== "start") return stay(IDLE);
  return event.passive
    ? { state: { kind: "active" }, actions: [] }
    : { state: { kind: "connect" }, actions: [{ kind: "dial" }, arm("connectRetry")] };
}

function withoutConnection(state: SessionState, event: SessionEvent): Step {
  switch (event.kind) {
    case "connectRetryExpires":
      return { state: { kind: "connect" }, actions: [{ kind: "dial" }, arm("connectRetry")] };
    case "tcpOpened":
      return { state: { kind: "openSent" }, actions: [{ kind: "sendOpen" }, arm("hold")] };
    case "tcpFails":
      return { state: { kind: "active" }, actions: state.kind === "active" ? [] : [arm("connectRetry")] };
    case "stop":
      return end({ kind: "stopped" });
    default:
      // There is no connection that anything else could come from.
      return stay(state);
  }
}

function inOpenSent(state: SessionState, event: SessionEvent): Step {
  switch (event.kind) {
    case "open":
      return {
        state: { kind: "openConfirm", agreement: event.agreement },
        actions: [{ kind: "sendKeepalive" }, arm("keepalive"), arm("hold")],
      };
    case "keepalive":
    case "update":
      return tell(notification(ERRORS.unexpectedInOpenSent));
    default:
      return withConnection(state, event);
  }
}

function inOpenConfirm(state: SessionState & { readonly kind: "openConfirm" }, event: SessionEvent): Step {
  switch (event.kind) {
    case "keepalive":
      return { state: { kind: "established", agreement: state.agreement }, actions: [arm("keepalive"), arm("hold")] };
    case "keepaliveExpires":
      return stay(state, { kind: "sendKeepalive" }, arm("keepalive"));
    case "open":
    case "update":
      return tell(notification(ERRORS.unexpectedInOpenConfirm));
    default:
      return withConnection(state, event);
  }
}

function inEstablished(state: SessionState, event: SessionEvent): Step {
  switch (event.kind) {
    case "keepalive":
    case "update":
      return stay(state, arm("hold"));
    case "keepaliveExpires":
      return stay(state, { kind: "sendKeepalive" }, arm("keepalive"));
    case "open":
      return tell(notification(ERRORS.unexpectedInEstablished));
    default:
      return withConnection(state, event);
  }
}

/** What has the same end wherever there is a connection. */
function withConnection(state: SessionState, event: SessionEvent): Step {
  switch (event.kind) {
    case "stop":
      return event.tell === undefined ? end({ kind: "stopped" }) : tell(event.tell);
    case "holdExpires":
      return tell(notification(ERRORS.holdTimerExpired));
    case "malformed":
      return tell(event.answer);
    case "notification":
      return end({ kind: "received", notification: event.notification });
    case "tcpFails":
      return end({ kind: "tcp", because: event.because });
    default:
      return stay(state);
  }
}
