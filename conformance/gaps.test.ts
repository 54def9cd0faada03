import { describe, expect, it } from "vitest";
import { coverageOf, formatCoverage } from "./cli/coverage.ts";
import { GAPS } from "./gaps.ts";
import { type Case, loadCases } from "./runner/catalogue.ts";

/** Lower it when a gap is closed; it never rises. */
const MOST_GAPS = 0;

const citing = (name: string, ...cites: readonly string[]): Case => ({
  name,
  variant: { name: "" },
  scenario: { name, title: "", cites, topology: "lan-3", needs: [], run: async () => {} },
});

describe("coverage of upstream's Layer 2 behaviours", () => {
  it("is complete but for the known gaps", async () => {
    const { covered, missing, wrong } = coverageOf(await loadCases());
    expect({ covered: covered.size + GAPS.length, missing, wrong }).toEqual({ covered: 59, missing: [], wrong: [] });
    expect(GAPS.length).toBeLessThanOrEqual(MOST_GAPS);
  });

  it("notices what is missing, and gaps that are none", () => {
    const cases = [citing("a/one", "L2 1", "F2"), citing("a/one", "L2 1"), citing("b/two", "L2 1", "L2 60")];
    const coverage = coverageOf(cases, [
      { behaviour: "L2 1", because: "x" },
      { behaviour: "L2 2", because: "y" },
      { behaviour: "L3 1", because: "z" },
    ]);
    expect(formatCoverage({ ...coverage, missing: coverage.missing.slice(0, 2) }).split("\n")).toEqual([
      "L2 1   a/one, b/two",
      "",
      "1 of 59 of MetalLB's Layer 2 behaviours are covered by a scenario; 3 are known gaps",
      "gap: L2 1: x",
      "gap: L2 2: y",
      "gap: L3 1: z",
      "missing: L2 3",
      "missing: L2 4",
      "wrong: L2 1 is listed as a gap and covered",
      "wrong: L3 1 is listed as a gap and unknown",
      "wrong: L2 60 is cited and unknown",
    ]);
    expect(coverage.missing).toHaveLength(57);
  });
});
