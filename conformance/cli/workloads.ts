// Workloads of the manifests in the forms that a simulated cluster has.
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { isObject, type JsonObject } from "../../impl/api/schema/json-object.ts";

export const part = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((found, key) => (isObject(found) ? found[key] : undefined), value);

export const record = (value: unknown): JsonObject => (isObject(value) ? value : {});
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const labelOf = ({ metadata }: KubeObject, key: string): unknown => part(metadata.labels, key);

export const texts = (values: readonly unknown[]): readonly string[] =>
  values.filter((value) => typeof value === "string");

/** Objects are what the files say, so a specification may be anything. */
export type Manifest = KubeObject & { readonly spec?: unknown };

export const namespaceOf = ({ metadata }: KubeObject): string => metadata.namespace ?? "default";

/** Kinds whose Pods a Deployment can stand for: nothing that is simulated depends on what else they promise. */
const AS_DEPLOYMENT = new Set(["StatefulSet", "ReplicaSet", "ReplicationController"]);

function selectorOf(object: KubeObject): unknown {
  const selector = part(object, "spec", "selector");
  return object.kind === "ReplicationController" ? { matchLabels: selector ?? podLabels(object) } : selector;
}

export const podLabels = (object: KubeObject): JsonObject =>
  object.kind === "Pod"
    ? record(object.metadata.labels)
    : record(part(object, "spec", "template", "metadata", "labels"));

function asDeployment(object: KubeObject): Manifest {
  const replicas = part(object, "spec", "replicas") ?? 1;
  const template = part(object, "spec", "template");
  const { name, namespace, labels } = object.metadata;
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: { replicas, selector: selectorOf(object), template },
  };
}

/** One Pod on every node, bound to it. */
export function podsOnNodes(
  object: { readonly name: string; readonly namespace: string },
  template: JsonObject,
  nodes: readonly string[],
): readonly Manifest[] {
  const { name, namespace } = object;
  const labels = record(part(template, "metadata", "labels")) as Readonly<Record<string, string>>;
  return nodes.map((nodeName) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${name}-${nodeName}`, namespace, labels },
    spec: { ...record(template["spec"]), nodeName },
  }));
}

export interface Cast {
  readonly nodes: readonly string[];
  /** Nodes of the topology by their names in the manifests. */
  readonly players: ReadonlyMap<string, string>;
  /** Labels that a node ends up with. */
  labelsOf(node: string): Readonly<Record<string, string>>;
}

export const matchesAll = (selector: JsonObject, labels: JsonObject): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

/** A Pod that is bound to a node which is not here is left to the scheduler. */
function rebound(object: KubeObject, { nodes, players }: Cast): Manifest {
  const spec = part(object, "spec");
  const nodeName = part(spec, "nodeName");
  if (!isObject(spec) || typeof nodeName !== "string") return object;
  const player = nodes.includes(nodeName) ? nodeName : players.get(nodeName);
  const { nodeName: _nodeName, ...rest } = spec;
  return { ...object, spec: player === undefined ? rest : { ...rest, nodeName: player } };
}

/** A workload in a form that a simulated cluster has; undefined where it is none. */
export function simulated(object: KubeObject, cast: Cast): readonly Manifest[] | undefined {
  if (object.kind === "Deployment") return [object];
  if (object.kind === "Pod") return [rebound(object, cast)];
  if (AS_DEPLOYMENT.has(object.kind)) return [asDeployment(object)];
  if (object.kind !== "DaemonSet") return undefined;
  const template = record(part(object, "spec", "template"));
  const selector = record(part(template, "spec", "nodeSelector"));
  const nodes = cast.nodes.filter((node) => matchesAll(selector, cast.labelsOf(node)));
  return podsOnNodes({ name: object.metadata.name, namespace: namespaceOf(object) }, template, nodes);
}

/** Made by another object of the files, which is simulated itself. */
export function isMadeByAnother(object: KubeObject, manifests: readonly KubeObject[]): boolean {
  const manager = labelOf(object, "endpointslice.kubernetes.io/managed-by");
  if (object.kind === "EndpointSlice" && manager !== undefined) return manager === "endpointslice-controller.k8s.io";
  return list(object.metadata.ownerReferences).some((owner) =>
    manifests.some(
      (other) =>
        other.kind === part(owner, "kind") &&
        other.metadata.name === part(owner, "name") &&
        namespaceOf(other) === namespaceOf(object),
    ),
  );
}

export const WORKLOADS = new Set(["Deployment", "Pod", "DaemonSet", ...AS_DEPLOYMENT]);

/** The load balancer's own workloads: Assay runs in their place. */
export function isLoadBalancerItself(object: KubeObject): boolean {
  if (!WORKLOADS.has(object.kind)) return false;
  const spec = object.kind === "Pod" ? part(object, "spec") : part(object, "spec", "template", "spec");
  const images = texts(list(part(spec, "containers")).map((container) => part(container, "image")));
  const labels = { ...podLabels(object), ...record(object.metadata.labels) };
  return (
    images.some((image) => /(^|\/)(metallb|assay)[/-](controller|speaker)\b/.test(image)) ||
    labels["app"] === "metallb" ||
    labels["app.kubernetes.io/name"] === "metallb"
  );
}
