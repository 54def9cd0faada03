import { describe, expect, it } from "vitest";
import { type EndpointSlice } from "../api/kubernetes.ts";
import { endpointsOf, mergeEndpoints } from "./endpoints.ts";

type Endpoint = NonNullable<EndpointSlice["endpoints"]>[number];

function slice(...endpoints: readonly Partial<Endpoint>[]): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-1" },
    addressType: "IPv4",
    endpoints: endpoints.map((endpoint) => ({ addresses: ["2.3.4.5"], ...endpoint })),
  };
}

const at = (nodeName: string, conditions?: Endpoint["conditions"]): Partial<Endpoint> =>
  conditions === undefined ? { nodeName } : { nodeName, conditions };

describe("endpoints that can serve", () => {
  const rows = [
    {
      name: "on different hosts",
      slices: [slice(at("iris1", { ready: true }), at("iris2", { ready: true }))],
      nodes: "iris1 iris2",
    },
    {
      name: "on the same host",
      slices: [slice(at("iris1", { ready: true }), at("iris1", { ready: true }))],
      nodes: "iris1",
    },
    {
      name: "one not ready",
      slices: [slice(at("iris1", { ready: true }), at("iris2", { ready: false }))],
      nodes: "iris1",
    },
    { name: "not ready but serving", slices: [slice(at("iris1", { ready: false, serving: true }))], nodes: "iris1" },
    { name: "ready but not serving", slices: [slice(at("iris1", { ready: true, serving: false }))], nodes: "iris1" },
    { name: "in several slices", slices: [slice(at("iris1")), slice(at("iris2"), at("iris1"))], nodes: "iris1 iris2" },
    { name: "conditions missing", slices: [slice(at("iris1")), slice(at("iris2", {}))], nodes: "iris1 iris2" },
    {
      name: "terminating but serving",
      slices: [slice(at("iris1", { ready: false, serving: true, terminating: true }))],
      nodes: "iris1",
    },
    {
      name: "terminating and done",
      slices: [slice(at("iris1", { ready: false, serving: false, terminating: true }))],
      nodes: "",
    },
    { name: "none", slices: [], nodes: "" },
  ];
  it.each(rows)("$name: [$nodes]", ({ slices, nodes }) => {
    const { serving, nodes: found } = mergeEndpoints(slices.map(endpointsOf));
    expect({ serving, nodes: [...found].join(" ") }).toEqual({ serving: nodes !== "", nodes });
  });

  it("counts one without a node as serving, but on no node", () => {
    expect(endpointsOf(slice({}))).toEqual({ serving: true, nodes: new Set() });
  });
});
