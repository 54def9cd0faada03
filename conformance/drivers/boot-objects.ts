// What is in the API server before anybody applies anything.
import { type KubeObject, objectKey } from "../../impl/api/kubernetes.ts";
import { pathOf } from "../../impl/kube/resources.ts";
import { type ControlPlane } from "../../sim/kube/control-plane.ts";
import { SYSTEM } from "../objects.ts";
import { type Topology } from "../topology/model.ts";
import { resourceOf } from "./kube-admin.ts";
import { CONTROLLER_POD, type NodeFacts, ownPod, speakerPodName } from "./node-objects.ts";

const namespace = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

/** `system` is the namespace that the load balancer runs in. */
export function bootObjects(topology: Topology, facts: readonly NodeFacts[], system = SYSTEM): readonly KubeObject[] {
  const [first] = facts;
  return [
    namespace(system),
    namespace("default"),
    ...facts.map(({ object }) => object),
    ...(first === undefined ? [] : [ownPod(CONTROLLER_POD, first, "controller", system)]),
    ...facts.map((node) => ownPod(speakerPodName(node.name), node, "speaker", system)),
    ...topology.objects.filter(({ kind }) => kind !== "Node"),
  ];
}

/** Throws where the API server refuses it. */
export function createObject(plane: ControlPlane, object: KubeObject): void {
  const resource = resourceOf(object.kind, object.apiVersion);
  const place = resource.namespaced ? (object.metadata.namespace ?? "default") : undefined;
  const send = (method: string, path: string, body: object, type?: string): void => {
    const { status, body: answer } = plane.call(method, path, body, type);
    if (status >= 300) throw new Error(`${object.kind} ${objectKey(object)}: ${JSON.stringify(answer)}`);
  };
  send("POST", pathOf(resource, place), object);
  if (!("status" in object)) return;
  const path = pathOf(resource, place, object.metadata.name, "status");
  send("PATCH", path, { status: object.status }, "application/merge-patch+json");
}
