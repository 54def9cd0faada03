import { type RunOptions } from "./run-case.ts";

/** What a thread is asked to run. */
export interface Job {
  readonly id: number;
  readonly name: string;
  readonly options: RunOptions;
}
