import { getRandomValues } from "node:crypto";
import { type Random } from "../../ports.ts";

/** How many numbers are drawn at once. */
const BATCH = 128;

/** Cryptographic, with the 53 bits that a double holds. */
export class SystemRandom implements Random {
  readonly #words = new Uint32Array(2 * BATCH);
  #next = 2 * BATCH;

  next(): number {
    if (this.#next === 2 * BATCH) {
      getRandomValues(this.#words);
      this.#next = 0;
    }
    const high = (this.#words[this.#next++] ?? 0) >>> 5;
    const low = (this.#words[this.#next++] ?? 0) >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}
