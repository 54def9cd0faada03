import { type NextHop } from "./next-hop.ts";
import { type Selector } from "./selector.ts";

/** When one of N next hops goes, only one flow of N stays where it was. */
export class ModuloSelector implements Selector {
  #slots: readonly NextHop[] = [];

  setNextHops(nextHops: readonly NextHop[]): void {
    this.#slots = nextHops.flatMap((nextHop) => Array.from({ length: nextHop.weight }, () => nextHop));
  }

  select(hash: number): NextHop | undefined {
    return this.#slots[hash % this.#slots.length];
  }

  used(): void {}
}
