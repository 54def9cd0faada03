// Clients that try a service again and again, and say when it was not there.
import { type Endpoint } from "../../impl/ports.ts";
import { type Micros, minus } from "../../impl/wire/time.ts";
import { type SimWorld, type Scheduled } from "../world.ts";
import { type ProbeHost, type ProbeKind, type ProbeMethod, probeMethod } from "./probe-method.ts";
import { type Gap, gapsOf } from "./probe-gaps.ts";

/** Why a probe had no answer: in time, or at all. */
export type ProbeFailure = "timeout" | "refused" | "reset" | "unreachable" | "closed";

/** `answer` is the line that came back; an ICMP echo has none. */
export type ProbeOutcome =
  | { readonly kind: "ok"; readonly answer: string }
  | { readonly kind: "failed"; readonly because: ProbeFailure };

export interface ProbeResult {
  /** When it was sent. */
  readonly at: Micros;
  readonly took: Micros;
  readonly outcome: ProbeOutcome;
}

export interface ProbeOptions {
  /** Stands in the trace. */
  readonly name: string;
  readonly kind: ProbeKind;
  readonly target: Endpoint;
  readonly every: Micros;
  /** A probe that has no answer by then has failed, and sends nothing more. */
  readonly timeout: Micros;
}

/** Probes from `start` to `stop`; the results stay in the order in which the probes were sent. */
export class Probe {
  readonly name: string;
  readonly #world: SimWorld;
  readonly #host: ProbeHost;
  readonly #options: ProbeOptions;
  readonly #method: ProbeMethod;
  readonly #sent: (ProbeResult | undefined)[] = [];
  readonly #listeners = new Set<(result: ProbeResult) => void>();
  #next: Scheduled | undefined;
  #last = "";

  constructor(world: SimWorld, host: ProbeHost, options: ProbeOptions) {
    this.name = options.name;
    this.#world = world;
    this.#host = host;
    this.#options = options;
    this.#method = probeMethod(host, options.kind, options.target);
  }

  /** The first probe is sent after `delay`. */
  start(delay = 0 as Micros): void {
    this.#next?.cancel();
    this.#next = this.#host.after(delay, () => this.#send());
  }

  /** Probes under way are still waited for. */
  stop(): void {
    this.#next?.cancel();
    this.#next = undefined;
  }

  /** Hears every result when it is known: a failed probe is known late, so they do not come in the order of sending. */
  onResult(listener: (result: ProbeResult) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Those that are known and have only known ones before them. */
  get results(): readonly ProbeResult[] {
    const unknown = this.#sent.indexOf(undefined);
    const known = unknown === -1 ? this.#sent : this.#sent.slice(0, unknown);
    return known.filter((result) => result !== undefined);
  }

  get gaps(): readonly Gap[] {
    return gapsOf(this.results);
  }

  #send(): void {
    this.#next = this.#host.after(this.#options.every, () => this.#send());
    const index = this.#sent.length;
    this.#sent.push(undefined);
    attempt(this.#world, this.#host, this.#method, this.#options.timeout, (result) => this.#settle(index, result));
  }

  #settle(index: number, result: ProbeResult): void {
    this.#sent[index] = result;
    const { outcome } = result;
    const summary = outcome.kind === "ok" ? `ok ${outcome.answer}` : outcome.because;
    if (summary !== this.#last) this.#world.trace.write(this.name, "probe", summary);
    this.#last = summary;
    for (const listener of this.#listeners) listener(result);
  }
}

/** One probe, now; `done` hears how it went. */
export function request(
  world: SimWorld,
  host: ProbeHost,
  options: Pick<ProbeOptions, "kind" | "target" | "timeout">,
  done: (result: ProbeResult) => void,
): void {
  attempt(world, host, probeMethod(host, options.kind, options.target), options.timeout, done);
}

function attempt(
  world: SimWorld,
  host: ProbeHost,
  method: ProbeMethod,
  timeout: Micros,
  done: (result: ProbeResult) => void,
): void {
  const { scheduler } = world;
  const at = scheduler.now;
  let settled = false;
  let takeBack = (): void => undefined;
  const settle = (outcome: ProbeOutcome): void => {
    if (settled) return;
    settled = true;
    alarm.cancel();
    takeBack();
    done({ at, took: minus(scheduler.now, at), outcome });
  };
  const alarm = host.after(timeout, () => settle({ kind: "failed", because: "timeout" }));
  takeBack = method.attempt(settle);
  // It may have failed before there was anything to take back.
  if (settled) takeBack();
}
