// RFC 4271 section 3.2: all usable paths of one VRF by prefix, and which of them are in use.
import { type Prefix } from "../../../impl/wire/prefix.ts";
import { decide, type DecisionContext } from "./decision.ts";
import { type Path } from "./path.ts";

export interface Choice {
  readonly prefix: Prefix;
  readonly best: Path | undefined;
  readonly multipath: readonly Path[];
}

interface Row {
  /** The newest first. */
  readonly paths: Path[];
  choice: Choice;
}

const NOTHING: readonly Path[] = [];

export class LocRib {
  readonly #rows = new Map<Prefix, Row>();

  /** What a neighbour tells anew keeps its age, as it does in FRR. */
  set(path: Path): void {
    const { prefix, source } = path;
    const row = this.#rows.get(prefix) ?? { paths: [], choice: { prefix, best: undefined, multipath: NOTHING } };
    this.#rows.set(prefix, row);
    const at = row.paths.findIndex((each) => each.source.key === source.key);
    if (at === -1) row.paths.unshift(path);
    else row.paths[at] = path;
  }

  /** False where there was none. */
  remove(prefix: Prefix, source: string): boolean {
    const paths = this.#rows.get(prefix)?.paths ?? [];
    const at = paths.findIndex((each) => each.source.key === source);
    if (at !== -1) paths.splice(at, 1);
    return at !== -1;
  }

  find(prefix: Prefix, source: string): Path | undefined {
    return this.#rows.get(prefix)?.paths.find((each) => each.source.key === source);
  }

  /** Chooses anew; undefined where everything stays as it is. */
  decide(prefix: Prefix, context: DecisionContext): Choice | undefined {
    const row = this.#rows.get(prefix);
    if (row === undefined) return undefined;
    const { choice } = row;
    const decision = decide(row.paths, choice.best?.source.key, context);
    if (row.paths.length === 0) this.#rows.delete(prefix);
    if (same([decision.best], [choice.best]) && same(decision.multipath, choice.multipath)) return undefined;
    row.choice = { prefix, ...decision };
    return row.choice;
  }

  choice(prefix: Prefix): Choice | undefined {
    return this.#rows.get(prefix)?.choice;
  }

  prefixes(): Iterable<Prefix> {
    return this.#rows.keys();
  }

  /** Every path with the choice of its prefix, by prefix. */
  *paths(): Generator<readonly [Path, Choice]> {
    for (const { paths, choice } of this.#rows.values()) for (const path of paths) yield [path, choice];
  }
}

const same = (one: readonly (Path | undefined)[], other: readonly (Path | undefined)[]): boolean =>
  one.length === other.length && one.every((path, index) => path === other[index]);
