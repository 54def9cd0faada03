import { type Instant } from "../impl/ports.ts";
import { micros, type Micros, minus, plus, seconds } from "../impl/wire/time.ts";
import { type Scheduler } from "./world.ts";

/** 2026-01-01T00:00:00Z: what wall clocks show at second 0 of a run. */
const EPOCH = seconds(1_767_225_600);

/**
 * A node's own clocks. Both run at the node's rate; only the wall clock can be stepped. The monotonic one counts from
 * the start of the run, from `offset` on: nodes that boot at different times do not agree on it.
 */
export class NodeClock {
  readonly #scheduler: Pick<Scheduler, "now">;
  /** World time and both readings when the rate was last set. */
  #since: Micros;
  #monotonic: Micros;
  #wall: Micros;
  #rate = 1;

  constructor(scheduler: Pick<Scheduler, "now">, offset = micros(0)) {
    this.#scheduler = scheduler;
    this.#since = scheduler.now;
    this.#monotonic = plus(scheduler.now, offset);
    this.#wall = plus(EPOCH, scheduler.now);
  }

  now(): Instant {
    const passed = this.#passedAt(this.#scheduler.now);
    return { monotonic: plus(this.#monotonic, passed), wall: plus(this.#wall, passed) };
  }

  /** The first moment, in world time, at which the monotonic clock shows `monotonic`. */
  worldTimeOf(monotonic: Micros): Micros {
    const ahead = minus(monotonic, this.#monotonic);
    let time = micros(Math.floor(this.#since + ahead / this.#rate) - 1);
    while (this.#passedAt(time) < ahead) time = plus(time, micros(1));
    return time;
  }

  /** Steps the wall clock, as an administrator or a bad time server would. */
  step(by: Micros): void {
    this.#wall = plus(this.#wall, by);
  }

  /** Lets both clocks run `rate` times as fast from now on. Deadlines have to be computed anew. */
  setRate(rate: number): void {
    if (!(rate > 0)) throw new Error(`a clock cannot run at rate ${rate}`);
    const { monotonic, wall } = this.now();
    this.#since = this.#scheduler.now;
    this.#monotonic = monotonic;
    this.#wall = wall;
    this.#rate = rate;
  }

  #passedAt(time: Micros): Micros {
    return micros(Math.floor(minus(time, this.#since) * this.#rate));
  }
}
