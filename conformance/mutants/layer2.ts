import { type Mutant } from "./mutant.ts";

export const LAYER2_MUTANTS: readonly Mutant[] = [];
