// Runs many cases on all cores, each twice: the second time in another thread, with objects inserted in another order. Both
// runs must leave the same trace.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type CaseResult, type RunOptions } from "./run-case.ts";
import { type Job } from "./job.ts";

export interface SuiteOptions {
  readonly seed: string;
  readonly twice: boolean;
  readonly onResult?: (result: CaseResult) => void;
  readonly workers?: number;
}

/** Frames live for microseconds: the more of them die together, the less is copied (a twentieth of all time with 48 MB). */
const YOUNG_MB = 192;

class Pool {
  readonly #workers: readonly Worker[];
  readonly #waiting = new Map<number, (result: CaseResult) => void>();
  #next = 0;

  constructor(size: number) {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
    this.#workers = Array.from(
      { length: size },
      () => new Worker(new URL("suite-worker.ts", import.meta.url), { resourceLimits }),
    );
    for (const worker of this.#workers) {
      worker.on("message", ({ id, result }: { id: number; result: CaseResult }) => {
        this.#waiting.get(id)?.(result);
        this.#waiting.delete(id);
      });
      worker.on("error", (error) => {
        throw error;
      });
    }
  }

  run(name: string, options: RunOptions, at: number): Promise<CaseResult> {
    const index = at % this.#workers.length;
    const job: Job = { id: this.#next++, name, options };
    return new Promise((resolve) => {
      this.#waiting.set(job.id, resolve);
      this.#workers[index]?.postMessage(job);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** The first line in which two runs differ. */
export function firstDifference(a: readonly string[], b: readonly string[]): string {
  const length = Math.max(a.length, b.length);
  for (let index = 0; index < length; index++) {
    if (a[index] !== b[index]) return `line ${index + 1}: "${a[index] ?? "(end)"}" and "${b[index] ?? "(end)"}"`;
  }
  return "no line differs";
}

async function runTwice(pool: Pool, name: string, options: RunOptions, at: number): Promise<CaseResult> {
  const [first, second] = await Promise.all([
    pool.run(name, options, at),
    pool.run(name, { ...options, shuffle: true }, at + 1),
  ]);
  const tookMs = first.tookMs + second.tookMs;
  if (first.outcome !== "passed") return { ...first, tookMs };
  if (second.outcome === "passed" && first.hash === second.hash) return { ...first, tookMs };
  const [a, b] = await Promise.all([
    pool.run(name, { ...options, lines: Number.POSITIVE_INFINITY }, at),
    pool.run(name, { ...options, lines: Number.POSITIVE_INFINITY, shuffle: true }, at + 1),
  ]);
  const because = `a second run of the same seed differs: ${firstDifference(a.lines, b.lines)}`;
  return { ...first, outcome: "failed", failure: "invariant", because, tookMs };
}

/** Results in the order of `names`. */
export async function runSuite(names: readonly string[], options: SuiteOptions): Promise<readonly CaseResult[]> {
  const pool = new Pool(Math.min(options.workers ?? Math.max(2, availableParallelism()), Math.max(2, names.length)));
  const run: RunOptions = { seed: options.seed, shuffle: false, capture: false, lines: 50 };
  try {
    return await Promise.all(
      names.map(async (name, index) => {
        const result = options.twice ? await runTwice(pool, name, run, index) : await pool.run(name, run, index);
        options.onResult?.(result);
        return result;
      }),
    );
  } finally {
    await pool.close();
  }
}
