// Selectors as query parameters write them:
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#list-and-watch-filtering
import { type LabelSelectorRequirement } from "../../impl/api/kubernetes.ts";
import { compileSelector, matches, type Selector } from "../../impl/api/selector.ts";
import { ConfigError } from "../../impl/wire/errors.ts";
import { ApiError } from "./api-error.ts";
import { fieldsOf, type StoredObject } from "./object.ts";

export type Matcher = (object: StoredObject) => boolean;

/** Commas inside parentheses separate values, not requirements. */
function requirementsOf(text: string): readonly string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function requirementOf(text: string): LabelSelectorRequirement {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const values = (set[3] ?? "").split(",").map((value) => value.trim());
    return { key: set[1] ?? "", operator: set[2] === "in" ? "In" : "NotIn", values };
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(text);
  if (equality !== null) {
    return { key: equality[1] ?? "", operator: equality[2] === "!=" ? "NotIn" : "In", values: [equality[3] ?? ""] };
  }
  const absent = text.startsWith("!");
  return { key: absent ? text.slice(1).trim() : text, operator: absent ? "DoesNotExist" : "Exists" };
}

function readLabelSelector(text: string): Selector {
  try {
    return compileSelector({ matchExpressions: requirementsOf(text).map(requirementOf) }, "labelSelector");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ApiError("BadRequest", `unable to parse requirement: ${error.message}`);
  }
}

function fieldAt(object: StoredObject, path: string): string {
  let value: unknown = object;
  for (const step of path.split(".")) value = fieldsOf(value)[step];
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? `${value}` : "";
}

function readFieldSelector(text: string): Matcher {
  const tests = requirementsOf(text).map((part): Matcher => {
    const match = /^([\w.]+)(==|=|!=)(.*)$/.exec(part);
    if (match === null) throw new ApiError("BadRequest", `invalid field selector: ${part}`);
    const [, path = "", operator, value = ""] = match;
    return (object) => (fieldAt(object, path) === value) !== (operator === "!=");
  });
  return (object) => tests.every((test) => test(object));
}

/** What both selectors of a request let pass; undefined where they let everything pass. */
export function matcherOf(labelSelector: string, fieldSelector: string): Matcher | undefined {
  if (labelSelector === "" && fieldSelector === "") return undefined;
  const labels = readLabelSelector(labelSelector);
  const fields = readFieldSelector(fieldSelector);
  return (object) => matches(labels, object.metadata.labels ?? {}) && fields(object);
}
