// Daemons of other projects in a namespace: started in the foreground, so that they are children of this process.
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";

const LOOK_MS = 5;
const PATIENCE_MS = 30_000;

export interface DaemonCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Made by the daemon when it is ready. */
  readonly socket: string;
}

export interface DaemonsOptions {
  readonly namespace: string;
  readonly onLine: (daemon: string, line: string) => void;
  readonly onFailure: (daemon: string, how: string) => void;
}

interface Running {
  readonly process: ChildProcess;
  readonly gone: Promise<void>;
}

export class Daemons {
  readonly #options: DaemonsOptions;
  readonly #running = new Map<string, Running>();
  #expected = false;

  constructor(options: DaemonsOptions) {
    this.#options = options;
  }

  get run(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves when all are ready. */
  async start(commands: readonly DaemonCommand[]): Promise<void> {
    this.#expected = false;
    for (const command of commands) this.#spawn(command);
    await Promise.all(commands.map(({ name, socket }) => this.#ready(name, socket)));
  }

  #spawn({ name, command, args }: DaemonCommand): void {
    const { namespace, onLine, onFailure } = this.#options;
    const child = spawn("ip", ["netns", "exec", namespace, command, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => onLine(name, line));
    }
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    child.on("error", (error) => onLine(name, error.message));
    child.on("close", (code, signal) => {
      this.#running.delete(name);
      if (!this.#expected) onFailure(name, signal ?? `exit code ${code}`);
      resolve();
    });
    this.#running.set(name, { process: child, gone });
  }

  async #ready(name: string, socket: string): Promise<void> {
    for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
      if (await accepts(socket)) return;
      if (!this.#running.has(name)) throw new Error(`${name} ended when it was started`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw new Error(`${name} is not ready within ${PATIENCE_MS} ms`);
  }

  signal(signal: NodeJS.Signals): void {
    for (const { process: child } of this.#running.values()) child.kill(signal);
  }

  /** SIGKILL; resolves when they are gone. */
  async kill(): Promise<void> {
    const gone = [...this.#running.values()].map((running) => running.gone);
    this.abandon();
    await Promise.all(gone);
  }

  /** SIGKILL without waiting. */
  abandon(): void {
    this.#expected = true;
    this.signal("SIGKILL");
  }
}

/** A socket has its name before anybody listens there, and after its daemon was killed. */
function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => socket.destroy());
    socket.once("error", () => undefined);
    socket.once("close", (failed) => resolve(!failed));
  });
}
