import { type Micros, minus, plus, times } from "../../wire/time.ts";
import { type MembersConfig } from "./config.ts";
import { remainingSuspicion, suspicionTimeout } from "./timing.ts";

/** A member that did not answer, and until when it may still refute that it is dead. */
export class Suspicion {
  readonly #from = new Set<string>();
  readonly #expected: number;
  readonly #least: Micros;
  readonly #most: Micros;
  #start: Micros;
  #confirmations = 0;
  #expiresAt: Micros;

  /** `from` suspects it; its own confirmation does not count. */
  constructor(from: string, config: MembersConfig, members: number, now: Micros) {
    this.#from.add(from);
    const wanted = config.suspicionMult - 2;
    // In a small cluster there are not enough others to wait for.
    this.#expected = members - 2 < wanted ? 0 : wanted;
    this.#least = suspicionTimeout(config, members);
    this.#most = times(this.#least, config.suspicionMaxTimeoutMult);
    this.#start = now;
    this.#expiresAt = plus(now, this.#expected < 1 ? this.#least : this.#most);
  }

  get expiresAt(): Micros {
    return this.#expiresAt;
  }

  /** True where this is news, which is worth passing on. */
  confirm(from: string, now: Micros): boolean {
    if (this.#confirmations >= this.#expected || this.#from.has(from)) return false;
    this.#from.add(from);
    this.#confirmations++;
    const elapsed = minus(now, this.#start);
    const left = remainingSuspicion(this.#confirmations, this.#expected, elapsed, this.#least, this.#most);
    this.#expiresAt = plus(now, left);
    return true;
  }

  /** The time in which this node slept does not count against the other. */
  postpone(by: Micros): void {
    this.#start = plus(this.#start, by);
    this.#expiresAt = plus(this.#expiresAt, by);
  }
}
