import { findKind } from "./kinds/registry.ts";
import { type KubeObject } from "./kubernetes.ts";
import { type ProblemList } from "./problem.ts";
import { validate } from "./schema/validate.ts";

/**
 * The objects whose spec has the shape that its type promises; the others are reported. An API server with other CRDs than
 * ours stores what ours would refuse, and one such object must not end the process that reads it.
 */
export function wellFormed<T extends KubeObject & { readonly spec?: unknown }>(
  objects: readonly T[],
  problems: ProblemList,
): readonly T[] {
  return objects.filter((object) => {
    const schema = findKind(object.apiVersion, object.kind)?.version.schema;
    const found = schema === undefined ? [] : validate(schema, object.spec === undefined ? {} : { spec: object.spec });
    const [first] = found.filter(({ reason }) => reason === "type" || reason === "required");
    if (first !== undefined) problems.about(object)(first.path, `${first.path} ${first.what}`);
    return first === undefined;
  });
}
