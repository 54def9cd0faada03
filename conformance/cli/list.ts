// assay list: what there is to run, and what of upstream's behaviours it covers.
import { type Case } from "../runner/catalogue.ts";
import { coverageOf, formatCoverage } from "./coverage.ts";
import { paint, table } from "./output.ts";
import { selectCases } from "./run.ts";

export interface ListFlags {
  readonly json?: boolean;
  readonly coverage?: boolean;
}

const groupOf = ({ name }: Case): string => name.slice(0, Math.max(0, name.indexOf("/")));

/** Variants of one scenario on one line: `failover/power-loss [ipv4, ipv6]`. */
function groupLines(cases: readonly Case[]): readonly string[] {
  const scenarios = [...new Set(cases.map(({ scenario }) => scenario))];
  return table(
    scenarios.map((scenario) => {
      const variants = cases.flatMap((item) => (item.scenario === scenario ? item.variant.name : [])).filter(Boolean);
      const { name, cites, title } = scenario;
      return [`  ${name}${variants.length === 0 ? "" : ` [${variants.join(", ")}]`}`, cites.join(", "), title];
    }),
  ).split("\n");
}

function formatList(cases: readonly Case[]): string {
  const groups = new Map<string, Case[]>();
  for (const item of cases) groups.set(groupOf(item), [...(groups.get(groupOf(item)) ?? []), item]);
  const lines = [...groups].flatMap(([group, members]) => [
    paint("bold", `${group} (${members.length})`),
    ...groupLines(members),
    "",
  ]);
  const scenarios = new Set(cases.map(({ scenario }) => scenario)).size;
  return [...lines, `${cases.length} cases of ${scenarios} scenarios in ${groups.size} groups`].join("\n");
}

/** `assay list`: 0, with --coverage 1 where a behaviour is missing. */
export async function listCommand(pattern: string | undefined, flags: ListFlags): Promise<number> {
  if (flags.coverage === true) {
    const coverage = coverageOf(await selectCases(undefined));
    const { covered, ...rest } = coverage;
    if (flags.json === true) console.log(JSON.stringify({ covered: Object.fromEntries(covered), ...rest }, null, 1));
    else console.log(formatCoverage(coverage));
    return coverage.missing.length + coverage.wrong.length === 0 ? 0 : 1;
  }
  const cases = await selectCases(pattern);
  const rows = cases.map(({ name, scenario, variant }) => ({
    name,
    scenario: scenario.name,
    variant: variant.name,
    title: scenario.title,
    topology: scenario.topology,
    cites: scenario.cites,
    needs: scenario.needs,
  }));
  console.log(flags.json === true ? JSON.stringify(rows, null, 1) : formatList(cases));
  return 0;
}
