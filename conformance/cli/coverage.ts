// Which of upstream's Layer 2 behaviours the scenarios cover.
import { GAPS, type Gap, LAYER2_BEHAVIOURS } from "../gaps.ts";
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

export function coverageOf(cases: readonly Case[], gaps: readonly Gap[] = GAPS): Coverage {
  const behaviours = Array.from({ length: LAYER2_BEHAVIOURS }, (_, index) => `L2 ${index + 1}`);
  const covered = new Map<string, readonly string[]>();
  for (const behaviour of behaviours) {
    const names = new Set(cases.flatMap(({ scenario }) => (scenario.cites.includes(behaviour) ? [scenario.name] : [])));
    if (names.size > 0) covered.set(behaviour, [...names]);
  }
  const cited = new Set(cases.flatMap(({ scenario }) => scenario.cites.filter((text) => text.startsWith("L2 "))));
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
    ...[...covered].map(([behaviour, names]) => `${behaviour.padEnd(6)} ${names.join(", ")}`),
    "",
    `${covered.size} of ${LAYER2_BEHAVIOURS} of MetalLB's Layer 2 behaviours are covered by a scenario; ${gaps.length} are known gaps`,
    ...gaps.map(({ behaviour, because }) => `gap: ${behaviour}: ${because}`),
    ...missing.map((behaviour) => `missing: ${behaviour}`),
    ...wrong.map((text) => `wrong: ${text}`),
  ].join("\n");
}
