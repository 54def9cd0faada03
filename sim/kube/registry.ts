// Create, read, update and delete, as every kind of the API shares them:
// https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
import { formatTimestamp } from "../../impl/api/timestamp.ts";
import { type Instant } from "../../impl/ports.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { alreadyExists, ApiError, conflict, invalid, notFound } from "./api-error.ts";
import { collectionOf, groupVersion, type ServedKind, storedVersion } from "./kinds.ts";
import { type Names } from "./names.ts";
import {
  equal,
  fieldsOf,
  isFields,
  listOf,
  type Metadata,
  type StoredObject,
  textOf,
  withMetadata,
  without,
} from "./object.ts";
import { type StorageEvent, type Storage } from "./storage.ts";
import { type Strategy } from "./strategy.ts";

/** Where an object is. */
export interface Place {
  readonly kind: ServedKind;
  readonly namespace: string | undefined;
  readonly name: string;
}

export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
}

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly subresource: "status" | undefined;
}

/** Decides whether a write may happen, after everything else has agreed. */
export type Admission = (operation: "CREATE" | "UPDATE" | "DELETE", kind: ServedKind, object: StoredObject) => void;

const POD_GRACE_SECONDS = 30;

export const keyOf = (namespace: string | undefined, name: string): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export class Registry {
  readonly #storage: Storage;
  readonly #strategies: ReadonlyMap<string, Strategy>;
  readonly #names: Names;
  readonly #admission: Admission;
  readonly #changed: (event: StorageEvent) => void;

  constructor(options: {
    readonly storage: Storage;
    /** By collection. */
    readonly strategies: ReadonlyMap<string, Strategy>;
    readonly names: Names;
    readonly admission: Admission;
    readonly changed: (event: StorageEvent) => void;
  }) {
    this.#storage = options.storage;
    this.#strategies = options.strategies;
    this.#names = options.names;
    this.#admission = options.admission;
    this.#changed = options.changed;
  }

  get(place: Place): StoredObject {
    const found = this.#storage.get(collectionOf(place.kind), keyOf(place.namespace, place.name));
    if (found === undefined) throw notFound(place.kind, place.name);
    return found;
  }

  create(
    kind: ServedKind,
    namespace: string | undefined,
    given: StoredObject,
    now: Instant,
    options: WriteOptions,
  ): StoredObject {
    const metadata = this.#newMetadata(kind, namespace, given.metadata, now);
    const { name } = metadata;
    const collection = collectionOf(kind);
    if (this.#storage.get(collection, keyOf(namespace, name)) !== undefined) throw alreadyExists(kind, name);
    this.#requireNamespace(kind, namespace, name);
    const strategy = this.#strategies.get(collection);
    // A new object has no status yet; a kubelet registers its Node together with one.
    const body = kind.status === "none" || kind.kind === "Node" ? given : without(given, "status");
    const bare = { ...body, ...this.#typeOf(kind), metadata };
    const object = strategy?.prepareCreate?.(bare, now) ?? bare;
    this.#check(kind, object, undefined);
    this.#admission("CREATE", kind, object);
    return options.dryRun ? object : this.#put(kind, namespace, object);
  }

  update(place: Place, given: StoredObject, now: Instant, options: WriteOptions): StoredObject {
    const { kind, name } = place;
    const old = this.get(place);
    const { resourceVersion = "", uid = old.metadata.uid } = given.metadata;
    if (resourceVersion === "" && kind.strict) {
      const message = "Invalid value: 0: must be specified for an update";
      throw invalid(kind, name, [{ reason: "FieldValueInvalid", field: "metadata.resourceVersion", message }]);
    }
    if (uid !== old.metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`;
      throw conflict(kind, name, why);
    }
    if (resourceVersion !== "" && resourceVersion !== old.metadata.resourceVersion) throw conflict(kind, name);
    const object = this.#updated(kind, given, old, now, options.subresource);
    if (equal(object, old)) return old;
    this.#check(kind, object, old);
    this.#admission("UPDATE", kind, object);
    if (options.dryRun) return object;
    const stored = this.#put(kind, place.namespace, object);
    return this.#isGone(stored) ? this.#remove(place, stored) : stored;
  }

  /** The object as it is (or was) when deletion has been accepted, and whether it is gone for good. */
  delete(
    place: Place,
    now: Instant,
    options: DeleteOptions,
    dryRun = false,
  ): { readonly object: StoredObject; readonly gone: boolean } {
    const { kind, name } = place;
    const old = this.get(place);
    const { uid, resourceVersion } = old.metadata;
    if (options.uid !== undefined && options.uid !== uid) {
      const why = `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`;
      throw conflict(kind, name, why);
    }
    if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
      const why = `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
      throw conflict(kind, name, why);
    }
    this.#admission("DELETE", kind, old);
    if (dryRun) return { object: old, gone: false };
    const grace = graceOf(kind, old, options);
    if (grace === 0 && finalizersOf(old).length === 0) {
      return { object: this.#remove(place, old), gone: true };
    }
    if (old.metadata.deletionTimestamp !== undefined && grace >= (old.metadata.deletionGracePeriodSeconds ?? 0)) {
      return { object: old, gone: false };
    }
    const deletionTimestamp = formatTimestamp(plus(now.wall, seconds(grace)));
    const terminating = withMetadata(old, { deletionTimestamp, deletionGracePeriodSeconds: grace });
    const object = kind.kind === "Namespace" ? { ...terminating, status: { phase: "Terminating" } } : terminating;
    return { object: this.#put(kind, place.namespace, object), gone: false };
  }

  #newMetadata(kind: ServedKind, namespace: string | undefined, given: Metadata, now: Instant): Metadata {
    const { generateName = "", resourceVersion = "" } = given;
    if (resourceVersion !== "") {
      throw new ApiError("BadRequest", "resourceVersion should not be set on objects to be created");
    }
    if ((given.namespace ?? "") !== "" && given.namespace !== namespace) {
      throw new ApiError(
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
      );
    }
    const wanted = textOf(given.name) ?? "";
    if (wanted === "" && generateName === "") {
      const message = "Required value: name or generateName is required";
      throw invalid(kind, "", [{ reason: "FieldValueRequired", field: "metadata.name", message }]);
    }
    const name = wanted === "" ? this.#names.generate(kind, namespace, generateName) : wanted;
    if (!dnsSubdomain.test(name) || name.length > 253) {
      const message = `Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`;
      throw invalid(kind, name, [{ reason: "FieldValueInvalid", field: "metadata.name", message }]);
    }
    const { deletionTimestamp: _deletion, deletionGracePeriodSeconds: _grace, namespace: _namespace, ...rest } = given;
    return {
      ...rest,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: this.#names.uid(kind, namespace, name),
      creationTimestamp: formatTimestamp(now.wall),
      ...(kind.counted ? { generation: 1 } : {}),
    };
  }

  #requireNamespace(kind: ServedKind, namespace: string | undefined, name: string): void {
    if (namespace === undefined) return;
    const found = this.#storage.get("namespaces", namespace);
    if (found === undefined) throw notFound({ group: "", plural: "namespaces", kind: "Namespace" }, namespace);
    if (found.metadata.deletionTimestamp === undefined) return;
    const message = `${kind.plural} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`;
    const causes = [{ reason: "NamespaceTerminating", message: `namespace ${namespace} is being terminated` }];
    throw new ApiError("Forbidden", message, { name, kind: kind.plural, causes });
  }

  /** The object that an update makes: what a client may not change comes from the old one. */
  #updated(
    kind: ServedKind,
    given: StoredObject,
    old: StoredObject,
    now: Instant,
    subresource: "status" | undefined,
  ): StoredObject {
    const strategy = this.#strategies.get(collectionOf(kind));
    const metadata = sameIdentity(given.metadata, old.metadata);
    if (subresource === "status") {
      const kept = kind.status === "statusAndMetadata" ? metadata : { ...old.metadata, ...managed(metadata) };
      const object = { ...withStatus(old, given["status"]), metadata: kept };
      return strategy?.prepareStatusUpdate?.(object, old) ?? object;
    }
    const body = kind.status === "none" ? given : withStatus(given, old["status"]);
    const bare = { ...body, ...this.#typeOf(kind), metadata };
    const object = strategy?.prepareUpdate?.(bare, old, now) ?? bare;
    if (!kind.counted || equal(specOf(object), specOf(old))) return object;
    return withMetadata(object, { generation: (old.metadata.generation ?? 0) + 1 });
  }

  #typeOf(kind: ServedKind): Pick<StoredObject, "apiVersion" | "kind"> {
    return { apiVersion: groupVersion(kind.group, storedVersion(kind).name), kind: kind.kind };
  }

  #check(kind: ServedKind, object: StoredObject, old: StoredObject | undefined): void {
    const causes = this.#strategies.get(collectionOf(kind))?.validate?.(object, old) ?? [];
    if (causes.length > 0) throw invalid(kind, object.metadata.name, causes);
  }

  #put(kind: ServedKind, namespace: string | undefined, object: StoredObject): StoredObject {
    const key = keyOf(namespace, object.metadata.name);
    const event = this.#storage.put(collectionOf(kind), key, (resourceVersion) =>
      withMetadata(object, { resourceVersion }),
    );
    this.#tell(event);
    return event.object;
  }

  #isGone(object: StoredObject): boolean {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = object.metadata;
    return deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizersOf(object).length === 0;
  }

  #remove({ kind, namespace, name }: Place, object: StoredObject): StoredObject {
    const event = this.#storage.remove(collectionOf(kind), keyOf(namespace, name));
    if (event === undefined) return object;
    this.#tell(event);
    return event.object;
  }

  #tell(event: StorageEvent): void {
    this.#strategies.get(event.collection)?.observe?.(event);
    this.#changed(event);
  }
}

function sameIdentity(given: Metadata, old: Metadata): Metadata {
  const { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } = old;
  const { resourceVersion, name, namespace, generateName } = old;
  const kept = { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds };
  const metadata: Record<string, unknown> = { ...given, ...kept, resourceVersion, name, namespace, generateName };
  for (const [field, value] of Object.entries(metadata)) {
    const empty = (isFields(value) && Object.keys(value).length === 0) || (Array.isArray(value) && value.length === 0);
    if (value === undefined || empty) delete metadata[field];
  }
  return { ...metadata, name };
}

const managed = ({ managedFields }: Metadata): Pick<Metadata, "managedFields"> =>
  managedFields === undefined ? {} : { managedFields };

function withStatus(object: StoredObject, status: unknown): StoredObject {
  const { status: _status, ...rest } = object;
  const { apiVersion, kind, metadata } = object;
  return status === undefined ? { ...rest, apiVersion, kind, metadata } : { ...object, status };
}

/** What counts as the wish of the user: everything but metadata and status. */
function specOf(object: StoredObject): unknown {
  const { metadata: _metadata, status: _status, ...rest } = object;
  return rest;
}

/** Who must still agree to the end of an object. A Namespace keeps another such list in its spec. */
const finalizersOf = ({ metadata, spec }: StoredObject): readonly unknown[] => [
  ...(metadata.finalizers ?? []),
  ...listOf(fieldsOf(spec)["finalizers"]),
];

function graceOf(kind: ServedKind, object: StoredObject, options: DeleteOptions): number {
  if (kind.kind === "Namespace") return 0;
  // Only a Pod that runs somewhere has something to end in order.
  const spec = fieldsOf(object["spec"]);
  if (kind.kind !== "Pod" || spec["nodeName"] === undefined) return 0;
  const own = spec["terminationGracePeriodSeconds"];
  return options.gracePeriodSeconds ?? (typeof own === "number" ? own : POD_GRACE_SECONDS);
}
