/**
 * A small deliberate breakage of the load balancer, or of the routers that it is measured with: one text in one file,
 * replaced by another while a worker loads it.
 */
export interface Mutant {
  /** What is broken, in a few words with dashes: `skip-gratuitous`. */
  readonly name: string;
  /** Relative to the root of the repository. */
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Beginnings of the names of scenarios that are about it, too, beside those of its group. */
  readonly scenarios?: readonly string[];
}

/** The mutated source. Throws when `find` does not occur exactly once: the mutant must follow the code. */
export function mutate(mutant: Mutant, source: string): string {
  const pieces = source.split(mutant.find);
  if (pieces.length !== 2) {
    throw new Error(`mutant ${mutant.name}: its text occurs ${pieces.length - 1} times in ${mutant.file}, not once`);
  }
  return pieces.join(mutant.replace);
}
