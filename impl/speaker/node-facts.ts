import { EXCLUDE_LABEL, type NodeObject } from "../api/kubernetes.ts";
import { type Labels } from "../api/selector.ts";

/** What announcing depends on of a Node. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Labels;
  readonly networkUnavailable: boolean;
  /** It carries node.kubernetes.io/exclude-from-external-load-balancers, with any value. */
  readonly excluded: boolean;
}

export function nodeFacts(node: NodeObject): NodeFacts {
  const labels = node.metadata.labels ?? {};
  return {
    name: node.metadata.name,
    labels,
    networkUnavailable: (node.status?.conditions ?? []).some(
      (condition) => condition.type === "NetworkUnavailable" && condition.status === "True",
    ),
    excluded: Object.hasOwn(labels, EXCLUDE_LABEL),
  };
}

export function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

export function sameFacts(a: NodeFacts | undefined, b: NodeFacts | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.networkUnavailable === b.networkUnavailable && a.excluded === b.excluded && sameLabels(a.labels, b.labels);
}
