// This machine's clocks, and the one alarm of a process.
import { micros, type Micros } from "../wire/time.ts";
import { type Instant } from "../ports.ts";

/** setTimeout's longest delay. */
const LONGEST_MS = 2 ** 31 - 1;

export function instant(): Instant {
  const monotonic = micros(Number(process.hrtime.bigint() / 1000n));
  return { monotonic, wall: micros((performance.timeOrigin + performance.now()) * 1000) };
}

/**
 * A process that was kept from running finds both due: its alarm and what arrived meanwhile. It rings after what arrived, or
 * else every peer would be given up for a silence that was our own.
 */
export class Alarm implements Disposable {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** Comes after the sockets were read once (libuv: timers, poll, check). */
  #afterInput: NodeJS.Immediate | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Replaces the time at which it rings; undefined: never. */
  arm(at: Micros | undefined): void {
    this[Symbol.dispose]();
    if (at === undefined) return;
    const delayMs = Math.max(0, (at - instant().monotonic) / 1000);
    const due = (): void => {
      this.#afterInput = setImmediate(this.#ring);
    };
    this.#timer = setTimeout(due, Math.min(Math.ceil(delayMs), LONGEST_MS));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#afterInput);
  }
}
