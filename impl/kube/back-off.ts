import { type Random } from "../ports.ts";
import { type Micros, times } from "../wire/time.ts";

/** Waits that double, each spread over half to one and a half times its length, so that many clients do not return at once. */
export class BackOff {
  readonly #random: Random;
  readonly #first: Micros;
  readonly #longest: Micros;
  #failures = 0;

  constructor(random: Random, first: Micros, longest: Micros) {
    this.#random = random;
    this.#first = first;
    this.#longest = longest;
  }

  /** How many failures there were since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** How long to wait after one more failure; never less than what the server asked for. */
  next(retryAfter: Micros | undefined): Micros {
    const doubled = times(this.#first, 2 ** Math.min(this.#failures++, 30));
    const base = doubled < this.#longest ? doubled : this.#longest;
    const wait = times(base, 0.5 + this.#random.next());
    // A server that asks for 1 s asks everybody, so the spread comes on top.
    return retryAfter === undefined ? wait : times(retryAfter, 1 + this.#random.next() / 2);
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
