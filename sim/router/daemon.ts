import { type Micros } from "../../impl/wire/time.ts";
import { type Host } from "../host/host.ts";
import { type Scheduled } from "../world.ts";

/** What the kernel keeps for a process: sockets, mostly. */
export interface Held {
  /** The process does not run: nobody reads. */
  pause?(): void;
  resume?(): void;
  /** The process ended, and the kernel closes what it held. */
  close(): void;
}

/** One life of the routing daemons: what happens to them waits while they are stopped, and is nothing once they ended. */
export class Daemon {
  readonly host: Host;
  readonly #held = new Set<Held>();
  readonly #waiting: (() => void)[] = [];
  #state: "running" | "paused" | "ended" = "running";

  constructor(host: Host) {
    this.host = host;
  }

  get now(): Micros {
    return this.host.timers.now;
  }

  get ended(): boolean {
    return this.#state === "ended";
  }

  /** Something happens to the daemon. */
  run(task: () => void): void {
    if (this.#state === "running") task();
    else if (this.#state === "paused") this.#waiting.push(task);
  }

  after(delay: Micros, task: () => void): Scheduled {
    let pending = true;
    const ring = (): void => {
      if (!pending) return;
      pending = false;
      task();
    };
    const timer = this.host.after(delay, () => this.run(ring));
    return {
      cancel: () => {
        pending = false;
        timer.cancel();
      },
    };
  }

  /** The kernel closes it when the daemon ends, unless it is let go before. */
  hold<Resource extends Held>(resource: Resource): Resource {
    this.#held.add(resource);
    if (this.#state === "paused") resource.pause?.();
    return resource;
  }

  letGo(resource: Held): void {
    this.#held.delete(resource);
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    for (const resource of this.#held) resource.pause?.();
  }

  /** SIGCONT. */
  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    for (const resource of this.#held) resource.resume?.();
    for (const task of this.#waiting.splice(0)) this.run(task);
  }

  /** SIGKILL. */
  kill(): void {
    const held = [...this.#held];
    this.vanish();
    for (const resource of held) resource.close();
  }

  /** The host lost its power: nobody closes anything. */
  vanish(): void {
    this.#state = "ended";
    this.#waiting.length = 0;
    this.#held.clear();
  }
}

/** A timer that can be set anew. */
export class Alarm {
  readonly #daemon: Daemon;
  readonly #task: () => void;
  #timer: Scheduled | undefined;

  constructor(daemon: Daemon, task: () => void) {
    this.#daemon = daemon;
    this.#task = task;
  }

  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  set(delay: Micros): void {
    this.#timer?.cancel();
    this.#timer = this.#daemon.after(delay, () => {
      this.#timer = undefined;
      this.#task();
    });
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
