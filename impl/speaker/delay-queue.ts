import { type Micros, plus } from "../wire/time.ts";

/** Things that come due the same delay after they were added: no sorting, first in is first due. */
export class DelayQueue<T> {
  readonly #delay: Micros;
  readonly #dueAt = new Map<T, Micros>();

  constructor(delay: Micros) {
    this.#delay = delay;
  }

  /** Starts the delay of `item`, or starts it again. */
  restart(item: T, now: Micros): void {
    this.#dueAt.delete(item);
    this.#dueAt.set(item, plus(now, this.#delay));
  }

  has(item: T): boolean {
    return this.#dueAt.has(item);
  }

  delete(item: T): void {
    this.#dueAt.delete(item);
  }

  /** Takes out what is due. */
  due(now: Micros): readonly T[] {
    const items: T[] = [];
    for (const [item, at] of this.#dueAt) {
      if (at > now) break;
      items.push(item);
      this.#dueAt.delete(item);
    }
    return items;
  }

  deadline(): Micros | undefined {
    return this.#dueAt.values().next().value;
  }
}
