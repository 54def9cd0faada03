import { type Mutant } from "./mutant.ts";

export const SELECTION_MUTANTS: readonly Mutant[] = [];
