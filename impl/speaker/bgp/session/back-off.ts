// RFC 4271 section 8.1.1 (DampPeerOscillations) and section 10 (jitter); RFC 4486 section 4 (who is told to go away shall
// not come back at once): how long a session rests before it is tried again.
import { type Random } from "../../../ports.ts";
import { ERRORS, type ErrorCode } from "../../../wire/bgp/error-codes.ts";
import { hardResetReason, type Notification } from "../../../wire/bgp/notification.ts";
import { type Micros, micros, seconds, times } from "../../../wire/time.ts";

/**
 * Since a session last lasted (ConnectRetryCounter): how often there was no connection or none any more, and how often one
 * side would not have the other. A router that was away for a day has refused nobody.
 */
export type Failures = Readonly<Record<"losses" | "refusals", number>>;
export const NO_FAILURES: Failures = { losses: 0, refusals: 0 };

/** The first and the longest rest; it doubles between them with every failure of its kind. */
export interface Rest {
  readonly first: Micros;
  readonly most: Micros;
}

/** A router that comes back after hours is found within these seconds; until then it costs a SYN every few seconds. */
const UNREACHABLE: Rest = { first: seconds(1), most: seconds(5) };
/** One side has to be configured differently, which takes a person. */
const REFUSED: Rest = { first: seconds(1), most: seconds(30) };
/** The peer has told us to go away. */
const UNWANTED: Rest = { first: seconds(15), most: seconds(60) };
/** The peer cannot bear us: more of the same makes it worse. */
const OVERLOADED: Rest = { first: seconds(30), most: seconds(300) };

const CEASE_RESTS: readonly (readonly [ErrorCode, Rest])[] = [
  [ERRORS.maximumNumberOfPrefixesReached, OVERLOADED],
  [ERRORS.administrativeShutdown, UNWANTED],
  [ERRORS.peerDeconfigured, UNWANTED],
  [ERRORS.administrativeReset, UNREACHABLE],
  [ERRORS.connectionRejected, UNWANTED],
  [ERRORS.otherConfigurationChange, UNREACHABLE],
  [ERRORS.connectionCollisionResolution, UNREACHABLE],
  [ERRORS.outOfResources, OVERLOADED],
  [ERRORS.bfdDown, UNREACHABLE],
];

export const restAfterLoss = (): Rest => UNREACHABLE;
export const restAfterRefusal = (): Rest => REFUSED;

export function restAfterNotification(received: Notification): Rest {
  const { code, subcode } = hardResetReason(received) ?? received;
  if (code === ERRORS.holdTimerExpired.code || code === ERRORS.sendHoldTimerExpired.code) return UNREACHABLE;
  if (code !== ERRORS.cease.code) return REFUSED;
  return CEASE_RESTS.find(([error]) => error.subcode === subcode)?.[1] ?? REFUSED;
}

const kindOf = (rest: Rest): keyof Failures => (rest === UNREACHABLE ? "losses" : "refusals");

/** The failure before this rest is counted. */
export function withOneMore(failures: Failures, rest: Rest): Failures {
  const kind = kindOf(rest);
  return { ...failures, [kind]: failures[kind] + 1 };
}

/** `failures` counts those before this one. A connectTime that the user chose bounds what would else be ours to choose. */
export function restTime(rest: Rest, failures: Failures, connectTime: Micros | undefined, random: Random): Micros {
  const most = connectTime !== undefined && rest === UNREACHABLE ? connectTime : rest.most;
  const doubled = Math.min(times(rest.first, 2 ** Math.min(failures[kindOf(rest)], 20)), most);
  return jitter(micros(doubled), random);
}

/** RFC 4271 section 10: a factor from 0.75 to 1.0, drawn anew for each timer, so that nodes do not act in step. */
export function jitter(time: Micros, random: Random): Micros {
  return micros(Math.floor(time * (0.75 + 0.25 * random.next())));
}
