import { type Random } from "../../ports.ts";
import { type Ip } from "../../wire/ip.ts";
import { type Micros, plus } from "../../wire/time.ts";

/** Each of them passes the news on, so a few are enough however many there are. */
const AT_ONCE = 3;

/** Finding the others after the start: a few are asked for their state, and others when those do not answer. */
export class Joining {
  readonly #random: Random;
  readonly #patience: Micros;
  #untried: Ip[] | undefined;
  #giveUpAt: Micros | undefined;
  #pending = 0;
  #done = false;

  /** `patience` is how long this node waits for an answer. */
  constructor(random: Random, patience: Micros) {
    this.#random = random;
    this.#patience = patience;
  }

  get done(): boolean {
    return this.#done;
  }

  /** Returns whom to ask; only the first call counts. */
  begin(peers: readonly Ip[], now: Micros): readonly Ip[] {
    if (this.#untried !== undefined) return [];
    this.#untried = [...peers];
    this.#giveUpAt = plus(now, this.#patience);
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
    if (this.#giveUpAt !== undefined && now >= this.#giveUpAt) this.#done = true;
  }

  deadline(): Micros | undefined {
    return this.#done ? undefined : this.#giveUpAt;
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
