// Deployments: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
// A Deployment owns its Pods directly; there is no ReplicaSet between them.
import { stringifyJson } from "../../../impl/api/json.ts";
import { type Instant } from "../../../impl/ports.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { sha256 } from "../../../impl/wire/sha256.ts";
import { encodeUtf8 } from "../../../impl/wire/text.ts";
import { type Controller } from "../control-plane.ts";
import { fieldsOf, isFields, type Metadata, type StoredObject } from "../object.ts";
import { type StorageEvent } from "../storage.ts";
import { type ClusterApi } from "./cluster-api.ts";
import { isReady } from "./conditions.ts";
import { Due } from "./due.ts";

const HASH_LABEL = "pod-template-hash";

export class DeploymentController implements Controller {
  readonly #api: ClusterApi;
  readonly #delay: Micros;
  readonly #due = new Due();
  /** Keys of Pods by the uid of their Deployment, and of Deployments by their uid. */
  readonly #pods = new Map<string, Set<string>>();
  readonly #deployments = new Map<string, string>();

  constructor(api: ClusterApi, delay: Micros) {
    this.#api = api;
    this.#delay = delay;
  }

  observe({ collection, key, object, type }: StorageEvent): void {
    if (collection === "deployments.apps") {
      this.#deployments.set(object.metadata.uid ?? "", key);
      this.#due.add(key, this.#api.after(this.#delay));
    }
    if (collection !== "pods") return;
    for (const { kind, uid } of object.metadata.ownerReferences ?? []) {
      if (kind !== "Deployment") continue;
      const pods = this.#pods.get(uid) ?? new Set();
      this.#pods.set(uid, pods);
      if (type === "DELETED") pods.delete(key);
      else pods.add(key);
      const owner = this.#deployments.get(uid);
      if (owner !== undefined) this.#due.add(owner, this.#api.after(this.#delay));
    }
  }

  deadline(): Micros | undefined {
    return this.#due.deadline();
  }

  tick(now: Instant): void {
    for (const key of this.#due.take(now.monotonic)) {
      const deployment = this.#api.get("deployments.apps", key);
      // The Pods of one that is gone are the garbage collector's.
      if (deployment !== undefined && deployment.metadata.deletionTimestamp === undefined) this.#sync(deployment);
    }
  }

  #podsOf({ metadata }: StoredObject): readonly StoredObject[] {
    const keys = [...(this.#pods.get(metadata.uid ?? "") ?? [])].toSorted();
    return keys.flatMap((key) => {
      const pod = this.#api.get("pods", key);
      return pod === undefined || pod.metadata.deletionTimestamp !== undefined ? [] : [pod];
    });
  }

  #sync(deployment: StoredObject): void {
    const { replicas, template } = fieldsOf(deployment["spec"]);
    const wanted = typeof replicas === "number" ? replicas : 1;
    const hash = hashOf(template);
    const pods = this.#podsOf(deployment);
    const current = pods.filter((pod) => pod.metadata.labels?.[HASH_LABEL] === hash);
    const outdated = pods.filter((pod) => !current.includes(pod));
    // One more than wanted while old ones are replaced.
    const room = wanted + (outdated.length > 0 ? 1 : 0) - pods.length;
    const missing = Math.min(wanted - current.length, room);
    for (let count = 0; count < missing; count++) this.#create(deployment, template, hash);
    for (const pod of leastUseful(current).slice(0, Math.max(0, current.length - wanted)))
      this.#api.remove("pods", pod);
    const spare = current.filter(isReady).length + outdated.length - wanted;
    for (const pod of leastUseful(outdated).slice(0, Math.max(0, spare))) this.#api.remove("pods", pod);
    const readyReplicas = pods.filter(isReady).length;
    const status = {
      observedGeneration: deployment.metadata.generation,
      replicas: pods.length,
      updatedReplicas: current.length,
      readyReplicas,
      availableReplicas: readyReplicas,
    };
    this.#api.patch("deployments.apps", deployment, { status }, "status");
  }

  #create({ metadata, apiVersion, kind }: StoredObject, template: unknown, hash: string): void {
    const { metadata: given, spec } = fieldsOf(template);
    const { labels, annotations } = fieldsOf(given);
    const owner = {
      apiVersion,
      kind,
      name: metadata.name,
      uid: metadata.uid,
      controller: true,
      blockOwnerDeletion: true,
    };
    this.#api.create("pods", metadata.namespace ?? "", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        generateName: `${metadata.name}-${hash}-`,
        labels: { ...fieldsOf(labels), [HASH_LABEL]: hash },
        ...(isFields(annotations) ? { annotations } : {}),
        ownerReferences: [owner],
      } satisfies Readonly<Record<keyof Pick<Metadata, "generateName" | "labels" | "ownerReferences">, unknown>>,
      spec,
    });
  }
}

/** The same value with the fields of every object in one order: who wrote them in another wrote the same template. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, ordered(part)]),
  );
}

const hashOf = (template: unknown): string =>
  Array.from(sha256(encodeUtf8(stringifyJson(ordered(template ?? {})))).subarray(0, 5), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

/** Those that serve nobody go first, and among equals the last by name. */
function leastUseful(pods: readonly StoredObject[]): readonly StoredObject[] {
  return pods.toReversed().toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)));
}
