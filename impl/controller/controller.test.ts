import { describe, expect, it } from "vitest";
import { Metrics } from "../metrics.ts";
import { Controller } from "./controller.ts";
import { configOf, type PoolSpec, type ServiceSpec, service, trace } from "./test-objects.ts";

const POOLS: readonly PoolSpec[] = [
  { name: "v4", addresses: ["1.2.3.0/31"] },
  { name: "v4-manual", addresses: ["3.4.5.6/32"], autoAssign: false },
  { name: "v6", addresses: ["1000::/127"] },
  { name: "v6-manual", addresses: ["2000::1/128"], autoAssign: false },
  { name: "z-dual", addresses: ["1.2.4.0/31", "1001::/127"] },
  { name: "ns1-10", addresses: ["7.8.9.0/31"], namespaces: ["ns1"], priority: 10 },
  { name: "ns1-11", addresses: ["10.11.12.0/31"], namespaces: ["ns1"], priority: 11 },
  { name: "team-9", addresses: ["13.14.15.0/31"], serviceLabels: [{ team: "metallb" }], priority: 9 },
  { name: "ns2", addresses: ["16.17.18.0/31"], namespaces: ["ns2"] },
  { name: "team-8", addresses: ["19.20.21.0/31"], serviceLabels: [{ team: "metallb" }], priority: 8 },
  {
    name: "ns1-team-8",
    addresses: ["22.23.24.0/31"],
    namespaces: ["ns1"],
    serviceLabels: [{ team: "metallb" }],
    priority: 8,
  },
  {
    name: "ns1-team-5",
    addresses: ["25.26.27.0/31"],
    namespaces: ["ns1"],
    serviceLabels: [{ team: "metallb" }],
    priority: 5,
  },
];

function started(pools: readonly PoolSpec[], lbClass = ""): Controller {
  const controller = new Controller({ lbClass, metrics: new Metrics() });
  controller.configChanged({ config: configOf(...pools) });
  controller.synced();
  return controller;
}

const converge = (spec: ServiceSpec): readonly string[] =>
  trace(started(POOLS).serviceChanged("ns/svc", service(spec)));

const V4 = { clusterIPs: ["10.96.0.1"] };
const V6 = { clusterIPs: ["3000::1"] };
const DUAL = { clusterIPs: ["10.96.0.1", "3000::1"] };
const ips = (...list: readonly string[]): ServiceSpec => ({
  annotations: { "metallb.io/loadBalancerIPs": list.join() },
});
const inPool = (name: string): ServiceSpec => ({ annotations: { "metallb.io/address-pool": name } });
const holding = (...list: readonly string[]): ServiceSpec => ({ ingress: list.map((ip) => ({ ip })) });

describe("one Service, whatever the controller did before", () => {
  it.each<[string, ServiceSpec, readonly string[]]>([
    ["nothing to do for another type", { type: "ClusterIP" }, []],
    ["an address", V4, ["v4 1.2.3.0"]],
    ["the family of the cluster address", V6, ["v6 1000::"]],
    ["the family of a lone clusterIP", { clusterIP: "3000::1" }, ["v6 1000::"]],
    ["spec.loadBalancerIP", { ...V4, loadBalancerIP: "1.2.3.1" }, ["v4 1.2.3.1"]],
    ["the address annotation", { ...V4, ...ips("1.2.3.1") }, ["v4 1.2.3.1"]],
    ["a pool by name", { ...V4, ...inPool("v4") }, ["v4 1.2.3.0"]],
    ["a pool by name that is not for automatic use", { ...V4, ...inPool("v4-manual") }, ["v4-manual 3.4.5.6"]],
    ["another pool than so far", { ...V4, ...inPool("v4-manual"), ...holding("1.2.3.0") }, ["v4-manual 3.4.5.6"]],
    ["an address for automatic use or not", { ...V4, loadBalancerIP: "3.4.5.6" }, ["v4-manual 3.4.5.6"]],
    ["local traffic only", { ...V4, loadBalancerIP: "3.4.5.6", local: true }, ["v4-manual 3.4.5.6"]],
    [
      "an ingress of a foreign kind",
      { ...V4, ingress: [{ hostname: "foo.bar" }, { ip: "10.10.10.10" }] },
      [
        'ClearAssignment current IP for "ns/svc" not allowed by config, will attempt for new IP assignment: ["10.10.10.10"] is not allowed in config: no pool has 10.10.10.10',
        "v4 1.2.3.0",
      ],
    ],
    ["the wrong family in the status", { ...V4, ...holding("1000::") }, ["v4 1.2.3.0"]],
    ["the other wrong family in the status", { ...V6, ...holding("1.2.3.0") }, ["v6 1000::"]],
    ["dual-stack", { ...DUAL, policy: "RequireDualStack" }, ["z-dual 1.2.4.0 1001::"]],
    ["dual-stack by pool", { ...DUAL, policy: "RequireDualStack", ...inPool("z-dual") }, ["z-dual 1.2.4.0 1001::"]],
    [
      "IPv4 first, whatever comes first in the Service",
      { clusterIPs: ["3000::1", "10.96.0.1"], policy: "RequireDualStack" },
      ["z-dual 1.2.4.0 1001::"],
    ],
    ["PreferDualStack", { ...DUAL, policy: "PreferDualStack" }, ["z-dual 1.2.4.0 1001::"]],
    ["PreferDualStack in a single-stack cluster", { ...V4, policy: "PreferDualStack" }, ["v4 1.2.3.0"]],
    [
      "PreferDualStack in a single-stack cluster, dual pool",
      { ...V4, policy: "PreferDualStack", ...inPool("z-dual") },
      ["z-dual 1.2.4.0"],
    ],
    [
      "PreferDualStack in a pool of one family",
      { ...DUAL, policy: "PreferDualStack", ...inPool("v4") },
      [
        "AdditionalAssignFailed cannot assign additional IP in PreferDualStack: no available IPs in pool v4 for ipv6 IPFamily: it has no IPv6 addresses",
        "v4 1.2.3.0",
      ],
    ],
    [
      "PreferDualStack in a pool of the other family",
      { ...DUAL, policy: "PreferDualStack", ...inPool("v6") },
      [
        "AdditionalAssignFailed cannot assign additional IP in PreferDualStack: no available IPs in pool v6 for ipv4 IPFamily: it has no IPv4 addresses",
        "v6 1000::",
      ],
    ],
    [
      "two addresses by annotation, in the given order",
      { ...DUAL, policy: "RequireDualStack", ...ips("1001::", "1.2.4.1") },
      ["z-dual 1001:: 1.2.4.1"],
    ],
    [
      "a dual ingress of a foreign kind",
      {
        ...DUAL,
        policy: "RequireDualStack",
        ingress: [{ hostname: "foo.bar" }, { ip: "1001::" }],
      },
      ["z-dual 1.2.4.0 1001::"],
    ],
    ["a pool of the namespace", { ...V4, namespace: "ns1" }, ["ns1-10 7.8.9.0"]],
    ["a pool of the namespace without priority", { ...V4, namespace: "ns2" }, ["ns2 16.17.18.0"]],
    ["a pool of the labels", { ...V4, labels: { team: "metallb" } }, ["team-8 19.20.21.0"]],
    ["a pool of both", { ...V4, namespace: "ns1", labels: { team: "metallb" } }, ["ns1-team-5 25.26.27.0"]],
    ["what it has", { ...V4, ...holding("1.2.3.1"), annotations: { "metallb.io/ip-allocated-from-pool": "v4" } }, []],
    [
      "what it has, with an ipMode that others wrote",
      {
        ...V4,
        ingress: [{ ip: "1.2.3.1", ipMode: "VIP" }],
        annotations: { "metallb.io/ip-allocated-from-pool": "v4" },
      },
      [],
    ],
  ])("gets %s", (_, spec, expected) => {
    const lines = converge(spec).flatMap((line) => {
      const status = /^ns\/svc = \[(.*)\] of (.*)$/.exec(line);
      if (status !== null) return `${status[2]} ${(status[1] ?? "").replaceAll('"', "")}`;
      return line.includes("IPAllocated") ? [] : line.replace("ns/svc Normal ", "").replace(": ", " ");
    });
    expect(lines).toEqual(expected);
  });

  it.each<[string, ServiceSpec, string]>([
    [
      "both ways to ask for an address",
      { ...ips("1.2.3.1"), loadBalancerIP: "1.2.3.0" },
      "service can not have both metallb.io/loadBalancerIPs and svc.Spec.LoadBalancerIP",
    ],
    ["no address", { loadBalancerIP: "please sir" }, 'invalid spec.loadBalancerIP "please sir"'],
    ["no address in the annotation", ips("please sir"), 'invalid metallb.io/loadBalancerIPs: "please sir"'],
    [
      "an address outside the pool",
      { ...V4, annotations: { "metallb.io/loadBalancerIPs": "1.2.3.1", "metallb.io/address-pool": "v4-manual" } },
      'requested loadBalancer IP(s) ["1.2.3.1"] is not compatible with requested address pool v4-manual',
    ],
    [
      "two addresses of a family",
      ips("1.2.3.0", "1.2.3.1"),
      'IPFamilyForAddresses: same address family ["1.2.3.0" "1.2.3.1"]',
    ],
    [
      "three addresses",
      ips("1.2.3.0", "1.2.3.1", "1000::"),
      'IPFamilyForAddresses: invalid ips length 3 ["1.2.3.0" "1.2.3.1" "1000::"]',
    ],
    [
      "an address of no pool",
      { loadBalancerIP: "1.2.3.4" },
      '["1.2.3.4"] is not allowed in config: no pool has 1.2.3.4',
    ],
    ["an unknown pool", inPool("does-not-exist"), 'unknown pool "does-not-exist"'],
    [
      "an IPv4 address for IPv6",
      { ...V6, loadBalancerIP: "1.2.3.1" },
      'requested loadBalancer IP(s) ["1.2.3.1"] does not match the ipFamily of the service',
    ],
    [
      "an IPv6 address for IPv4",
      { ...V4, ...ips("1000::") },
      'requested loadBalancer IP(s) ["1000::"] does not match the ipFamily of the service',
    ],
    [
      "one address for two families",
      { ...DUAL, loadBalancerIP: "1.2.3.1" },
      'requested loadBalancer IP(s) ["1.2.3.1"] does not match the ipFamily of the service',
    ],
    [
      "one address where two are preferred",
      { ...DUAL, policy: "PreferDualStack", ...ips("1.2.3.1") },
      'requested loadBalancer IP(s) ["1.2.3.1"] does not match the ipFamily of the service',
    ],
    [
      "two addresses for one family",
      { ...V4, ...ips("1.2.4.0", "1001::") },
      'requested loadBalancer IP(s) ["1.2.4.0" "1001::"] does not match the ipFamily of the service',
    ],
    [
      "addresses of two pools",
      { ...DUAL, ...ips("1.2.3.0", "1000::") },
      '["1.2.3.0" "1000::"] is not allowed in config: they are not in one pool',
    ],
    [
      "a pool of another namespace",
      inPool("ns1-10"),
      'pool ns1-10 not compatible for ip assignment: it does not serve namespace "ns"',
    ],
    [
      "a pool of other labels",
      inPool("team-8"),
      "pool team-8 not compatible for ip assignment: it does not select the labels of the Service",
    ],
    [
      "a pool of the other family",
      { ...V6, ...inPool("v4") },
      "no available IPs in pool v4 for ipv6 IPFamily: it has no IPv6 addresses",
    ],
    [
      "half of a dual pool",
      { ...DUAL, policy: "RequireDualStack", ...inPool("v4") },
      "no available IPs in pool v4 for dual IPFamily: it has no IPv6 addresses",
    ],
    ["no cluster address", { clusterIPs: [] }, "invalid ClusterIPs [] [], can't determine family"],
    ["a headless Service", { clusterIP: "None" }, 'IPFamilyForAddresses: Invalid address ["None"]'],
  ])("is told that it asked for %s", (_, spec, because) => {
    expect(converge(spec)).toEqual([`ns/svc Warning AllocationFailed: Failed to allocate IP for "ns/svc": ${because}`]);
  });

  it("says which pools it tried when none is left", () => {
    const controller = started([
      { name: "a", addresses: ["1.2.3.0/32"] },
      { name: "b", addresses: ["1000::/127"] },
      { name: "c", addresses: ["1.2.4.0/24"], autoAssign: false },
      { name: "d", addresses: ["1.2.5.0/24"], namespaces: ["other"] },
      { name: "e", addresses: ["1.2.6.0/24"], serviceLabels: [{ team: "metallb" }] },
      { name: "f", addresses: ["1.2.7.0/24"], namespaces: [] },
    ]);
    controller.serviceChanged("ns/first", service({ name: "first" }));
    expect(trace(controller.serviceChanged("ns/second", service({ name: "second" })))).toEqual([
      'ns/second Warning AllocationFailed: Failed to allocate IP for "ns/second": no available IPs: ' +
        'pool "a" has no free IPv4 address, pool "b" has no IPv4 addresses, pool "c" is not assigned automatically, ' +
        'pool "d" does not serve namespace "ns", pool "e" does not select the labels of the Service, ' +
        'pool "f" selects no namespace',
    ]);
  });

  it.each<[string, ServiceSpec, readonly string[]]>([
    ["its type changed", { type: "NodePort", ...holding("1.2.3.0") }, ["ns/svc = [] of no pool"]],
    [
      "it lost its cluster address",
      { clusterIPs: [], ...holding("1.2.3.0") },
      [
        `ns/svc Warning AllocationFailed: Failed to allocate IP for "ns/svc": invalid ClusterIPs [] [], can't determine family`,
        "ns/svc = [] of no pool",
      ],
    ],
    [
      "it asks for an address of no pool",
      { loadBalancerIP: "1.2.3.4", ...holding("1.2.3.1") },
      [
        'ns/svc Warning AllocationFailed: Failed to allocate IP for "ns/svc": ["1.2.3.4"] is not allowed in config: no pool has 1.2.3.4',
        "ns/svc = [] of no pool",
      ],
    ],
    [
      "it requires two families and has one",
      { ...V4, policy: "RequireDualStack", ...holding("1.2.3.1") },
      [
        "ns/svc Warning not enough clusterips: Service requires dual stack but not enough clusterips [10.96.0.1]",
        "ns/svc = [] of no pool",
      ],
    ],
  ])("loses its address because %s", (_, spec, expected) => {
    expect(converge(spec)).toEqual(expected);
  });

  it("keeps its address while it asks for something unreadable", () => {
    expect(converge({ ...holding("1.2.3.1"), ...ips("1.2.3.300") })).toEqual([
      'ns/svc Warning LoadBalancerFailed: invalid requested loadbalancer IPs: invalid metallb.io/loadBalancerIPs: "1.2.3.300"',
      'ns/svc = ["1.2.3.1"] of v4',
    ]);
  });

  it("keeps its status while its cluster addresses are unreadable", () => {
    expect(converge({ clusterIPs: ["10.96.0.1", "10.96.0.2"], ...holding("1.2.3.1") })).toEqual([
      'ns/svc Warning noclusterIPsIPFamily: Failed to retrieve ClusterIPs IPFamily for ["10.96.0.1" "10.96.0.2"]: IPFamilyForAddresses: same address family ["10.96.0.1" "10.96.0.2"]',
    ]);
  });

  it("is given one address in place of a list without a family", () => {
    expect(converge(holding("1.2.3.0", "1.2.3.1", "1.2.3.2"))).toEqual([
      'ns/svc Warning nolbIPsIPFamily: Failed to retrieve LBIPs IPFamily for ["1.2.3.0" "1.2.3.1" "1.2.3.2"]: IPFamilyForAddresses: invalid ips length 3 ["1.2.3.0" "1.2.3.1" "1.2.3.2"]',
      'ns/svc Normal IPAllocated: Assigned IP ["1.2.3.0"]',
      'ns/svc = ["1.2.3.0"] of v4',
    ]);
  });

  it("is told of deprecated annotations when something is written, and they still count", () => {
    const controller = started(POOLS);
    const annotations = { "metallb.universe.tf/address-pool": "v4-manual", "metallb.universe.tf/allow-shared-ip": "k" };
    const written = { ...annotations, "metallb.io/ip-allocated-from-pool": "v4-manual" };
    expect(trace(controller.serviceChanged("ns/svc", service({ annotations })))).toEqual([
      'ns/svc Normal IPAllocated: Assigned IP ["3.4.5.6"]',
      "ns/svc Warning deprecatedAnnotation: Service uses deprecated annotation metallb.universe.tf/address-pool",
      "ns/svc Warning deprecatedAnnotation: Service uses deprecated annotation metallb.universe.tf/allow-shared-ip",
      'ns/svc = ["3.4.5.6"] of v4-manual',
    ]);
    expect(
      trace(controller.serviceChanged("ns/svc", service({ annotations: written, ...holding("3.4.5.6") }))),
    ).toEqual([]);
  });

  it("is read by the current prefix wherever that is present, even empty", () => {
    const annotations = { "metallb.universe.tf/address-pool": "v4-manual", "metallb.io/address-pool": "" };
    expect(converge({ annotations }).at(-1)).toBe('ns/svc = ["1.2.3.0"] of v4');
  });
});

describe("the class of a Service", () => {
  it.each([
    ["", undefined, true],
    ["metallb", undefined, false],
    ["", "metallb", false],
    ["metallb", "other", false],
    ["metallb", "metallb", true],
  ])("controller %o, Service %o: served %o", (lbClass, loadBalancerClass, served) => {
    const controller = started(POOLS, lbClass);
    const effects = controller.serviceChanged(
      "ns/svc",
      service(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
    );
    expect(trace(effects).length > 0).toBe(served);
  });
});
