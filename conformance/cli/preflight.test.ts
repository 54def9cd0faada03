import { describe, expect, it } from "vitest";
import { type KubeObject, objectKey } from "../../impl/api/kubernetes.ts";
import { findTopology } from "../topology/find.ts";
import { readManifests } from "./manifests.ts";
import { preflight } from "./preflight.ts";
import { part } from "./workloads.ts";

const lan = findTopology("lan-3");

/** What is applied, in order: kind, key, and the node that it is bound to. */
function applied(objects: readonly KubeObject[]): readonly string[] {
  return objects.map((object) => {
    const node = part(object, "spec", "nodeName");
    return `${object.kind} ${objectKey(object)}${typeof node === "string" ? ` on ${node}` : ""}`;
  });
}

function prepare(objects: readonly object[], adaptable = true) {
  const text = objects.map((object) => JSON.stringify(object)).join("\n---\n");
  return preflight(readManifests([{ file: "x.yaml", text }]), lan, { adaptable });
}

const notesOf = (...objects: readonly object[]): readonly string[] => prepare(objects).notes;

const own = (kind: string, name: string, spec: object, namespace: string | undefined = "metallb-system") => ({
  apiVersion: "metallb.io/v1beta1",
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  spec,
});
const pool = (...addresses: readonly string[]) => own("IPAddressPool", "p", { addresses });
const service = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, ...metadata },
  spec: { type: "LoadBalancer", selector: { app: name }, ports: [{ port: 80 }], ...spec },
});
const workload = (kind: string, name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name, ...metadata },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: {} },
    ...spec,
  },
});

describe("what is behind a Service", () => {
  it("is a stand-in on every node where the files do not say, one for all Services with that selector", () => {
    const tcp = service("dns-tcp", { selector: { app: "dns" } });
    const udp = service("dns-udp", {
      selector: { app: "dns" },
      ports: [{ port: 53, protocol: "UDP", targetPort: "dns" }],
    });
    const { objects, notes, podPorts } = prepare([tcp, udp]);
    expect(applied(objects)).toEqual([
      "Pod default/dns-tcp-stand-in-k8s-control-plane on k8s-control-plane",
      "Pod default/dns-tcp-stand-in-k8s-worker on k8s-worker",
      "Pod default/dns-tcp-stand-in-k8s-worker2 on k8s-worker2",
      "Service default/dns-tcp",
      "Service default/dns-udp",
    ]);
    expect(notes).toEqual([
      "no workload in the files is selected by default/dns-tcp, default/dns-udp: a stand-in backend runs on every node",
    ]);
    expect(podPorts).toEqual([80, 20_000]);
  });

  it("is what the files have, in a form that a simulated cluster has", () => {
    const names = ["a", "b", "c", "d"];
    const { objects, notes } = prepare([
      ...names.map((name) => service(name)),
      workload("Deployment", "a"),
      workload("StatefulSet", "b", { replicas: 2 }),
      workload("DaemonSet", "c"),
      { apiVersion: "v1", kind: "Pod", metadata: { name: "d", labels: { app: "d" } }, spec: { nodeName: "elsewhere" } },
    ]);
    expect(applied(objects)).toEqual([
      "Deployment default/a",
      "Deployment default/b",
      "Pod default/c-k8s-control-plane on k8s-control-plane",
      "Pod default/c-k8s-worker on k8s-worker",
      "Pod default/c-k8s-worker2 on k8s-worker2",
      "Pod default/d",
      ...names.map((name) => `Service default/${name}`),
    ]);
    expect(notes).toEqual(["simulated by the Pods that they would have: StatefulSet default/b, DaemonSet default/c"]);
  });

  it("is not made twice where the files hold what a controller made of another object", () => {
    const owned = (kind: string, name: string) => ({
      ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: "1" }],
    });
    const { objects } = prepare([
      service("a"),
      workload("Deployment", "a"),
      workload("ReplicaSet", "a-1", {}, owned("Deployment", "a")),
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "a-1-x", labels: { app: "a" }, ...owned("ReplicaSet", "a-1") },
      },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: "a-x",
          labels: {
            "kubernetes.io/service-name": "a",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          },
        },
      },
    ]);
    expect(applied(objects)).toEqual(["Deployment default/a", "Service default/a"]);
  });

  it("is nothing where a Service selects nothing", () => {
    const endpoints = {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { name: "b" },
      subsets: [{ addresses: [{ ip: "10.1.2.3" }], ports: [{ port: 80 }] }],
    };
    const { objects, notes } = prepare([service("a", { selector: null }), service("b", { selector: null }), endpoints]);
    expect(applied(objects)).toEqual(["EndpointSlice default/b-0-ipv4", "Service default/a", "Service default/b"]);
    expect(notes).toEqual([
      "nothing that is simulated has the addresses of EndpointSlice default/b-0-ipv4: they are announced, and no client gets an answer",
      "without a selector and without an EndpointSlice in the files, so nothing answers behind: default/a",
    ]);
  });
});

describe("what a server wrote", () => {
  it("is left behind, but for the addresses of Services", () => {
    const { objects } = prepare([
      {
        ...service(
          "a",
          { clusterIP: "10.96.0.7", clusterIPs: ["10.96.0.7"] },
          { uid: "1", resourceVersion: "2", managedFields: [], annotations: { a: "b" } },
        ),
        status: { loadBalancer: { ingress: [{ ip: "192.0.2.9" }] }, conditions: [] },
      },
      workload("Deployment", "a"),
    ]);
    expect(objects.at(-1)).toEqual({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "a", namespace: "default", annotations: { a: "b" } },
      spec: { type: "LoadBalancer", selector: { app: "a" }, ports: [{ port: 80 }] },
      status: { loadBalancer: { ingress: [{ ip: "192.0.2.9" }] } },
    });
  });
});

describe("the namespace of the load balancer", () => {
  it.each<readonly [string, readonly (string | undefined)[], string]>([
    ["where nobody says", [undefined], "metallb-system"],
    ["where its objects are", ["lb", undefined], "lb"],
    ["where most of its objects are", ["a", "b", "b"], "b"],
    ["the usual one where as many are there", ["a", "metallb-system"], "metallb-system"],
  ])("is %s", (_what, namespaces, expected) => {
    const text = namespaces
      .map((namespace, index) => JSON.stringify(own("Community", `c${index}`, {}, namespace)))
      .join("\n---\n")
      .replaceAll('"namespace":"metallb-system"', namespaces.includes("metallb-system") ? "$&" : '"x":"y"');
    expect(readManifests([{ file: "x", text }]).namespace).toBe(expected);
  });
});

describe("a note", () => {
  it.each<readonly [string, readonly object[], readonly string[]]>([
    ["nothing to say", [pool("192.0.2.9/32")], []],
    [
      "another namespace",
      [own("Community", "c", {}, "lb")],
      ["the load balancer runs in namespace lb, where its objects are"],
    ],
    [
      "a pool elsewhere",
      [pool("192.168.1.240-192.168.1.250", "192.0.2.9/32", "10.0.0.0/8")],
      [
        "IPAddressPool p: 192.168.1.240-192.168.1.250 lies in no subnet of lan-3 (192.0.2.0/24)",
        "IPAddressPool p: 10.0.0.0/8 lies in no subnet of lan-3 (192.0.2.0/24)",
        "clients take 192.168.1.0/24, 10.0.0.0/8 for a subnet of their LAN; to have a network taken as it is, name one with --topology",
      ],
    ],
    [
      "peers",
      [{ ...own("BGPPeer", "tor", { peerAddress: "10.0.0.1" }), apiVersion: "metallb.io/v1beta2" }],
      ["no router of lan-3 is whom these BGPPeers ask for: tor (10.0.0.1)"],
    ],
    [
      "kinds that mean nothing here",
      [
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "a" } },
        { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "b" } },
        { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "c" } },
      ],
      ["left out, as nothing that is simulated depends on them: 2 ServiceAccount, 1 Ingress"],
    ],
    [
      "MetalLB itself",
      [
        workload("DaemonSet", "speaker", {
          template: {
            metadata: { labels: {} },
            spec: { containers: [{ image: "quay.io/metallb/speaker:v0.15.2" }] },
          },
        }),
      ],
      ["left out, as Assay runs in their place: DaemonSet default/speaker"],
    ],
    [
      "Nodes",
      ["k8s-worker", "prod-1", "prod-2", "prod-3"].map((name) => ({
        apiVersion: "v1",
        kind: "Node",
        metadata: { name },
      })),
      [
        "nodes of the files are played by nodes of lan-3, with their labels: prod-1 by k8s-control-plane, prod-2 by k8s-worker2",
        "lan-3 has 3 nodes, so these of the files are left out: prod-3",
      ],
    ],
  ])("%s", (_what, objects, expected) => {
    expect(notesOf(...objects)).toEqual(expected);
  });
});

describe("Nodes of the files", () => {
  it("give their labels to those who play them", () => {
    const node = (name: string, labels: object) => ({ apiVersion: "v1", kind: "Node", metadata: { name, labels } });
    const { nodeLabels, players } = prepare([node("prod-1", { zone: "a" }), node("k8s-control-plane", { zone: "b" })]);
    expect(nodeLabels).toEqual(
      new Map([
        ["k8s-control-plane", { zone: "b" }],
        ["k8s-worker", { "kubernetes.io/hostname": "prod-1", zone: "a" }],
      ]),
    );
    expect(players).toEqual(new Map([["prod-1", "k8s-worker"]]));
  });
});

describe("a topology that a person named", () => {
  it("is taken as it is", () => {
    const { topology, notes } = prepare([pool("192.168.1.0/24")], false);
    expect(topology).toBe(lan);
    expect(notes.at(-1)).toBe("no client asks for such addresses by ARP or NDP unless it has a route to them");
  });
});
