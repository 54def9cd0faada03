import { type Ip } from "../../wire/ip.ts";
import { earliest, type Micros, millis, seconds } from "../../wire/time.ts";
import { DelayQueue } from "../delay-queue.ts";

/** RFC 5227 section 2.1.1 probes three times; a second apart would be an outage of a takeover, so it is faster here. */
const PROBES = 3;
const PROBE_INTERVAL = millis(200);
/** How long to wait before asking again for an address that somebody answered for. */
const RETRY = seconds(2);

export interface ProbesDue {
  readonly probe: readonly Ip[];
  /** Nobody answered for these. */
  readonly free: readonly Ip[];
}

/** Addresses that are not announced yet because it is still being asked whether somebody else has them. */
export class Probes {
  readonly #sent = new Map<Ip, number>();
  readonly #next = new DelayQueue<Ip>(PROBE_INTERVAL);
  readonly #retry = new DelayQueue<Ip>(RETRY);

  /** The caller sends the first probe. */
  start(ip: Ip, now: Micros): void {
    this.#sent.set(ip, 1);
    this.#next.restart(ip, now);
  }

  has(ip: Ip): boolean {
    return this.#sent.has(ip);
  }

  stop(ip: Ip): void {
    this.#sent.delete(ip);
    this.#next.delete(ip);
    this.#retry.delete(ip);
  }

  /** Somebody has the address: begins again later. */
  answered(ip: Ip, now: Micros): void {
    if (!this.#next.has(ip)) return;
    this.#next.delete(ip);
    this.#sent.set(ip, 0);
    this.#retry.restart(ip, now);
  }

  due(now: Micros): ProbesDue {
    const probe: Ip[] = [];
    const free: Ip[] = [];
    for (const ip of [...this.#next.due(now), ...this.#retry.due(now)]) {
      const sent = this.#sent.get(ip) ?? 0;
      if (sent === PROBES) {
        this.#sent.delete(ip);
        free.push(ip);
        continue;
      }
      this.#sent.set(ip, sent + 1);
      this.#next.restart(ip, now);
      probe.push(ip);
    }
    return { probe, free };
  }

  deadline(): Micros | undefined {
    return earliest(this.#next.deadline(), this.#retry.deadline());
  }
}
