import { type Micros, millis, minus, plus, times } from "../../../impl/wire/time.ts";
import { ExpectationFailed } from "../../expect.ts";

/** Other work on the machine makes everything later: by a share of the time, and by a turn of each process involved. */
export const SLACK = { factor: 1.5, extra: millis(250) } as const;

const LOOK_MS = 20;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How a wait for something ended that came in time. */
export interface Waited {
  readonly what: string;
  readonly took: Micros;
  readonly within: Micros;
}

/** Lets real time pass for scenarios, which look every few milliseconds. */
export class Stage {
  readonly #now: () => Micros;
  /** The wait that came nearest to its deadline, as the scenario states it. */
  tightest: Waited | undefined;

  constructor(now: () => Micros) {
    this.#now = now;
  }

  async waitFor<T>(what: string, read: () => Promise<T | undefined | false>, within: Micros): Promise<T> {
    const started = this.#now();
    const deadline = plus(times(within, SLACK.factor), plus(started, SLACK.extra));
    for (;;) {
      const value = await read();
      const now = this.#now();
      if (value !== undefined && value !== false) {
        this.#note({ what, took: minus(now, started), within });
        return value;
      }
      if (now >= deadline) {
        throw new ExpectationFailed(`${what}: not within ${(deadline - started) / 1e6} s (now ${now / 1e6} s)`);
      }
      await sleep(LOOK_MS);
    }
  }

  #note(waited: Waited): void {
    const share = ({ took, within }: Waited): number => took / within;
    if (this.tightest === undefined || share(waited) > share(this.tightest)) this.tightest = waited;
  }

  async holds(what: string, read: () => Promise<boolean>, during: Micros): Promise<void> {
    const deadline = plus(this.#now(), during);
    for (;;) {
      if (!(await read())) throw new ExpectationFailed(`${what}: does not hold at ${this.#now() / 1e6} s`);
      if (this.#now() >= deadline) return;
      await sleep(LOOK_MS);
    }
  }
}
