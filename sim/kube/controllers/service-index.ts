import { fieldsOf, type StoredObject } from "../object.ts";
import { type StorageEvent } from "../storage.ts";

export type Selector = Readonly<Record<string, string>>;

/** The selector of a Service; undefined where somebody else looks after its endpoints. */
export function selectorOf(service: StoredObject): Selector | undefined {
  const { selector, type } = fieldsOf(service["spec"]);
  const entries = Object.entries(fieldsOf(selector)).map(([key, value]) => [key, String(value)] as const);
  return type === "ExternalName" || entries.length === 0 ? undefined : Object.fromEntries(entries);
}

export function selects(selector: Selector, { metadata }: StoredObject): boolean {
  return Object.entries(selector).every(([key, value]) => metadata.labels?.[key] === value);
}

/** Finds the Services that a Pod may belong to by one label of their selectors, not by trying them all. */
export class ServiceIndex {
  readonly #byLabel = new Map<string, Set<string>>();

  observe({ key, object, previous, type }: StorageEvent): void {
    const before = previous === undefined ? undefined : bucketOf(previous);
    if (before !== undefined) this.#byLabel.get(before)?.delete(key);
    const after = type === "DELETED" ? undefined : bucketOf(object);
    if (after === undefined) return;
    const bucket = this.#byLabel.get(after) ?? new Set();
    this.#byLabel.set(after, bucket.add(key));
  }

  *candidates(pod: StoredObject): Iterable<string> {
    for (const [label, value] of Object.entries(pod.metadata.labels ?? {})) {
      yield* this.#byLabel.get(bucketName(pod, label, value)) ?? [];
    }
  }
}

function bucketOf(service: StoredObject): string | undefined {
  const [first] = Object.entries(selectorOf(service) ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return first === undefined ? undefined : bucketName(service, ...first);
}

const bucketName = ({ metadata }: StoredObject, label: string, value: string): string =>
  `${metadata.namespace}\n${label}=${value}`;
