import { describe, expect, it } from "vitest";
import { parseIp } from "../../../impl/wire/ip.ts";
import { parsePrefix } from "../../../impl/wire/prefix.ts";
import { forecastFlows } from "./forecast.ts";
import { type RouterRoute } from "./routes.ts";

const route = (prefix: string, ...nodes: readonly string[]): RouterRoute => ({
  router: "tor",
  prefix: parsePrefix(prefix),
  nextHops: nodes.map((name, index) => ({ ip: parseIp(`192.0.2.${11 + index}`), link: "eth1", name })),
  paths: nodes.length,
  stale: 0,
  asPath: [],
  localPref: undefined,
  med: undefined,
  communities: [],
  largeCommunities: [],
});

describe("a forecast of flows", () => {
  const forecasts = forecastFlows(
    [route("203.0.113.1/32", "a", "b", "c"), route("203.0.113.2/32", "a", "b", "c"), route("203.0.113.3/32", "a")],
    [],
  );

  it("is made once for prefixes that go the same ways, for every selector", () => {
    expect(forecasts.map(({ prefix, alike, selector, nodes }) => [prefix, alike, selector, nodes.length])).toEqual([
      ["203.0.113.1/32", 1, "modulo", 3],
      ["203.0.113.1/32", 1, "threshold", 3],
      ["203.0.113.1/32", 1, "resilient", 3],
    ]);
  });

  /**
   * Of equally likely hashes a third is at each of three next hops. Modulo: where one of three goes, half of the flows of
   * the others have another remainder. RFC 2992 section 3: the middle region gives its halves to both neighbours; an outer
   * one moves the border between the others by a sixth of all. Resilient buckets in use stay.
   */
  it.each<readonly [string, readonly number[]]>([
    ["modulo", [1 / 3, 1 / 3, 1 / 3]],
    ["threshold", [1 / 6, 0, 1 / 6]],
    ["resilient", [0, 0, 0]],
  ])("with %s says what moves besides", (selector, collateral) => {
    const nodes = forecasts.find((each) => each.selector === selector)?.nodes ?? [];
    expect(nodes.map(({ node }) => node)).toEqual(["a", "b", "c"]);
    for (const [index, { share, forced, collateral: moved }] of nodes.entries()) {
      expect(share).toBeCloseTo(1 / 3, 1);
      expect(forced).toBe(share);
      expect(Math.abs(moved - (collateral[index] ?? 0))).toBeLessThan(0.015);
    }
  });
});
