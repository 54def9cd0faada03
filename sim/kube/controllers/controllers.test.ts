import { expect, it } from "vitest";
import { type Micros, micros, millis, seconds } from "../../../impl/wire/time.ts";
import { parsePrefix } from "../../../impl/wire/prefix.ts";
import { createWorld } from "../../create-world.ts";
import { ControlPlane } from "../control-plane.ts";
import { type Fields, fieldsOf, listOf } from "../object.ts";
import { type ClusterInputs, addControllers } from "./create-controllers.ts";

const CIDRS = [parsePrefix("10.96.0.0/16"), parsePrefix("fd00:96::/112")];

class Cluster {
  readonly world = createWorld({ seed: "controllers" });
  readonly plane = new ControlPlane(this.world, { seed: "controllers", serviceCidrs: CIDRS });
  readonly inputs: ClusterInputs = addControllers(this.plane);

  constructor(...nodes: readonly string[]) {
    this.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
    for (const [index, name] of nodes.entries()) {
      this.post("/api/v1/nodes", {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name },
        spec: { podCIDRs: [`10.244.${index}.0/24`, `fd00:244:${index + 1}::/64`] },
        status: { addresses: [{ type: "InternalIP", address: `192.0.2.${10 + index}` }] },
      });
    }
  }

  post(path: string, object: object): void {
    const { status, body } = this.plane.call("POST", path, object);
    expect([status, fieldsOf(body)["message"]]).toEqual([201, undefined]);
  }

  patch(path: string, patch: object): void {
    expect(this.plane.call("PATCH", path, patch, "application/merge-patch+json").status).toBe(200);
  }

  run(duration: Micros): void {
    this.world.scheduler.advance(micros(this.world.scheduler.now + duration));
  }

  items(path: string): readonly Fields[] {
    return listOf(fieldsOf(this.plane.call("GET", path).body)["items"]).map(fieldsOf);
  }

  deploy(replicas: number, extra: object = {}): void {
    const labels = { app: "web" };
    this.post("/apis/apps/v1/namespaces/default/deployments", {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: extra } },
    });
  }

  expose(spec: object = {}): void {
    const ports = [{ port: 80, targetPort: 8080 }];
    this.post("/api/v1/namespaces/default/services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { type: "LoadBalancer", selector: { app: "web" }, ports, ...spec },
    });
  }

  /** `node-1 10.244.0.2 Running`, sorted; a Pod that is ending says so. */
  pods(): readonly string[] {
    return this.items("/api/v1/pods")
      .map((pod) => {
        const { deletionTimestamp } = fieldsOf(pod["metadata"]);
        const { phase, podIP } = fieldsOf(pod["status"]);
        const state = deletionTimestamp === undefined ? phase : "Terminating";
        return [fieldsOf(pod["spec"])["nodeName"], podIP, state].join(" ");
      })
      .toSorted();
  }

  /** `IPv4 10.244.0.2 node-1 ready`, sorted. */
  endpoints(): readonly string[] {
    return this.items("/apis/discovery.k8s.io/v1/endpointslices")
      .flatMap((slice) =>
        listOf(slice["endpoints"]).map((item) => {
          const { addresses, conditions, nodeName } = fieldsOf(item);
          const states = Object.entries(fieldsOf(conditions)).filter(([, value]) => value === true);
          return [slice["addressType"], ...listOf(addresses), nodeName, ...states.map(([name]) => name)].join(" ");
        }),
      )
      .toSorted();
  }
}

it("brings a Deployment to its nodes, and its Pods into the slices of both families", () => {
  const cluster = new Cluster("node-1", "node-2", "node-3");
  cluster.expose({ ipFamilyPolicy: "RequireDualStack" });
  cluster.deploy(3);
  cluster.run(seconds(2));
  expect(cluster.pods()).toEqual([
    "node-1 10.244.0.2 Running",
    "node-2 10.244.1.2 Running",
    "node-3 10.244.2.2 Running",
  ]);
  expect(cluster.endpoints()).toEqual([
    "IPv4 10.244.0.2 node-1 ready serving",
    "IPv4 10.244.1.2 node-2 ready serving",
    "IPv4 10.244.2.2 node-3 ready serving",
    "IPv6 fd00:244:1::2 node-1 ready serving",
    "IPv6 fd00:244:2::2 node-2 ready serving",
    "IPv6 fd00:244:3::2 node-3 ready serving",
  ]);
  const [slice] = cluster.items(
    "/apis/discovery.k8s.io/v1/endpointslices?labelSelector=kubernetes.io/service-name=web",
  );
  expect(slice?.["ports"]).toEqual([{ name: "", protocol: "TCP", port: 8080 }]);
});

it("marks a Pod that is asked to end as terminating but serving, and then lets it go", () => {
  const cluster = new Cluster("node-1");
  cluster.expose();
  cluster.deploy(1);
  cluster.run(seconds(2));
  const [pod] = cluster.items("/api/v1/pods");
  cluster.plane.call("DELETE", `/api/v1/namespaces/default/pods/${String(fieldsOf(pod?.["metadata"])["name"])}`);
  cluster.run(millis(100));
  expect(cluster.endpoints()).toEqual(["IPv4 10.244.0.2 node-1 serving terminating"]);
  cluster.run(seconds(3));
  // Its successor came meanwhile.
  expect(cluster.endpoints()).toEqual(["IPv4 10.244.0.3 node-1 ready serving"]);
});

it("takes the endpoints of a silent node out after 40 s, and moves its Pods after 5 min more", () => {
  const cluster = new Cluster("node-1", "node-2");
  cluster.expose();
  cluster.deploy(2);
  cluster.run(seconds(2));
  cluster.inputs.setNodeAlive("node-1", false);
  cluster.run(seconds(39));
  const before = cluster.endpoints();
  cluster.run(seconds(2));
  const after = cluster.endpoints();
  const node = fieldsOf(cluster.plane.call("GET", "/api/v1/nodes/node-1").body);
  cluster.run(seconds(305));
  expect({ before, after, later: cluster.endpoints(), pods: cluster.pods() }).toEqual({
    before: ["IPv4 10.244.0.2 node-1 ready serving", "IPv4 10.244.1.2 node-2 ready serving"],
    after: ["IPv4 10.244.0.2 node-1", "IPv4 10.244.1.2 node-2 ready serving"],
    later: [
      "IPv4 10.244.0.2 node-1 terminating",
      "IPv4 10.244.1.2 node-2 ready serving",
      "IPv4 10.244.1.3 node-2 ready serving",
    ],
    pods: ["node-1 10.244.0.2 Terminating", "node-2 10.244.1.2 Running", "node-2 10.244.1.3 Running"],
  });
  expect(listOf(fieldsOf(node["status"])["conditions"]).map((item) => fieldsOf(item)["status"])).toEqual(["Unknown"]);
  expect(listOf(fieldsOf(node["spec"])["taints"]).map((item) => fieldsOf(item)["effect"])).toEqual([
    "NoSchedule",
    "NoExecute",
  ]);
});

it("has everything as before where the node comes back in time", () => {
  const cluster = new Cluster("node-1", "node-2");
  cluster.expose();
  cluster.deploy(2);
  cluster.run(seconds(2));
  const before = [cluster.endpoints(), cluster.pods()];
  cluster.inputs.setNodeAlive("node-1", false);
  cluster.run(seconds(60));
  cluster.inputs.setNodeAlive("node-1", true);
  cluster.run(seconds(400));
  expect([cluster.endpoints(), cluster.pods()]).toEqual(before);
  expect(fieldsOf(fieldsOf(cluster.plane.call("GET", "/api/v1/nodes/node-1").body)["spec"])["taints"]).toEqual([]);
});

it("keeps Pods away from cordoned and tainted nodes, and goes where the selector says", () => {
  const cluster = new Cluster("node-1", "node-2", "node-3", "node-4");
  cluster.patch("/api/v1/nodes/node-1", { spec: { unschedulable: true } });
  cluster.patch("/api/v1/nodes/node-2", { spec: { taints: [{ key: "only", value: "db", effect: "NoSchedule" }] } });
  cluster.patch("/api/v1/nodes/node-4", { metadata: { labels: { zone: "b" } } });
  cluster.deploy(2);
  cluster.run(seconds(2));
  const spread = cluster.pods();
  const template = { spec: { nodeSelector: { zone: "b" } } };
  cluster.patch("/apis/apps/v1/namespaces/default/deployments/web", { spec: { template } });
  cluster.run(seconds(10));
  expect([spread, cluster.pods()]).toEqual([
    ["node-3 10.244.2.2 Running", "node-4 10.244.3.2 Running"],
    ["node-4 10.244.3.3 Running", "node-4 10.244.3.4 Running"],
  ]);
});

it("scales down, and keeps one empty slice to say that there is nobody", () => {
  const cluster = new Cluster("node-1", "node-2");
  cluster.expose();
  cluster.deploy(2);
  cluster.run(seconds(2));
  cluster.patch("/apis/apps/v1/namespaces/default/deployments/web", { spec: { replicas: 0 } });
  cluster.run(seconds(3));
  expect(cluster.pods()).toEqual([]);
  expect(cluster.items("/apis/discovery.k8s.io/v1/endpointslices").map((slice) => slice["endpoints"])).toEqual([[]]);
});

it("fills slices of a hundred, and moves nobody when one leaves", () => {
  const cluster = new Cluster("node-1", "node-2", "node-3");
  cluster.expose();
  cluster.deploy(250);
  cluster.run(seconds(3));
  const sizes = (): readonly number[] =>
    cluster
      .items("/apis/discovery.k8s.io/v1/endpointslices")
      .map((slice) => listOf(slice["endpoints"]).length)
      .toSorted((a, b) => b - a);
  expect(sizes()).toEqual([100, 100, 50]);
  let writes = 0;
  cluster.plane.server.onChange(({ collection }) => (writes += collection.startsWith("endpointslices") ? 1 : 0));
  cluster.patch("/apis/apps/v1/namespaces/default/deployments/web", { spec: { replicas: 249 } });
  cluster.run(seconds(3));
  expect(sizes().reduce((sum, size) => sum + size, 0)).toBe(249);
  // Terminating, then gone: two changes of one slice.
  expect(writes).toBeLessThanOrEqual(3);
});

it("follows Services that lose their selector, and leaves slices alone that people write", () => {
  const cluster = new Cluster("node-1");
  cluster.expose();
  cluster.deploy(1);
  cluster.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "by-hand", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["203.0.113.1"], conditions: { ready: true } }],
    ports: [{ port: 80, protocol: "TCP" }],
  });
  cluster.run(seconds(2));
  cluster.patch("/api/v1/namespaces/default/services/web", { spec: { selector: null } });
  cluster.run(seconds(2));
  expect(cluster.endpoints()).toEqual(["IPv4 203.0.113.1  ready"]);
});

it("deletes what the deleted owned, at every depth, and everything in a Namespace", () => {
  const cluster = new Cluster("node-1");
  cluster.expose();
  cluster.deploy(2);
  cluster.run(seconds(2));
  cluster.plane.call("DELETE", "/apis/apps/v1/namespaces/default/deployments/web");
  cluster.plane.call("DELETE", "/api/v1/namespaces/default/services/web");
  cluster.run(seconds(3));
  const left = [cluster.pods(), cluster.items("/apis/discovery.k8s.io/v1/endpointslices")];
  cluster.expose();
  cluster.deploy(1);
  cluster.run(seconds(2));
  cluster.plane.call("DELETE", "/api/v1/namespaces/default");
  const refused = cluster.plane.call("POST", "/api/v1/namespaces/default/configmaps", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "late" },
  });
  cluster.run(seconds(10));
  expect({
    left,
    refused: refused.status,
    pods: cluster.pods(),
    namespaces: cluster.items("/api/v1/namespaces"),
  }).toEqual({
    left: [[], []],
    refused: 403,
    pods: [],
    namespaces: [],
  });
});

it("is the same cluster whatever order things were created in", () => {
  const build = (nodes: readonly string[], first: "service" | "deployment"): readonly unknown[] => {
    const cluster = new Cluster();
    for (const name of nodes) {
      const index = Number(name.at(-1));
      cluster.post("/api/v1/nodes", {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name },
        spec: { podCIDRs: [`10.244.${index}.0/24`] },
      });
    }
    if (first === "service") cluster.expose();
    cluster.deploy(4);
    if (first === "deployment") cluster.expose();
    cluster.run(seconds(3));
    return [cluster.pods(), cluster.endpoints(), cluster.items("/api/v1/pods").map(nameAndUid)];
  };
  expect(build(["node-1", "node-2", "node-3"], "service")).toEqual(build(["node-3", "node-1", "node-2"], "deployment"));
});

function nameAndUid(pod: Fields): string {
  const { name, uid } = fieldsOf(pod["metadata"]);
  return `${String(name)} ${String(uid)}`;
}
