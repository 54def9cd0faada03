import { describe, expect, it } from "vitest";
import { type EndpointSlice, type Service } from "../../../impl/api/kubernetes.ts";
import { parseIp } from "../../../impl/wire/ip.ts";
import { serviceTable } from "./service-table.ts";

const NODES = [
  { name: "one", addresses: [parseIp("192.0.2.11"), parseIp("2001:db8::11")] },
  { name: "two", addresses: [parseIp("192.0.2.12")] },
];

function service(ips: readonly string[], policy = "Cluster"): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: { externalTrafficPolicy: policy, ports: [{ port: 80 }, { port: 53, protocol: "UDP" }] },
    status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
  };
}

function slice(family: string, endpoints: NonNullable<EndpointSlice["endpoints"]>): EndpointSlice {
  const labels = { "kubernetes.io/service-name": "web" };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `web-${family}`, namespace: "default", labels },
    addressType: family,
    endpoints,
  };
}

const HERE = { addresses: ["10.244.0.5"], nodeName: "one", targetRef: { name: "web-a" } };
const THERE = { addresses: ["10.244.1.5"], nodeName: "two", targetRef: { name: "web-b" } };
const DYING = { ...THERE, targetRef: { name: "web-c" }, conditions: { ready: false } };

/** `TCP 192.0.2.150:80 web-a web-b@192.0.2.12`. */
function lines(node: string, services: readonly Service[], slices: readonly EndpointSlice[]): readonly string[] {
  const { vips, frontends } = serviceTable(node, services, slices, NODES);
  return [
    vips.join(),
    ...frontends.map(({ protocol, ip, port, backends }) => {
      const pods = backends.map(({ pod, via }) => (via === undefined ? pod : `${pod}@${via}`));
      return `${protocol} ${ip}:${port} ${pods.join(" ")}`;
    }),
  ];
}

describe("the table of a node's proxy", () => {
  it("has each port with the ready pods, other nodes' through their node", () => {
    expect(lines("one", [service(["192.0.2.150"])], [slice("IPv4", [HERE, THERE, DYING])])).toEqual([
      "192.0.2.150",
      "TCP 192.0.2.150:80 web-a web-b@192.0.2.12",
      "UDP 192.0.2.150:53 web-a web-b@192.0.2.12",
    ]);
  });

  it("has only its own pods for the Local policy, and no port where it has none", () => {
    const local = service(["192.0.2.150"], "Local");
    expect(lines("two", [local], [slice("IPv4", [HERE, THERE])])).toContain("TCP 192.0.2.150:80 web-b");
    expect(lines("two", [local], [slice("IPv4", [HERE])])).toEqual(["192.0.2.150"]);
  });

  // Kubernetes, KEP-1669: while no endpoint is ready, those that end and serve are.
  it("has pods that end and still serve while none is ready", () => {
    const local = service(["192.0.2.150"], "Local");
    const ending = { ...HERE, conditions: { ready: false, serving: true, terminating: true } };
    const ended = { ...HERE, conditions: { ready: false, serving: false, terminating: true } };
    expect(lines("one", [local], [slice("IPv4", [ending, THERE])])).toContain("TCP 192.0.2.150:80 web-a");
    expect(lines("one", [local], [slice("IPv4", [ended, THERE])])).toEqual(["192.0.2.150"]);
    expect(lines("one", [service(["192.0.2.150"])], [slice("IPv4", [ending, THERE])])).toContain(
      "TCP 192.0.2.150:80 web-b@192.0.2.12",
    );
  });

  it("has pods of the address's own family, and takes those without a way there for none", () => {
    const both = service(["192.0.2.150", "2001:db8::150"]);
    const slices = [slice("IPv4", [THERE]), slice("IPv6", [{ ...THERE, addresses: ["fd00::5"] }])];
    expect(lines("one", [both], slices)).toEqual([
      "192.0.2.150,2001:db8::150",
      "TCP 192.0.2.150:80 web-b@192.0.2.12",
      "UDP 192.0.2.150:53 web-b@192.0.2.12",
    ]);
  });
});
