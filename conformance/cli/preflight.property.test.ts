import fc from "fast-check";
import { expect, it } from "vitest";
import { findTopology } from "../topology/find.ts";
import { readManifests } from "./manifests.ts";
import { preflight } from "./preflight.ts";

const KINDS = [
  "Service",
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "Pod",
  "Node",
  "EndpointSlice",
  "Endpoints",
  "Namespace",
];
const OWN = ["IPAddressPool", "L2Advertisement", "BGPPeer", "BGPAdvertisement", "Community"];
const KEYS = [
  "metadata",
  "spec",
  "status",
  "labels",
  "name",
  "namespace",
  "selector",
  "ports",
  "port",
  "targetPort",
  "type",
];
const MORE = [
  "template",
  "containers",
  "addresses",
  "subsets",
  "loadBalancer",
  "ingress",
  "ip",
  "nodeName",
  "ownerReferences",
];

const topology = findTopology("lan-3");

/** Anything that YAML can hold, with the keys that the code looks for. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(
      null,
      true,
      7,
      "LoadBalancer",
      "web",
      "192.0.2.1",
      "192.0.2.0/24",
      "2001:db8::/64",
      "k8s-worker",
      "",
    ),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS, ...MORE), tie("value"), { maxKeys: 5 }),
  ),
}));

const manifest = fc
  .tuple(
    fc.constantFrom(...KINDS, ...OWN, "List"),
    fc.constantFrom("v1", "metallb.io/v1beta1", "apps/v1"),
    value,
    value,
    value,
  )
  .map(([kind, apiVersion, metadata, spec, rest]) => ({
    apiVersion,
    kind,
    metadata:
      typeof metadata === "object" && metadata !== null && !Array.isArray(metadata)
        ? { name: "a", ...metadata }
        : metadata,
    spec,
    status: rest,
    subsets: rest,
    items: rest,
  }));

it("prepares whatever files hold", () => {
  fc.assert(
    fc.property(fc.array(manifest, { maxLength: 4 }), fc.boolean(), (manifests, adaptable) => {
      const text = manifests.map((item) => JSON.stringify(item)).join("\n---\n");
      const { objects, notes } = preflight(readManifests([{ file: "x", text }]), topology, { adaptable });
      expect(objects.every(({ kind }) => kind !== "Node")).toBe(true);
      expect(notes.join()).not.toMatch(/undefined|\[object/);
    }),
    { numRuns: 300 },
  );
});
