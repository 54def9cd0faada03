import { micros, type Micros } from "../../impl/wire/time.ts";
import { type Scheduler } from "../../sim/world.ts";

/** setTimeout's longest delay. */
const LONGEST_MS = 2 ** 31 - 1;

/** Drives a scheduler with this machine's clock: its seconds last a second. */
export class WallClock implements Disposable {
  readonly #scheduler: Scheduler;
  /** process.hrtime() when the scheduler stood at 0. */
  readonly startedAt: Micros;
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.startedAt = monotonic();
  }

  /** Where the scheduler's clock should stand. */
  now(): Micros {
    return micros(monotonic() - this.startedAt);
  }

  /** Runs what is due, then `task`, then waits for what that queued. A task that is under way is joined. */
  run<T>(task: () => T): T {
    if (this.#running) return task();
    this.#running = true;
    try {
      this.#scheduler.advance(this.now());
      return task();
    } finally {
      this.#running = false;
      this.#arm();
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due = this.#scheduler.nextDeadline();
    if (due === undefined) return;
    const delayMs = Math.min(Math.max(0, Math.ceil((due - this.now()) / 1000)), LONGEST_MS);
    this.#timer = setTimeout(() => this.run(() => undefined), delayMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    // What is still queued stays so.
    this.#running = true;
  }
}

/** CLOCK_MONOTONIC: the same in every process and namespace of a machine. */
export const monotonic = (): Micros => micros(Number(process.hrtime.bigint() / 1000n));
