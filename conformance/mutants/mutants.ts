import { ADDRESS_MUTANTS } from "./addresses.ts";
import { FAULT_MUTANTS } from "./faults.ts";
import { LAYER2_MUTANTS } from "./layer2.ts";
import { type Mutant } from "./mutant.ts";
import { SELECTION_MUTANTS } from "./selection.ts";

/** Every way in which the load balancer is broken on purpose; each must be noticed by a scenario. */
export const MUTANTS: readonly Mutant[] = [
  ...ADDRESS_MUTANTS,
  ...LAYER2_MUTANTS,
  ...SELECTION_MUTANTS,
  ...FAULT_MUTANTS,
];
