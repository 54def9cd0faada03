// Stories of several Services: who gets what when something changes.
import { describe, expect, it } from "vitest";
import { configOf, type PoolSpec, type ServiceSpec, service, trace } from "./test-objects.ts";
import { TestCluster } from "./test-cluster.ts";

function clusterOf(...pools: readonly PoolSpec[]): TestCluster {
  const cluster = new TestCluster();
  cluster.setPools(...pools);
  cluster.run(cluster.controller.synced());
  return cluster;
}

const ONE: PoolSpec = { name: "one", addresses: ["192.0.2.1/32"] };
const DUAL = { clusterIPs: ["10.96.0.1", "fd00::1"] };
const PREFER: ServiceSpec = { ...DUAL, policy: "PreferDualStack" };
const share = (key: string, ports: readonly string[], more: ServiceSpec = {}): ServiceSpec => ({
  ...more,
  ports,
  annotations: { "metallb.io/allow-shared-ip": key, "metallb.io/loadBalancerIPs": "192.0.2.1" },
});

describe("a freed address goes to a Service that waits", () => {
  it.each<[string, (cluster: TestCluster) => void, Readonly<Record<string, string>>]>([
    ["deleted", (cluster) => cluster.setService("ns/a", undefined), { "ns/b": "one: 192.0.2.1", "ns/c": "-" }],
    [
      "another type",
      (cluster) => cluster.setService("ns/a", { type: "ClusterIP" }),
      { "ns/a": "-", "ns/b": "one: 192.0.2.1", "ns/c": "-" },
    ],
    [
      "another pool",
      (cluster) => cluster.setService("ns/a", { annotations: { "metallb.io/address-pool": "none" } }),
      { "ns/a": "-", "ns/b": "one: 192.0.2.1", "ns/c": "-" },
    ],
  ])("when its holder is %s", (_, change, expected) => {
    const cluster = clusterOf(ONE);
    for (const key of ["ns/a", "ns/c", "ns/b"]) cluster.setService(key, {});
    change(cluster);
    expect(cluster.state).toEqual(expected);
  });

  it("in the order of their names, whoever came first", () => {
    const cluster = clusterOf({ name: "two", addresses: ["192.0.2.0/31"] });
    for (const key of ["ns/a", "ns/b", "ns/e", "ns/d", "ns/c"]) cluster.setService(key, {});
    cluster.setService("ns/b", undefined);
    cluster.setService("ns/a", undefined);
    expect(cluster.state).toEqual({ "ns/c": "two: 192.0.2.1", "ns/d": "two: 192.0.2.0", "ns/e": "-" });
  });

  it("and nobody hears of it whom it does not concern", () => {
    const cluster = clusterOf(ONE, { name: "other", addresses: ["198.51.100.1/32"], autoAssign: false });
    const elsewhere = { annotations: { "metallb.io/address-pool": "other" } };
    cluster.setService("ns/a", {});
    cluster.setService("ns/b", elsewhere);
    cluster.setService("ns/c", elsewhere);
    cluster.setService("ns/d", {});
    cluster.setService("ns/e", {});
    cluster.takeEvents();
    cluster.setService("ns/a", undefined);
    expect(cluster.takeEvents()).toEqual(['ns/d Normal IPAllocated: Assigned IP ["192.0.2.1"]']);
  });
});

describe("several Services wait", () => {
  it("for several addresses that one change of pools frees", () => {
    const cluster = clusterOf(
      { name: "p", addresses: ["192.0.2.0/31"] },
      { name: "q", addresses: ["198.51.100.0/31"] },
    );
    for (const key of ["zz/y", "zz/z", "ns/a", "ns/b"]) cluster.setService(key, {});
    cluster.setPools({ name: "p", addresses: ["192.0.2.0/31"], namespaces: ["ns"] });
    expect(cluster.state).toEqual({ "ns/a": "p: 192.0.2.0", "ns/b": "p: 192.0.2.1", "zz/y": "-", "zz/z": "-" });
  });

  it("with different requests: still the first by name is served first", () => {
    const cluster = clusterOf(ONE);
    cluster.setService("ns/x", {});
    cluster.setService("ns/a", { annotations: { "metallb.io/address-pool": "one" } });
    cluster.setService("ns/b", {});
    cluster.setService("ns/0", { loadBalancerIP: "198.51.100.1" });
    cluster.setService("ns/c", { loadBalancerIP: "192.0.2.1" });
    cluster.setService("ns/x", undefined);
    expect(cluster.state).toEqual({ "ns/0": "-", "ns/a": "one: 192.0.2.1", "ns/b": "-", "ns/c": "-" });
  });

  it("and those that have one of two addresses come first", () => {
    const cluster = clusterOf({ name: "p", addresses: ["192.0.2.0/31", "2001:db8::1/128"] });
    cluster.setService("ns/x", { clusterIPs: ["fd00::1"] });
    cluster.setService("ns/a", { clusterIPs: ["fd00::1"] });
    cluster.setService("ns/z", PREFER);
    cluster.setService("ns/x", undefined);
    expect(cluster.state).toEqual({ "ns/a": "-", "ns/z": "p: 192.0.2.0 2001:db8::1" });
  });

  it("for ports of a shared address, of which one is given up", () => {
    const cluster = clusterOf(ONE);
    cluster.setService("ns/x", share("k", ["TCP/80", "TCP/443"]));
    cluster.setService("ns/a", share("k", ["TCP/80"]));
    cluster.setService("ns/b", share("k", ["TCP/443"]));
    cluster.setService("ns/x", share("k", ["TCP/80"]));
    expect(cluster.state).toEqual({ "ns/a": "-", "ns/b": "one: 192.0.2.1", "ns/x": "one: 192.0.2.1" });
  });
});

describe("a shared address", () => {
  it("is refused and given again as backends and policies change", () => {
    const cluster = clusterOf(ONE);
    const local = { local: true };
    const seen: string[] = [];
    for (const [key, spec] of [
      ["ns/a", share("k", ["TCP/80"])],
      ["ns/b", share("k", ["TCP/443"])],
      ["ns/b", share("k", ["TCP/443"], { ...local, selector: { app: "b" } })],
      ["ns/a", share("k", ["TCP/80"], { ...local, selector: { app: "a" } })],
      ["ns/a", share("k", ["TCP/80"], { ...local, selector: { app: "b" } })],
      ["ns/a", share("k", ["TCP/443"], { ...local, selector: { app: "b" } })],
      ["ns/b", share("k", ["TCP/80"], { ...local, selector: { app: "b" } })],
      ["ns/b", share("x", ["TCP/80"])],
      ["ns/a", undefined],
    ] as const) {
      cluster.setService(key, spec);
      seen.push(
        Object.values(cluster.state)
          .map((text) => (text === "-" ? "-" : "shared"))
          .join(" "),
      );
    }
    expect(seen).toEqual([
      "shared",
      "shared shared",
      "shared -",
      "shared -",
      "shared shared",
      "- shared",
      "shared shared",
      "shared -",
      "shared",
    ]);
  });

  it("is named with the Services that use it", () => {
    const cluster = clusterOf(ONE);
    cluster.setService("ns/a", share("k", ["TCP/80"]));
    cluster.setService("ns/b", share("k", ["TCP/80", "TCP/443"]));
    cluster.setService("ns/c", share("x", ["TCP/8080"]));
    expect(cluster.takeEvents().slice(1)).toEqual([
      'ns/b Warning AllocationFailed: Failed to allocate IP for "ns/b": port TCP/80 is already in use on "192.0.2.1" by ns/a',
      `ns/c Warning AllocationFailed: Failed to allocate IP for "ns/c": can't change sharing key for "ns/c", address also in use by ns/a: sharing key "x" does not match existing sharing key "k"`,
    ]);
  });
});

describe("a change of pools", () => {
  it("does nothing before the first configuration, and nothing is given from none", () => {
    const cluster = new TestCluster();
    cluster.run(cluster.controller.synced());
    cluster.setService("ns/a", {});
    expect([cluster.writes, cluster.takeEvents()]).toEqual([0, []]);
    cluster.setPools();
    expect(cluster.writes).toBe(0);
    cluster.setPools({ name: "default", addresses: ["1.2.3.0/24"] });
    expect(cluster.state).toEqual({ "ns/a": "default: 1.2.3.0" });
    cluster.setPools();
    expect(cluster.state).toEqual({ "ns/a": "-" });
    expect(cluster.takeEvents()).toEqual([
      'ns/a Warning AllocationFailed: Failed to allocate IP for "ns/a": no available IPs: there is no IPAddressPool',
      'ns/a Normal IPAllocated: Assigned IP ["1.2.3.0"]',
      'ns/a Warning AllocationFailed: Failed to allocate IP for "ns/a": no available IPs: there is no IPAddressPool',
    ]);
  });

  it("waits for the list of Services", () => {
    const cluster = new TestCluster();
    cluster.setPools(ONE);
    cluster.setService("ns/b", {});
    expect(cluster.writes).toBe(0);
    cluster.setService("ns/a", {});
    cluster.run(cluster.controller.synced());
    expect(cluster.state).toEqual({ "ns/a": "one: 192.0.2.1", "ns/b": "-" });
  });

  it("says why nothing is given while the only configuration is invalid", () => {
    const cluster = new TestCluster();
    cluster.run(cluster.controller.synced());
    cluster.setService("ns/a", {});
    cluster.run(cluster.controller.configChanged({ error: "configuration error: nonsense" }));
    cluster.run(cluster.controller.configChanged({ error: "configuration error: nonsense" }));
    expect(cluster.takeEvents()).toEqual([
      'ns/a Warning AllocationFailed: Failed to allocate IP for "ns/a": no available IPs: configuration error: nonsense',
    ]);
    cluster.setPools(ONE);
    cluster.run(cluster.controller.configChanged({ error: "configuration error: nonsense" }));
    expect(cluster.state).toEqual({ "ns/a": "one: 192.0.2.1" });
  });

  it("moves a Service only when its address has no pool any more", () => {
    const first = { name: "default", addresses: ["1.2.3.0/24", "1000::/127"] };
    const second = { name: "second", addresses: ["4.5.6.0/24"] };
    const cluster = clusterOf(first);
    cluster.setService("ns/a", {});
    cluster.setPools(first, second);
    expect(cluster.state).toEqual({ "ns/a": "default: 1.2.3.0" });
    cluster.takeEvents();
    cluster.setPools(second);
    expect(cluster.state).toEqual({ "ns/a": "second: 4.5.6.0" });
    expect(cluster.takeEvents()).toEqual([
      'ns/a Normal ClearAssignment: current IP for "ns/a" not allowed by config, will attempt for new IP assignment: ["1.2.3.0"] is not allowed in config: no pool has 1.2.3.0',
      'ns/a Normal IPAllocated: Assigned IP ["4.5.6.0"]',
    ]);
  });

  it("names the new pool of an address that stays", () => {
    const cluster = clusterOf(ONE);
    cluster.setService("ns/a", {});
    cluster.setPools({ ...ONE, name: "renamed" });
    expect(cluster.state).toEqual({ "ns/a": "renamed: 192.0.2.1" });
  });

  it("serves namespaces and labels in the order of priorities, and only new Services by new labels", () => {
    const pools = (namespaces: readonly string[]): readonly PoolSpec[] => [
      { name: "general", addresses: ["192.0.2.0/32"] },
      { name: "p20", addresses: ["192.0.2.20/32"], namespaces: ["ns"], priority: 20 },
      { name: "p10", addresses: ["192.0.2.10/32"], namespaces, priority: 10 },
    ];
    const cluster = clusterOf(...pools(["other"]));
    cluster.setService("ns/a", {});
    cluster.setPools(...pools(["ns", "other"]));
    for (const key of ["ns/b", "ns/c", "ns/d"]) cluster.setService(key, {});
    expect(cluster.state).toEqual({
      "ns/a": "p20: 192.0.2.20",
      "ns/b": "p10: 192.0.2.10",
      "ns/c": "general: 192.0.2.0",
      "ns/d": "-",
    });
  });
});

describe("PreferDualStack", () => {
  const v4: PoolSpec = { name: "a", addresses: ["192.0.2.1/32"] };
  const both: PoolSpec = { name: "a", addresses: ["192.0.2.1/32", "2001:db8::1/128"] };

  it("adds the other family when the pool gets it, and keeps the first address first", () => {
    const cluster = clusterOf({ name: "a", addresses: ["2001:db8::1/128"] });
    cluster.setService("ns/a", PREFER);
    cluster.takeEvents();
    cluster.setPools(both);
    expect(cluster.state).toEqual({ "ns/a": "a: 2001:db8::1 192.0.2.1" });
    expect(cluster.takeEvents()).toEqual(['ns/a Normal IPAllocated: Assigned additional IP "192.0.2.1"']);
  });

  it("adds the other family when somebody gives it up", () => {
    const cluster = clusterOf(both);
    cluster.setService("ns/b", { clusterIPs: ["fd00::1"] });
    cluster.setService("ns/a", PREFER);
    expect(cluster.state).toEqual({ "ns/a": "a: 192.0.2.1", "ns/b": "a: 2001:db8::1" });
    cluster.setService("ns/b", undefined);
    expect(cluster.state).toEqual({ "ns/a": "a: 192.0.2.1 2001:db8::1" });
  });

  it("stays in its pool when another one has two families", () => {
    const cluster = clusterOf(v4);
    cluster.setService("ns/a", PREFER);
    cluster.setPools(v4, { name: "dual", addresses: ["198.51.100.1/32", "2001:db8::1/128"] });
    expect(cluster.state).toEqual({ "ns/a": "a: 192.0.2.1" });
  });

  it("leaves a pool that loses a family for one that has both", () => {
    const cluster = clusterOf(both);
    cluster.setService("ns/a", PREFER);
    cluster.setPools(v4, { name: "dual", addresses: ["198.51.100.1/32", "2001:db8:1::1/128"] });
    expect(cluster.state).toEqual({ "ns/a": "dual: 198.51.100.1 2001:db8:1::1" });
  });

  it("changes to RequireDualStack and back: one address, none, one", () => {
    const cluster = clusterOf(v4);
    const seen = [PREFER, { ...DUAL, policy: "RequireDualStack" }, PREFER].map((spec) => {
      cluster.setService("ns/a", spec);
      return cluster.state["ns/a"];
    });
    expect(seen).toEqual(["a: 192.0.2.1", "-", "a: 192.0.2.1"]);
  });

  it("does not add what a single-stack cluster would take away again", () => {
    const cluster = clusterOf(both);
    cluster.setService("ns/a", { policy: "PreferDualStack" });
    expect([cluster.state, cluster.writes]).toEqual([{ "ns/a": "a: 192.0.2.1" }, 1]);
  });

  it("does not add to an address that was asked for", () => {
    const cluster = clusterOf(both);
    const annotations = { "metallb.io/loadBalancerIPs": "192.0.2.1" };
    cluster.setService("ns/a", { annotations });
    cluster.setService("ns/a", { ...PREFER, annotations });
    expect([cluster.state, cluster.writes]).toEqual([{ "ns/a": "a: 192.0.2.1" }, 1]);
  });
});

describe("a restart", () => {
  it("keeps four times over what two of four Services have", () => {
    const cluster = clusterOf({ name: "a", addresses: ["192.0.2.0/31"] });
    const keys = ["ns/d", "ns/c", "ns/b", "ns/a"];
    for (const key of keys) cluster.setService(key, {});
    const before = cluster.state;
    expect(before).toEqual({ "ns/a": "-", "ns/b": "-", "ns/c": "a: 192.0.2.1", "ns/d": "a: 192.0.2.0" });
    for (const order of [keys, [...keys].reverse(), ["ns/a", "ns/d", "ns/b", "ns/c"]]) {
      cluster.restart(order);
      expect(cluster.state).toEqual(before);
    }
    expect(cluster.writes).toBe(2);
  });

  it("takes an address that two Services claim from the later one, who does not take that of a third", () => {
    const cluster = clusterOf({ name: "a", addresses: ["192.0.2.0/30"] });
    for (const key of ["ns/a", "ns/b", "ns/c"]) cluster.setService(key, {});
    cluster.losesWrites = true;
    cluster.setStatus("ns/a", "192.0.2.1");
    cluster.losesWrites = false;
    cluster.setService("ns/d", { loadBalancerIP: "192.0.2.0" });
    cluster.statuses.set("ns/d", { ips: ["192.0.2.0"], pool: "a" });
    cluster.restart();
    expect(cluster.state).toEqual({
      "ns/a": "a: 192.0.2.1",
      "ns/b": "a: 192.0.2.3",
      "ns/c": "a: 192.0.2.2",
      "ns/d": "a: 192.0.2.0",
    });
  });
});

describe("a status that somebody else writes", () => {
  it.each<[string, readonly string[], string]>([
    ["an address of nobody", ["203.0.113.1"], "a: 192.0.2.0"],
    ["an address of another Service", ["192.0.2.1"], "a: 192.0.2.0"],
    ["nothing", [], "a: 192.0.2.0"],
    ["nonsense", ["nonsense"], "a: 192.0.2.0"],
    ["the wrong family", ["2001:db8::1"], "a: 192.0.2.0"],
    ["too much", ["192.0.2.0", "192.0.2.2"], "a: 192.0.2.0"],
    ["a free address that it may have", ["192.0.2.2"], "a: 192.0.2.2"],
  ])("with %s", (_, ips, expected) => {
    const cluster = clusterOf({ name: "a", addresses: ["192.0.2.0/30", "2001:db8::/127"] });
    cluster.setService("ns/a", {});
    cluster.setService("ns/b", {});
    cluster.setStatus("ns/a", ...ips);
    expect(cluster.state).toEqual({ "ns/a": expected, "ns/b": "a: 192.0.2.1" });
  });
});

describe("the controller's own writes", () => {
  it("say nothing new when they come back late", () => {
    const { controller } = clusterOf({ name: "a", addresses: ["192.0.2.0/30"] });
    const asked = { "metallb.io/loadBalancerIPs": "192.0.2.2" };
    const annotations = { "metallb.io/ip-allocated-from-pool": "a" };
    controller.serviceChanged("ns/a", service({ name: "a" }));
    controller.serviceChanged("ns/a", service({ name: "a", annotations: asked }));
    controller.serviceChanged("ns/a", service({ name: "a" }));
    const echo = service({ name: "a", annotations, ingress: [{ ip: "192.0.2.0" }] });
    expect(trace(controller.serviceChanged("ns/a", echo))).toEqual(['ns/a = ["192.0.2.2"] of a']);
  });

  it("do not claim that pools are unused before the Services are known", () => {
    const { controller } = new TestCluster();
    expect(controller.configChanged({ config: configOf(ONE) })).toEqual([
      { kind: "configurationState", error: undefined },
    ]);
    expect(controller.synced()).toEqual([
      { kind: "poolStatus", pool: "one", assignedIPv4: 0, assignedIPv6: 0, availableIPv4: 1n, availableIPv6: 0n },
    ]);
  });
});

describe("absurd requests", () => {
  it.each<[string, ServiceSpec]>([
    ["100 addresses", { annotations: { "metallb.io/loadBalancerIPs": Array(100).fill("192.0.2.1").join() } }],
    ["the same address twice", { annotations: { "metallb.io/loadBalancerIPs": "192.0.2.1,192.0.2.1" } }],
    ["64 kB of text", { annotations: { "metallb.io/loadBalancerIPs": "x".repeat(65_536) } }],
    ["a pool named by 64 kB", { annotations: { "metallb.io/address-pool": "x".repeat(65_536) } }],
    ["an empty list", { annotations: { "metallb.io/loadBalancerIPs": "," } }],
  ])("%s: one event of bearable length and no address", (_, spec) => {
    const cluster = clusterOf(ONE);
    cluster.setService("ns/a", spec);
    cluster.see("ns/a");
    const events = cluster.takeEvents();
    expect([cluster.state["ns/a"], events.length]).toEqual(["-", 1]);
    expect(events[0]?.length).toBeLessThan(1100);
    expect(cluster.controller.counters("one")?.assignedIPv4).toBe(0);
  });
});

describe("metrics", () => {
  it("count what pools hold and what is in use, by pool", () => {
    const cluster = clusterOf(ONE, { name: "two", addresses: ["192.0.2.2/31", "2001:db8::/64"] });
    cluster.setService("ns/a", { ...DUAL, policy: "RequireDualStack" });
    const of = (pool: string): readonly string[] =>
      cluster.metrics
        .expose()
        .split("\n")
        .filter((line) => line.includes(`{pool="${pool}"}`))
        .map((line) => line.replace("metallb_allocator_", "").replace(`{pool="${pool}"}`, ""));
    expect(of("two")).toEqual([
      "addresses_total 9223372036854776000",
      "addresses_in_use_total 2",
      "ipv4_addresses_total 2",
      "ipv4_addresses_in_use_total 1",
      "ipv6_addresses_total 9223372036854776000",
      "ipv6_addresses_in_use_total 1",
      "services_allocated_total 1",
    ]);
    cluster.setPools(ONE);
    expect(of("two")).toEqual([]);
    expect(of("one").slice(0, 2)).toEqual(["addresses_total 1", "addresses_in_use_total 0"]);
  });
});
