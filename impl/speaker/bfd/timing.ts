// RFC 5880 sections 6.8.2 to 6.8.4 and 6.8.7: how often to send, and when silence means that the peer is gone.
import { type Random } from "../../ports.ts";
import { type Micros, micros, seconds, times } from "../../wire/time.ts";

/** RFC 5880 section 6.8.3: a session that is not up must not load the network; with Echo, Echo does the work. */
export const SLOW_INTERVAL = seconds(1);

export const longer = (a: Micros, b: Micros): Micros => (a > b ? a : b);

/**
 * RFC 5880 section 6.8.7: up to a quarter less than the interval, so that the peer has its packet in time and sessions do
 * not fall into step. With a multiplier of 1 a packet late by nothing would be missed, hence 90 % at most.
 */
export function jittered(interval: Micros, detectMultiplier: number, random: Random): Micros {
  const spread = detectMultiplier === 1 ? 0.15 : 0.25;
  return micros(Math.floor(interval * (0.75 + spread * random.next())));
}

/** RFC 5880 section 6.8.4, asynchronous mode: the multiplier is the peer's, for it knows how it sends. */
export function detectionTime(remoteMultiplier: number, requiredMinRx: Micros, remoteDesiredMinTx: Micros): Micros {
  return times(longer(requiredMinRx, remoteDesiredMinTx), remoteMultiplier);
}
