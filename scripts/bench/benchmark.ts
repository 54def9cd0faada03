/** What a benchmark is held against. `value` is the figure itself, `ratio` the one beside it. */
export type Aim =
  | { readonly of: "value" | "ratio"; readonly atLeast: number }
  | { readonly of: "value" | "ratio"; readonly atMost: number };

/** One row of the table. */
export interface Result {
  readonly benchmark: string;
  readonly value: number;
  /** Of the value: `ops/s`, `µs` … */
  readonly unit: string;
  /** Of two figures that were taken in turn in this run, so that the machine's speed cancels out. */
  readonly ratio?: { readonly value: number; readonly of: string };
  readonly aim?: Aim;
}

/** What this machine cannot do, and why. */
export interface Skipped {
  readonly benchmark: string;
  readonly notRun: string;
}

type Rows = readonly (Result | Skipped)[];

export interface Benchmark {
  readonly name: string;
  readonly run: () => Rows | Promise<Rows>;
}

/** Undefined where the benchmark aims at nothing. */
export function reached({ value, ratio, aim }: Result): boolean | undefined {
  if (aim === undefined) return undefined;
  const figure = aim.of === "value" ? value : (ratio?.value ?? Number.NaN);
  return "atLeast" in aim ? figure >= aim.atLeast : figure <= aim.atMost;
}
