// Objects whose owners are gone: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
// and Namespaces that are being deleted.
import { type Instant } from "../../../impl/ports.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { type Controller } from "../control-plane.ts";
import { SERVED, type ServedKind, collectionOf, groupVersion, storedVersion } from "../kinds.ts";
import { type StoredObject } from "../object.ts";
import { type KubeServer } from "../server.ts";
import { type Storage, type StorageEvent } from "../storage.ts";
import { type ClusterApi } from "./cluster-api.ts";
import { Due } from "./due.ts";

/** How long the objects of a Namespace may take to go before it is looked at again. */
const AGAIN = 1_000_000 as Micros;

const BY_COLLECTION: ReadonlyMap<string, ServedKind> = new Map(SERVED.map((kind) => [collectionOf(kind), kind]));

export class GarbageCollector implements Controller {
  readonly #api: ClusterApi;
  readonly #server: KubeServer;
  readonly #storage: Storage;
  readonly #delay: Micros;
  /** Objects to check, as `collection key`, and Namespaces to empty. */
  readonly #orphans = new Due();
  readonly #namespaces = new Due();
  readonly #uids = new Set<string>();
  readonly #dependents = new Map<string, Set<string>>();

  constructor(api: ClusterApi, server: KubeServer, storage: Storage, delay: Micros) {
    this.#api = api;
    this.#server = server;
    this.#storage = storage;
    this.#delay = delay;
  }

  observe({ collection, key, object, type }: StorageEvent): void {
    const due = this.#api.after(this.#delay);
    const { uid = "", ownerReferences = [], deletionTimestamp } = object.metadata;
    const me = `${collection} ${key}`;
    if (type === "DELETED") {
      this.#uids.delete(uid);
      for (const dependent of this.#dependents.get(uid) ?? []) this.#orphans.add(dependent, due);
      this.#dependents.delete(uid);
      return;
    }
    this.#uids.add(uid);
    for (const owner of ownerReferences) {
      this.#dependents.set(owner.uid, (this.#dependents.get(owner.uid) ?? new Set()).add(me));
      // The owner may be gone already, or may never have been.
      if (!this.#uids.has(owner.uid)) this.#orphans.add(me, due);
    }
    if (collection === "namespaces" && deletionTimestamp !== undefined) this.#namespaces.add(key, due);
  }

  deadline(): Micros | undefined {
    const orphans = this.#orphans.deadline();
    const namespaces = this.#namespaces.deadline();
    return orphans === undefined || (namespaces !== undefined && namespaces < orphans) ? namespaces : orphans;
  }

  tick(now: Instant): void {
    for (const what of this.#orphans.take(now.monotonic)) {
      const [collection = "", key = ""] = what.split(" ");
      const object = this.#storage.get(collection, key);
      const owners = object?.metadata.ownerReferences ?? [];
      const orphaned = owners.length > 0 && !owners.some(({ uid }) => this.#uids.has(uid));
      if (object !== undefined && orphaned) this.#remove(collection, object, now);
    }
    for (const name of this.#namespaces.take(now.monotonic)) this.#empty(name, now);
  }

  #empty(name: string, now: Instant): void {
    const namespace = this.#api.get("namespaces", name);
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    for (const [collection, object] of this.#contents(name)) {
      if (object.metadata.deletionTimestamp === undefined) this.#remove(collection, object, now);
    }
    if (this.#contents(name).length > 0) return this.#namespaces.add(name, this.#api.after(AGAIN));
    this.#server.call("PUT", `/api/v1/namespaces/${name}/finalize`, now, { ...namespace, spec: { finalizers: [] } });
  }

  #contents(namespace: string): readonly (readonly [string, StoredObject])[] {
    return [...BY_COLLECTION].flatMap(([collection, kind]) =>
      kind.namespaced
        ? Array.from(this.#storage.entries(collection), ([, object]) => [collection, object] as const).filter(
            ([, object]) => object.metadata.namespace === namespace,
          )
        : [],
    );
  }

  #remove(collection: string, { metadata }: StoredObject, now: Instant): void {
    const kind = BY_COLLECTION.get(collection);
    if (kind === undefined) return;
    const version = groupVersion(kind.group, storedVersion(kind).name);
    const root = kind.group === "" ? "/api" : "/apis";
    const place = metadata.namespace === undefined ? "" : `namespaces/${metadata.namespace}/`;
    this.#server.call("DELETE", `${root}/${version}/${place}${kind.plural}/${metadata.name}`, now);
  }
}
