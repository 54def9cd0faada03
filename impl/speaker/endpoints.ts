// discovery.k8s.io/v1, EndpointConditions: what may serve, and where.
import { type EndpointSlice } from "../api/kubernetes.ts";

type Conditions = NonNullable<NonNullable<EndpointSlice["endpoints"]>[number]["conditions"]>;

/** The endpoints of one Service, as far as announcing it depends on them. */
export interface Endpoints {
  /** At least one endpoint can serve, wherever it is. */
  readonly serving: boolean;
  /** Nodes with an endpoint that can serve. */
  readonly nodes: ReadonlySet<string>;
}

export const NO_ENDPOINTS: Endpoints = { serving: false, nodes: new Set() };

/** A missing `ready` counts as true; one that terminates counts while it still serves. */
export function canServe(conditions: Conditions | undefined): boolean {
  return conditions?.ready !== false || conditions.serving === true;
}

export function endpointsOf(slice: EndpointSlice): Endpoints {
  let serving = false;
  const nodes = new Set<string>();
  for (const endpoint of slice.endpoints ?? []) {
    if (!canServe(endpoint.conditions)) continue;
    serving = true;
    if (endpoint.nodeName !== undefined && endpoint.nodeName !== "") nodes.add(endpoint.nodeName);
  }
  return { serving, nodes };
}

/** The endpoints of several slices; one that stands in two of them counts once. */
export function mergeEndpoints(parts: Iterable<Endpoints>): Endpoints {
  let serving = false;
  const nodes = new Set<string>();
  for (const part of parts) {
    serving ||= part.serving;
    for (const node of part.nodes) nodes.add(node);
  }
  return { serving, nodes };
}
