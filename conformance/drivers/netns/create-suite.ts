import { Bird, birdMissing } from "./bird.ts";
import { Frr, frrMissing } from "./frr.ts";
import { type RoutingSuite, type SuiteName, type SuiteOptions } from "./routing-suite.ts";

export const createSuite = (name: SuiteName, options: SuiteOptions): RoutingSuite =>
  name === "frr" ? new Frr(options) : new Bird(options);

/** Why this machine cannot run a suite; undefined where it can. */
export const suiteMissing = (name: SuiteName): string | undefined => (name === "frr" ? frrMissing() : birdMissing());
