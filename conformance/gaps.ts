// Behaviours of upstream's suites (conformance/behaviours.ts) that no scenario covers.

export interface Gap {
  /** `L2 7`. */
  readonly behaviour: string;
  /** Why it is upstream's own plumbing and no behaviour of a load balancer. */
  readonly because: string;
}

const from = (suite: string, first: number, last: number, because: string): readonly Gap[] =>
  Array.from({ length: last - first + 1 }, (_, index) => ({ behaviour: `${suite} ${first + index}`, because }));

/** May only shrink: conformance/gaps.test.ts holds what it says against the scenarios, and its length. */
export const GAPS: readonly Gap[] = [
  ...from("BGP", 16, 17, "that FRR's containers run beside the speaker: there are none"),
  ...from("BGP", 63, 70, "raw configuration of FRR: there is no FRR to give it to"),
  ...from("BGP", 71, 71, "how FRR's reloader reports to the speaker: there is none"),
];
