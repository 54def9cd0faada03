import { type KubeObject } from "../api/kubernetes.ts";
import { type Resource } from "../kube/resources.ts";

/** Whether an object is there and of a resource; then it has that type. */
export function isA<T extends KubeObject>(resource: Resource<T>, object: KubeObject | undefined): object is T {
  return object?.kind === resource.kind;
}
