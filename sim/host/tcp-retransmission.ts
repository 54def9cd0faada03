// RFC 6298 section 5 (managing the timer), RFC 9293 section 3.8.6.1 (probing a closed window).
import { type Micros } from "../../impl/wire/time.ts";
import { Alarm, type Timers } from "./tcp-alarm.ts";
import { RtoEstimator, retriedLongEnough } from "./tcp-rto.ts";

/** The one timer of a connection for what is not acknowledged, and for a window that stays closed: Linux has one for both. */
export class Retransmission {
  readonly #timers: Timers;
  readonly #alarm: Alarm;
  readonly #rto = new RtoEstimator();
  #count = 0;
  #first: Micros | undefined;

  constructor(timers: Timers, ring: () => void) {
    this.#timers = timers;
    this.#alarm = new Alarm(timers, ring);
  }

  get armed(): boolean {
    return this.#alarm.armed;
  }

  /** How often it rang since something was acknowledged. */
  get count(): number {
    return this.#count;
  }

  start(): void {
    this.#alarm.set(this.#rto.timeout);
  }

  stop(): void {
    this.#alarm.clear();
  }

  measure(roundTrip: Micros): void {
    this.#rto.measure(roundTrip);
  }

  /** Something new was acknowledged. */
  progress(): void {
    this.#rto.progress();
    this.#count = 0;
    this.#first = undefined;
  }

  /** The peer lives, though its window is closed: the probes go on, ever more seldom. */
  answered(): void {
    this.#count = 0;
  }

  /** It rang, and what it is for happens again: the next time comes later, unless the timeout is not to grow yet. */
  again(growing = true): void {
    this.#count++;
    this.#first ??= this.#timers.now;
    if (growing) this.#rto.backOff();
    this.start();
  }

  lastedFor(retries: number): boolean {
    return this.#first !== undefined && retriedLongEnough(this.#first, this.#timers.now, retries);
  }
}
