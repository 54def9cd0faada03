// A place on a host for one process: started, killed, paused, started again.
import { type Input, type Process } from "../../../impl/ports.ts";
import { type Metrics } from "../../../impl/metrics.ts";
import { Runner } from "../../../impl/shell/runner.ts";
import { type Host } from "../../../sim/host/host.ts";
import { type HostProcess, type KubePort } from "../../../sim/host/process-ports.ts";

export type Daemon = Process & { readonly metrics: Metrics };

/** The connection of one process to the API server; ends with the process. */
export interface ApiClient extends KubePort {
  close(): void;
}

export class ProcessSlot<T extends Daemon> {
  readonly name: string;
  readonly #host: Host;
  readonly #make: () => T;
  readonly #connect: (deliver: (input: Input) => void) => ApiClient;
  #running:
    | { readonly process: T; readonly runner: Runner; readonly ports: HostProcess; readonly api: ApiClient }
    | undefined;

  constructor(name: string, host: Host, make: () => T, connect: (deliver: (input: Input) => void) => ApiClient) {
    this.name = name;
    this.#host = host;
    this.#make = make;
    this.#connect = connect;
  }

  get process(): T | undefined {
    return this.#running?.process;
  }

  start(): void {
    if (this.#running !== undefined) return;
    const process = this.#make();
    let runner: Runner | undefined;
    const deliver = (input: Input): void => runner?.deliver(input);
    const api = this.#connect(deliver);
    const ports = this.#host.openPorts(this.name, deliver, api);
    runner = new Runner(process, ports);
    this.#running = { process, runner, ports, api };
    runner.deliver({ kind: "started" });
  }

  /** SIGKILL. */
  kill(): void {
    this.#running?.ports.kill();
    this.#running?.api.close();
    this.#running = undefined;
  }

  /** SIGTERM: the process says itself when it has ended. */
  stop(): void {
    this.#running?.runner.deliver({ kind: "stop" });
  }

  /** It has exited by itself. */
  reap(): void {
    this.#running?.api.close();
    this.#running = undefined;
  }

  /** SIGSTOP until the returned function is called (SIGCONT). */
  pause(): () => void {
    const ports = this.#running?.ports;
    ports?.pause();
    return () => ports?.resume();
  }
}
