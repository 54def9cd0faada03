// What the API server does to an object before it stores it: unknown fields go, defaults come.
import { isObject } from "./json-object.ts";
import { type SchemaNode } from "./schema.ts";

function withDefault(node: SchemaNode, value: unknown): unknown {
  if (value !== undefined && value !== null) return applyDefaults(node, value);
  return "default" in node ? node.default : undefined;
}

/** The value with defaults in place of missing fields, at every depth. A missing object stays missing. */
export function applyDefaults(node: SchemaNode, value: unknown): unknown {
  if (node.kind === "list" && Array.isArray(value)) return value.map((item) => applyDefaults(node.items, item));
  if (node.kind === "map" && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, applyDefaults(node.values, item)]));
  }
  if (node.kind !== "object" || !isObject(value)) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [name, field] of Object.entries(node.fields)) {
    const child = withDefault(field.node, Object.hasOwn(value, name) ? value[name] : undefined);
    if (child === undefined) delete result[name];
    else result[name] = child;
  }
  return result;
}

/** The value without the fields that the schema does not know. */
export function prune(node: SchemaNode, value: unknown): unknown {
  if (node.kind === "list" && Array.isArray(value)) return value.map((item) => prune(node.items, item));
  if (node.kind === "map" && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, prune(node.values, item)]));
  }
  if (node.kind !== "object" || !isObject(value)) return value;
  const kept = Object.entries(value).flatMap(([name, child]) => {
    const field = Object.hasOwn(node.fields, name) ? node.fields[name] : undefined;
    return field === undefined || child === null ? [] : [[name, prune(field.node, child)] as const];
  });
  return Object.fromEntries(kept);
}

/** The value without the field that `steps` lead to. An item of a list stays: taking it out would move the others. */
export function withoutField(value: unknown, steps: readonly (string | number)[]): unknown {
  const [step, ...rest] = steps;
  if (Array.isArray(value) && typeof step === "number" && rest.length > 0) {
    return value.map((item, index) => (index === step ? withoutField(item, rest) : item));
  }
  if (!isObject(value) || typeof step !== "string" || !Object.hasOwn(value, step)) return value;
  const { [step]: child, ...others } = value;
  return rest.length === 0 ? others : { ...others, [step]: withoutField(child, rest) };
}
