import { stringifyJson } from "../../impl/api/json.ts";
import { type KubeInput, type KubeRequest, type Random } from "../../impl/ports.ts";
import { type Micros, millis, plus } from "../../impl/wire/time.ts";
import { type SimWorld } from "../world.ts";
import { ApiError, type Reason } from "./api-error.ts";
import { type ControlPlane } from "./control-plane.ts";
import { type FaultOf, type LinkFault } from "./link-fault.ts";
import { type Exchange } from "./watch.ts";

const LATENCY = millis(1);

const REASONS: Readonly<Record<FaultOf<"refuse">["status"], Reason>> = {
  409: "Conflict",
  410: "Expired",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
};

/** One client's way to the API server: latency, order, and everything that can go wrong. */
export class KubeLink {
  readonly #world: SimWorld;
  readonly #name: string;
  readonly #plane: ControlPlane;
  readonly #deliver: (input: KubeInput) => void;
  readonly #random: Random;
  readonly #faults = new Set<LinkFault>();
  readonly #calls = new Map<string, Call>();

  /** `name` names the random stream and the trace lines. */
  constructor(world: SimWorld, name: string, plane: ControlPlane, deliver: (input: KubeInput) => void) {
    this.#world = world;
    this.#name = name;
    this.#plane = plane;
    this.#deliver = deliver;
    this.#random = world.random(`kube/${name}`);
  }

  /** The fault lasts until it is disposed. An outage also breaks, or silences, what is open. */
  fault(fault: LinkFault): Disposable {
    // Two faults may look alike.
    const own = { ...fault };
    this.#faults.add(own);
    if (fault.kind === "outage") {
      for (const call of this.#calls.values()) {
        if (fault.how === "refused") call.fail("ECONNRESET");
        else call.freeze();
      }
    }
    return { [Symbol.dispose]: () => this.#faults.delete(own) };
  }

  /** Cuts every open watch; with an error, or as if the server had ended it. */
  dropWatches(error?: string): void {
    for (const call of this.#calls.values()) if (call.isWatch) call.fail(error);
  }

  /** Connections that are open now stay open, and nothing will ever arrive on them again. */
  halfOpen(): void {
    for (const call of this.#calls.values()) call.freeze();
  }

  request(effect: KubeRequest): void {
    const call = new Call(effect, this.#world, {
      latency: () => this.#find("slow")?.latency ?? LATENCY,
      fragment: () => this.#find("fragment") !== undefined,
      duplicate: () => this.#happens("duplicate") !== undefined,
      late: () => this.#happens("late")?.by,
      deliver: (input) => this.#arrived(input),
      random: this.#random,
    });
    this.#calls.set(effect.request, call);
    this.#world.scheduler.after(call.latency(), () => this.#reaches(call, effect));
  }

  abort(request: string): void {
    const call = this.#calls.get(request);
    if (call === undefined) return;
    this.#calls.delete(request);
    call.abandon();
  }

  #arrived(input: KubeInput): void {
    if (input.kind === "response") this.#trace(`answer ${input.request} ${input.status}`);
    if (input.kind === "responseEnd") {
      this.#calls.delete(input.request);
      if (input.error !== undefined) this.#trace(`broken ${input.request} ${input.error}`);
    }
    this.#deliver(input);
  }

  /** The request has come as far as the server. */
  #reaches(call: Call, effect: KubeRequest): void {
    if (call.over) return;
    this.#trace(`request ${effect.method} ${pathOf(effect.path)}`);
    const outage = this.#find("outage");
    if (outage !== undefined) return outage.how === "refused" ? call.fail("ECONNREFUSED") : call.freeze();
    const refusal = this.#happens("refuse");
    if (refusal !== undefined && isApplicable(refusal, effect)) return refuse(call, refusal);
    const lost = this.#happens("lostAnswer");
    call.exchange = this.#plane.handle(effect, call);
    if (lost !== undefined && !call.isWatch) call.lose("ECONNRESET");
  }

  #find<K extends LinkFault["kind"]>(kind: K): FaultOf<K> | undefined {
    for (const fault of this.#faults) if (isOf(kind, fault)) return fault;
    return undefined;
  }

  /** Draws once for each fault of the kind that is in force. */
  #happens<K extends "refuse" | "lostAnswer" | "duplicate" | "late">(kind: K): FaultOf<K> | undefined {
    let happened: FaultOf<K> | undefined;
    for (const fault of this.#faults) {
      if (isOf(kind, fault) && "probability" in fault && this.#random.next() < fault.probability) happened ??= fault;
    }
    return happened;
  }

  #trace(detail: string): void {
    this.#world.trace.write(this.#name, "kube", detail);
  }
}

const isOf = <K extends LinkFault["kind"]>(kind: K, fault: LinkFault): fault is FaultOf<K> => fault.kind === kind;

/** Versions are no part of what a run does. */
const pathOf = (url: string): string => url.split("?")[0] ?? "";

const isWatchRequest = ({ path }: KubeRequest): boolean => /[?&]watch=(true|1)(&|$)/.test(path);

/** Only reads can be too old, and only writes can be in conflict. */
function isApplicable({ status }: FaultOf<"refuse">, { method }: KubeRequest): boolean {
  if (status === 410) return method === "GET";
  return status !== 409 || method === "PUT" || method === "PATCH";
}

function refuse(call: Call, { status, retryAfterSeconds }: FaultOf<"refuse">): void {
  const details = retryAfterSeconds === undefined ? undefined : { retryAfterSeconds };
  const { body } = new ApiError(REASONS[status], "refused by a fault", details);
  // A watch learns that its version is gone in either of two ways.
  const inStream = call.isWatch && status === 410 && call.random.next() < 0.5;
  const retry = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  call.head(inStream ? 200 : status, { "content-type": "application/json", ...retry });
  call.chunk(inStream ? `${stringifyJson({ type: "ERROR", object: body })}\n` : stringifyJson(body));
  call.end();
}

interface CallOptions {
  latency(): Micros;
  fragment(): boolean;
  duplicate(): boolean;
  /** How much later the next event comes; undefined: in time. */
  late(): Micros | undefined;
  deliver(input: KubeInput): void;
  readonly random: Random;
}

/** One request under way. What the server says arrives in order, but for the events that a fault holds back. */
class Call {
  readonly isWatch: boolean;
  readonly random: Random;
  exchange: Exchange | undefined;
  readonly #request: string;
  readonly #world: SimWorld;
  readonly #options: CallOptions;
  readonly #held = new Set<string>();
  #lastArrival: Micros;
  #state: "open" | "frozen" | "over" = "open";

  constructor(effect: KubeRequest, world: SimWorld, options: CallOptions) {
    this.isWatch = isWatchRequest(effect);
    this.random = options.random;
    this.#request = effect.request;
    this.#world = world;
    this.#options = options;
    this.#lastArrival = world.scheduler.now;
  }

  get over(): boolean {
    return this.#state === "over";
  }

  latency(): Micros {
    return this.#options.latency();
  }

  head(status: number, headers: Readonly<Record<string, string>>): void {
    this.#post({ kind: "response", request: this.#request, status, headers });
  }

  chunk(text: string): void {
    if (!this.isWatch) return this.#send(text);
    const by = this.#options.late();
    if (this.#options.duplicate()) this.#send(text);
    if (by === undefined) return this.#send(text);
    this.#held.add(text);
    this.#world.scheduler.after(by, () => {
      if (this.#held.delete(text)) this.#send(text);
    });
  }

  end(error?: string): void {
    this.#release();
    const end = { kind: "responseEnd", request: this.#request } as const;
    this.#post(error === undefined ? end : { ...end, error });
  }

  /** The connection breaks; what was on its way still arrives. */
  fail(error: string | undefined): void {
    if (this.#state !== "open") return;
    this.exchange?.abort();
    this.end(error);
  }

  /** Forgets what the server said. */
  lose(error: string): void {
    const end = { kind: "responseEnd", request: this.#request, error } as const;
    this.#state = "over";
    this.#world.scheduler.after(this.latency(), () => this.#options.deliver(end));
  }

  /** Nothing arrives any more, and nobody says so. */
  freeze(): void {
    if (this.#state !== "open") return;
    this.#state = "frozen";
    this.exchange?.abort();
  }

  abandon(): void {
    this.#state = "over";
    this.exchange?.abort();
  }

  #release(): void {
    for (const text of this.#held) this.#send(text);
    this.#held.clear();
  }

  #send(text: string): void {
    if (!this.#options.fragment()) return this.#post({ kind: "chunk", request: this.#request, text });
    for (let at = 0; at < text.length; ) {
      const length = 1 + Math.floor(this.random.next() * 40);
      this.#post({ kind: "chunk", request: this.#request, text: text.slice(at, at + length) });
      at += length;
    }
  }

  #post(input: KubeInput): void {
    if (this.#state !== "open") return;
    const soonest = plus(this.#world.scheduler.now, this.latency());
    if (soonest > this.#lastArrival) this.#lastArrival = soonest;
    this.#world.scheduler.at(this.#lastArrival, () => {
      if (this.#state !== "open") return;
      if (input.kind === "responseEnd") this.#state = "over";
      this.#options.deliver(input);
    });
  }
}
