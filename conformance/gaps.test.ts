import { describe, expect, it } from "vitest";
import { BGP_TITLES, bgpTitle, SUITES } from "./behaviours.ts";
import { coverageOf, formatCoverage } from "./cli/coverage.ts";
import { GAPS } from "./gaps.ts";
import { type Case, loadCases } from "./runner/catalogue.ts";

/** Lower it when a gap is closed; it never rises. */
const MOST_GAPS = 11;

const citing = (name: string, ...cites: readonly string[]): Case => ({
  name,
  variant: { name: "" },
  scenario: { name, title: "", cites, topology: "lan-3", needs: [], run: async () => {} },
});

describe("coverage of upstream's behaviours", () => {
  it("counts what upstream has: 59 of Layer 2, and 140 of BGP, the files one after the other", () => {
    expect(SUITES.map(({ behaviours }) => behaviours)).toEqual([59, 140]);
    expect(BGP_TITLES).toHaveLength(51);
    expect([12, 82, 98, 120, 140].map((number) => bgpTitle(`BGP ${number}`))).toEqual([
      "IPV4 - should not be announced from a node with a NetworkUnavailable condition",
      "should advertise both ipv4 and ipv6 addresses with, 1 of 4",
      "should be exposed by the controller, 1 of 2",
      "IPV4 - should establish sessions when each node has a different MyASN",
      "FRR Unnumbered BGP: Session is established and route is advertised, 6 of 6",
    ]);
  });

  it("is complete but for the known gaps", async () => {
    const { covered, missing, wrong } = coverageOf(await loadCases());
    expect({ covered: covered.size + GAPS.length, missing, wrong }).toEqual({ covered: 199, missing: [], wrong: [] });
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
      "L2 1     a/one, b/two",
      "",
      "1 of 59 of MetalLB's Layer 2 behaviours are covered by a scenario; 2 are known gaps",
      "0 of 140 of MetalLB's BGP behaviours are covered by a scenario; 0 are known gaps",
      "gap: L2 1: x",
      "gap: L2 2: y",
      "gap: L3 1: z",
      "missing: L2 3",
      "missing: L2 4",
      "wrong: L2 1 is listed as a gap and covered",
      "wrong: L3 1 is listed as a gap and unknown",
      "wrong: L2 60 is cited and unknown",
    ]);
    expect(coverage.missing).toHaveLength(197);
  });
});
