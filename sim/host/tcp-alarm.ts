import { type Micros, minus, plus } from "../../impl/wire/time.ts";
import { type Scheduled } from "../world.ts";

/** The kernel's clock and timers. */
export interface Timers {
  readonly now: Micros;
  after(delay: Micros, task: () => void): Scheduled;
}

/** One timer that is set anew far more often than it rings: putting it off does not touch the queue. */
export class Alarm {
  readonly #timers: Timers;
  readonly #ring: () => void;
  #due: Micros | undefined;
  #queued: { readonly at: Micros; readonly event: Scheduled } | undefined;

  constructor(timers: Timers, ring: () => void) {
    this.#timers = timers;
    this.#ring = ring;
  }

  get armed(): boolean {
    return this.#due !== undefined;
  }

  set(delay: Micros): void {
    const due = plus(this.#timers.now, delay);
    this.#due = due;
    if (this.#queued !== undefined && this.#queued.at <= due) return;
    this.#queued?.event.cancel();
    this.#enqueue(due);
  }

  clear(): void {
    this.#due = undefined;
    this.#queued?.event.cancel();
    this.#queued = undefined;
  }

  #enqueue(at: Micros): void {
    this.#queued = { at, event: this.#timers.after(minus(at, this.#timers.now), () => this.#wake()) };
  }

  #wake(): void {
    this.#queued = undefined;
    const due = this.#due;
    if (due === undefined) return;
    if (due > this.#timers.now) return this.#enqueue(due);
    this.#due = undefined;
    this.#ring();
  }
}
