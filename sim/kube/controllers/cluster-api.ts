import { type Instant } from "../../../impl/ports.ts";
import { type Micros, plus } from "../../../impl/wire/time.ts";
import { fieldsOf, isObject, type StoredObject } from "../object.ts";
import { type KubeServer } from "../server.ts";
import { type Storage } from "../storage.ts";

export type Collection =
  | "deployments.apps"
  | "endpointslices.discovery.k8s.io"
  | "namespaces"
  | "nodes"
  | "pods"
  | "services";

const ROOTS: Readonly<Record<Collection, string>> = {
  "deployments.apps": "/apis/apps/v1",
  "endpointslices.discovery.k8s.io": "/apis/discovery.k8s.io/v1",
  namespaces: "/api/v1",
  nodes: "/api/v1",
  pods: "/api/v1",
  services: "/api/v1",
};

const JSON_TYPE = "application/json";
const MERGE_PATCH = "application/merge-patch+json";

/** The API as controllers use it: reads without a copy, writes like everybody's. */
export class ClusterApi {
  readonly #server: KubeServer;
  readonly #storage: Storage;
  readonly #now: () => Instant;

  constructor(server: KubeServer, storage: Storage, now: () => Instant) {
    this.#server = server;
    this.#storage = storage;
    this.#now = now;
  }

  after(delay: Micros): Micros {
    return plus(this.#now().monotonic, delay);
  }

  get now(): Instant {
    return this.#now();
  }

  get(collection: Collection, key: string): StoredObject | undefined {
    return this.#storage.get(collection, key);
  }

  list(collection: Collection): readonly StoredObject[] {
    return Array.from(this.#storage.entries(collection), ([, object]) => object);
  }

  create(collection: Collection, namespace: string, object: object): StoredObject | undefined {
    return this.#send("POST", pathOf(collection, namespace), object);
  }

  replace(collection: Collection, object: StoredObject): void {
    this.#send("PUT", objectPath(collection, object), object);
  }

  patch(collection: Collection, object: StoredObject, patch: object, subresource?: "status"): void {
    const path = objectPath(collection, object);
    this.#send("PATCH", subresource === undefined ? path : `${path}/${subresource}`, patch, MERGE_PATCH);
  }

  /** Without a grace period the object is gone at once. */
  remove(
    collection: Collection,
    object: StoredObject,
    options: { readonly atOnce: boolean } = { atOnce: false },
  ): void {
    const grace = options.atOnce ? "?gracePeriodSeconds=0" : "";
    this.#send("DELETE", `${objectPath(collection, object)}${grace}`);
  }

  /** The answer; undefined where the object went or came meanwhile, which the controller will hear of. */
  #send(method: string, path: string, body?: object, contentType = JSON_TYPE): StoredObject | undefined {
    const { status, body: answer } = this.#server.call(method, path, this.#now(), body, {
      "content-type": contentType,
    });
    if (status < 300) return isObject(answer) ? answer : undefined;
    if (status === 404 || status === 409 || status === 403) return undefined;
    throw new Error(`${method} ${path}: ${String(fieldsOf(answer)["message"])}`);
  }
}

function pathOf(collection: Collection, namespace: string | undefined): string {
  const plural = collection.split(".")[0] ?? "";
  return `${ROOTS[collection]}/${namespace === undefined ? "" : `namespaces/${namespace}/`}${plural}`;
}

function objectPath(collection: Collection, { metadata }: StoredObject): string {
  return `${pathOf(collection, metadata.namespace)}/${metadata.name}`;
}
