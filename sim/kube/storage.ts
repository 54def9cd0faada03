// What etcd and the watch cache are to the API server: every collection, its revision, and its recent history.
import { stringifyJson } from "../../impl/api/json.ts";
import { type StoredObject } from "./object.ts";

export type EventType = "ADDED" | "MODIFIED" | "DELETED";

export interface StorageEvent {
  readonly revision: number;
  readonly type: EventType;
  readonly collection: string;
  readonly key: string;
  readonly object: StoredObject;
  readonly previous: StoredObject | undefined;
}

/** Revisions that can be listed and watched from; older ones are compacted. */
const HISTORY = 10_000;
const FIRST_REVISION = 1;

export class Storage {
  readonly #collections = new Map<string, Map<string, StoredObject>>();
  readonly #sorted = new Map<string, readonly string[]>();
  readonly #texts = new WeakMap<StoredObject, string>();
  #history: StorageEvent[] = [];
  #revision = FIRST_REVISION;
  #compacted = 0;

  get revision(): number {
    return this.#revision;
  }

  /** The newest revision whose successors are no longer all known. */
  get compacted(): number {
    return this.#compacted;
  }

  get(collection: string, key: string): StoredObject | undefined {
    return this.#collections.get(collection)?.get(key);
  }

  /** In the order of their keys, as etcd has them. */
  *entries(collection: string): Iterable<readonly [string, StoredObject]> {
    const objects = this.#collections.get(collection);
    if (objects === undefined) return;
    let keys = this.#sorted.get(collection);
    if (keys === undefined) {
      keys = [...objects.keys()].toSorted();
      this.#sorted.set(collection, keys);
    }
    for (const key of keys) {
      const object = objects.get(key);
      if (object !== undefined) yield [key, object];
    }
  }

  /** The JSON of an object, made once. */
  text(object: StoredObject): string {
    const known = this.#texts.get(object);
    if (known !== undefined) return known;
    const text = stringifyJson(object);
    this.#texts.set(object, text);
    return text;
  }

  /** Stores what `make` makes of the next revision. */
  put(collection: string, key: string, make: (revision: string) => StoredObject): StorageEvent {
    const objects = this.#collections.get(collection) ?? new Map<string, StoredObject>();
    this.#collections.set(collection, objects);
    const previous = objects.get(key);
    const revision = ++this.#revision;
    const object = make(String(revision));
    objects.set(key, object);
    if (previous === undefined) this.#sorted.delete(collection);
    const type = previous === undefined ? "ADDED" : "MODIFIED";
    return this.#log({ revision, type, collection, key, object, previous });
  }

  /** Removes an object; the event shows it as it was, at the revision of its end. */
  remove(collection: string, key: string): StorageEvent | undefined {
    const previous = this.get(collection, key);
    if (previous === undefined) return undefined;
    const revision = ++this.#revision;
    this.#collections.get(collection)?.delete(key);
    this.#sorted.delete(collection);
    const object = { ...previous, metadata: { ...previous.metadata, resourceVersion: String(revision) } };
    return this.#log({ revision, type: "DELETED", collection, key, object, previous });
  }

  /** The changes of a collection after a revision that is not compacted. */
  *since(collection: string, revision: number): Iterable<StorageEvent> {
    for (const event of this.#history) {
      if (event.revision > revision && event.collection === collection) yield event;
    }
  }

  /** A collection as it was at a revision that is not compacted. */
  at(collection: string, revision: number): readonly (readonly [string, StoredObject])[] {
    if (revision >= this.#revision) return [...this.entries(collection)];
    const objects = new Map(this.#collections.get(collection));
    for (let index = this.#history.length - 1; index >= 0; index--) {
      const event = this.#history[index];
      if (event === undefined || event.revision <= revision) break;
      if (event.collection !== collection) continue;
      if (event.previous === undefined) objects.delete(event.key);
      else objects.set(event.key, event.previous);
    }
    return [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Forgets the history up to a revision: who wants to go on from before must list anew. */
  compact(revision = this.#revision): void {
    this.#compacted = Math.max(this.#compacted, Math.min(revision, this.#revision));
    this.#history = this.#history.filter((event) => event.revision > this.#compacted);
  }

  #log(event: StorageEvent): StorageEvent {
    this.#history.push(event);
    // Cut rarely, so that a write stays cheap.
    if (this.#history.length > 2 * HISTORY) this.compact(this.#revision - HISTORY);
    return event;
  }
}
