import { earliest, type Micros } from "../../../impl/wire/time.ts";

/** Keys and when each is to be looked at. */
export class Due {
  readonly #times = new Map<string, Micros>();
  #first: Micros | undefined;

  /** Keeps the earlier time where the key waits already. */
  add(key: string, at: Micros): void {
    const known = this.#times.get(key);
    if (known !== undefined && known <= at) return;
    this.#times.set(key, at);
    this.#first = earliest(this.#first, at);
  }

  drop(key: string): void {
    this.#times.delete(key);
  }

  deadline(): Micros | undefined {
    return this.#first;
  }

  /** The keys whose time has come, sorted: what was said first must not decide who is first. */
  take(now: Micros): readonly string[] {
    const due: string[] = [];
    this.#first = undefined;
    for (const [key, at] of this.#times) {
      if (at <= now) due.push(key);
      else this.#first = earliest(this.#first, at);
    }
    for (const key of due) this.#times.delete(key);
    return due.toSorted();
  }
}
