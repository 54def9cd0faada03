import { type KubeObject, objectKey } from "../api/kubernetes.ts";
import { type Effect, type Instant, type KubeInput, type Random } from "../ports.ts";
import { earliest, type Micros } from "../wire/time.ts";
import { type Change } from "./change.ts";
import { CountedRequests, type Outbox, type RequestNames } from "./exchange.ts";
import { Reflector, type WatchSpec } from "./reflector.ts";
import { type Resource } from "./resources.ts";
import { type Write } from "./write.ts";
import { Writer } from "./writer.ts";

export interface KubeOutput {
  readonly effects: readonly Effect[];
  readonly changes: readonly Change[];
}

const NOTHING: KubeOutput = { effects: [], changes: [] };

/** A Reflector, whatever the type of its objects. */
interface Mirror
  extends Pick<Reflector, "synced" | "start" | "handle" | "wake" | "serverAnswers" | "deadline" | "offer"> {
  readonly resource: Resource;
  readonly store: { get(key: string): KubeObject | undefined; values(): Iterable<KubeObject> };
}

/** Mirrors collections of the API server and writes to it. One for each process; at most one watch for each resource. */
export class KubeClient {
  readonly #random: Random;
  readonly #requests: RequestNames;
  readonly #writer: Writer;
  readonly #mirrors = new Map<string, Mirror>();
  /** Kept, because a process asks after every input, and few inputs are of the API. */
  #deadline: { readonly at: Micros | undefined } | undefined;

  constructor(options: { readonly random: Random }) {
    this.#random = options.random;
    this.#requests = new CountedRequests();
    this.#writer = new Writer(options.random, this.#requests, {
      latest: (write) => this.#latest(write),
      wrote: (write, object, out) => this.#mirror(write.resource)?.offer(object, out),
    });
  }

  /** Call before `started`. */
  watch<T extends KubeObject>(spec: WatchSpec<T>): void {
    if (this.#mirror(spec.resource) !== undefined) throw new Error(`${spec.resource.plural} is watched already`);
    this.#mirrors.set(spec.resource.kind, new Reflector(spec, this.#random, this.#requests));
  }

  handle(input: KubeInput | { readonly kind: "started" } | { readonly kind: "wake" }, now: Instant): KubeOutput {
    if (input.kind === "wake" && !this.#isDue(now)) return this.flush(now);
    this.#deadline = undefined;
    const out: Outbox = { effects: [], changes: [] };
    if (input.kind === "started") {
      for (const mirror of this.#mirrors.values()) mirror.start(now, out);
    } else if (input.kind === "wake") {
      for (const mirror of this.#mirrors.values()) mirror.wake(now, out);
      this.#writer.wake(now, out);
    } else {
      this.#route(input, now, out);
    }
    this.#writer.flush(now, out);
    return out;
  }

  /** Answers to requests that were given up belong to nobody. */
  #route(input: KubeInput, now: Instant, out: Outbox): void {
    if (input.kind === "response" && input.status < 400) {
      for (const mirror of this.#mirrors.values()) mirror.serverAnswers(now);
    }
    for (const mirror of this.#mirrors.values()) {
      if (mirror.handle(input, now, out)) return;
    }
    this.#writer.handle(input, now, out);
  }

  /** Queues a write; `flush` sends it. */
  write(intent: Write): void {
    this.#deadline = undefined;
    this.#writer.write(intent);
  }

  /** Sends what `write` queued. Call it at the end of every input of the process. */
  flush(now: Instant): KubeOutput {
    if (this.#writer.idle) return NOTHING;
    this.#deadline = undefined;
    const out: Outbox = { effects: [], changes: [] };
    this.#writer.flush(now, out);
    return out;
  }

  deadline(): Micros | undefined {
    this.#deadline ??= { at: this.#nextDeadline() };
    return this.#deadline.at;
  }

  /** Most wakes of a process are for others. */
  #isDue({ monotonic }: Instant): boolean {
    const at = this.deadline();
    return at !== undefined && at <= monotonic;
  }

  #nextDeadline(): Micros | undefined {
    let first = this.#writer.deadline();
    for (const mirror of this.#mirrors.values()) first = earliest(first, mirror.deadline());
    return first;
  }

  /** Whether a watched resource (or all of them) has been listed once. */
  synced(resource?: Resource): boolean {
    if (resource !== undefined) return this.#mirror(resource)?.synced ?? false;
    return [...this.#mirrors.values()].every((mirror) => mirror.synced);
  }

  *list<T extends KubeObject>(resource: Resource<T>): Iterable<T> {
    for (const object of this.#mirror(resource)?.store.values() ?? []) {
      if (isOf(resource, object)) yield object;
    }
  }

  /** By objectKey: `namespace/name`, or `name`. */
  get<T extends KubeObject>(resource: Resource<T>, key: string): T | undefined {
    const object = this.#mirror(resource)?.store.get(key);
    return object !== undefined && isOf(resource, object) ? object : undefined;
  }

  #mirror(resource: Resource): Mirror | undefined {
    return this.#mirrors.get(resource.kind);
  }

  #latest({ resource, namespace, name }: Write): KubeObject | undefined {
    if (name === undefined) return undefined;
    const metadata = namespace === undefined ? { name } : { name, namespace };
    return this.get(resource, objectKey({ metadata }));
  }
}

function isOf<T extends KubeObject>(resource: Resource<T>, object: KubeObject): object is T {
  return object.kind === resource.kind;
}
