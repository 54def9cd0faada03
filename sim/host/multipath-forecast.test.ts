import { describe, expect, it } from "vitest";
import { parseIp } from "../../impl/wire/ip.ts";
import { random } from "../random.ts";
import { hashOfTuple } from "./multipath.ts";
import { disruptionOf, evenness, forecast, syntheticFlows, waysOf } from "./multipath-forecast.ts";
import { type NextHop } from "./next-hop.ts";
import { RESILIENT, type SelectorSettings } from "./selector.ts";

const nextHopsOf = (count: number): readonly NextHop[] =>
  Array.from({ length: count }, (_, index) => ({ device: `eth${index}`, via: undefined, weight: 1 }));

const vip = parseIp("203.0.113.1");
const flows = (count: number, seed: string) =>
  syntheticFlows(vip, { port: 80, count, source: parseIp("198.51.100.0"), random: random(seed, "flows") });

/** Multiples of the golden ratio: spread as evenly as so few can be. */
const HASHES = Array.from({ length: 20_000 }, (_, index) => Math.imul(index, 0x9e3779b1) >>> 1);

/** The least and the most percent that move when one of `count` goes. */
function percent(settings: SelectorSettings, count: number): readonly [best: number, worst: number] {
  const all = nextHopsOf(count);
  const moved = all.map((gone) => {
    const left = all.filter((other) => other !== gone);
    return (100 * disruptionOf(settings, all, left, HASHES).moved) / HASHES.length;
  });
  return [Math.min(...moved), Math.max(...moved)];
}

describe("when one of several next hops goes", () => {
  // Reckoned: 1/N has to move; modulo leaves 1/N where it was; RFC 2992 section 3.1 has between 1/4 and 1/2.
  it.each([
    { count: 3, unavoidable: 33, modulo: 67, threshold: [33, 50] },
    { count: 4, unavoidable: 25, modulo: 75, threshold: [33, 50] },
    { count: 8, unavoidable: 12.5, modulo: 87, threshold: [28, 50] },
    { count: 16, unavoidable: 6.3, modulo: 94, threshold: [26, 50] },
  ])("of $count, so many percent of the flows move", ({ count, unavoidable, modulo, threshold }) => {
    const [moduloBest, moduloWorst] = percent({ kind: "modulo" }, count);
    const [best, worst] = percent({ kind: "threshold" }, count);
    const [resilientBest, resilientWorst] = percent(RESILIENT, count);
    const near = (value: number, expected: number): void => expect(Math.abs(value - expected)).toBeLessThan(1);
    near(moduloWorst, modulo);
    near(best, threshold[0] ?? 0);
    near(worst, threshold[1] ?? 0);
    near(resilientBest, unavoidable);
    near(resilientWorst, unavoidable);
    expect(moduloBest).toBeGreaterThan(worst - 1);
  });

  it("what moves is forced or collateral, and a resilient group has no collateral", () => {
    const told = forecast({ hash: "l4", seed: 1 }, nextHopsOf(4), flows(4000, "a"));
    for (const { selector, removals, shares } of told) {
      for (const [index, { moved, forced, collateral }] of removals.entries()) {
        expect(moved).toBe(forced + collateral);
        expect(forced).toBe(shares[index]?.flows);
        if (selector === "resilient") expect(collateral).toBe(0);
        else expect(collateral > 0 || index === 3 || index === 0).toBe(true);
      }
      expect(shares.reduce((sum, share) => sum + share.flows, 0)).toBe(4000);
    }
    expect(told.map(({ selector }) => selector)).toEqual(["modulo", "threshold", "resilient"]);
  });

  it("one that comes gets flows at once, but of a resilient group that is in use none", () => {
    const four = nextHopsOf(4);
    const moved = (settings: SelectorSettings): number =>
      disruptionOf(settings, four.slice(0, 3), four, HASHES).collateral / HASHES.length;
    expect(moved(RESILIENT)).toBe(0);
    expect(moved({ kind: "threshold" })).toBeCloseTo(0.5);
    expect(moved({ kind: "modulo" })).toBeCloseTo(0.75);
  });

  // Two members take what the gone one had, and pass on some of their own: the measured shares of a kernel with 4,000
  // flows of 2,000 sources are 27.8 to 29.5 % of 8 next hops, 30.5 to 30.7 % of 5, 32 to 35 % of 4.
  it.each([
    { count: 8, gone: 3, least: 26.5, most: 31 },
    { count: 5, gone: 2, least: 28.5, most: 32.5 },
    { count: 4, gone: 1, least: 31, most: 36 },
  ])("a threshold of $count moves as many of drawn flows as Linux did", ({ count, gone, least, most }) => {
    const all = nextHopsOf(count);
    const left = all.filter((_, index) => index !== gone);
    for (const hash of ["l3", "l4"] as const) {
      const hashes = flows(4000, hash).map((flow) => hashOfTuple({ hash, seed: 99 }, flow));
      const moved = (100 * disruptionOf({ kind: "threshold" }, all, left, hashes).moved) / 4000;
      expect(moved).toBeGreaterThan(least);
      expect(moved).toBeLessThan(most);
    }
  });
});

describe("two tiers of routers", () => {
  /** How many flows take each of the four ways through a spine with two leaves that each have two next hops. */
  function pathCounts(selector: SelectorSettings, seeds: readonly [spine: number, left: number, right: number]) {
    const two = nextHopsOf(2);
    const counts = new Map(["00", "01", "10", "11"].map((path) => [path, 0]));
    const drawn = flows(4000, "tiers");
    const choose = (seed: number): readonly number[] => {
      const hashes = drawn.map((flow) => hashOfTuple({ hash: "l4", seed }, flow));
      return waysOf(selector, two, two, hashes).map(([way]) => (way === two[0] ? 0 : 1));
    };
    const [spine, left, right] = seeds.map(choose);
    for (const [index] of drawn.entries()) {
      const first = spine?.[index] ?? 0;
      const second = (first === 0 ? left : right)?.[index] ?? 0;
      const path = `${first}${second}`;
      counts.set(path, (counts.get(path) ?? 0) + 1);
    }
    return [...counts.values()];
  }

  it.each(["modulo", "threshold", "resilient"] as const)("%s with one seed leaves half of the ways unused", (kind) => {
    const selector = kind === "resilient" ? RESILIENT : { kind };
    const polarised = pathCounts(selector, [5, 5, 5]);
    expect(polarised.filter((count) => count === 0)).toHaveLength(2);
    expect(evenness(polarised)).toBeLessThan(0.51);
    const spread = pathCounts(selector, [5, 6, 7]);
    expect(spread.every((count) => count > 800)).toBe(true);
    expect(evenness(spread)).toBeGreaterThan(0.99);
  });
});

it("evenness is 1 where all have the same and 0 where one has all", () => {
  expect([evenness([5, 5, 5]), evenness([9, 0, 0]), evenness([3])]).toEqual([1, 0, 1]);
});
