// A place in a namespace for a controller or a speaker: the program that ships, with flags, environment and files.
import { type ChildProcess, spawn } from "node:child_process";
import { get } from "node:http";
import { createInterface } from "node:readline";
import { type DaemonCommand } from "./daemon-command.ts";

/** How long it may take to tell what it knows. */
const PATIENCE_MS = 5_000;

export interface LogLine {
  readonly ts: string;
  readonly level: string;
  readonly caller: string;
  readonly event: string;
}

export interface DaemonSlotOptions {
  readonly name: string;
  readonly namespace: string;
  readonly command: DaemonCommand;
  /** Its file. */
  readonly program: string;
  readonly onLine: (line: LogLine) => void;
  /** It ended though nobody asked it to. */
  readonly onFailure: (how: string) => void;
}

interface Running {
  readonly process: ChildProcess;
  readonly ready: Promise<void>;
  readonly gone: Promise<void>;
}

export class DaemonSlot {
  readonly name: string;
  readonly #options: DaemonSlotOptions;
  #running: Running | undefined;
  #expected = false;

  constructor(options: DaemonSlotOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Where the API server is to listen for it. */
  get apiSocket(): string {
    return this.#options.command.apiSocket;
  }

  get alive(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves when it says that it has started. */
  async start(): Promise<void> {
    this.#running ??= this.#spawn();
    await this.#running.ready;
  }

  #spawn(): Running {
    const { name, namespace, command, program, onLine, onFailure } = this.#options;
    this.#expected = false;
    const child = spawn("ip", ["netns", "exec", namespace, process.execPath, program, ...command.flags], {
      stdio: ["ignore", "pipe", "pipe"],
      // Nothing of this process's environment but where commands are.
      env: { PATH: process.env["PATH"], ...command.environment },
    });
    const ready = Promise.withResolvers<void>();
    // Not everybody waits for it.
    ready.promise.catch(() => {});
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line: LogLine = JSON.parse(text);
      onLine(line);
      if (line.event === "started") ready.resolve();
    });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    const gone = Promise.withResolvers<void>();
    child.on("error", (error) => (complaint += error.message));
    child.on("close", (code, signal) => {
      if (this.#running?.process === child) this.#running = undefined;
      const how = `${signal ?? `exit code ${code}`}${complaint === "" ? "" : `: ${complaint.trim()}`}`;
      ready.reject(new Error(`${name} ended with ${how}`));
      if (!this.#expected) onFailure(how);
      gone.resolve();
    });
    return { process: child, ready: ready.promise, gone: gone.promise };
  }

  /** Everything that it exposes to Prometheus; nothing where nobody is there to say. */
  metrics(): Promise<string> {
    return this.#read("/metrics").catch(() => "");
  }

  /** Value of a series; undefined where it is not exposed. */
  async metric(series: string): Promise<number | undefined> {
    const line = (await this.metrics()).split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  /** What it tells under /debug. Rejects where nobody is there to say. */
  async view<T>(name: string): Promise<T> {
    return JSON.parse(await this.#read(`/debug/${name}`)) as T;
  }

  /** Unix sockets do not care about network namespaces. */
  #read(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = get({ socketPath: this.#options.command.debugSocket, path, timeout: PATIENCE_MS }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
        response.on("end", () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${path}: ${text}`))));
        response.on("error", reject);
      });
      request.on("timeout", () => request.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
      request.on("error", reject);
    });
  }

  /** Harmless where it is gone already. */
  #signal(signal: NodeJS.Signals): void {
    this.#running?.process.kill(signal);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const gone = this.#running?.gone;
    this.abandon();
    await gone;
  }

  /** SIGKILL without waiting, for a driver that is ending itself. */
  abandon(): void {
    this.#expected = true;
    this.#signal("SIGKILL");
  }

  /** SIGTERM: it ends when it has handed over. */
  stop(): void {
    this.#expected = true;
    this.#signal("SIGTERM");
  }

  /** SIGSTOP until the returned function is called (SIGCONT). */
  pause(): () => void {
    const child = this.#running?.process;
    child?.kill("SIGSTOP");
    return () => child?.kill("SIGCONT");
  }
}
