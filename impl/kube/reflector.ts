// List, then watch from there: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
import { type KubeObject, objectKey } from "../api/kubernetes.ts";
import { type Instant, type KubeInput, type Random } from "../ports.ts";
import { unreachable } from "../wire/brand.ts";
import { type Micros, millis, minus, plus, seconds, times } from "../wire/time.ts";
import { BackOff } from "./back-off.ts";
import { get, type Outbox, query, type RequestNames } from "./exchange.ts";
import { fieldsOf, itemsOf, readJson, textOf } from "./json.ts";
import { JsonLines } from "./json-lines.ts";
import { pathOf, type Resource } from "./resources.ts";
import { Answer, type Failure, noAnswer, readFailure } from "./response.ts";
import { type Applied, Store } from "./store.ts";

export interface WatchSpec<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  /** Undefined: every namespace. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Drops what nobody reads before the object is kept. It must keep `metadata` apart from `managedFields`. */
  project?(object: T): T;
}

const PAGE_SIZE = 500;
/** The server ends a watch after this long, each a little different, so that they do not all come back at once. */
const SHORTEST_WATCH_SECONDS = 300;
/** The server sends a bookmark about once a minute: a watch that is silent for longer is a connection that is dead. */
const WATCH_SILENCE = seconds(120);
const LIST_SILENCE = seconds(30);
const HEAD_SILENCE = seconds(30);
/** After a compaction, every watcher in the cluster needs a list at the same moment. */
const RELIST_SPREAD = seconds(2);
/** After an outage, one node has all its collections to read. */
const RETURN_SPREAD = seconds(2);
/** A watch that the server ends sooner than this, without an event, was a refusal. */
const TOO_SHORT = seconds(1);
/** A watch that lived this long was a success, whatever ended it. */
const LONG_ENOUGH = seconds(10);
const NO_WAIT = seconds(0);
const FIRST_WAIT = millis(500);
const LONGEST_WAIT = seconds(30);

interface Listing<T> {
  readonly request: string;
  readonly answer: Answer;
  /** What the pages before this one held. */
  readonly objects: Map<string, T>;
  silentAt: Micros;
}

interface Watching {
  readonly request: string;
  readonly answer: Answer;
  readonly lines: JsonLines;
  readonly since: Micros;
  silentAt: Micros;
  events: number;
}

type State<T> =
  | { readonly kind: "stopped" }
  /** `unanswered`: the server was not reached. */
  | { readonly kind: "waiting"; until: Micros; readonly next: "list" | "watch"; unanswered: boolean }
  | { readonly kind: "listing"; readonly listing: Listing<T> }
  | { readonly kind: "watching"; readonly watching: Watching };

/** Keeps the mirror of one collection in step with the API server, whatever fails on the way. */
export class Reflector<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  readonly store: Store<T>;
  readonly #spec: WatchSpec<T>;
  readonly #random: Random;
  readonly #requests: RequestNames;
  readonly #backOff: BackOff;
  #state: State<T> = { kind: "stopped" };
  #synced = false;

  constructor(spec: WatchSpec<T>, random: Random, requests: RequestNames) {
    this.resource = spec.resource;
    this.store = new Store(spec.resource, (object) => spec.project?.(object) ?? object);
    this.#spec = spec;
    this.#random = random;
    this.#requests = requests;
    this.#backOff = new BackOff(random, FIRST_WAIT, LONGEST_WAIT);
  }

  get synced(): boolean {
    return this.#synced;
  }

  start(now: Instant, out: Outbox): void {
    if (this.#state.kind === "stopped") this.#list(new Map(), undefined, now, out);
  }

  /** Takes a part of an answer; false where it belongs to somebody else. */
  handle(input: KubeInput, now: Instant, out: Outbox): boolean {
    const state = this.#state;
    if (state.kind === "listing" && state.listing.request === input.request) {
      this.#onPage(state.listing, input, now, out);
      return true;
    }
    if (state.kind === "watching" && state.watching.request === input.request) {
      this.#onWatch(state.watching, input, now, out);
      return true;
    }
    return false;
  }

  wake(now: Instant, out: Outbox): void {
    const state = this.#state;
    const due = this.deadline();
    if (due === undefined || due > now.monotonic) return;
    if (state.kind === "listing") {
      out.effects.push({ kind: "abortRequest", request: state.listing.request });
      this.#failed(noAnswer("the list stopped arriving"), "list", now, out);
    } else if (state.kind === "watching") {
      out.effects.push({ kind: "abortRequest", request: state.watching.request });
      this.#watchFailed(state.watching, noAnswer("the watch fell silent"), now, out);
    } else if (state.kind === "waiting") {
      if (state.next === "watch") this.#watch(now, out);
      else this.#list(new Map(), undefined, now, out);
    }
  }

  /** Another request was answered: what waits for a server that is away waits no longer. */
  serverAnswers({ monotonic }: Instant): void {
    const state = this.#state;
    if (state.kind !== "waiting" || !state.unanswered) return;
    state.unanswered = false;
    const soon = plus(monotonic, times(RETURN_SPREAD, this.#random.next()));
    if (soon < state.until) state.until = soon;
  }

  deadline(): Micros | undefined {
    switch (this.#state.kind) {
      case "stopped":
        return undefined;
      case "waiting":
        return this.#state.until;
      case "listing":
        return this.#state.listing.silentAt;
      case "watching":
        return this.#state.watching.silentAt;
      default:
        return unreachable(this.#state);
    }
  }

  /** Takes over an object as a write of ours returned it, so that the next write builds on it. */
  offer(value: unknown, out: Outbox): void {
    const { namespace, labelSelector, fieldSelector } = this.#spec;
    const object = this.store.read(value);
    if (object === undefined || (namespace !== undefined && object.metadata.namespace !== namespace)) return;
    // Whether a selector matches is the server's business.
    const selected = labelSelector !== undefined || fieldSelector !== undefined;
    this.#report(this.store.offer(object, selected), out);
  }

  #path(parameters: Parameters<typeof query>[0]): string {
    const { labelSelector, fieldSelector, namespace } = this.#spec;
    return pathOf(this.resource, namespace) + query({ labelSelector, fieldSelector, ...parameters });
  }

  /** Without a resourceVersion the answer is at least as new as anything seen before, so time never runs backwards. */
  #list(objects: Map<string, T>, token: string | undefined, now: Instant, out: Outbox): void {
    if (token === undefined) this.store.listBegins();
    const request = this.#requests.next(`${this.resource.plural}/list`);
    const silentAt = plus(now.monotonic, LIST_SILENCE);
    this.#state = { kind: "listing", listing: { request, answer: new Answer(), objects, silentAt } };
    out.effects.push(get(request, this.#path({ limit: PAGE_SIZE, continue: token })));
  }

  #onPage(listing: Listing<T>, input: KubeInput, now: Instant, out: Outbox): void {
    const { answer, objects } = listing;
    listing.silentAt = plus(now.monotonic, LIST_SILENCE);
    if (input.kind === "response") return answer.head(input);
    if (input.kind === "chunk") return answer.chunk(input.text);
    if (input.error !== undefined) return this.#failed(noAnswer(input.error), "list", now, out);
    if (!answer.ok) return this.#failed(answer.failure(), "list", now, out);
    const list = fieldsOf(answer.json());
    const metadata = fieldsOf(list["metadata"]);
    const version = textOf(metadata["resourceVersion"]);
    if (version === undefined) return this.#failed(noAnswer("the list is not JSON"), "list", now, out);
    for (const item of itemsOf(list["items"])) {
      const object = this.store.read(item);
      if (object !== undefined) objects.set(objectKey(object), object);
    }
    const token = textOf(metadata["continue"]) ?? "";
    if (token !== "") return this.#list(objects, token, now, out);
    for (const applied of this.store.replace(objects, version)) this.#report(applied, out);
    this.#synced = true;
    out.changes.push({ kind: "synced", resource: this.resource });
    this.#watch(now, out);
  }

  #watch(now: Instant, out: Outbox): void {
    const request = this.#requests.next(`${this.resource.plural}/watch`);
    const timeoutSeconds = Math.floor(SHORTEST_WATCH_SECONDS * (1 + this.#random.next()));
    const watching = {
      request,
      answer: new Answer(),
      lines: new JsonLines(),
      since: now.monotonic,
      // The server sends the head of its answer before there is an event.
      silentAt: plus(now.monotonic, HEAD_SILENCE),
      events: 0,
    };
    this.#state = { kind: "watching", watching };
    const resourceVersion = this.store.version;
    const path = this.#path({ watch: true, resourceVersion, allowWatchBookmarks: true, timeoutSeconds });
    out.effects.push(get(request, path));
  }

  #onWatch(watching: Watching, input: KubeInput, now: Instant, out: Outbox): void {
    const { answer, lines } = watching;
    watching.silentAt = plus(now.monotonic, WATCH_SILENCE);
    if (input.kind === "response") return answer.head(input);
    if (input.kind === "chunk") {
      if (!answer.ok) return answer.chunk(input.text);
      for (const line of lines.push(input.text)) {
        const failure = this.#onEvent(watching, readJson(line), out);
        if (failure === undefined) continue;
        out.effects.push({ kind: "abortRequest", request: watching.request });
        return this.#watchFailed(watching, failure, now, out);
      }
      return;
    }
    if (input.error !== undefined) return this.#watchFailed(watching, noAnswer(input.error), now, out);
    if (!answer.ok) return this.#watchFailed(watching, answer.failure(), now, out);
    if (watching.events === 0 && minus(now.monotonic, watching.since) < TOO_SHORT) {
      return this.#watchFailed(watching, noAnswer("the watch ended at once"), now, out);
    }
    this.#backOff.succeeded();
    this.#watch(now, out);
  }

  /** Applies one event; the answer says why the watch cannot go on. */
  #onEvent(watching: Watching, event: unknown, out: Outbox): Failure | undefined {
    const { type, object: value } = fieldsOf(event);
    if (type === "ERROR") return readFailure(value, 500);
    watching.events++;
    this.#backOff.succeeded();
    if (type === "BOOKMARK") {
      const version = textOf(fieldsOf(fieldsOf(value)["metadata"])["resourceVersion"]);
      if (version !== undefined) this.store.bookmark(version);
      return undefined;
    }
    const object = this.store.read(value);
    if (object === undefined) return noAnswer("the watch sent what is not an event");
    const applied = type === "DELETED" ? this.store.remove(object) : this.store.upsert(object);
    if (applied.kind === "doubtful") return { ...noAnswer("the watch went back in time"), code: 410 };
    this.#report(applied, out);
    return undefined;
  }

  #report(applied: Applied<T>, out: Outbox): void {
    const resource = this.resource;
    if (applied.kind === "upserted" || applied.kind === "deleted") out.changes.push({ resource, ...applied });
  }

  #watchFailed(watching: Watching, failure: Failure, now: Instant, out: Outbox): void {
    if (minus(now.monotonic, watching.since) >= LONG_ENOUGH) this.#backOff.succeeded();
    this.#failed(failure, needsList(failure) ? "list" : "watch", now, out);
  }

  #failed(failure: Failure, next: "list" | "watch", now: Instant, out: Outbox): void {
    const { code, reason: because } = failure;
    if (this.#backOff.failures === 0) {
      const fields = { resource: this.resource.plural, status: code, because };
      // What was never listed keeps the whole process waiting: a right that is missing, or a kind that is not installed.
      const level = this.#synced ? "info" : "warn";
      out.effects.push({ kind: "log", level, event: "kube.watch.interrupted", fields });
    }
    const spread = next === "list" && this.#synced ? times(RELIST_SPREAD, this.#random.next()) : NO_WAIT;
    const until = plus(plus(now.monotonic, this.#backOff.next(failure.retryAfter)), spread);
    this.#state = { kind: "waiting", until, next, unanswered: code === 0 };
  }
}

/** The version to resume from is compacted (410), from the future (after a restore), or not understood. */
function needsList({ code, reason, causes }: Failure): boolean {
  if (code === 410 || reason === "Expired" || reason === "Gone") return true;
  if (causes.includes("ResourceVersionTooLarge")) return true;
  return code >= 400 && code < 500 && code !== 429;
}
