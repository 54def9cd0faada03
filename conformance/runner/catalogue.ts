import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Scenario, type Variant } from "../world.ts";

/** A scenario with one of its variants: what is run and reported. */
export interface Case {
  /** `failover/power-loss[ipv6]`. */
  readonly name: string;
  readonly scenario: Scenario;
  readonly variant: Variant;
}

const FOLDER = fileURLToPath(new URL("../scenarios", import.meta.url));

const isScenarios = (value: unknown): value is readonly Scenario[] =>
  Array.isArray(value) && value.every((item) => typeof item === "object" && item !== null && "run" in item);

/** Every case of every file below conformance/scenarios, in order of file and place. Rejects duplicates. */
export async function loadCases(folder = FOLDER): Promise<readonly Case[]> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .sort();
  const cases: Case[] = [];
  for (const file of files) {
    const module: Readonly<Record<string, unknown>> = await import(join(folder, file));
    const scenarios = module["scenarios"];
    if (!isScenarios(scenarios)) throw new Error(`${file} exports no list named scenarios`);
    for (const scenario of scenarios) {
      const variants = scenario.variants ?? [{ name: "" }];
      for (const variant of variants) {
        const name = variant.name === "" ? scenario.name : `${scenario.name}[${variant.name}]`;
        cases.push({ name, scenario, variant });
      }
    }
  }
  const names = new Set<string>();
  for (const { name } of cases) {
    if (names.has(name)) throw new Error(`two scenarios are called ${name}`);
    names.add(name);
  }
  return cases;
}

/** A pattern is a piece of the name; `*` stands for anything, and `|` stands between alternatives. */
export function matchesPattern(name: string, pattern: string): boolean {
  return pattern.split("|").some((alternative) => {
    const parts = alternative.split("*").map((part) => part.replaceAll(/[.+?^${}()[\]\\]/g, "\\$&"));
    return new RegExp(parts.join(".*")).test(name);
  });
}
