import { micros, type Micros, minus } from "../../impl/wire/time.ts";
import { type Scheduler } from "../../sim/world.ts";

/** setTimeout's longest delay. */
const LONGEST_MS = 2 ** 31 - 1;

/** Drives a scheduler with this machine's clock: its seconds last a second. Until it is started no time passes. */
export class WallClock implements Disposable {
  readonly #scheduler: Scheduler;
  #startedAt: Micros | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  start(): void {
    this.#startedAt = monotonic();
    this.#arm();
  }

  /** Where the scheduler's clock should stand. */
  now(): Micros {
    return this.since(monotonic());
  }

  /** The scheduler's time at a reading of the monotonic clock. */
  since(reading: Micros): Micros {
    return this.#startedAt === undefined ? micros(0) : minus(reading, this.#startedAt);
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
    if (this.#startedAt === undefined) return;
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
