import { type Claim } from "./claim.ts";
import { type PoolSpace } from "./pool-space.ts";
import { type PoolRefusal } from "./refusal.ts";

const byName = (a: PoolSpace, b: PoolSpace): number => (a.pool.name < b.pool.name ? -1 : 1);

/** The smaller number first, but 0 last; among equals by name. */
function byPriority(a: PoolSpace, b: PoolSpace): number {
  const [left, right] = [a, b].map(({ pool }) => pool.allocation?.priority || Number.MAX_SAFE_INTEGER);
  return (left ?? 0) - (right ?? 0) || byName(a, b);
}

/** Which pools serve a Service that asks for none by name, and in which order. */
export class PoolChoice {
  readonly #all: readonly PoolSpace[];
  /** Pools that any Service may use. */
  readonly #general: readonly PoolSpace[];
  readonly #pinned: readonly PoolSpace[];
  readonly #pinnedByNamespace = new Map<string, readonly PoolSpace[]>();

  constructor(pools: Iterable<PoolSpace>) {
    this.#all = [...pools].sort(byName);
    const automatic = this.#all.filter(({ pool }) => pool.autoAssign);
    this.#general = automatic.filter(({ pool }) => pool.allocation === undefined);
    this.#pinned = automatic.filter((space) => !isPinnedToNothing(space)).sort(byPriority);
  }

  get general(): readonly PoolSpace[] {
    return this.#general;
  }

  pinnedFor(claim: Claim): readonly PoolSpace[] {
    let pools = this.#pinnedByNamespace.get(claim.namespace);
    if (pools === undefined) {
      pools = this.#pinned.filter(({ pool }) => {
        const namespaces = pool.allocation?.namespaces;
        return namespaces !== undefined && (namespaces.size === 0 || namespaces.has(claim.namespace));
      });
      this.#pinnedByNamespace.set(claim.namespace, pools);
    }
    return pools.filter((space) => space.incompatibility(claim) === undefined);
  }

  /** Why no pool is left for the claim, for each of them by name; `exhausted` says it of those that were tried. */
  explain(claim: Claim, exhausted: (space: PoolSpace) => PoolRefusal): readonly PoolRefusal[] {
    return this.#all.map((space) => {
      const { name, autoAssign } = space.pool;
      if (!autoAssign) return { because: "autoAssign", pool: name };
      if (isPinnedToNothing(space)) return { because: "pinnedToNothing", pool: name };
      return space.incompatibility(claim) ?? exhausted(space);
    });
  }
}

/** Its selectors match no namespace: neither is it for everybody, nor for anybody in particular. */
function isPinnedToNothing({ pool: { allocation } }: PoolSpace): boolean {
  return allocation !== undefined && allocation.namespaces.size === 0 && allocation.serviceSelectors.length === 0;
}
