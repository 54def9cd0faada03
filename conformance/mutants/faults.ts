import { type Mutant } from "./mutant.ts";

export const FAULT_MUTANTS: readonly Mutant[] = [];
