// Behaviours of upstream's Layer 2 suite (e2etest/l2tests) and those that no scenario covers.

/** Scenarios cite them as `L2 1` to `L2 59`, numbered by file and place. */
export const LAYER2_BEHAVIOURS = 59;

export interface Gap {
  /** `L2 7`. */
  readonly behaviour: string;
  /** Why it is upstream's own plumbing and no behaviour of a load balancer. */
  readonly because: string;
}

/** May only shrink: conformance/gaps.test.ts holds what it says against the scenarios, and its length. */
export const GAPS: readonly Gap[] = [];
