// Two nodes and a client on one LAN. The client reaches the VIP through the node that its route names, as it would through
// the one that answers ARP.
import { describe, expect, it } from "vitest";
import { type EndpointSlice, type Service } from "../../impl/api/kubernetes.ts";
import { type Ip, parseIp } from "../../impl/wire/ip.ts";
import { macFromBytes, parseMac } from "../../impl/wire/mac.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { micros, millis, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { connect } from "../ethernet/cable.ts";
import { Switch } from "../ethernet/switch.ts";
import { Host } from "./host.ts";
import { EchoServer, podRoutes } from "./pods.ts";
import { type ProbeOutcome, request } from "./probe.ts";
import { type ProbeKind } from "./probe-method.ts";
import { type ProxyOptions, ServiceProxy } from "./proxy.ts";
import { bindToIpvsInterface } from "./proxy-ipvs0.ts";
import { type TcpSocket } from "./tcp.ts";

const VIP = { ipv4: parseIp("203.0.113.10"), ipv6: parseIp("2001:db8:f::10") } as const;
type Family = keyof typeof VIP;
const NODES = ["n1", "n2"] as const;
type Node = (typeof NODES)[number];

interface EndpointSpec {
  readonly pod: string;
  readonly node: Node;
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
}

const POD_IPS: Readonly<Record<string, Readonly<Record<Family, string>>>> = {
  a1: { ipv4: "10.244.1.11", ipv6: "2001:db8:1::11" },
  b1: { ipv4: "10.244.1.12", ipv6: "2001:db8:1::12" },
  a2: { ipv4: "10.244.2.11", ipv6: "2001:db8:2::11" },
};
const podIp = (pod: string, family: Family): string => POD_IPS[pod]?.[family] ?? "";

function service(policy: "Cluster" | "Local" = "Cluster", more: Partial<Service["spec"]> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: {
      type: "LoadBalancer",
      externalTrafficPolicy: policy,
      clusterIPs: ["10.96.0.10", "2001:db8:96::10"],
      ports: [
        { name: "http", port: 80, protocol: "TCP", targetPort: 8080 },
        { name: "dns", port: 53, protocol: "UDP", targetPort: 5353 },
      ],
      ...more,
    },
    status: { loadBalancer: { ingress: [{ ip: VIP.ipv4 }, { ip: VIP.ipv6, ipMode: "VIP" }] } },
  };
}

function slices(...endpoints: readonly EndpointSpec[]): readonly EndpointSlice[] {
  return (["ipv4", "ipv6"] as const).map((family) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `web-${family}`,
      namespace: "default",
      labels: { "kubernetes.io/service-name": "web" },
    },
    addressType: family === "ipv4" ? "IPv4" : "IPv6",
    endpoints: endpoints.map(({ pod, node, conditions = { ready: true } }) => ({
      addresses: [podIp(pod, family)],
      nodeName: node,
      conditions,
    })),
    ports: [
      { name: "http", port: 8080, protocol: "TCP" },
      { name: "dns", port: 5353, protocol: "UDP" },
    ],
  }));
}

class Lab {
  readonly world: World;
  readonly client: Host;
  readonly nodes: Readonly<Record<Node, Host>>;
  readonly proxies: Readonly<Record<Node, ServiceProxy>>;
  readonly servers = new Map<string, EchoServer>();
  readonly #lan: Switch;

  constructor(options: Partial<ProxyOptions> = {}, seed = "proxy") {
    this.world = createWorld({ seed, lines: Number.POSITIVE_INFINITY });
    this.#lan = new Switch(this.world, "sw");
    this.client = this.#host("client", 9);
    this.nodes = { n1: this.#host("n1", 1), n2: this.#host("n2", 2) };
    const networks = NODES.flatMap((node, index) => [
      { node, podPrefix: parsePrefix(`10.244.${index + 1}.0/24`), nodeAddress: parseIp(`192.0.2.${index + 1}`) },
      { node, podPrefix: parsePrefix(`2001:db8:${index + 1}::/64`), nodeAddress: parseIp(`2001:db8::${index + 1}`) },
    ]);
    const podPrefixes = networks.map(({ podPrefix }) => podPrefix);
    const proxyOf = (host: Host): ServiceProxy => {
      host.sysctl("net.ipv4.ip_forward", 1);
      host.sysctl("net.ipv6.conf.all.forwarding", 1);
      for (const { prefix, via } of podRoutes(host.name, networks)) host.addRoute(prefix, { via });
      return new ServiceProxy(this.world, host, {
        programmingDelay: millis(10),
        mode: "iptables",
        podPrefixes,
        ...options,
      });
    };
    this.proxies = { n1: proxyOf(this.nodes.n1), n2: proxyOf(this.nodes.n2) };
    this.route("n1");
    this.run(3);
  }

  #host(name: string, number: number): Host {
    const host = new Host(this.world, { name });
    const device = host.addInterface({ name: "eth0", mac: parseMac(`02:00:00:00:00:0${number}`) });
    const cable = connect(
      this.world,
      { device, port: "eth0", name },
      { device: this.#lan, port: name, name: this.#lan.name },
    );
    host.plug("eth0", cable.a);
    this.#lan.plug(name, cable.b);
    host.addAddress("eth0", `192.0.2.${number}/24`);
    host.addAddress("eth0", `2001:db8::${number}/64`);
    return host;
  }

  /** The client's packets for the VIPs go to `node` from now on. */
  route(node: Node): void {
    const number = NODES.indexOf(node) + 1;
    for (const [prefix, via] of [
      [`${VIP.ipv4}/32`, `192.0.2.${number}`],
      [`${VIP.ipv6}/128`, `2001:db8::${number}`],
    ] as const) {
      this.client.removeRoute(parsePrefix(prefix));
      this.client.addRoute(prefix, { via: parseIp(via) });
    }
  }

  serve(...endpoints: readonly EndpointSpec[]): void {
    for (const { pod, node } of endpoints) {
      if (this.servers.has(pod)) continue;
      const ips = [parseIp(podIp(pod, "ipv4")), parseIp(podIp(pod, "ipv6"))];
      const options = { name: pod, ips, tcpPorts: [8080], udpPorts: [5353] };
      this.servers.set(pod, new EchoServer(this.world, this.nodes[node], options));
    }
  }

  /** Pods that run, and what the API says of them, in force on both nodes. */
  program(policy: "Cluster" | "Local", ...endpoints: readonly EndpointSpec[]): void {
    this.serve(...endpoints);
    for (const node of NODES) this.proxies[node].update([service(policy)], slices(...endpoints));
    this.run(0.1);
  }

  run(for_seconds: number): void {
    this.world.scheduler.advance(micros(this.world.scheduler.now + seconds(for_seconds)));
  }

  /** What one request sees: `a1 n1 192.0.2.1`, or why it failed. */
  ask(kind: ProbeKind, family: Family = "ipv4", from: Host = this.client, ip: Ip = VIP[family]): string {
    let outcome: ProbeOutcome | undefined;
    const target = { ip, port: kind === "udp" ? 53 : 80 };
    request(this.world, from, { kind, target, timeout: seconds(1) }, (result) => {
      outcome = result.outcome;
    });
    this.run(1.1);
    if (outcome === undefined) return "nothing";
    return outcome.kind === "ok" ? outcome.answer : outcome.because;
  }
}

const ON_N1 = { pod: "a1", node: "n1" } as const;
const ON_N2 = { pod: "a2", node: "n2" } as const;
const FAMILIES = ["ipv4", "ipv6"] as const;
const NODE_IP = { ipv4: ["192.0.2.1", "192.0.2.2"], ipv6: ["2001:db8::1", "2001:db8::2"] } as const;
const CLIENT_IP = { ipv4: "192.0.2.9", ipv6: "2001:db8::9" } as const;

describe.each(FAMILIES)("a flow to a VIP over %s", (family) => {
  it("reaches a pod on the same node and on another one, under the node's address (Cluster)", () => {
    const lab = new Lab();
    lab.program("Cluster", ON_N1);
    expect([lab.ask("tcp", family), lab.ask("udp", family)]).toEqual([
      `a1 n1 ${NODE_IP[family][0]}`,
      `a1 n1 ${NODE_IP[family][0]}`,
    ]);
    lab.route("n2");
    expect([lab.ask("tcp", family), lab.ask("udp", family)]).toEqual([
      `a1 n1 ${NODE_IP[family][1]}`,
      `a1 n1 ${NODE_IP[family][1]}`,
    ]);
  });

  it("keeps the client's address and goes to local pods alone (Local)", () => {
    const lab = new Lab();
    lab.program("Local", ON_N1, ON_N2);
    for (let asked = 0; asked < 5; asked++) expect(lab.ask("tcp", family)).toBe(`a1 n1 ${CLIENT_IP[family]}`);
    expect(lab.ask("udp", family)).toBe(`a1 n1 ${CLIENT_IP[family]}`);
  });

  it("is dropped where the policy is Local and no pod is here", () => {
    const lab = new Lab();
    lab.program("Local", ON_N2);
    expect([lab.ask("tcp", family), lab.ask("udp", family)]).toEqual(["timeout", "timeout"]);
    expect(lab.world.trace.lines().filter((line) => line.includes("has no local endpoints"))).not.toEqual([]);
  });

  it("is refused where no pod is anywhere", () => {
    const lab = new Lab();
    lab.program("Cluster");
    expect(lab.ask("tcp", family)).toBe("refused");
  });

  it("is reset when another node picks it up in the middle, and a new one is not", () => {
    const lab = new Lab();
    lab.program("Cluster", ON_N1);
    const heard: string[] = [];
    const socket: TcpSocket = lab.client.tcp.connect(
      { ip: VIP[family], port: 80 },
      { data: () => heard.push("data"), closed: (because) => heard.push(because) },
    );
    lab.run(1);
    socket.write(Uint8Array.of(10));
    lab.run(1);
    lab.route("n2");
    socket.write(Uint8Array.of(10));
    lab.run(1);
    expect(heard).toEqual(["data", "ECONNRESET"]);
    expect(lab.world.trace.lines().filter((line) => line.includes("picked up mid-stream"))).toHaveLength(1);
    expect(lab.ask("tcp", family)).toBe(`a1 n1 ${NODE_IP[family][1]}`);
  });

  it("survives a detour without data", () => {
    const lab = new Lab();
    lab.program("Local", ON_N1, ON_N2);
    const heard: string[] = [];
    const socket: TcpSocket = lab.client.tcp.connect(
      { ip: VIP[family], port: 80 },
      { data: () => heard.push("data"), closed: (because) => heard.push(because) },
    );
    lab.run(1);
    lab.route("n2");
    lab.run(1);
    lab.route("n1");
    socket.write(Uint8Array.of(10));
    lab.run(1);
    expect(heard).toEqual(["data"]);
  });
});

describe("endpoints", () => {
  it("are drawn for each flow, the same for the same seed", () => {
    const drawn = (seed: string) => {
      const lab = new Lab({}, seed);
      lab.program("Cluster", ON_N1, ON_N2);
      return Array.from({ length: 20 }, () => lab.ask("tcp").slice(0, 2));
    };
    const one = drawn("one");
    expect(new Set(one)).toEqual(new Set(["a1", "a2"]));
    expect(drawn("one")).toEqual(one);
    expect(drawn("two")).not.toEqual(one);
  });

  it("take turns in ipvs mode, and the host is told which addresses are its own", () => {
    const bound: string[][] = [];
    const lab = new Lab({ mode: "ipvs", bind: (addresses) => bound.push([...addresses]) });
    lab.program("Cluster", ON_N1, ON_N2);
    expect(Array.from({ length: 4 }, () => lab.ask("tcp").slice(0, 2))).toEqual(["a1", "a2", "a1", "a2"]);
    expect(bound.at(0)).toEqual(["10.96.0.10", "2001:db8:96::10", "2001:db8:f::10", "203.0.113.10"]);
  });

  it.each([
    [
      "ready before terminating",
      [{ ...ON_N1, conditions: { ready: false, serving: true, terminating: true } }, ON_N2],
      "a2",
    ],
    [
      "terminating while it serves",
      [{ ...ON_N1, conditions: { ready: false, serving: true, terminating: true } }],
      "a1",
    ],
    [
      "not one that has stopped serving",
      [{ ...ON_N1, conditions: { ready: false, serving: false, terminating: true } }],
      "refused",
    ],
    ["not one that is not ready yet", [{ ...ON_N1, conditions: { ready: false, serving: true } }], "refused"],
    ["one whose conditions are not told", [{ ...ON_N1, conditions: {} }], "a1"],
  ] as const)("are chosen as kube-proxy does: %s", (_name, endpoints, expected) => {
    const lab = new Lab();
    lab.program("Cluster", ...endpoints);
    expect(new Set(Array.from({ length: 4 }, () => lab.ask("tcp").split(" ")[0]))).toEqual(new Set([expected]));
  });

  it("that are gone take their UDP flows with them, and leave TCP flows to fail", () => {
    const lab = new Lab();
    lab.program("Cluster", ON_N1);
    const answers: string[] = [];
    const udp = lab.client.udp.open({ ip: parseIp("0.0.0.0"), port: 0 }, () => answers.push("udp"));
    const tcp = lab.client.tcp.connect({ ip: VIP.ipv4, port: 80 }, { data: () => answers.push("tcp") });
    const send = (): void => {
      udp.send({ ip: VIP.ipv4, port: 53 }, Uint8Array.of(10));
      tcp.write(Uint8Array.of(10));
      lab.run(1);
    };
    send();
    lab.servers.get("a1")?.remove();
    send();
    lab.program("Cluster", ON_N2);
    send();
    expect(answers).toEqual(["udp", "tcp", "udp"]);
    expect(tcp.state).toBe("established");
  });
});

describe("in ipvs mode", () => {
  it("every node answers ARP for a VIP, unless strict", () => {
    const answering = (strict: boolean): readonly string[] => {
      const lab = new Lab();
      for (const [index, node] of NODES.entries()) {
        const host = lab.nodes[node];
        if (strict) host.sysctl("net.ipv4.conf.all.arp_ignore", 1);
        const bind = bindToIpvsInterface(host, parseMac(`02:00:00:00:01:0${index + 1}`));
        const proxy = new ServiceProxy(lab.world, host, { programmingDelay: millis(1), mode: "ipvs", bind });
        proxy.update([service()], []);
      }
      lab.client.removeRoute(parsePrefix(`${VIP.ipv4}/32`));
      lab.client.addRoute(`${VIP.ipv4}/32`, { device: "eth0" });
      lab.run(1);
      const senders: string[] = [];
      lab.world.onFrame(({ bytes }) => {
        // ARP reply (RFC 826): EtherType 0806, operation 2.
        if (bytes[12] === 8 && bytes[13] === 6 && bytes[21] === 2) senders.push(macFromBytes(bytes, 22));
      });
      lab.ask("icmp");
      return [...new Set(senders)].sort();
    };
    expect(answering(false)).toEqual(["02:00:00:00:00:01", "02:00:00:00:00:02"]);
    expect(answering(true)).toEqual([]);
  });

  it("a VIP that is no longer there is no longer the host's", () => {
    const lab = new Lab();
    const bind = bindToIpvsInterface(lab.nodes.n1, parseMac("02:00:00:00:01:01"));
    bind([VIP.ipv4]);
    expect(lab.nodes.n1.isLocal(VIP.ipv4)).toBe(true);
    bind([]);
    expect(lab.nodes.n1.isLocal(VIP.ipv4)).toBe(false);
  });
});

describe("the cluster's own flows", () => {
  it("reach the cluster IP and, past the Local policy, the VIP from nodes and pods", () => {
    const lab = new Lab();
    lab.program("Local", ON_N2);
    const cluster = parseIp("10.96.0.10");
    lab.nodes.n1.addRoute("0.0.0.0/0", { via: parseIp("192.0.2.9") });
    expect(lab.ask("tcp", "ipv4", lab.nodes.n1, cluster)).toBe("a2 n2 192.0.2.1");
    expect(lab.ask("tcp", "ipv4", lab.nodes.n1)).toBe("a2 n2 192.0.2.1");
    expect(lab.ask("udp", "ipv4", lab.nodes.n1)).toBe("a2 n2 192.0.2.1");
  });

  it("to a cluster IP from outside come back through the node, whatever the policy", () => {
    const lab = new Lab();
    lab.program("Local", ON_N2);
    lab.client.addRoute("10.96.0.0/16", { via: parseIp("192.0.2.1") });
    expect(lab.ask("tcp", "ipv4", lab.client, parseIp("10.96.0.10"))).toBe("a2 n2 192.0.2.1");
  });

  it("come back to the pod that sent them under the node's address", () => {
    const lab = new Lab();
    lab.program("Cluster", ON_N1);
    const pod = lab.servers.get("a1")?.pod;
    const heard: string[] = [];
    const socket = pod?.tcp.connect(
      { ip: parseIp("10.96.0.10"), port: 80 },
      { opened: () => socket?.write(Uint8Array.of(10)), data: (bytes) => heard.push(String.fromCharCode(...bytes)) },
    );
    lab.run(1);
    expect(heard).toEqual(["a1 n1 192.0.2.1\n"]);
  });
});

describe("names", () => {
  it("stay those of the client for a backend that is the node itself: there is no POSTROUTING on the way in", () => {
    const lab = new Lab();
    const seen: string[] = [];
    lab.nodes.n1.tcp.listen(8080, (socket) => (seen.push(socket.remote.ip), {}));
    const [ipv4, ipv6] = slices(ON_N1);
    if (ipv4 === undefined || ipv6 === undefined) return expect.unreachable();
    const own = { ...ipv4, endpoints: [{ addresses: ["192.0.2.1"], nodeName: "n1" }] };
    lab.proxies.n1.update([service("Cluster")], [own, ipv6]);
    lab.run(0.1);
    const socket = lab.client.tcp.connect({ ip: VIP.ipv4, port: 80 }, {});
    lab.run(1);
    expect([socket.state, seen]).toEqual(["established", ["192.0.2.9"]]);
  });

  it("get another port where two flows would be one to the backend", () => {
    const lab = new Lab();
    const ports = [
      { name: "http", port: 80 },
      { name: "alt", port: 81 },
    ];
    lab.serve(ON_N1);
    const twice = slices(ON_N1).map((slice) => ({ ...slice, ports: ports.map(({ name }) => ({ name, port: 8080 })) }));
    lab.proxies.n1.update([service("Local", { ports })], twice);
    lab.run(0.1);
    const answers: string[] = [];
    for (const { port } of ports) {
      const socket: TcpSocket = lab.client.tcp.connect(
        { ip: VIP.ipv4, port },
        { opened: () => socket.write(Uint8Array.of(10)), data: () => answers.push(`from ${port}`) },
        { sourcePort: 5555 },
      );
    }
    lab.run(1);
    expect(answers.sort()).toEqual(["from 80", "from 81"]);
  });
});

describe("programming", () => {
  it("takes its time, once for all changes in between", () => {
    const lab = new Lab({ programmingDelay: seconds(2) });
    lab.serve(ON_N1);
    const { n1 } = lab.proxies;
    n1.setService(service());
    lab.run(1);
    for (const slice of slices(ON_N1)) n1.setSlice(slice);
    lab.run(0.999);
    const programmed = (): number => lab.world.trace.lines().filter((line) => line.includes("programmed")).length;
    expect(programmed()).toBe(0);
    lab.run(0.002);
    expect(programmed()).toBe(1);
    expect(lab.ask("tcp")).toBe("a1 n1 192.0.2.1");
    n1.update([service()], slices(ON_N1));
    n1.removeService("default/web");
    lab.run(3);
    expect(lab.ask("tcp")).toMatch(/timeout|unreachable/);
  });

  it("is lost with the power and comes back with it; flows from before are reset", () => {
    const lab = new Lab();
    lab.program("Cluster", ON_N1);
    const heard: string[] = [];
    const socket = lab.client.tcp.connect({ ip: VIP.ipv4, port: 80 }, { closed: (because) => heard.push(because) });
    lab.run(1);
    expect(lab.proxies.n1.flows).toBe(1);
    lab.nodes.n1.powerOff();
    expect(lab.proxies.n1.flows).toBe(0);
    lab.run(1);
    lab.nodes.n1.powerOn();
    lab.run(0.009);
    expect(lab.world.trace.lines().filter((line) => line.includes("n1 proxy programmed"))).toHaveLength(1);
    const early: string[] = [];
    request(
      lab.world,
      lab.client,
      { kind: "tcp", target: { ip: VIP.ipv4, port: 80 }, timeout: millis(1) },
      (result) => {
        early.push(result.outcome.kind);
      },
    );
    lab.run(3);
    expect(early).toEqual(["failed"]);
    socket.write(Uint8Array.of(10));
    lab.run(5);
    expect(heard).toEqual(["ECONNRESET"]);
    expect(lab.ask("tcp")).toBe("a1 n1 192.0.2.1");
  });

  it("forgets flows that are over", () => {
    const lab = new Lab();
    lab.program("Cluster", ON_N1);
    for (let asked = 0; asked < 300; asked++) lab.ask("tcp");
    // A closed flow lives 120 s, and one is asked for every 1.1 s.
    expect(lab.proxies.n1.flows).toBeLessThan(150);
  });
});
