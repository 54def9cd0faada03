// A place in a namespace for one process: started, killed, paused, started again.
import { Child } from "./stdio.ts";

export interface SlotOptions {
  readonly name: string;
  readonly namespace: string;
  /** A file beside this one. */
  readonly file: string;
  /** Asked at every start. */
  readonly args: () => readonly string[];
  readonly onEvent: (event: unknown) => void;
  /** It ended though nobody asked it to. */
  readonly onFailure: (how: string) => void;
}

export class ProcessSlot {
  readonly name: string;
  readonly #options: SlotOptions;
  #child: Child | undefined;
  #expected = false;

  constructor(options: SlotOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get alive(): boolean {
    return this.#child?.alive === true;
  }

  start(): void {
    if (this.alive) return;
    const { namespace, file, args, onEvent, onFailure } = this.#options;
    this.#expected = false;
    this.#child = new Child({
      namespace,
      file,
      args: args(),
      onEvent,
      onExit: (how) => {
        if (!this.#expected) onFailure(how);
      },
    });
  }

  /** Resolves when its program is loaded. */
  async ready(): Promise<void> {
    await this.#child?.ready;
  }

  ask<T>(question: unknown, withinMs?: number): Promise<T> {
    return this.#child?.ask<T>(question, withinMs) ?? Promise.reject(new Error(`${this.name} does not run`));
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#expected = true;
    await this.#child?.end();
  }

  /** SIGKILL without waiting, for a driver that is ending itself. */
  abandon(): void {
    this.#expected = true;
    this.#child?.signal("SIGKILL");
  }

  /** SIGTERM: it ends when it has handed over. */
  stop(): void {
    this.#expected = true;
    this.#child?.signal("SIGTERM");
  }

  /** SIGSTOP until the returned function is called (SIGCONT). */
  pause(): () => void {
    const child = this.#child;
    child?.signal("SIGSTOP");
    return () => child?.signal("SIGCONT");
  }
}
