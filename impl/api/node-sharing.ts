// Whether two objects with nodeSelectors can meet on one node.
import { type NodeObject } from "./kubernetes.ts";
import { matchesAny, type Selector } from "./selector.ts";

/** Said of a conflict that is only there if some node matches both lists. */
export function assumptionOf(
  a: readonly Selector[],
  b: readonly Selector[],
  nodes: readonly NodeObject[],
): string | undefined {
  const certain = nodes.length > 0 || a.length === 0 || b.length === 0;
  return certain ? undefined : "some node matches the nodeSelectors of both";
}

/**
 * True where some node matches both lists; an empty list matches every node. Where no node is known, the lists are taken
 * to share one.
 */
export function shareNode(a: readonly Selector[], b: readonly Selector[], nodes: readonly NodeObject[]): boolean {
  if (nodes.length === 0) return true;
  const selects = (selectors: readonly Selector[], node: NodeObject): boolean =>
    selectors.length === 0 || matchesAny(selectors, node.metadata.labels ?? {});
  return nodes.some((node) => selects(a, node) && selects(b, node));
}
