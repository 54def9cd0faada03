import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ExpectationFailed } from "../expect.ts";
import { mutate } from "../mutants/mutant.ts";
import { type Driver } from "../drivers/driver.ts";
import { type Topology } from "../topology/model.ts";
import { type Scenario } from "../world.ts";
import { loadCases, matchesPattern } from "./catalogue.ts";
import { runCase } from "./run-case.ts";
import { firstDifference } from "./suite.ts";

const TOPOLOGY: Topology = {
  name: "none",
  about: "",
  stations: [],
  switches: [],
  cables: [],
  nodes: [],
  clients: [],
  objects: [],
  podSubnets: [],
  serviceSubnets: [],
};
const OPTIONS = { seed: "1", shuffle: false, capture: false, lines: 0 };

function driver(violations: readonly string[] = []): Driver {
  return {
    name: "fake",
    capabilities: new Set(["kubernetes"]),
    unavailable: () => undefined,
    open: async () => ({
      world: Object.create(null),
      close: async () => ({ hash: "h", lines: [], violations, elapsed: Object(0) as never, pcapng: undefined }),
    }),
  };
}

const scenario = (run: () => Promise<void>, needs: Scenario["needs"] = ["kubernetes"]): Scenario => ({
  name: "x",
  title: "x",
  cites: [],
  topology: "none",
  needs,
  run,
});

const outcome = async (item: Scenario, violations: readonly string[] = []): Promise<string> => {
  const result = await runCase(
    driver(violations),
    TOPOLOGY,
    { name: "x", scenario: item, variant: { name: "" } },
    OPTIONS,
  );
  return `${result.outcome} ${result.failure ?? ""} ${result.because?.split("\n")[0] ?? ""}`.trim();
};

describe("one case", () => {
  it("passes, fails by its own words, by an invariant or by an error, and says when it cannot run", async () => {
    expect(await outcome(scenario(async () => {}))).toBe("passed");
    expect(await outcome(scenario(() => Promise.reject(new ExpectationFailed("no"))))).toBe("failed expectation no");
    expect(
      await outcome(
        scenario(async () => {}),
        ["I1: twice"],
      ),
    ).toBe("failed invariant I1: twice");
    expect(await outcome(scenario(() => Promise.reject(new Error("bug"))))).toBe("failed error Error: bug");
    expect(await outcome(scenario(async () => {}, ["hang"]))).toBe("notRunnable  fake lacks hang");
  });
});

describe("the catalogue", () => {
  it("names variants, and refuses two scenarios of one name and files without a list", async () => {
    const folder = mkdtempSync(join(tmpdir(), "scenarios-"));
    const file = (name: string): string =>
      `export const scenarios = [{ name: "${name}", variants: [{ name: "a" }, { name: "b" }], run: async () => {} }];`;
    writeFileSync(join(folder, "one.ts"), file("group/one"));
    expect((await loadCases(folder)).map(({ name }) => name)).toEqual(["group/one[a]", "group/one[b]"]);
    writeFileSync(join(folder, "two.ts"), file("group/one"));
    await expect(loadCases(folder)).rejects.toThrow("two scenarios are called group/one[a]");
    writeFileSync(join(folder, "two.ts"), "export const x = 1;");
    const again = mkdtempSync(join(tmpdir(), "scenarios-"));
    writeFileSync(join(again, "none.ts"), "export const x = 1;");
    await expect(loadCases(again)).rejects.toThrow("none.ts exports no list named scenarios");
  });

  it("matches pieces of names, with * for anything and no other magic", () => {
    expect(
      ["power", "fail*loss", "*", "loss[ipv4]", "abc|power", "los.", "xyz"].map((pattern) =>
        matchesPattern("failover/power-loss[ipv4]", pattern),
      ),
    ).toEqual([true, true, true, true, true, false, false]);
  });
});

it("names the first line in which two runs differ", () => {
  expect(firstDifference(["a", "b", "c"], ["a", "x", "c"])).toBe('line 2: "b" and "x"');
  expect(firstDifference(["a"], ["a", "b"])).toBe('line 2: "(end)" and "b"');
});

it("refuses a mutant whose text is not there exactly once", () => {
  const mutant = { name: "m", file: "f.ts", find: "x", replace: "y" };
  expect(mutate(mutant, "a x b")).toBe("a y b");
  expect(() => mutate(mutant, "x x")).toThrow("mutant m: its text occurs 2 times in f.ts, not once");
  expect(() => mutate(mutant, "a")).toThrow("occurs 0 times");
});
