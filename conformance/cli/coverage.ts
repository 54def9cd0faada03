// Which of the behaviours that upstream tests the scenarios cover.
import { SUITES } from "../behaviours.ts";
import { GAPS, type Gap } from "../gaps.ts";
import { type Case } from "../runner/catalogue.ts";

export interface Coverage {
  /** Names of scenarios by behaviour, in upstream's order. */
  readonly covered: ReadonlyMap<string, readonly string[]>;
  readonly gaps: readonly Gap[];
  /** Neither covered nor a known gap. */
  readonly missing: readonly string[];
  /** Known gaps that some scenario covers, and citations of what upstream does not have. */
  readonly wrong: readonly string[];
}

const BEHAVIOURS: readonly string[] = SUITES.flatMap(({ name, behaviours }) =>
  Array.from({ length: behaviours }, (_, index) => `${name} ${index + 1}`),
);

const isOfSuite = (text: string): boolean => SUITES.some(({ name }) => text.startsWith(`${name} `));

export function coverageOf(cases: readonly Case[], gaps: readonly Gap[] = GAPS): Coverage {
  const behaviours = BEHAVIOURS;
  const covered = new Map<string, readonly string[]>();
  for (const behaviour of behaviours) {
    const names = new Set(cases.flatMap(({ scenario }) => (scenario.cites.includes(behaviour) ? [scenario.name] : [])));
    if (names.size > 0) covered.set(behaviour, [...names]);
  }
  const cited = new Set(cases.flatMap(({ scenario }) => scenario.cites.filter(isOfSuite)));
  return {
    covered,
    gaps,
    missing: behaviours.filter((text) => !covered.has(text) && !gaps.some((gap) => gap.behaviour === text)),
    wrong: [
      ...gaps.flatMap(({ behaviour }) =>
        covered.has(behaviour) ? [`${behaviour} is listed as a gap and covered`] : [],
      ),
      ...gaps.flatMap(({ behaviour }) =>
        behaviours.includes(behaviour) ? [] : [`${behaviour} is listed as a gap and unknown`],
      ),
      ...[...cited].flatMap((text) => (behaviours.includes(text) ? [] : [`${text} is cited and unknown`])),
    ],
  };
}

export function formatCoverage({ covered, gaps, missing, wrong }: Coverage): string {
  return [
    ...[...covered].map(([behaviour, names]) => `${behaviour.padEnd(8)} ${names.join(", ")}`),
    "",
    ...SUITES.map(({ name, about, behaviours }) => {
      const of = (all: readonly string[]): number => all.filter((text) => text.startsWith(`${name} `)).length;
      const known = of(gaps.map(({ behaviour }) => behaviour));
      const counts = `${of([...covered.keys()])} of ${behaviours} of MetalLB's ${about} behaviours`;
      return `${counts} are covered by a scenario; ${known} are known gaps`;
    }),
    ...gaps.map(({ behaviour, because }) => `gap: ${behaviour}: ${because}`),
    ...missing.map((behaviour) => `missing: ${behaviour}`),
    ...wrong.map((text) => `wrong: ${text}`),
  ].join("\n");
}
