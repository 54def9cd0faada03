// RFC 6298, with the constants of Linux (include/net/tcp.h; documented in Documentation/networking/ip-sysctl.rst).
import { type Micros, micros, millis, minus, seconds } from "../../impl/wire/time.ts";

/** TCP_TIMEOUT_INIT: before the first measurement, so for SYN and SYN-ACK. RFC 6298 section 2, rule 2.1. */
export const INITIAL_RTO = seconds(1);
/** TCP_RTO_MIN: RFC 6298 says 1 s, Linux does not. */
const MINIMUM_VARIANCE = millis(200);
/** TCP_RTO_MAX. */
export const MAXIMUM_RTO = seconds(120);
/** Linux rounds up to a jiffy, and then `ss -ti` on a LAN says `rto:204`: HZ is 250. */
const JIFFY = millis(4);

/** net.ipv4.tcp_syn_retries, tcp_synack_retries, tcp_retries2, and what tcp_orphan_retries = 0 stands for. */
export const RETRIES = { syn: 6, synAck: 5, data: 15, orphan: 8 } as const;

/** The retransmission timeout of one connection. */
export class RtoEstimator {
  #smoothed: number | undefined;
  #variance = 0;
  #backoff = 0;

  /** RFC 6298 section 2; as in Linux the lower bound applies to the variance term, not to the sum. */
  measure(roundTrip: Micros): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = roundTrip;
      this.#variance = roundTrip / 2;
    } else {
      this.#variance = this.#variance * 0.75 + Math.abs(this.#smoothed - roundTrip) * 0.25;
      this.#smoothed = this.#smoothed * 0.875 + roundTrip * 0.125;
    }
  }

  /** RFC 6298 section 5, rule 5.5. */
  backOff(): void {
    this.#backoff++;
  }

  /** Something new was acknowledged. */
  progress(): void {
    this.#backoff = 0;
  }

  get timeout(): Micros {
    const base = this.#smoothed === undefined ? INITIAL_RTO : this.#measured(this.#smoothed);
    return micros(Math.min(MAXIMUM_RTO, base * 2 ** this.#backoff));
  }

  #measured(smoothed: number): number {
    return Math.ceil((smoothed + Math.max(MINIMUM_VARIANCE, 4 * this.#variance)) / JIFFY) * JIFFY;
  }
}

/**
 * Whether a connection whose first retransmission was at `since` has had its `retries`. Linux does not count them: it
 * computes how long they would take from 200 ms on, 924.6 s for 15, and gives up at the first timeout after that.
 */
export function retriedLongEnough(since: Micros, now: Micros, retries: number): boolean {
  const doublings = Math.floor(Math.log2(MAXIMUM_RTO / MINIMUM_VARIANCE));
  const doubled = (2 ** (Math.min(retries, doublings) + 1) - 1) * MINIMUM_VARIANCE;
  return minus(now, since) >= doubled + Math.max(0, retries - doublings) * MAXIMUM_RTO;
}
