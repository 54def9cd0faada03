import { type Micros } from "../../impl/wire/time.ts";

/** Allows so many events in each window of time. */
export class RateLimit {
  readonly #window: Micros;
  #started = -1;
  #count = 0;

  constructor(window: Micros) {
    this.#window = window;
  }

  allows(now: Micros, most: number): boolean {
    const window = Math.floor(now / this.#window);
    if (window !== this.#started) {
      this.#started = window;
      this.#count = 0;
    }
    return ++this.#count <= most;
  }
}
