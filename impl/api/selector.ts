// Label selectors, metav1.LabelSelector: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
import { unreachable } from "../wire/brand.ts";
import { ConfigError } from "../wire/errors.ts";
import { type LabelSelector, type LabelSelectorRequirement } from "./kubernetes.ts";

export type Labels = Readonly<Record<string, string>>;

type Requirement =
  | { readonly kind: "in"; readonly key: string; readonly values: ReadonlySet<string> }
  | { readonly kind: "notIn"; readonly key: string; readonly values: ReadonlySet<string> }
  | { readonly kind: "exists"; readonly key: string }
  | { readonly kind: "doesNotExist"; readonly key: string };

/** A checked label selector. Two that are written differently but demand the same, in any order, have the same `text`. */
export interface Selector {
  /** The form that kubectl prints: `app=web,tier in (a,b),!old`; empty for the selector of everything. */
  readonly text: string;
  readonly requirements: readonly Requirement[];
}

export const EVERYTHING: Selector = { text: "", requirements: [] };

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** What is wrong with a label key, or undefined. */
export function labelKeyProblem(key: string): string | undefined {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (prefix !== undefined && (prefix.length > 253 || !DNS_SUBDOMAIN.test(prefix))) {
    return `"${key}" is not a label key: the prefix must be a DNS subdomain`;
  }
  if (name.length > 63 || !NAME.test(name)) {
    return `"${key}" is not a label key: the name must be 1 to 63 letters, digits, "-", "_" or "."`;
  }
  return undefined;
}

/** What is wrong with a label value, or undefined. */
export function labelValueProblem(value: string): string | undefined {
  if (value === "" || (value.length <= 63 && NAME.test(value))) return undefined;
  return `"${value}" is not a label value: at most 63 letters, digits, "-", "_" or "."`;
}

function requireValid(problem: string | undefined, path: string): void {
  if (problem !== undefined) throw new ConfigError(path, problem);
}

function compileExpression(expression: LabelSelectorRequirement, path: string): Requirement {
  const { key, operator, values = [] } = expression;
  requireValid(labelKeyProblem(key), `${path}.key`);
  for (const [index, value] of values.entries()) requireValid(labelValueProblem(value), `${path}.values[${index}]`);
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) throw new ConfigError(`${path}.values`, `operator ${operator} needs at least one value`);
      return { kind: operator === "In" ? "in" : "notIn", key, values: new Set(values) };
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0) throw new ConfigError(`${path}.values`, `operator ${operator} takes no values`);
      return { kind: operator === "Exists" ? "exists" : "doesNotExist", key };
    default:
      throw new ConfigError(`${path}.operator`, `"${operator}" is not a valid label selector operator`);
  }
}

function requirementText(requirement: Requirement): string {
  switch (requirement.kind) {
    case "in":
    case "notIn": {
      const values = [...requirement.values].sort();
      const [only = ""] = values;
      if (requirement.kind === "in" && values.length === 1) return `${requirement.key}=${only}`;
      return `${requirement.key} ${requirement.kind === "in" ? "in" : "notin"} (${values.join(",")})`;
    }
    case "exists":
      return requirement.key;
    case "doesNotExist":
      return `!${requirement.key}`;
    default:
      return unreachable(requirement);
  }
}

/** Checks a selector once so that matching cannot fail. Throws ConfigError below `path`. */
export function compileSelector(selector: LabelSelector, path: string): Selector {
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requireValid(labelKeyProblem(key), `${path}.matchLabels`);
    requireValid(labelValueProblem(value), `${path}.matchLabels["${key}"]`);
    requirements.push({ kind: "in", key, values: new Set([value]) });
  }
  for (const [index, expression] of (selector.matchExpressions ?? []).entries()) {
    requirements.push(compileExpression(expression, `${path}.matchExpressions[${index}]`));
  }
  const text = requirements
    .map((requirement) => ({ key: requirement.key, text: requirementText(requirement) }))
    .sort((a, b) => compareText(a.key, b.key) || compareText(a.text, b.text))
    .map((entry) => entry.text)
    .join(",");
  return { text, requirements };
}

/** The selector, or undefined where compileSelector would refuse it: for those who leave it to others to report that. */
export function readSelector(selector: LabelSelector): Selector | undefined {
  try {
    return compileSelector(selector, "");
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function meets(requirement: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.kind) {
    case "in":
      return value !== undefined && requirement.values.has(value);
    case "notIn":
      return value === undefined || !requirement.values.has(value);
    case "exists":
      return value !== undefined;
    case "doesNotExist":
      return value === undefined;
    default:
      return unreachable(requirement);
  }
}

export function matches(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every((requirement) => meets(requirement, labels));
}

/** Selectors as alternatives. An empty list matches nothing; callers decide what "none given" means. */
export function matchesAny(selectors: readonly Selector[], labels: Labels): boolean {
  return selectors.some((selector) => matches(selector, labels));
}
