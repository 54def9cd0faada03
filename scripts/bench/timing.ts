const ROUNDS = 9;
/** The optimising compiler needs to have seen the work. */
const WARM_UPS = 3;

export interface TimingOptions {
  readonly rounds?: number;
  readonly warmUps?: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** How many milliseconds passed. For what is too short for processorTime, or has threads or processes of its own. */
export function stopwatch(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/**
 * How many milliseconds this thread was on a processor, so that what else the machine does counts for little. The kernel
 * tells it by its ticks, of a few milliseconds.
 */
export function processorTime(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** The median processor time of some work, in milliseconds. */
export function time(work: () => void, { rounds = ROUNDS, warmUps = WARM_UPS }: TimingOptions = {}): number {
  for (let round = 0; round < warmUps; round++) work();
  return median(Array.from({ length: rounds }, () => processorTime(work)));
}

export interface Comparison {
  /** Median milliseconds. */
  readonly one: number;
  readonly other: number;
  /** The median of `one / other` over pairs that ran directly after each other. */
  readonly ratio: number;
}

/** Times two pieces of work in turn. */
export function compare(
  one: () => void,
  other: () => void,
  { rounds = ROUNDS, warmUps = WARM_UPS }: TimingOptions = {},
): Comparison {
  for (let round = 0; round < warmUps; round++) {
    one();
    other();
  }
  const pairs = Array.from({ length: rounds }, () => [processorTime(one), processorTime(other)] as const);
  return {
    one: median(pairs.map(([first]) => first)),
    other: median(pairs.map(([, second]) => second)),
    ratio: median(pairs.map(([first, second]) => first / second)),
  };
}

/** Draws that are the same in every run (xorshift32). */
export function draws(seed = 0x9e3779b9): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
