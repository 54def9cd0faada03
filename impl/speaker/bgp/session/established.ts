// RFC 4271 section 8.2.2, Established; RFC 2918 and RFC 7313 (ROUTE-REFRESH), RFC 9384 (BFD), RFC 9687 (send hold timer).
import { ERRORS } from "../../../wire/bgp/error-codes.ts";
import { hardReset, notification } from "../../../wire/bgp/notification.ts";
import { type RouteRefresh } from "../../../wire/bgp/route-refresh.ts";
import { type Micros, minutes, plus, times } from "../../../wire/time.ts";
import { jitter, restAfterLoss } from "./back-off.ts";
import { fail, failWith } from "./ending.ts";
import { type Negotiated } from "./negotiation.ts";
import { type Context, type Established, type Step } from "./state.ts";

/** RFC 9687 section 4: the longer of eight minutes and twice the hold time. */
const LEAST_SEND_HOLD = minutes(8);

export function nextKeepalive({ keepaliveTime }: Negotiated, { now, random }: Context): Micros | undefined {
  return keepaliveTime === 0 ? undefined : plus(now, jitter(keepaliveTime, random));
}

/** RFC 4271 section 4.2: KEEPALIVE and UPDATE count, and nothing else. */
export function heard(state: Established, { now }: Context): Step {
  const { holdTime } = state.negotiated;
  return { state: { ...state, holdAt: holdTime === 0 ? undefined : plus(now, holdTime) }, effects: [] };
}

export function spoke(state: Established, context: Context): Step {
  return { state: { ...state, keepaliveAt: nextKeepalive(state.negotiated, context) }, effects: [] };
}

export function refresh(state: Established, { afi, safi, subtype }: RouteRefresh): Step {
  // We announced that we answer requests; markers of a refresh in the other direction concern routes that are not kept.
  if (subtype !== "request") return { state, effects: [] };
  return { state, effects: [{ kind: "refresh", family: { afi, safi } }] };
}

/** The timer starts anew whenever the peer takes something. */
export function backlogged(state: Established, bytes: number, { now }: Context): Step {
  const { backlog, negotiated } = state;
  if (bytes === 0 || negotiated.holdTime === 0) return { state: { ...state, backlog: undefined }, effects: [] };
  if (backlog !== undefined && bytes >= backlog.bytes)
    return { state: { ...state, backlog: { ...backlog, bytes } }, effects: [] };
  const twice = times(negotiated.holdTime, 2);
  const until = plus(now, twice > LEAST_SEND_HOLD ? twice : LEAST_SEND_HOLD);
  return { state: { ...state, backlog: { bytes, until } }, effects: [] };
}

/** RFC 9384; the path is gone, so the peer shall not keep the routes (RFC 8538 section 3.1). */
export function bfdDown(state: Established, context: Context): Step {
  const message = notification(ERRORS.bfdDown);
  const sent = state.negotiated.notificationKeepsRoutes ? hardReset(message) : message;
  return failWith(state, sent, "BFD session down", restAfterLoss(), context);
}

const isDue = (at: Micros | undefined, now: Micros): boolean => at !== undefined && at <= now;

export function wakeEstablished(state: Established, context: Context): Step {
  const { now } = context;
  if (isDue(state.holdAt, now)) {
    return failWith(state, notification(ERRORS.holdTimerExpired), "nothing heard in time", restAfterLoss(), context);
  }
  if (isDue(state.backlog?.until, now)) return fail(state, { kind: "sendHoldTimerExpired" }, restAfterLoss(), context);
  if (!isDue(state.keepaliveAt, now)) return { state, effects: [] };
  return { ...spoke(state, context), effects: [{ kind: "send", message: { kind: "keepalive" } }] };
}
