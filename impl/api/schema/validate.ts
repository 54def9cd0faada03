// What a value has wrong in the eyes of a schema: every problem, fields in the order of the schema, unknown fields last.
import { unreachable } from "../../wire/brand.ts";
import { shorten } from "../problem.ts";
import { isObject } from "./json-object.ts";
import { childPath } from "./path.ts";
import { didYouMean } from "./spelling.ts";
import { type IntegerNode, type ListNode, type ObjectNode, type SchemaNode, type StringNode } from "./schema.ts";

export interface SchemaProblem {
  readonly reason: "required" | "type" | "value" | "rule" | "unknownField";
  /** `spec.addresses[1]`. */
  readonly path: string;
  readonly what: string;
}

/** Of a user's text the beginning says enough. */
const QUOTED = 80;

/** A word for the kind of a value that came from JSON or YAML. */
function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return `the string ${shorten(JSON.stringify(value), QUOTED)}`;
  if (typeof value === "number" || typeof value === "bigint") return `the number ${value}`;
  return typeof value === "boolean" ? String(value) : `a ${typeof value}`;
}

type Report = (reason: SchemaProblem["reason"], path: string, what: string) => void;

function checkString(node: StringNode, value: unknown, path: string, report: Report): boolean {
  if (typeof value !== "string") {
    report("type", path, `must be a string, not ${nameOf(value)}`);
    return false;
  }
  if (node.enum !== undefined && !node.enum.includes(value)) {
    report("value", path, `must be one of ${node.enum.join(", ")}, not ${nameOf(value)}`);
  }
  if (node.minLength !== undefined && value.length < node.minLength) report("value", path, "must not be empty");
  if (node.maxLength !== undefined && value.length > node.maxLength) {
    report("value", path, `must be at most ${node.maxLength} characters long`);
  }
  if (node.pattern !== undefined && !new RegExp(node.pattern).test(value)) {
    report("value", path, `must match ${node.pattern}, ${nameOf(value)} does not`);
  }
  if (node.format === "date-time" && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)) {
    report("value", path, `must be a time such as 2026-01-31T12:00:00Z, not ${nameOf(value)}`);
  }
  return true;
}

const BITS = { int32: 32n, int64: 64n } as const;

function checkInteger(node: IntegerNode, value: unknown, path: string, report: Report): boolean {
  if (typeof value !== "bigint" && !(typeof value === "number" && Number.isInteger(value))) {
    report("type", path, `must be an integer, not ${nameOf(value)}`);
    return false;
  }
  const { minimum, maximum, format } = node;
  if (minimum !== undefined && value < minimum) report("value", path, `must be at least ${minimum}, not ${value}`);
  if (maximum !== undefined && value > maximum) report("value", path, `must be at most ${maximum}, not ${value}`);
  const bound = 2n ** (BITS[format ?? "int64"] - 1n);
  if (value >= bound || value < -bound) report("value", path, `must fit ${format ?? "int64"}, ${value} does not`);
  return true;
}

function checkList(node: ListNode, value: unknown, old: unknown, path: string, report: Report): boolean {
  if (!Array.isArray(value)) {
    report("type", path, `must be a list, not ${nameOf(value)}`);
    return false;
  }
  if (node.minItems !== undefined && value.length < node.minItems) {
    report("value", path, `must have at least ${node.minItems} item`);
  }
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    check(node.items, item, undefined, `${path}[${index}]`, report);
    if (typeof node.merge !== "object" || !isObject(item)) continue;
    const identity = JSON.stringify(node.merge.map((key) => item[key]));
    if (seen.has(identity)) report("value", `${path}[${index}]`, `repeats an earlier ${node.merge.join(", ")}`);
    seen.add(identity);
  }
  return old === undefined || Array.isArray(old);
}

function checkObject(node: ObjectNode, value: unknown, old: unknown, path: string, report: Report): boolean {
  if (!isObject(value)) {
    report("type", path, `must be an object, not ${nameOf(value)}`);
    return false;
  }
  for (const [name, field] of Object.entries(node.fields)) {
    const child = Object.hasOwn(value, name) ? value[name] : undefined;
    const at = childPath(path, name);
    // The API server drops null where a field is not nullable.
    if (child !== undefined && child !== null)
      check(field.node, child, isObject(old) ? old[name] : undefined, at, report);
    else if (field.required) report("required", at, "is required");
  }
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(node.fields, name)) continue;
    const meant = didYouMean(name, Object.keys(node.fields));
    const hint = meant === undefined ? "" : `, did you mean ${meant}?`;
    report("unknownField", childPath(path, name), `unknown field ${shorten(JSON.stringify(name), QUOTED)}${hint}`);
  }
  return true;
}

function checkShape(node: SchemaNode, value: unknown, old: unknown, path: string, report: Report): boolean {
  switch (node.kind) {
    case "string":
      return checkString(node, value, path, report);
    case "integer":
      return checkInteger(node, value, path, report);
    case "boolean":
      if (typeof value === "boolean") return true;
      report("type", path, `must be true or false, not ${nameOf(value)}`);
      return false;
    case "list":
      return checkList(node, value, old, path, report);
    case "map":
      if (!isObject(value)) {
        report("type", path, `must be an object, not ${nameOf(value)}`);
        return false;
      }
      for (const [key, item] of Object.entries(value))
        check(node.values, item, undefined, childPath(path, key), report);
      return true;
    case "object":
      return checkObject(node, value, old, path, report);
    default:
      return unreachable(node);
  }
}

function check(node: SchemaNode, value: unknown, old: unknown, path: string, report: Report): void {
  let clean = true;
  const watching: Report = (reason, at, what) => {
    if (reason !== "unknownField") clean = false;
    report(reason, at, what);
  };
  // Rules are written for values of the right shape.
  if (!checkShape(node, value, old, path, watching) || !clean) return;
  for (const rule of node.rules ?? []) {
    if (rule.transition === true && old === undefined) continue;
    if (!rule.holds(value, old)) report("rule", path, rule.message);
  }
}

/** `old` is the value that an update replaces. */
export function validate(node: SchemaNode, value: unknown, path = "", old?: unknown): readonly SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  check(node, value, old, path, (reason, at, what) => problems.push({ reason, path: at, what }));
  return problems;
}
