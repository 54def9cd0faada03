import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Mutant, mutate } from "./mutant.ts";
import { MUTANT_GROUPS } from "./mutants.ts";
import { readWitnesses } from "./witnesses.ts";

const MUTANTS = MUTANT_GROUPS.flatMap(({ mutants }) => mutants);

describe("the mutants", () => {
  it("follow the code: the text of each occurs once in its file, and no two say the same", () => {
    const sources = new Map<string, string>();
    const mutated = new Map<string, string>();
    for (const mutant of MUTANTS) {
      const source = sources.get(mutant.file) ?? readFileSync(mutant.file, "utf8");
      sources.set(mutant.file, source);
      const broken = `${mutant.file}\n${mutate(mutant, source)}`;
      expect(mutated.get(broken), `${mutant.name} is another's twin`).toBeUndefined();
      mutated.set(broken, mutant.name);
    }
  });

  it("have names of their own, which their witnesses know", () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(readWitnesses()).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe("mutate", () => {
  const mutant: Mutant = { name: "more", file: "x.ts", find: "a < b", replace: "a <= b" };

  it("replaces the text", () => {
    expect(mutate(mutant, "if (a < b) {}")).toBe("if (a <= b) {}");
  });

  it.each([
    ["no", "if (a > b) {}", 0],
    ["a second", "a < b && a < b", 2],
  ])("refuses a source with %s such text", (_, source, times) => {
    expect(() => mutate(mutant, source)).toThrow(`occurs ${times} times in x.ts, not once`);
  });
});
