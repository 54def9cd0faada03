// Both ends of the pipe between the driver and a process of its own in a namespace: one JSON value a line.
import { type ChildProcess, spawn } from "node:child_process";
import { flushCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

interface Question {
  readonly id: number;
  readonly ask: unknown;
}

type Reply =
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly because: string }
  | { readonly kind: "event"; readonly event: unknown }
  | { readonly kind: "ready" };

function say(reply: Reply): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

/** In the child: tells the driver something unasked. */
export const tell = (event: unknown): void => say({ kind: "event", event });

/** In the child: answers questions until the driver hangs up, then exits: no child outlives its driver. */
export function answerQuestions(answer: (question: never) => unknown): void {
  const lines = createInterface({ input: process.stdin });
  const reply = async ({ id, ask }: Question): Promise<void> => {
    try {
      say({ kind: "answer", id, answer: await answer(ask as never) });
    } catch (error) {
      say({ kind: "failure", id, because: error instanceof Error ? error.message : String(error) });
    }
  };
  lines.on("line", (line) => {
    const question: Question = JSON.parse(line);
    void reply(question);
  });
  lines.on("close", () => process.exit(0));
  say({ kind: "ready" });
  flushCompileCache();
}

/** How long a process may take to answer a question that needs no waiting. */
const PATIENCE_MS = 5_000;

export interface ChildOptions {
  readonly namespace: string;
  /** A file beside this one. */
  readonly file: string;
  readonly args: readonly string[];
  readonly onEvent: (event: unknown) => void;
  /** Called once, whoever ended it. */
  readonly onExit: (how: string) => void;
}

/** In the driver: a child in a namespace. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  readonly exited: Promise<void>;
  /** Rejects where it ends before. */
  readonly ready: Promise<void>;
  #questions = 0;
  #alive = true;
  #complaint = "";

  constructor({ namespace, file, args, onEvent, onExit }: ChildOptions) {
    const script = fileURLToPath(new URL(file, import.meta.url));
    this.#process = spawn("ip", ["netns", "exec", namespace, process.execPath, script, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      // Compiled once, the sources load in a third of the time.
      env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
    });
    const { stdin, stdout, stderr } = this.#process;
    if (stdin === null || stdout === null || stderr === null) throw new Error("a child without pipes");
    // What was written to a child that is gone is lost, as it should be.
    stdin.on("error", () => {});
    stderr.setEncoding("utf8").on("data", (text: string) => (this.#complaint += text));
    const { promise, resolve: isReady, reject: isNotReady } = Promise.withResolvers<void>();
    this.ready = promise;
    // Not everybody waits for it.
    promise.catch(() => {});
    createInterface({ input: stdout }).on("line", (line) => this.#hear(line, onEvent, isReady));
    this.exited = new Promise((resolve) => {
      this.#process.on("close", (code, signal) => {
        this.#alive = false;
        for (const { reject } of this.#waiting.values()) reject(new Error(`${file} ended`));
        this.#waiting.clear();
        const how = `${signal ?? `exit code ${code}`}${this.#complaint === "" ? "" : `: ${this.#complaint.trim()}`}`;
        isNotReady(new Error(`${file} ended with ${how}`));
        onExit(how);
        resolve();
      });
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  #hear(line: string, onEvent: (event: unknown) => void, isReady: () => void): void {
    const reply: Reply = JSON.parse(line);
    if (reply.kind === "ready") return isReady();
    if (reply.kind === "event") return onEvent(reply.event);
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.kind === "answer") waiting?.resolve(reply.answer);
    else waiting?.reject(new Error(reply.because));
  }

  /** Rejects where the child is gone, says no, or needs longer than `withinMs`. */
  ask<T>(ask: unknown, withinMs = PATIENCE_MS): Promise<T> {
    const id = this.#questions++;
    return new Promise<T>((resolve, reject) => {
      if (!this.#alive) return reject(new Error("the process is gone"));
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`no answer within ${withinMs} ms`));
      }, withinMs);
      const settle =
        <A>(how: (value: A) => void) =>
        (value: A): void => {
          clearTimeout(timer);
          how(value);
        };
      this.#waiting.set(id, { resolve: settle((answer) => resolve(answer as T)), reject: settle(reject) });
      const question: Question = { id, ask };
      this.#process.stdin?.write(`${JSON.stringify(question)}\n`);
    });
  }

  /** Harmless where it is gone already. */
  signal(signal: NodeJS.Signals): void {
    if (this.#alive) this.#process.kill(signal);
  }

  async end(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }
}
