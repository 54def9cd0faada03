import { type Micros } from "../../impl/wire/time.ts";
import { type Scheduled, type Scheduler } from "../world.ts";

/** The timers of one kernel: they stand still while it hangs and are gone after a loss of power. */
export class KernelTimers {
  readonly #scheduler: Scheduler;
  #boot = 0;
  #frozen: Timer[] | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get now(): Micros {
    return this.#scheduler.now;
  }

  after(delay: Micros, task: () => void): Scheduled {
    const timer = new Timer(task);
    const boot = this.#boot;
    const event = this.#scheduler.after(delay, () => {
      if (boot !== this.#boot) return;
      if (this.#frozen === undefined) timer.run();
      else this.#frozen.push(timer);
    });
    timer.onCancel(event);
    return timer;
  }

  freeze(): void {
    this.#frozen ??= [];
  }

  /** What fell due in between runs now, in its order. */
  thaw(): void {
    const due = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const timer of due) timer.run();
  }

  forgetAll(): void {
    this.#boot++;
    this.#frozen = undefined;
  }
}

class Timer implements Scheduled {
  #task: (() => void) | undefined;
  #event: Scheduled | undefined;

  constructor(task: () => void) {
    this.#task = task;
  }

  onCancel(event: Scheduled): void {
    this.#event = event;
  }

  run(): void {
    const task = this.#task;
    this.#task = undefined;
    task?.();
  }

  cancel(): void {
    this.#task = undefined;
    this.#event?.cancel();
  }
}
