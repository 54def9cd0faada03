// Name, namespace, labels and annotations of objects in files.
import { encodeUtf8 } from "../wire/text.ts";
import { GROUP } from "./kinds/kind.ts";
import { type ReportAt, type SourceDocument, type SourceObject } from "./check-source.ts";
import { isObject } from "./schema/json-object.ts";
import { childPath } from "./schema/path.ts";
import { didYouMean } from "./schema/spelling.ts";
import { labelKeyProblem, labelValueProblem } from "./selector.ts";

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** The object, or nothing where it cannot be told what it is. */
export function identify(
  document: SourceDocument,
  root: string,
  value: unknown,
  report: ReportAt,
): readonly SourceObject[] {
  const nobody = { apiVersion: "", kind: "", name: "", namespace: "", text: "" };
  if (!isObject(value)) {
    report({ document, root, value: {}, identity: nobody }, "", "is not a Kubernetes object");
    return [];
  }
  const metadata = isObject(value["metadata"]) ? value["metadata"] : {};
  const [apiVersion, kind] = [textOf(value["apiVersion"]), textOf(value["kind"])];
  const [name, namespace] = [textOf(metadata["name"]), textOf(metadata["namespace"])];
  const text = `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`.trim();
  const object = { document, root, value, identity: { apiVersion, kind, name, namespace, text } };
  if (apiVersion === "" && kind === "") {
    report(object, "", "is not a Kubernetes object: it has neither apiVersion nor kind");
    return [];
  }
  if (apiVersion === "") report(object, "apiVersion", "is required");
  if (kind === "") report(object, "kind", "is required");
  if (apiVersion === "" || kind === "") return [];
  // Files for tools, such as a Kustomization, have no name, and are none of our business.
  if (name !== "" || !apiVersion.includes(GROUP)) return [object];
  if (textOf(metadata["generateName"]) === "") report(object, "metadata.name", "is required");
  return [];
}

/** metav1.ObjectMeta. */
const FIELDS = [
  "annotations",
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "finalizers",
  "generateName",
  "generation",
  "labels",
  "managedFields",
  "name",
  "namespace",
  "ownerReferences",
  "resourceVersion",
  "selfLink",
  "uid",
];

const NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
const MAX_ANNOTATION_BYTES = 262_144;

function checkTexts(
  object: SourceObject,
  field: "labels" | "annotations",
  value: unknown,
  report: ReportAt,
): readonly (readonly [string, string])[] {
  const path = `metadata.${field}`;
  if (value === undefined || value === null) return [];
  if (!isObject(value)) {
    report(object, path, "must be an object");
    return [];
  }
  return Object.entries(value).flatMap(([key, text]) => {
    const problem = labelKeyProblem(key);
    if (problem !== undefined) report(object, childPath(path, key), problem);
    if (typeof text === "string") return [[key, text] as const];
    report(object, childPath(path, key), "must be a string (write it in quotes)");
    return [];
  });
}

export function checkMetadata(object: SourceObject, report: ReportAt): void {
  const { metadata } = object.value;
  if (!isObject(metadata)) return;
  const { name } = object.identity;
  if (name.length > 253 || !NAME.test(name)) {
    report(object, "metadata.name", `${JSON.stringify(name)} is not a name: lower case letters, digits, "-" and "."`);
  }
  for (const [key, value] of checkTexts(object, "labels", metadata["labels"], report)) {
    const problem = labelValueProblem(value);
    if (problem !== undefined) report(object, childPath("metadata.labels", key), problem);
  }
  const annotations = checkTexts(object, "annotations", metadata["annotations"], report);
  const size = annotations.reduce((sum, [key, value]) => sum + encodeUtf8(key).length + encodeUtf8(value).length, 0);
  if (size > MAX_ANNOTATION_BYTES) {
    report(object, "metadata.annotations", `has ${size} bytes, the API server takes ${MAX_ANNOTATION_BYTES}`);
  }
  for (const key of Object.keys(metadata)) {
    if (FIELDS.includes(key)) continue;
    const meant = didYouMean(key, FIELDS);
    const hint = meant === undefined ? "" : `, did you mean ${meant}?`;
    report(object, childPath("metadata", key), `unknown field ${JSON.stringify(key)}${hint}`);
  }
}
