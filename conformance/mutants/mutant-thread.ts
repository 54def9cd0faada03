import { Worker } from "node:worker_threads";
import { type Failure } from "../runner/run-case.ts";
import { type Mutant } from "./mutant.ts";

/** How a case ended with a mutant in place. */
export interface Verdict {
  readonly failure?: Failure | undefined;
  readonly because?: string | undefined;
}

/** A mutant may loop for ever. Counted in CPU time: others may be busy with the same cores. */
const PATIENCE_S = 30;
const LOOK_EVERY_MS = 1000;

/** A thread with one mutant in place of the file that it breaks. */
export class MutantThread {
  readonly #worker: Worker;
  #ended: string | undefined;
  #answer: (verdict: Verdict) => void = () => undefined;

  constructor(mutant: Mutant, seed: string) {
    this.#worker = new Worker(new URL("mutant-worker.ts", import.meta.url), { workerData: { mutant, seed } });
    this.#worker.on("message", (verdict: Verdict) => this.#answer(verdict));
    this.#worker.on("error", (error) => this.#end(error instanceof Error ? error.message : String(error)));
    this.#worker.on("exit", () => this.#end("its thread ended"));
  }

  /** One case at a time. Never rejects. */
  async run(name: string): Promise<Verdict> {
    if (this.#ended !== undefined) return { failure: "error", because: this.#ended };
    const looks = setInterval(() => void this.#look(startedAt), LOOK_EVERY_MS);
    const startedAt = this.#cpuSeconds();
    try {
      return await new Promise((resolve) => {
        this.#answer = resolve;
        this.#worker.postMessage(name);
      });
    } finally {
      clearInterval(looks);
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  async #look(startedAt: Promise<number>): Promise<void> {
    const spent = (await this.#cpuSeconds()) - (await startedAt);
    if (spent < PATIENCE_S) return;
    this.#end(`gave no answer in ${PATIENCE_S} s`);
    await this.#worker.terminate();
  }

  #end(because: string): void {
    this.#ended ??= because;
    this.#answer({ failure: "error", because: this.#ended });
  }

  /** 0 when the thread is gone. */
  async #cpuSeconds(): Promise<number> {
    const { user, system } = await this.#worker.cpuUsage().catch(() => ({ user: 0, system: 0 }));
    return (user + system) / 1e6;
  }
}
