import { describe, expect, it } from "vitest";
import { type EndpointSlice, type Service } from "../../impl/api/kubernetes.ts";
import { type Frontend, frontendKey, frontendsOf } from "./proxy-rules.ts";
import { ProxyTable } from "./proxy-table.ts";
import { parseIp } from "../../impl/wire/ip.ts";

type Endpoints = EndpointSlice["endpoints"];

const SERVICE: Service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { clusterIP: "10.96.0.10", ports: [{ name: "http", port: 80 }], externalTrafficPolicy: "Local" },
  status: { loadBalancer: { ingress: [{ ip: "203.0.113.10" }] } },
};

function slice(name: string, endpoints: Endpoints, more: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: endpoints ?? [],
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    ...more,
  };
}

const at = (ip: string, nodeName = "n1", conditions = {}) => ({ addresses: [ip], nodeName, conditions });

/** `tcp 203.0.113.10:80 external: 10.0.0.1:8080 here 10.0.0.1:8080`. */
function show({ protocol, ip, port, external, everywhere, here }: Frontend): string {
  const list = (backends: Frontend["here"]): string =>
    backends.map((backend) => `${backend.ip}:${backend.port}`).join(" ");
  return `${protocol} ${ip}:${port}${external ? " external" : ""}: ${list(everywhere)} here ${list(here)}`.trimEnd();
}

const rules = (service: Service, ...slices: readonly EndpointSlice[]) => frontendsOf(service, slices, "n1").map(show);

describe("the frontends of a Service", () => {
  it("are its cluster IPs and load balancer addresses, for each port", () => {
    const service: Service = {
      ...SERVICE,
      spec: {
        ...SERVICE.spec,
        clusterIPs: ["10.96.0.10", "fd00::10"],
        ports: [
          { name: "a", port: 1 },
          { name: "b", port: 2, protocol: "UDP" },
        ],
      },
    };
    expect(rules(service)).toEqual([
      "6 10.96.0.10:1:  here",
      "6 fd00::10:1:  here",
      "6 203.0.113.10:1 external:  here",
      "17 10.96.0.10:2:  here",
      "17 fd00::10:2:  here",
      "17 203.0.113.10:2 external:  here",
    ]);
  });

  it("do not include None, host names, addresses that the load balancer handles itself, or SCTP", () => {
    const ingress = [
      { ip: "203.0.113.10", ipMode: "Proxy" },
      { hostname: "lb.example" },
      { ip: "203.0.113.11", ipMode: "VIP" },
    ];
    const service: Service = {
      ...SERVICE,
      spec: { clusterIP: "None", ports: [{ port: 80 }, { port: 81, protocol: "SCTP" }] },
      status: { loadBalancer: { ingress } },
    };
    expect(rules(service)).toEqual(["6 203.0.113.11:80 external:  here"]);
  });

  const LB = "6 203.0.113.10:80 external:";
  it.each<[string, readonly EndpointSlice[], string]>([
    [
      "all that are ready, and which are here",
      [slice("a", [at("10.0.0.1"), at("10.0.0.2", "n2")])],
      "10.0.0.1:8080 10.0.0.2:8080 here 10.0.0.1:8080",
    ],
    [
      "once each, whatever the order of slices",
      [slice("b", [at("10.0.0.2")]), slice("a", [at("10.0.0.1"), at("10.0.0.2")])],
      "10.0.0.1:8080 10.0.0.2:8080 here 10.0.0.1:8080 10.0.0.2:8080",
    ],
    [
      "ready if one slice says so",
      [slice("a", [at("10.0.0.1", "n1", { ready: false })]), slice("b", [at("10.0.0.1", "n1", { ready: true })])],
      "10.0.0.1:8080 here 10.0.0.1:8080",
    ],
    [
      "ready if one slice said so",
      [slice("a", [at("10.0.0.1")]), slice("b", [at("10.0.0.1", "n1", { ready: false })])],
      "10.0.0.1:8080 here 10.0.0.1:8080",
    ],
    [
      "of the family of the address",
      [slice("a", [at("10.0.0.1")], { addressType: "IPv6" }), slice("b", [at("fd00::1")])],
      " here",
    ],
    [
      "with a port of the same name and protocol",
      [
        slice("a", [at("10.0.0.1")], {
          ports: [
            { name: "other", port: 1 },
            { name: "http", port: 2, protocol: "UDP" },
            { name: "http", port: 3 },
          ],
        }),
      ],
      "10.0.0.1:3 here 10.0.0.1:3",
    ],
    ["none without such a port", [slice("a", [at("10.0.0.1")], { ports: [{ name: "other", port: 1 }] })], " here"],
    [
      "here terminating ones, though others are ready elsewhere",
      [slice("a", [at("10.0.0.1", "n1", { ready: false, serving: true, terminating: true }), at("10.0.0.2", "n2")])],
      "10.0.0.2:8080 here 10.0.0.1:8080",
    ],
    ["without an address of a node nowhere here", [slice("a", [{ addresses: ["10.0.0.1"] }])], "10.0.0.1:8080 here"],
  ])("lead to %s", (_name, slices, expected) => {
    expect(rules(SERVICE, ...slices)).toContain(`${LB} ${expected}`);
  });
});

describe("the table", () => {
  const vip = frontendKey(6, parseIp("203.0.113.10"), 80);
  const current = (table: ProxyTable): string | undefined => {
    const frontend = table.find(vip);
    return frontend && show(frontend).split(" ")[3];
  };

  it("puts changes in force when they are applied, and says which frontends they replace", () => {
    const table = new ProxyTable("n1");
    table.replace([SERVICE], [slice("a", [at("10.0.0.1")])]);
    expect([table.isChanged, current(table)]).toEqual([true, undefined]);
    expect(table.apply()).toEqual([]);
    expect([table.isChanged, current(table)]).toEqual([false, "10.0.0.1:8080"]);
    table.setSlice(slice("a", [at("10.0.0.2")]));
    expect(table.apply().map(({ ip }) => ip)).toEqual(["10.96.0.10", "203.0.113.10"]);
    expect(current(table)).toBe("10.0.0.2:8080");
  });

  it("forgets what a whole list no longer has, and is not changed by the same objects", () => {
    const table = new ProxyTable("n1");
    const [a, b] = [slice("a", [at("10.0.0.1")]), slice("b", [at("10.0.0.2")])];
    table.replace([SERVICE], [a, b]);
    table.apply();
    table.replace([SERVICE], [a, b]);
    expect(table.isChanged).toBe(false);
    table.replace([SERVICE], [b]);
    table.apply();
    expect(current(table)).toBe("10.0.0.2:8080");
    table.replace([], [b]);
    table.apply();
    expect([current(table), [...table.frontends()]]).toEqual([undefined, []]);
  });

  it("follows a slice from one Service to another", () => {
    const table = new ProxyTable("n1");
    table.replace([SERVICE], [slice("a", [at("10.0.0.1")])]);
    table.apply();
    const metadata = { name: "a", namespace: "default", labels: { "kubernetes.io/service-name": "other" } };
    table.setSlice(slice("a", [at("10.0.0.1")], { metadata }));
    table.apply();
    expect(current(table)).toBe("");
  });
});
