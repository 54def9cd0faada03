// core/v1 Events: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
import { type EventObject, type KubeObject } from "../api/kubernetes.ts";
import { shorten } from "../api/problem.ts";
import { formatTimestamp } from "../api/timestamp.ts";
import { type Instant, type Random } from "../ports.ts";
import { type Micros, minus, minutes } from "../wire/time.ts";
import { type Change } from "./change.ts";
import { fieldsOf } from "./json.ts";
import { apiVersionOf, type Resource, RESOURCES } from "./resources.ts";
import { type Action, type Write } from "./write.ts";

/** What a person shall read with `kubectl describe` of an object. */
export interface Occurrence {
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface EventSource {
  readonly component: string;
  readonly host?: string;
}

const MOST_REMEMBERED = 4096;
/** As client-go's EventSourceObjectSpamFilter: a burst for each object, then one in five minutes. */
const BURST = 25;
const REFILL = minutes(5);

interface Told {
  readonly name: string;
  readonly namespace: string;
  readonly first: string;
  occurrence: Occurrence;
  count: number;
  last: string;
  /** The server has it. */
  stored: boolean;
}

interface Bucket {
  tokens: number;
  filledAt: Micros;
}

/** Writes events. The same thing said again is counted in the event that said it first. */
export class EventRecorder {
  readonly #source: EventSource;
  readonly #random: Random;
  readonly #write: (intent: Write) => void;
  readonly #told = new Map<string, Told>();
  readonly #byTag = new Map<string, Told>();
  readonly #buckets = new Map<string, Bucket>();

  constructor(source: EventSource, random: Random, write: (intent: Write) => void) {
    this.#source = source;
    this.#random = random;
    this.#write = write;
  }

  /** False where the object has said too much lately. */
  record({ message: said, ...rest }: Occurrence, now: Instant): boolean {
    // events.k8s.io/v1 takes 1 kB.
    const occurrence = { ...rest, message: shorten(said) };
    const about = aboutOf(occurrence);
    if (!this.#mayTell(about, now.monotonic)) return false;
    const { type, reason, message } = occurrence;
    const key = [about, type, reason, message].join("\n");
    const last = formatTimestamp(now.wall);
    const told = this.#told.get(key) ?? this.#first(occurrence, last);
    told.occurrence = occurrence;
    told.count++;
    told.last = last;
    // The one that spoke last is forgotten last.
    this.#told.delete(key);
    this.#told.set(key, told);
    this.#byTag.set(tagOf(told), told);
    const forgotten = forgetOldest(this.#told);
    if (forgotten !== undefined) this.#byTag.delete(tagOf(forgotten));
    this.#tell(told);
    return true;
  }

  /** Takes the outcomes of its writes. An event that the server has forgotten is told anew. */
  handle(change: Change): void {
    if (change.kind !== "written" || !change.tag.startsWith("event/")) return;
    const told = this.#byTag.get(change.tag);
    if (told === undefined) return;
    const forgotten = told.stored && change.status === 404;
    told.stored = change.ok;
    if (forgotten) this.#tell(told);
  }

  #first(occurrence: Occurrence, first: string): Told {
    const { namespace, name } = occurrence.object.metadata;
    const hex = Array.from({ length: 4 }, () =>
      Math.floor(this.#random.next() * 0x10000)
        .toString(16)
        .padStart(4, "0"),
    );
    return {
      name: `${name}.${hex.join("")}`,
      namespace: namespace ?? "default",
      first,
      occurrence,
      count: 0,
      last: first,
      stored: false,
    };
  }

  #tell(told: Told): void {
    const { name, namespace } = told;
    const build = (latest: KubeObject | undefined) => this.#action(told, latest);
    this.#write({ tag: tagOf(told), resource: RESOURCES.events, namespace, name, build });
  }

  #action(told: Told, latest: KubeObject | undefined): Action | undefined {
    if (latest === undefined && !told.stored) return { verb: "create", object: this.#event(told) };
    if (latest !== undefined && fieldsOf(latest)["count"] === told.count) return undefined;
    return { verb: "mergePatch", patch: { count: told.count, lastTimestamp: told.last } };
  }

  #event({ name, namespace, first, last, count, occurrence }: Told): EventObject & Reporting {
    const { resource, object, type, reason, message } = occurrence;
    const { uid, resourceVersion } = object.metadata;
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        name: object.metadata.name,
        ...(resource.namespaced ? { namespace } : {}),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      type,
      reason,
      message,
      source: this.#source,
      reportingComponent: this.#source.component,
      reportingInstance: this.#source.host ?? "",
      count,
      firstTimestamp: first,
      lastTimestamp: last,
    };
  }

  #mayTell(about: string, now: Micros): boolean {
    const bucket = this.#buckets.get(about) ?? { tokens: BURST, filledAt: now };
    const refilled = Math.floor(minus(now, bucket.filledAt) / REFILL);
    const tokens = Math.min(BURST, bucket.tokens + refilled);
    const filledAt = (bucket.filledAt + refilled * REFILL) as Micros;
    this.#buckets.delete(about);
    this.#buckets.set(about, { tokens: Math.max(0, tokens - 1), filledAt });
    forgetOldest(this.#buckets);
    return tokens > 0;
  }
}

interface Reporting {
  readonly reportingComponent: string;
  readonly reportingInstance: string;
}

function aboutOf({ resource, object }: Occurrence): string {
  const { namespace, name, uid } = object.metadata;
  return [resource.kind, namespace, name, uid].join("/");
}

const tagOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `event/${namespace}/${name}`;

function forgetOldest<T>(map: Map<string, T>): T | undefined {
  const [oldest] = map;
  if (map.size <= MOST_REMEMBERED || oldest === undefined) return undefined;
  map.delete(oldest[0]);
  return oldest[1];
}
