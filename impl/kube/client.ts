import { type KubeObject } from "../api/kubernetes.ts";
import { type Effect, type Instant, type KubeInput, type Random } from "../ports.ts";
import { type Micros } from "../wire/time.ts";
import { type Change } from "./change.ts";
import { type Resource } from "./resources.ts";
import { type Write } from "./write.ts";

export interface WatchSpec<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  /** Undefined: every namespace. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Drops what nobody reads before the object is kept. It must keep `metadata` apart from `managedFields`. */
  project?(object: T): T;
}

export interface KubeOutput {
  readonly effects: readonly Effect[];
  readonly changes: readonly Change[];
}

/** Mirrors collections of the API server and writes to it. One per process; at most one watch per resource. */
export class KubeClient {
  constructor(_options: { readonly random: Random }) {}

  /** Call before `started`. */
  watch<T extends KubeObject>(_spec: WatchSpec<T>): void {
    throw new Error("not yet");
  }

  handle(_input: KubeInput | { readonly kind: "started" } | { readonly kind: "wake" }, _now: Instant): KubeOutput {
    throw new Error("not yet");
  }

  /** Queues a write; `flush` sends it. */
  write(_intent: Write): void {
    throw new Error("not yet");
  }

  /** Sends what `write` queued. Call it at the end of every input of the process. */
  flush(_now: Instant): KubeOutput {
    throw new Error("not yet");
  }

  deadline(): Micros | undefined {
    throw new Error("not yet");
  }

  /** Every watched resource (or this one) has been listed once. */
  synced(_resource?: Resource): boolean {
    throw new Error("not yet");
  }

  list<T extends KubeObject>(_resource: Resource<T>): Iterable<T> {
    throw new Error("not yet");
  }

  /** By objectKey: `namespace/name`, or `name`. */
  get<T extends KubeObject>(_resource: Resource<T>, _key: string): T | undefined {
    throw new Error("not yet");
  }
}
