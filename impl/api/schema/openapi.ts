// The structural OpenAPI v3 form of a schema, as a CustomResourceDefinition carries it:
// https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
import { unreachable } from "../../wire/brand.ts";
import { type ListNode, type ObjectNode, type SchemaNode } from "./schema.ts";

export type JsonValue = string | number | boolean | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export type OpenApi = { readonly [key: string]: JsonValue };

/** Only the entries that have a value. */
function present(entries: Readonly<Record<string, JsonValue | undefined>>): OpenApi {
  const result: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(entries)) {
    if (value !== undefined) result[key] = value;
  }
  return result;
}

function listForm(node: ListNode): OpenApi {
  const { merge } = node;
  return present({
    type: "array",
    items: toOpenApi(node.items),
    minItems: node.minItems,
    "x-kubernetes-list-type": typeof merge === "object" ? "map" : merge,
    "x-kubernetes-list-map-keys": typeof merge === "object" ? merge : undefined,
  });
}

function objectForm(node: ObjectNode): OpenApi {
  const fields = Object.entries(node.fields);
  const required = fields.filter(([, field]) => field.required).map(([name]) => name);
  const properties = Object.fromEntries(fields.map(([name, field]) => [name, toOpenApi(field.node)]));
  return present({
    type: "object",
    properties: fields.length === 0 ? undefined : properties,
    required: required.length === 0 ? undefined : required,
    "x-kubernetes-map-type": node.atomic === true ? "atomic" : undefined,
  });
}

function formOf(node: SchemaNode): OpenApi {
  switch (node.kind) {
    case "string": {
      const { kind: _kind, description: _description, rules: _rules, ...limits } = node;
      return present({ type: "string", ...limits });
    }
    case "integer": {
      const { kind: _kind, description: _description, rules: _rules, ...limits } = node;
      return present({ type: "integer", ...limits });
    }
    case "boolean":
      return present({ type: "boolean", default: node.default });
    case "list":
      return listForm(node);
    case "map":
      return { type: "object", additionalProperties: toOpenApi(node.values) };
    case "object":
      return objectForm(node);
    default:
      return unreachable(node);
  }
}

export function toOpenApi(node: SchemaNode): OpenApi {
  const validations = node.rules?.map(({ cel, message }) => ({ rule: cel, message }));
  return present({ description: node.description, ...formOf(node), "x-kubernetes-validations": validations });
}
