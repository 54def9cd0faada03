// client --- tor --- sw --- n1, n2, n3: the router knows a Service's address by several next hops.
import { describe, expect, it } from "vitest";
import { type EndpointSlice, type Service } from "../../impl/api/kubernetes.ts";
import { type Ip, parseIp } from "../../impl/wire/ip.ts";
import { parseMac } from "../../impl/wire/mac.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { millis, plus, seconds } from "../../impl/wire/time.ts";
import { createWorld } from "../create-world.ts";
import { type Cable, connect } from "../ethernet/cable.ts";
import { Switch } from "../ethernet/switch.ts";
import { FlowGroup } from "./flow-group.ts";
import { Host } from "./host.ts";
import { type MultipathSettings } from "./multipath.ts";
import { EchoServer, podRoutes } from "./pods.ts";
import { ServiceProxy } from "./proxy.ts";
import { RESILIENT, type SelectorSettings } from "./selector.ts";

const VIP = parseIp("203.0.113.1");
const NODES = ["n1", "n2", "n3"];
const nodeIp = (index: number): Ip => parseIp(`192.0.2.${11 + index}`);
const podIp = (index: number): Ip => parseIp(`10.244.${index}.5`);

function service(policy: "Cluster" | "Local"): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: {
      type: "LoadBalancer",
      clusterIPs: ["10.96.0.1"],
      externalTrafficPolicy: policy,
      ports: [{ port: 80, protocol: "TCP" }],
    },
    status: { loadBalancer: { ingress: [{ ip: VIP }] } },
  } as unknown as Service;
}

/** One pod on each node. */
const SLICE = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-1", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  ports: [{ port: 80, protocol: "TCP", name: "" }],
  endpoints: NODES.map((nodeName, index) => ({ addresses: [podIp(index)], nodeName, conditions: { ready: true } })),
} as unknown as EndpointSlice;

class Lab {
  readonly world = createWorld({ seed: "flows" });
  readonly client = new Host(this.world, { name: "client" });
  readonly tor = new Host(this.world, { name: "tor" });
  readonly nodes = NODES.map((name) => new Host(this.world, { name }));
  readonly servers: EchoServer[] = [];
  readonly cables = new Map<Host, Cable>();
  readonly #switch = new Switch(this.world, "sw");
  #plugged = 0;

  constructor(policy: "Cluster" | "Local", settings: Partial<MultipathSettings> = {}) {
    const mac = () => parseMac(`02:00:00:00:00:${(16 + this.#plugged++).toString(16)}`);
    const [near, far] = [
      this.client.addInterface({ name: "eth1", mac: mac() }),
      this.tor.addInterface({ name: "eth2", mac: mac() }),
    ];
    const socket = (device: typeof near, name: string) => ({ device, port: device.name, name });
    const cable = connect(this.world, socket(near, "client"), socket(far, "tor"));
    this.client.plug("eth1", cable.a);
    this.tor.plug("eth2", cable.b);
    for (const host of [this.tor, ...this.nodes]) {
      const device = host.addInterface({ name: "eth1", mac: mac() });
      const plug = { device: this.#switch, port: host.name, name: "sw" };
      const line = connect(this.world, socket(device, host.name), plug);
      this.cables.set(host, line);
      host.plug("eth1", line.a);
      this.#switch.plug(host.name, line.b);
      host.sysctl("net.ipv4.ip_forward", 1);
    }
    this.client.addAddress("eth1", "198.51.100.10/24");
    this.tor.addAddress("eth2", "198.51.100.1/24");
    this.tor.addAddress("eth1", "192.0.2.1/24");
    this.client.addRoute("0.0.0.0/0", { via: parseIp("198.51.100.1") });
    this.tor.multipath = { selector: { kind: "threshold" }, hash: "l4", seed: 99, ...settings };
    this.#runNodes(policy);
    // As with BGP sessions, the router knows its neighbours before it sends them flows.
    const echo = this.tor.openEcho({ reply: () => undefined });
    for (const index of NODES.keys()) echo.send(nodeIp(index), index);
    this.announce(...NODES.keys());
    this.run(0.2);
  }

  #runNodes(policy: "Cluster" | "Local"): void {
    const networks = NODES.map((node, index) => ({
      node,
      podPrefix: parsePrefix(`10.244.${index}.0/24`),
      nodeAddress: nodeIp(index),
    }));
    for (const [index, host] of this.nodes.entries()) {
      host.addAddress("eth1", `${nodeIp(index)}/24`);
      host.addRoute("0.0.0.0/0", { via: parseIp("192.0.2.1") });
      for (const { prefix, via } of podRoutes(host.name, networks)) host.addRoute(prefix, { via });
      new ServiceProxy(this.world, host, {
        programmingDelay: millis(1),
        mode: "iptables",
        podPrefixes: [parsePrefix("10.244.0.0/16")],
      }).update([service(policy)], [SLICE]);
      this.servers.push(
        new EchoServer(this.world, host, { name: `pod-${host.name}`, ips: [podIp(index)], tcpPorts: [80] }),
      );
    }
  }

  /** The nodes that announce the address from now on. */
  announce(...nodes: readonly number[]): void {
    this.tor.setRoute(`${VIP}/32`, { nextHops: nodes.map((index) => ({ via: nodeIp(index), device: "eth1" })) });
  }

  run(duration: number): void {
    this.world.scheduler.advance(plus(this.world.scheduler.now, seconds(duration)));
  }

  flows(count: number, patience = seconds(10)): FlowGroup {
    const target = { ip: VIP, port: 80 };
    const timing = { every: seconds(1), patience };
    const group = new FlowGroup(this.client, { target, count, ...timing, router: this.tor });
    this.run(5);
    expect(group.settled).toBe(true);
    group.mark();
    return group;
  }
}

describe("flows through a router", () => {
  it.each(["Cluster", "Local"] as const)("live on while nothing changes (%s)", (policy) => {
    const lab = new Lab(policy);
    const group = lab.flows(60);
    lab.run(30);
    const { byNode, ...counts } = group.report();
    expect(counts).toEqual({ flows: 60, moved: 0, forced: 0, collateral: 0, broken: 0, reset: 0 });
    expect(Object.keys(byNode).sort()).toEqual(NODES);
    const ways = [...group.byNextHop()].map(([{ via }, count]) => [via, count] as const);
    expect(new Set(ways.map(([via]) => via))).toEqual(new Set(NODES.map((_, index) => nodeIp(index))));
    const ascending = (one: number, other: number): number => one - other;
    const ofPods = Object.values(byNode).sort(ascending);
    // Local: each ends where the router sent it. Cluster: any node's pod may answer.
    if (policy === "Local") expect(ways.map(([, count]) => count).sort(ascending)).toEqual(ofPods);
  });

  // As the kernel does: a segment in the middle of a connection begins a flow on the node that it is new to
  // (nf_conntrack_tcp_loose), is translated anew, and reaches a pod that knows no such connection: RST. Measured in
  // namespaces with nftables' dnat and masquerade, for another pod and for the same pod under another source.
  it.each([
    { policy: "Cluster", selector: { kind: "threshold" } },
    { policy: "Local", selector: { kind: "threshold" } },
    { policy: "Local", selector: { kind: "modulo" } },
    { policy: "Local", selector: RESILIENT },
  ] satisfies readonly { policy: "Cluster" | "Local"; selector: SelectorSettings }[])(
    "that move are reset, and no others: $policy, $selector.kind",
    ({ policy, selector }) => {
      const lab = new Lab(policy, { selector });
      const group = lab.flows(120);
      lab.announce(0, 2);
      const { moved, forced, collateral } = group.report();
      expect(moved).toBe(forced + collateral);
      expect(forced).toBeGreaterThan(20);
      expect(collateral > 0).toBe(selector.kind === "modulo");
      lab.run(3);
      const { byNode, ...after } = group.report();
      expect(after).toEqual({ flows: 120, moved, forced, collateral, broken: moved, reset: moved });
      expect(Object.values(byNode).reduce((sum, count) => sum + count, 0)).toBe(120 - moved);
    },
  );

  it("are given up where their node is silent and nobody tells the router", () => {
    const lab = new Lab("Local");
    const group = lab.flows(60);
    const before = group.report().byNode;
    lab.nodes[1]?.powerOff();
    lab.run(9);
    expect(group.report()).toMatchObject({ moved: 0, broken: 0 });
    lab.run(3);
    expect(group.report()).toMatchObject({ moved: 0, broken: before["n2"] });
  });

  it("pass over the node that does not answer where the router installs next hop groups", () => {
    const lab = new Lab("Local", { passOverSilent: true });
    const group = lab.flows(60, seconds(600));
    const onNode = group.report().byNode["n2"] ?? 0;
    lab.nodes[1]?.powerOff();
    // Reachable for up to 45 s, then 5 s of delay and three probes; then the next retransmission finds another node.
    lab.run(110);
    expect(onNode).toBeGreaterThan(10);
    expect(group.report()).toMatchObject({ moved: onNode, forced: 0, collateral: onNode, broken: onNode });
    const later = lab.flows(60);
    lab.run(20);
    expect(Object.keys(later.report().byNode).sort()).toEqual(["n1", "n3"]);
  });

  it("have no next hop on a link without carrier, where a daemon installed it: next hop objects go with the carrier", () => {
    const lab = new Lab("Local");
    lab.tor.addRoute("203.0.113.2/32", { via: nodeIp(0) });
    const count = (): readonly number[] => [VIP, parseIp("203.0.113.2")].map((ip) => lab.tor.nextHopsTo(ip).length);
    const counts = [count()];
    lab.cables.get(lab.tor)?.setUp(false);
    counts.push(count());
    lab.tor.setUp("eth1", false);
    counts.push(count());
    lab.tor.setUp("eth1", true);
    lab.cables.get(lab.tor)?.setUp(true);
    counts.push(count());
    // Measured: `ip route` then says "linkdown" of the route without an object, and takes it away when the link is down.
    expect(counts).toEqual([
      [3, 1],
      [0, 1],
      [0, 0],
      [3, 1],
    ]);
  });

  it("have no way after a reboot of the router: what daemons installed is gone with the kernel", () => {
    const { tor } = new Lab("Local");
    tor.powerOff();
    tor.powerOn();
    expect(tor.routesTo(parsePrefix(`${VIP}/32`))).toEqual([]);
  });

  it("are spread as the router's settings say (ip-sysctl.rst)", () => {
    const { tor } = new Lab("Local");
    tor.sysctl("net.ipv4.fib_multipath_hash_seed", 7);
    tor.sysctl("net.ipv4.fib_multipath_use_neigh", 1);
    tor.sysctl("net.ipv4.fib_multipath_hash_policy", 0);
    expect(tor.multipath).toEqual({ selector: { kind: "threshold" }, hash: "l3", seed: 7, passOverSilent: true });
    tor.sysctl("net.ipv6.fib_multipath_hash_policy", 1);
    expect(tor.multipath.hash).toBe("l4");
  });
});
