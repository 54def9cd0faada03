// Expected: what kube-apiserver 1.34 answers, after https://kubernetes.io/docs/concepts/services-networking/dual-stack/ and
// https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
import fc from "fast-check";
import { expect, it } from "vitest";
import { type Instant } from "../../impl/ports.ts";
import { micros } from "../../impl/wire/time.ts";
import { contains, parsePrefix } from "../../impl/wire/prefix.ts";
import { parseIp } from "../../impl/wire/ip.ts";
import { createKubeServer } from "./create-server.ts";
import { type Fields, fieldsOf, listOf } from "./object.ts";
import { type KubeServer } from "./server.ts";

const NOW: Instant = { monotonic: micros(0), wall: micros(0) };
const V4 = parsePrefix("10.96.0.0/16");
const V6 = parsePrefix("fd00:96::/112");
const PATH = "/api/v1/namespaces/default/services";

function cluster(...serviceCidrs: readonly (typeof V4)[]): KubeServer {
  const { server } = createKubeServer({ seed: "services", serviceCidrs });
  server.call("POST", "/api/v1/namespaces", NOW, { metadata: { name: "default" } });
  return server;
}

const PORTS = [{ port: 80 }];

function create(server: KubeServer, spec: object, name = "web"): Fields {
  return fieldsOf(server.call("POST", PATH, NOW, { metadata: { name }, spec: { ports: PORTS, ...spec } }).body);
}

function patch(server: KubeServer, change: object, name = "web"): Fields {
  const headers = { "content-type": "application/merge-patch+json" };
  return fieldsOf(server.call("PATCH", `${PATH}/${name}`, NOW, change, headers).body);
}

const specOf = (service: Fields): Fields => fieldsOf(service["spec"]);

/** Addresses by their prefix, node ports as `port`: what is chosen is the server's business. */
function shape(service: Fields): unknown {
  const { clusterIP, clusterIPs, ports, healthCheckNodePort, ...rest } = specOf(service);
  const family = (ip: unknown): string => {
    if (ip === "None" || ip === "") return ip;
    return [V4, V6].find((cidr) => contains(cidr, parseIp(String(ip)))) ?? "elsewhere";
  };
  const isNodePort = (port: unknown): string =>
    Number(port) >= 30_000 && Number(port) <= 32_767 ? "port" : String(port);
  return {
    ...rest,
    ...(clusterIPs === undefined ? {} : { clusterIPs: listOf(clusterIPs).map(family) }),
    ...(clusterIP === undefined ? {} : { first: listOf(clusterIPs)[0] === clusterIP }),
    ports: listOf(ports).map((item) => {
      const { nodePort, ...port } = fieldsOf(item);
      return nodePort === undefined ? port : { ...port, nodePort: isNodePort(nodePort) };
    }),
    ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort: isNodePort(healthCheckNodePort) }),
  };
}

it("fills in what a Service leaves out", () => {
  const server = cluster(V4);
  const base = { sessionAffinity: "None", internalTrafficPolicy: "Cluster", clusterIPs: [V4], first: true };
  const single = { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4"] };
  const port = { protocol: "TCP", port: 80, targetPort: 80 };
  expect({
    plain: shape(create(server, {}, "plain")),
    balanced: shape(create(server, { type: "LoadBalancer", externalTrafficPolicy: "Local" }, "balanced")),
    portless: shape(create(server, { type: "LoadBalancer", allocateLoadBalancerNodePorts: false }, "portless")),
    headless: shape(create(server, { clusterIP: "None", ports: [] }, "headless")),
    external: shape(create(server, { type: "ExternalName", externalName: "example.org", ports: [] }, "external")),
  }).toEqual({
    plain: { ...base, ...single, type: "ClusterIP", ports: [port] },
    balanced: {
      ...base,
      ...single,
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      allocateLoadBalancerNodePorts: true,
      healthCheckNodePort: "port",
      ports: [{ ...port, nodePort: "port" }],
    },
    portless: {
      ...base,
      ...single,
      type: "LoadBalancer",
      externalTrafficPolicy: "Cluster",
      allocateLoadBalancerNodePorts: false,
      ports: [port],
    },
    headless: { ...base, ...single, clusterIPs: ["None"], type: "ClusterIP", ports: [] },
    external: { sessionAffinity: "None", type: "ExternalName", externalName: "example.org", ports: [] },
  });
});

it.each([
  ["nothing", {}, ["SingleStack", ["IPv4"], [V4]]],
  ["IPv6 first", { ipFamilies: ["IPv6"] }, ["SingleStack", ["IPv6"], [V6]]],
  ["both if there", { ipFamilyPolicy: "PreferDualStack" }, ["PreferDualStack", ["IPv4", "IPv6"], [V4, V6]]],
  ["both", { ipFamilyPolicy: "RequireDualStack" }, ["RequireDualStack", ["IPv4", "IPv6"], [V4, V6]]],
  [
    "both, IPv6 first",
    { ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv6"] },
    ["RequireDualStack", ["IPv6", "IPv4"], [V6, V4]],
  ],
  ["an IPv6 address", { clusterIP: "fd00:96::77" }, ["SingleStack", ["IPv6"], [V6]]],
])("gives a Service of a dual-stack cluster that asks for %s its families", (_what, spec, expected) => {
  const made = create(cluster(V4, V6), spec);
  const { ipFamilyPolicy, ipFamilies } = specOf(made);
  const { clusterIPs } = fieldsOf(shape(made));
  expect([ipFamilyPolicy, ipFamilies, clusterIPs]).toEqual(expected);
});

it("refuses what the cluster does not have, and what makes no sense, with the field's name", () => {
  const server = cluster(V4);
  const causes = (spec: object, status?: object): readonly unknown[] => {
    const { body } = server.call("POST", PATH, NOW, {
      metadata: { name: "bad" },
      spec: { ports: PORTS, ...spec },
      status,
    });
    return listOf(fieldsOf(fieldsOf(body)["details"])["causes"]).map((cause) => fieldsOf(cause)["field"]);
  };
  expect([
    causes({ ipFamilyPolicy: "RequireDualStack" }),
    causes({ ipFamilies: ["IPv6"] }),
    causes({ type: "Balancer" }),
    causes({ ports: [] }),
    causes({ ports: [{ port: 0 }] }),
    causes({ ports: [{ port: 80 }, { port: 443 }] }),
    causes({
      ports: [
        { name: "a", port: 80 },
        { name: "b", port: 80 },
      ],
    }),
    causes({ loadBalancerClass: "example.org/x" }),
    causes({ type: "LoadBalancer", externalTrafficPolicy: "Global" }),
    causes({ clusterIP: "10.96.0.300" }),
  ]).toEqual([
    ["spec.ipFamilyPolicy"],
    ["spec.ipFamilies[0]"],
    ["spec.type"],
    ["spec.ports"],
    ["spec.ports[0].port"],
    ["spec.ports[0].name", "spec.ports[1].name"],
    ["spec.ports[1]"],
    ["spec.loadBalancerClass"],
    ["spec.externalTrafficPolicy"],
    ["spec.clusterIPs[0]"],
  ]);
});

it("keeps what it has given where an update does not say otherwise", () => {
  const server = cluster(V4, V6);
  const made = create(server, { type: "LoadBalancer", externalTrafficPolicy: "Local" });
  const bare = {
    metadata: { name: "web" },
    spec: { type: "LoadBalancer", externalTrafficPolicy: "Local", ports: PORTS },
  };
  const put = server.call("PUT", `${PATH}/web`, NOW, bare).body;
  expect(specOf(fieldsOf(put))).toEqual(specOf(made));
});

it("adds and takes away the second family", () => {
  const server = cluster(V4, V6);
  const [first] = listOf(specOf(create(server, {}))["clusterIPs"]);
  const dual = specOf(patch(server, { spec: { ipFamilyPolicy: "PreferDualStack" } }));
  const single = specOf(patch(server, { spec: { ipFamilyPolicy: "SingleStack" } }));
  expect([listOf(dual["clusterIPs"]).length, listOf(dual["clusterIPs"])[0], dual["ipFamilies"]]).toEqual([
    2,
    first,
    ["IPv4", "IPv6"],
  ]);
  expect([single["clusterIPs"], single["ipFamilies"]]).toEqual([[first], ["IPv4"]]);
});

it("takes away what only another type had, and the status with it", () => {
  const server = cluster(V4);
  create(server, { type: "LoadBalancer", externalTrafficPolicy: "Local", loadBalancerClass: "example.org/x" });
  const headers = { "content-type": "application/merge-patch+json" };
  const status = { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } };
  server.call("PATCH", `${PATH}/web/status`, NOW, { status }, headers);
  const narrowed = patch(server, { spec: { type: "ClusterIP" } });
  expect([Object.keys(specOf(narrowed)).toSorted(), narrowed["status"]]).toEqual([
    [
      "clusterIP",
      "clusterIPs",
      "internalTrafficPolicy",
      "ipFamilies",
      "ipFamilyPolicy",
      "ports",
      "sessionAffinity",
      "type",
    ],
    { loadBalancer: {} },
  ]);
});

it("does not move a Service to another address, family or class", () => {
  const server = cluster(V4, V6);
  create(server, { type: "LoadBalancer", loadBalancerClass: "example.org/x" });
  const codes = [
    { clusterIP: "10.96.1.1", clusterIPs: ["10.96.1.1"] },
    { ipFamilies: ["IPv6"], clusterIP: null, clusterIPs: null },
    { loadBalancerClass: "example.org/y" },
  ].map((spec) => patch(server, { spec })["code"]);
  expect(codes).toEqual([422, 422, 422]);
});

it("gives no address and no node port twice, and gives back what is free", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: fc.integer({ min: 0, max: 30 }), remove: fc.boolean() }), { maxLength: 60 }),
      (steps) => {
        const server = cluster(parsePrefix("10.96.0.0/26"), parsePrefix("fd00:96::/122"));
        for (const { name, remove } of steps) {
          if (remove) server.call("DELETE", `${PATH}/s${name}`, NOW);
          else
            create(
              server,
              { type: "LoadBalancer", ipFamilyPolicy: "RequireDualStack", externalTrafficPolicy: "Local" },
              `s${name}`,
            );
        }
        const services = listOf(fieldsOf(server.call("GET", PATH, NOW).body)["items"]).map(fieldsOf);
        const taken = services.flatMap((service) => {
          const { clusterIPs, ports, healthCheckNodePort } = specOf(service);
          return [
            ...listOf(clusterIPs),
            ...listOf(ports).map((port) => fieldsOf(port)["nodePort"]),
            healthCheckNodePort,
          ];
        });
        expect(taken).not.toContain(undefined);
        expect(new Set(taken).size).toBe(taken.length);
      },
    ),
    { numRuns: 30 },
  );
});

it("finds a node port for each of many ports of one Service", () => {
  const ports = Array.from({ length: 300 }, (_, index) => ({ name: `p${index}`, port: 1000 + index }));
  const made = create(cluster(V4), { type: "NodePort", ports });
  const chosen = listOf(specOf(made)["ports"]).map((port) => fieldsOf(port)["nodePort"]);
  expect(new Set(chosen).size).toBe(300);
});

it("has an end of node ports, and of addresses", () => {
  const { server } = createKubeServer({
    seed: "small",
    serviceCidrs: [parsePrefix("10.96.0.0/30")],
    nodePorts: { first: 30_000, last: 30_000 },
  });
  server.call("POST", "/api/v1/namespaces", NOW, { metadata: { name: "default" } });
  const outcomes = [
    create(server, { type: "NodePort" }, "a"),
    create(server, { type: "NodePort" }, "b"),
    create(server, {}, "c"),
    create(server, {}, "d"),
  ].map(({ message }) => message);
  expect(outcomes).toEqual([
    undefined,
    "Internal error occurred: failed to allocate a nodePort: range is full",
    undefined,
    "Internal error occurred: failed to allocate a serviceIP: range is full",
  ]);
});
