import { type Random } from "../../ports.ts";
import { type Ip } from "../../wire/ip.ts";
import { type Micros } from "../../wire/time.ts";

/** Each of them passes the news on, so a few are enough however many there are. */
const AT_ONCE = 3;

/** Finding the others after the start: a few are asked for their state, and others when those do not answer. */
export class Joining {
  readonly #random: Random;
  readonly #patience: Micros;
  #untried: Ip[] | undefined;
  #pending = 0;
  #done = false;

  /** `patience` is when this node gives up waiting for an answer. */
  constructor(random: Random, patience: Micros) {
    this.#random = random;
    this.#patience = patience;
  }

  get done(): boolean {
    return this.#done;
  }

  /** Returns whom to ask; only the first call counts. */
  begin(peers: readonly Ip[]): readonly Ip[] {
    if (this.#untried !== undefined) return [];
    this.#untried = [...peers];
    return this.#next(AT_ONCE);
  }

  /** Returns whom to ask instead. */
  failed(): readonly Ip[] {
    if (this.#done || this.#pending === 0) return [];
    this.#pending--;
    return this.#next(1);
  }

  succeeded(): void {
    this.#done = true;
  }

  wake(now: Micros): void {
    if (this.#untried !== undefined && now >= this.#patience) this.#done = true;
  }

  deadline(): Micros | undefined {
    return this.#done || this.#untried === undefined ? undefined : this.#patience;
  }

  #next(count: number): readonly Ip[] {
    const untried = this.#untried ?? [];
    const chosen: Ip[] = [];
    while (chosen.length < count && untried.length > 0) {
      chosen.push(...untried.splice(Math.floor(this.#random.next() * untried.length), 1));
    }
    this.#pending += chosen.length;
    if (this.#pending === 0) this.#done = true;
    return chosen;
  }
}
