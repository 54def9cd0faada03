// What a process asks for that has nothing but the API server: the controller.
import { type Micros } from "../wire/time.ts";
import { type Effect, type Input, type Instant, type KubeRequest, type Ports } from "../ports.ts";
import { Alarm, instant } from "./alarm.ts";
import { type Log } from "./linux/log.ts";

export interface ApiPortsOptions {
  readonly deliver: (input: Input) => void;
  readonly kube: { request(request: KubeRequest): void; abort(request: string): void };
  readonly log: Log;
  readonly exit: (code: number) => void;
}

export class ApiPorts implements Ports, Disposable {
  readonly #options: ApiPortsOptions;
  readonly #alarm: Alarm;

  constructor(options: ApiPortsOptions) {
    this.#options = options;
    this.#alarm = new Alarm(() => options.deliver({ kind: "wake" }));
  }

  now(): Instant {
    return instant();
  }

  arm(at: Micros | undefined): void {
    this.#alarm.arm(at);
  }

  run(effect: Effect): void {
    const { kube, log, exit } = this.#options;
    if (effect.kind === "request") kube.request(effect);
    else if (effect.kind === "abortRequest") kube.abort(effect.request);
    else if (effect.kind === "log") log(effect.level, effect.event, effect.fields);
    else if (effect.kind === "exit") exit(effect.code);
    else throw new Error(`a process without network asks for ${effect.kind}`);
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }
}
