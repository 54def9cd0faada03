import { type Input, type Ports, type Process } from "../ports.ts";

/** Joins a process to where it runs. The same few lines serve production and simulation. */
export class Runner {
  readonly #process: Process;
  readonly #ports: Ports;
  readonly #queue: Input[] = [];
  #busy = false;

  constructor(process: Process, ports: Ports) {
    this.#process = process;
    this.#ports = ports;
  }

  /** Handles one input to its end; inputs that its effects cause wait their turn. */
  deliver(input: Input): void {
    this.#queue.push(input);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const effect of this.#process.handle(next, this.#ports.now())) this.#ports.run(effect);
      }
    } finally {
      this.#busy = false;
    }
    this.#ports.arm(this.#process.deadline());
  }
}
