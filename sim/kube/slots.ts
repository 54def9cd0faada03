import { sha256 } from "../../impl/wire/sha256.ts";
import { encodeUtf8 } from "../../impl/wire/text.ts";

/** Numbers from 0 that belong to somebody. Where one falls depends on its name, so the order of asking matters little. */
export class Slots {
  readonly #count: number;
  readonly #owners = new Map<number, string>();

  constructor(count: number) {
    this.#count = count;
  }

  /** A number that is free and not among `taken`; `mark` makes it somebody's. Undefined: there is none. */
  choose(seed: string, taken: ReadonlySet<number> = new Set()): number | undefined {
    const [a = 0, b = 0, c = 0, d = 0] = sha256(encodeUtf8(seed));
    const start = (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) % this.#count;
    for (let step = 0; step < this.#count; step++) {
      const slot = (start + step) % this.#count;
      if (!this.#owners.has(slot) && !taken.has(slot)) return slot;
    }
    return undefined;
  }

  mark(slot: number, owner: string, used: boolean): void {
    if (used) this.#owners.set(slot, owner);
    else if (this.#owners.get(slot) === owner) this.#owners.delete(slot);
  }
}
