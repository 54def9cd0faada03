// RFC 4271 section 8.2.2: the states of a session, what happens to it and what it does. Active does not exist: this side
// dials and never listens, so where the RFC waits for a connection it rests in Idle (IdleHoldTimer) and dials again.
import { type BgpError } from "../../../wire/bgp/bgp-error.ts";
import { type AddressFamily } from "../../../wire/bgp/families.ts";
import { type Keepalive } from "../../../wire/bgp/keepalive.ts";
import { describeNotification, type Notification } from "../../../wire/bgp/notification.ts";
import { type Open } from "../../../wire/bgp/open.ts";
import { type RouteRefresh } from "../../../wire/bgp/route-refresh.ts";
import { type Random } from "../../../ports.ts";
import { unreachable } from "../../../wire/brand.ts";
import { type Micros } from "../../../wire/time.ts";
import { type Failures, NO_FAILURES } from "./back-off.ts";
import { type SessionConfig } from "./config.ts";
import { type Negotiated } from "./negotiation.ts";

interface History {
  readonly failures: Failures;
  /** A session was established before, so that this process has nothing of its predecessor to take back. */
  readonly wasUp: boolean;
}

/** RFC 9687: how much of our output the peer's TCP has not taken yet, and until when it may stay so. */
export interface Backlog {
  readonly bytes: number;
  readonly until: Micros;
}

export interface Established extends History {
  readonly kind: "established";
  readonly negotiated: Negotiated;
  readonly since: Micros;
  readonly holdAt: Micros | undefined;
  readonly keepaliveAt: Micros | undefined;
  readonly backlog: Backlog | undefined;
}

export type SessionState =
  /** Undefined: it rests until it is started. */
  | (History & { readonly kind: "idle"; readonly startAt: Micros | undefined })
  | (History & { readonly kind: "connect"; readonly retryAt: Micros })
  | (History & { readonly kind: "openSent"; readonly holdAt: Micros })
  | (History & {
      readonly kind: "openConfirm";
      readonly negotiated: Negotiated;
      readonly holdAt: Micros;
      readonly keepaliveAt: Micros | undefined;
    })
  | Established;

export type StateName = SessionState["kind"];

export const INITIAL: SessionState = { kind: "idle", startAt: undefined, failures: NO_FAILURES, wasUp: false };

/** Why this side ends a session, which decides what the peer does with the routes. */
export type Intent =
  /** The speaker will be back soon. */
  | "restart"
  /** It will not. */
  | "remove"
  /** It comes back at once, with other parameters. */
  | "change";

export type SessionEvent =
  | { readonly kind: "start" }
  | { readonly kind: "stop"; readonly intent: Intent }
  | { readonly kind: "tcpUp" }
  /** The connection could not be made or is gone; `error` is "end" for the peer's FIN. */
  | { readonly kind: "tcpLost"; readonly error: string }
  | Open
  | Notification
  | Keepalive
  | RouteRefresh
  /** Also an End-of-RIB; what is in it does not concern the session. */
  | { readonly kind: "update" }
  | { readonly kind: "malformed"; readonly error: BgpError }
  /** BFD says that the path is gone. */
  | { readonly kind: "bfdDown" }
  /** Another connection to the same speaker stays. */
  | { readonly kind: "collided" }
  /** What waits in the socket has changed. */
  | { readonly kind: "backlog"; readonly bytes: number }
  /** UPDATEs went out, which are as good as a KEEPALIVE. */
  | { readonly kind: "updatesSent" }
  | { readonly kind: "wake" };

export type DownReason =
  | { readonly kind: "received"; readonly notification: Notification }
  | { readonly kind: "sent"; readonly notification: Notification; readonly problem: string }
  | { readonly kind: "connectionLost"; readonly error: string }
  | { readonly kind: "connectTimeout" }
  | { readonly kind: "sendHoldTimerExpired" }
  /** Closed in silence, so that the peer keeps the routes over the restart. */
  | { readonly kind: "restarting" };

export type SessionEffect =
  | { readonly kind: "connect" }
  | { readonly kind: "send"; readonly message: Open | Notification | Keepalive }
  | { readonly kind: "close"; readonly abort: boolean }
  | { readonly kind: "changed"; readonly from: StateName; readonly to: StateName; readonly because: string }
  | { readonly kind: "up"; readonly negotiated: Negotiated }
  /** A session that was up is not any more; or an attempt failed. */
  | { readonly kind: "down"; readonly wasUp: boolean; readonly because: DownReason }
  /** The peer wants the routes of a family again. */
  | { readonly kind: "refresh"; readonly family: AddressFamily };

export interface Step {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

export interface Context {
  readonly config: SessionConfig;
  readonly now: Micros;
  readonly random: Random;
}

/** One line: what an operator reads. */
export function describeDown(because: DownReason): string {
  switch (because.kind) {
    case "received":
      return `received ${describeNotification(because.notification)}`;
    case "sent":
      return `sent ${describeNotification(because.notification)} (${because.problem})`;
    case "connectionLost":
      return because.error === "end" ? "the peer closed the connection" : `connection lost: ${because.error}`;
    case "connectTimeout":
      return "no connection in time";
    case "sendHoldTimerExpired":
      return "the peer takes no data: send hold timer expired";
    case "restarting":
      return "closed for a graceful restart";
    default:
      return unreachable(because);
  }
}
