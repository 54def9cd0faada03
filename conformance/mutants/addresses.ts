import { type Mutant } from "./mutant.ts";

export const ADDRESS_MUTANTS: readonly Mutant[] = [];
