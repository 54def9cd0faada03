import { type Micros, millis, plus } from "../../../impl/wire/time.ts";
import { type Scheduler } from "../../../sim/world.ts";
import { ExpectationFailed } from "../../expect.ts";

/** A reader looks again after everything that could matter to it, and at least this often. */
const LOOK: Micros = millis(50);

/** Lets time pass for scenarios: the clock jumps from event to event, and they look in between. */
export class Stage {
  readonly #scheduler: Scheduler;
  /** Counts what readers can see; the driver raises it. */
  #seen = 0;
  readonly #leftovers = new Set<() => void>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Something happened that a scenario may be waiting for. */
  touch(): void {
    this.#seen += 1;
  }

  /** What a scenario may leave running, and nobody looks at any more once it is over. */
  endsWithScenario(end: () => void): void {
    this.#leftovers.add(end);
  }

  /** The scenario is over. */
  clear(): void {
    for (const end of this.#leftovers) end();
    this.#leftovers.clear();
  }

  now(): Micros {
    return this.#scheduler.now;
  }

  /** Runs to `to`, or to the first thing worth looking at. */
  #advance(to: Micros): void {
    const before = this.#seen;
    const look = plus(this.#scheduler.now, LOOK);
    const until = look < to ? look : to;
    for (;;) {
      const next = this.#scheduler.nextDeadline();
      if (next === undefined || next > until) break;
      this.#scheduler.advance(next);
      if (this.#seen !== before) return;
    }
    this.#scheduler.advance(until);
  }

  /** Runs until `done` says so or the time has come; true where `done` did. */
  until(done: () => boolean, deadline: Micros): boolean {
    while (!done()) {
      if (this.#scheduler.now >= deadline) return false;
      this.#advance(deadline);
    }
    return true;
  }

  async waitFor<T>(what: string, read: () => Promise<T | undefined | false>, within: Micros): Promise<T> {
    const deadline = plus(this.#scheduler.now, within);
    for (;;) {
      const value = await read();
      if (value !== undefined && value !== false) return value;
      if (this.#scheduler.now >= deadline) {
        throw new ExpectationFailed(`${what}: not within ${within / 1e6} s (now ${this.#scheduler.now / 1e6} s)`);
      }
      this.#advance(deadline);
    }
  }

  async holds(what: string, read: () => Promise<boolean>, during: Micros): Promise<void> {
    const deadline = plus(this.#scheduler.now, during);
    for (;;) {
      if (!(await read())) {
        throw new ExpectationFailed(`${what}: does not hold at ${this.#scheduler.now / 1e6} s`);
      }
      if (this.#scheduler.now >= deadline) return;
      this.#advance(deadline);
    }
  }
}
