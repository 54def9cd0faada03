import { type Mutant } from "./mutant.ts";
import { MutantThread } from "./mutant-thread.ts";
import { type Witnesses } from "./witnesses.ts";

/** A mutant, and the beginnings of the names of the cases that are about its subject. */
export interface Target {
  readonly mutant: Mutant;
  readonly scenarios: readonly string[];
}

const scenarioOf = (name: string): string => name.split("[")[0] ?? name;

/** Cases meet mutants; whoever notices one is remembered. */
export class Hunt {
  /** In the order in which they are tried: the cheap ones first. */
  readonly cases: readonly string[];
  readonly #seed: string;
  readonly #idle: Set<string>;
  readonly #notices = new Map<string, Set<string>>();
  readonly #errors = new Map<string, string>();
  /** Which cases a mutant met already. */
  readonly #met = new Map<string, Set<string>>();

  constructor(cases: readonly string[], seed: string) {
    this.cases = cases;
    this.#seed = seed;
    this.#idle = new Set(cases);
  }

  /** The cases that noticed no mutant yet. */
  get idle(): readonly string[] {
    return [...this.#idle];
  }

  /** The cases that noticed this mutant. */
  noticed({ mutant }: Target): readonly string[] {
    return [...(this.#notices.get(mutant.name) ?? [])];
  }

  /** What went wrong when this mutant last met a case, other than that the case noticed it. */
  error({ mutant }: Target): string | undefined {
    return this.#errors.get(mutant.name);
  }

  /** The cases that are about the mutant's subject. */
  near({ scenarios }: Target): readonly string[] {
    return this.cases.filter((name) => scenarios.some((start) => name.startsWith(start)));
  }

  /** Lets the mutant meet all of these. */
  async meetAll(target: Target, names: readonly string[]): Promise<void> {
    const wanted = new Set(names);
    const waiting = this.cases.filter((name) => wanted.has(name));
    await this.#with(target, waiting, async (notices) => {
      for (const name of waiting) await notices(name);
    });
  }

  /** Lets the mutant meet the cases about its subject until one notices it. */
  async seekWitness(target: Target): Promise<void> {
    const near = this.near(target);
    await this.#with(target, near, async (notices) => {
      for (const name of near) if (await notices(name)) return;
    });
  }

  /** Lets the mutant meet cases about its subject that noticed nothing yet; "one": of scenarios that do not notice it, one. */
  async employIdle(target: Target, variants: "one" | "all"): Promise<void> {
    const met = this.#met.get(target.mutant.name);
    const idle = this.near(target).filter((name) => this.#idle.has(name) && met?.has(name) !== true);
    const inVain = new Set<string>();
    await this.#with(target, idle, async (notices) => {
      for (const name of idle) {
        const scenario = scenarioOf(name);
        if (!this.#idle.has(name) || (variants === "one" && inVain.has(scenario))) continue;
        if (!(await notices(name))) inVain.add(scenario);
      }
    });
  }

  async #with(
    { mutant }: Target,
    names: readonly string[],
    action: (notices: (name: string) => Promise<boolean>) => Promise<void>,
  ): Promise<void> {
    if (names.length === 0) return;
    const met = this.#met.get(mutant.name) ?? new Set();
    this.#met.set(mutant.name, met);
    const thread = new MutantThread(mutant, this.#seed);
    await action(async (name) => {
      met.add(name);
      const { failure, because } = await thread.run(name);
      if (failure === "error") this.#errors.set(mutant.name, `${name}: ${because?.split("\n")[0] ?? ""}`);
      if (failure !== "expectation" && failure !== "invariant") return false;
      this.#remember(mutant.name, name);
      return true;
    });
    await thread.close();
  }

  #remember(mutant: string, name: string): void {
    this.#idle.delete(name);
    const names = this.#notices.get(mutant) ?? new Set();
    this.#notices.set(mutant, names.add(name));
  }
}

/** The fewest witnesses: of every mutant one, and of every mutant those cases that noticed none before it. */
export function witnessesOf(hunt: Hunt, targets: readonly Target[]): Witnesses {
  const placed = new Set<string>();
  const chosen = targets.map((target) => {
    const noticed = hunt.noticed(target);
    const fresh = noticed.filter((name) => !placed.has(name));
    for (const name of fresh) placed.add(name);
    return [target.mutant.name, fresh.length > 0 ? fresh : noticed.slice(0, 1)] as const;
  });
  return Object.fromEntries(chosen.filter(([, names]) => names.length > 0));
}
