import { describe, expect, it } from "vitest";
import { type EndpointSlice } from "../api/kubernetes.ts";
import { RESOURCES } from "./resources.ts";
import { Store } from "./store.ts";

const store = (): Store<EndpointSlice> => new Store(RESOURCES.endpointSlices, (object) => object);

function read(into: Store<EndpointSlice>, uid: string, resourceVersion: string): EndpointSlice {
  const slice = into.read({ metadata: { name: "web-1", uid, resourceVersion }, addressType: "IPv4" });
  if (slice === undefined) throw new Error("no slice");
  return slice;
}

describe("the store", () => {
  it("reads null as absent, as Go writes an empty list", () => {
    // What kube-apiserver 1.34 answers for the slice of a Service without Pods.
    const text =
      '{"metadata":{"name":"web-1"},"addressType":"IPv4","endpoints":null,"ports":[{"port":80,"name":null}]}';
    expect(store().read(JSON.parse(text))).toEqual({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-1" },
      addressType: "IPv4",
      ports: [{ port: 80 }],
    });
  });

  it("tells two objects of one name apart that a list shows one after the other", () => {
    const mirror = store();
    const first = read(mirror, "uid-1", "5");
    const second = read(mirror, "uid-2", "9");
    mirror.replace(new Map([["web-1", first]]), "6");
    expect(mirror.replace(new Map([["web-1", second]]), "10")).toEqual([
      { kind: "deleted", object: first },
      { kind: "upserted", object: second, previous: undefined },
    ]);
  });
});
