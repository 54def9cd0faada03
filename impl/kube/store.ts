import { type KubeObject, objectKey } from "../api/kubernetes.ts";
import { fieldsOf, textOf, withoutNulls } from "./json.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import { compareVersions } from "./version.ts";

/** What an event or an object meant for the store. */
export type Applied<T> =
  | { readonly kind: "upserted"; readonly object: T; readonly previous: T | undefined }
  | { readonly kind: "deleted"; readonly object: T }
  | { readonly kind: "ignored" }
  /** The event is older than what was seen, and yet not known: only a fresh list tells what holds. */
  | { readonly kind: "doubtful" };

const IGNORED = { kind: "ignored" } as const;

const versionOf = (object: KubeObject): string => object.metadata.resourceVersion ?? "";

/** The mirror of one collection, as of one resourceVersion. */
export class Store<T extends KubeObject> {
  readonly #resource: Resource<T>;
  readonly #project: (object: T) => T;
  #objects = new Map<string, T>();
  #version = "";
  /** What our own writes brought in ahead of the watch. */
  readonly #ahead = new Set<string>();

  constructor(resource: Resource<T>, project: (object: T) => T) {
    this.#resource = resource;
    this.#project = project;
  }

  /** The collection's resourceVersion: a watch resumes there. Empty before the first list. */
  get version(): string {
    return this.#version;
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  /** An object as it came; undefined where it is none of this resource. Lists of built-in kinds leave the kind out. */
  read(value: unknown): T | undefined {
    const fields = fieldsOf(withoutNulls(value));
    const typed: unknown = { apiVersion: apiVersionOf(this.#resource), kind: this.#resource.kind, ...fields };
    return isObjectOf(this.#resource, typed) ? this.#project(typed) : undefined;
  }

  /** ADDED and MODIFIED mean the same, because a watch may repeat what a list has told. */
  upsert(object: T): Applied<T> {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    const version = versionOf(object);
    if (previous === undefined) {
      if (compareVersions(version, this.#version) <= 0) return { kind: "doubtful" };
    } else if (compareVersions(version, versionOf(previous)) <= 0) {
      return this.#seen(version, IGNORED);
    }
    this.#objects.set(key, object);
    return this.#seen(version, { kind: "upserted", object, previous });
  }

  remove(object: T): Applied<T> {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    const version = versionOf(object);
    // Older than what is stored: another object of the same name has come since.
    if (previous === undefined || compareVersions(version, versionOf(previous)) < 0)
      return this.#seen(version, IGNORED);
    this.#objects.delete(key);
    return this.#seen(version, { kind: "deleted", object: previous });
  }

  bookmark(version: string): void {
    this.#seen(version, IGNORED);
  }

  #seen(version: string, applied: Applied<T>): Applied<T> {
    if (compareVersions(version, this.#version) > 0) this.#version = version;
    return applied;
  }

  /** Takes an object that a write of ours returned, unless the watch is past it. `known`: only where it is stored. */
  offer(object: T, onlyKnown: boolean): Applied<T> {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    const newest = previous === undefined ? this.#version : versionOf(previous);
    if (this.#version === "" || (onlyKnown && previous === undefined)) return IGNORED;
    if (compareVersions(versionOf(object), newest) <= 0) return IGNORED;
    this.#objects.set(key, object);
    this.#ahead.add(key);
    return { kind: "upserted", object, previous };
  }

  /** From here on, what is offered may be newer than the list that is being read. */
  listBegins(): void {
    this.#ahead.clear();
  }

  /** Replaces everything by a list. Objects that are gone come first, as deletions. */
  replace(listed: ReadonlyMap<string, T>, version: string): readonly Applied<T>[] {
    const before = this.#objects;
    const after = new Map<string, T>();
    const deleted: Applied<T>[] = [];
    const upserted: Applied<T>[] = [];
    const newer = (key: string, than: string): T | undefined => {
      const stored = this.#ahead.has(key) ? before.get(key) : undefined;
      return stored !== undefined && compareVersions(versionOf(stored), than) > 0 ? stored : undefined;
    };
    for (const [key, object] of listed) {
      const previous = before.get(key);
      const kept = newer(key, versionOf(object)) ?? object;
      after.set(key, kept);
      if (previous !== undefined && versionOf(previous) === versionOf(kept)) continue;
      // Deleted and created anew while nobody watched: what was known of the old one says nothing about the new one.
      const another = previous !== undefined && previous.metadata.uid !== kept.metadata.uid;
      if (another) deleted.push({ kind: "deleted", object: previous });
      upserted.push({ kind: "upserted", object: kept, previous: another ? undefined : previous });
    }
    for (const [key, object] of before) {
      if (after.has(key)) continue;
      const kept = newer(key, version);
      if (kept === undefined) deleted.push({ kind: "deleted", object });
      else after.set(key, kept);
    }
    this.#objects = after;
    this.#version = version;
    return [...deleted, ...upserted];
  }
}

function isObjectOf<T extends KubeObject>(resource: Resource<T>, value: unknown): value is T {
  const { kind, metadata } = fieldsOf(value);
  return kind === resource.kind && textOf(fieldsOf(metadata)["name"]) !== undefined;
}
