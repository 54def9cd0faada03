// What a person sees while a long run goes on, and how they end it.
import { setImmediate as turn } from "node:timers/promises";

/** Taken before anything is simulated: a running simulation does not let the real clock be read. */
export const wallClock = performance.now.bind(performance);

const SILENT_FOR_MS = 2000;
const EVERY_MS = 200;

/** One line on standard error, where that is a terminal and the run takes longer than two seconds. */
export class Progress {
  readonly #started = wallClock();
  readonly #shown = process.stderr.isTTY;
  #last = 0;

  show(text: () => string): void {
    const now = wallClock();
    if (!this.#shown || now - this.#started < SILENT_FOR_MS || now - this.#last < EVERY_MS) return;
    this.#last = now;
    process.stderr.write(`\r\u001b[K${text()}`);
  }

  clear(): void {
    if (this.#last > 0) process.stderr.write("\r\u001b[K");
    this.#last = 0;
  }

  get elapsedMs(): number {
    return wallClock() - this.#started;
  }
}

/** Hears Ctrl-C: the first asks for an end, another one a second later ends the process. */
export class Interrupt implements Disposable {
  #at: number | undefined;
  readonly #listener = (): void => {
    // A terminal and the launcher both pass the signal on.
    if (this.#at !== undefined && wallClock() - this.#at > 1000) process.exit(130);
    this.#at ??= wallClock();
  };

  constructor() {
    process.on("SIGINT", this.#listener);
    process.on("SIGTERM", this.#listener);
  }

  /** Lets signals in. */
  async asked(): Promise<boolean> {
    await turn();
    return this.#at !== undefined;
  }

  [Symbol.dispose](): void {
    process.off("SIGINT", this.#listener);
    process.off("SIGTERM", this.#listener);
  }
}
