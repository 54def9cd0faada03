// A place on a host for one process: started, killed, paused, started again.
import { type Metrics } from "../../../impl/metrics.ts";
import { type Effect, type Input, type Process } from "../../../impl/ports.ts";
import { Runner } from "../../../impl/shell/runner.ts";
import { type Host } from "../../../sim/host/host.ts";
import { type HostProcess, type KubePort } from "../../../sim/host/process-ports.ts";
import { Resources } from "../resources.ts";

export type Daemon = Process & { readonly metrics: Metrics };

export class ProcessSlot<T extends Daemon> {
  readonly name: string;
  readonly #host: Host;
  readonly #make: () => T;
  readonly #connect: (deliver: (input: Input) => void) => KubePort;
  #running: { readonly process: T; readonly ports: HostProcess; readonly resources: Resources } | undefined;

  /** `connect` gives a new process its own way to the API server. */
  constructor(name: string, host: Host, make: () => T, connect: (deliver: (input: Input) => void) => KubePort) {
    this.name = name;
    this.#host = host;
    this.#make = make;
    this.#connect = connect;
  }

  /** Undefined while none runs. */
  get process(): T | undefined {
    return this.#running?.ports.state === "ended" ? undefined : this.#running?.process;
  }

  /** It exists, and gets time to run. */
  get runs(): boolean {
    return this.#running?.ports.state === "running" && this.#host.alive;
  }

  /** What it holds open, and how many series it exposes. */
  resources(): Readonly<Record<string, number>> {
    const series = this.process?.metrics.expose().split("\n").length ?? 0;
    return { ...this.#running?.resources.counts(), series };
  }

  start(): void {
    if (this.process !== undefined || !this.#host.alive) return;
    const process = this.#make();
    // Nothing is delivered before `start`.
    const kube = this.#connect((input) => ports.receive(input));
    const resources = new Resources();
    const deliver = (input: Input): void => {
      resources.input(input);
      runner.deliver(input);
    };
    const ports: HostProcess = this.#host.openPorts(this.name, deliver, kube);
    const run = (effect: Effect): void => {
      resources.effect(effect);
      ports.run(effect);
    };
    const runner = new Runner(process, { now: () => ports.now(), arm: (at) => ports.arm(at), run });
    this.#running = { process, ports, resources };
    ports.start();
  }

  /** SIGKILL. */
  kill(): void {
    this.#running?.ports.kill();
  }

  /** SIGTERM: the process exits when it has handed over. */
  stop(): void {
    this.#running?.ports.terminate();
  }

  /** SIGSTOP until the returned function is called (SIGCONT). */
  pause(): () => void {
    const ports = this.#running?.ports;
    ports?.pause();
    return () => ports?.resume();
  }
}
