// Watches: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
import { stringifyJson } from "../../impl/api/json.ts";
import { type Instant } from "../../impl/ports.ts";
import { earliest, type Micros, plus, seconds } from "../../impl/wire/time.ts";
import { type StoredObject } from "./object.ts";
import { type Matcher } from "./selector-text.ts";
import { type EventType, type StorageEvent } from "./storage.ts";

/** Where an answer goes. After `end` nothing follows. */
export interface Sink {
  head(status: number, headers: Readonly<Record<string, string>>): void;
  chunk(text: string): void;
  end(error?: string): void;
}

/** A request under way; `abort` is what the client does when it hangs up. */
export interface Exchange {
  abort(): void;
}

export interface WatchOptions {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly matcher: Matcher | undefined;
  readonly bookmarks: boolean;
  readonly timeout: Micros;
  /** The JSON of an object in the version that the client asked for. */
  readonly text: (object: StoredObject) => string;
  readonly apiVersion: string;
  readonly kind: string;
}

const BOOKMARK_PERIOD = seconds(60);

/** One open watch. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #sink: Sink;
  readonly #endsAt: Micros;
  #bookmarkAt: Micros | undefined;
  #open = true;

  constructor(options: WatchOptions, sink: Sink, now: Instant) {
    this.#options = options;
    this.#sink = sink;
    this.#endsAt = plus(now.monotonic, options.timeout);
    this.#bookmarkAt = options.bookmarks ? plus(now.monotonic, BOOKMARK_PERIOD) : undefined;
  }

  get open(): boolean {
    return this.#open;
  }

  deadline(): Micros | undefined {
    return this.#open ? earliest(this.#endsAt, this.#bookmarkAt) : undefined;
  }

  /** Sends bookmarks and the end when they are due. */
  tick(now: Instant, revision: number): void {
    if (!this.#open) return;
    if (this.#bookmarkAt !== undefined && this.#bookmarkAt <= now.monotonic) {
      this.#bookmarkAt = plus(now.monotonic, BOOKMARK_PERIOD);
      this.bookmark(revision);
    }
    if (this.#endsAt > now.monotonic) return;
    // The last word before the end saves the client from asking for what it has seen.
    if (this.#bookmarkAt !== undefined) this.bookmark(revision);
    this.close();
  }

  bookmark(revision: number, annotations?: Readonly<Record<string, string>>): void {
    const { apiVersion, kind } = this.#options;
    const metadata = { resourceVersion: String(revision), creationTimestamp: null, annotations };
    this.#sink.chunk(`${stringifyJson({ type: "BOOKMARK", object: { kind, apiVersion, metadata } })}\n`);
  }

  /** An object that was there when the watch began. */
  initial(object: StoredObject): void {
    if (this.#selects(object)) this.#send("ADDED", object);
  }

  /** An object that comes to match is new to this watch, and one that ceases to match is gone. */
  change({ collection, type, object, previous }: StorageEvent): void {
    if (!this.#open || collection !== this.#options.collection) return;
    const before = previous !== undefined && this.#selects(previous);
    const after = type !== "DELETED" && this.#selects(object);
    if (before && after) this.#send("MODIFIED", object);
    else if (after) this.#send("ADDED", object);
    else if (before) this.#send("DELETED", object);
  }

  close(error?: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#sink.end(error);
  }

  /** The client has hung up. */
  abandon(): void {
    this.#open = false;
  }

  #selects(object: StoredObject): boolean {
    const { namespace, matcher } = this.#options;
    if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
    return matcher === undefined || matcher(object);
  }

  #send(type: EventType, object: StoredObject): void {
    this.#sink.chunk(`{"type":"${type}","object":${this.#options.text(object)}}\n`);
  }
}
