import { formatSeconds, type Micros } from "../../impl/wire/time.ts";
import { addressesStay, noAddressTwice } from "./addresses.ts";
import { type Invariant, type Observation } from "./invariant.ts";
import { onlyAssigned, oneOwner, rightInterface } from "./owners.ts";
import { noHotLoop, noIdleWrites } from "./writes.ts";

/** Holds every invariant against everything that is seen. */
export class Referee {
  readonly #invariants: readonly Invariant[];
  readonly #excuses = new Map<string, number>();
  readonly #violations: string[] = [];

  constructor(ownerWindow: Micros) {
    this.#invariants = [
      noAddressTwice(),
      addressesStay(),
      oneOwner(ownerWindow, () => this.#isExcused("I3")),
      onlyAssigned(),
      rightInterface(),
      noIdleWrites(),
      noHotLoop(),
    ];
  }

  #isExcused(name: string): boolean {
    return (this.#excuses.get(name) ?? 0) > 0;
  }

  /** Until the returned function is called, the invariant called `name` may be broken. */
  excuse(name: string): () => void {
    this.#excuses.set(name, (this.#excuses.get(name) ?? 0) + 1);
    return () => this.#excuses.set(name, (this.#excuses.get(name) ?? 1) - 1);
  }

  observe(observation: Observation, now: Micros): void {
    for (const invariant of this.#invariants) {
      const problem = invariant.observe(observation, now);
      if (problem === undefined || this.#isExcused(invariant.name)) continue;
      this.#violations.push(`${formatSeconds(now)} ${invariant.name}: ${problem}`);
    }
  }

  /** Something that was found in another way. */
  add(violation: string): void {
    this.#violations.push(violation);
  }

  violations(): readonly string[] {
    return this.#violations;
  }
}
