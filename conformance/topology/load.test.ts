import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bridgeCommands } from "./bridges.ts";
import { describeTopology } from "./describe.ts";
import { loadTopology, MANAGEMENT } from "./load.ts";
import { TopologyError } from "./problem.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-topology-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Files = Readonly<Record<string, string>>;

function load(files: Files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return loadTopology(folder);
}

/** The error that reading ends with, without the folder. */
function problemOf(files: Files): string {
  try {
    load(files);
  } catch (error) {
    if (error instanceof TopologyError) return error.message.replace(`${folder}/`, "");
    throw error;
  }
  return "no problem";
}

/** Line 1 is the name, line 4 the first line of the node `a`. */
const lab = (nodeLines: readonly string[], links = "[{ endpoints: ['a:eth1', 'lan:p1'] }]") => ({
  "topology.clab.yml": [
    "name: lab",
    "topology:",
    "  nodes:",
    "    a:",
    ...nodeLines.map((line) => `      ${line}`),
    "    lan: { kind: bridge }",
    `  links: ${links}`,
    "",
  ].join("\n"),
});

/** Commands of the node, the first of them on line 7. */
const exec = (...lines: readonly string[]) =>
  lab(["kind: linux", "exec:", ...lines.map((line) => `- ${JSON.stringify(line)}`)]);

describe("a problem of a topology", () => {
  it.each<readonly [string, Files, string]>([
    ["no file", {}, "topology.clab.yml:1: there is no such file"],
    ["an empty file", { "topology.clab.yml": "" }, "topology.clab.yml:1: is empty"],
    [
      "broken YAML",
      { "topology.clab.yml": "name: x\ntopology: [1\n" },
      "topology.clab.yml:3: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
    [
      "a key that stands twice",
      { "topology.clab.yml": "name: x\nname: y\n" },
      "topology.clab.yml:2: Map keys must be unique",
    ],
    [
      "an unknown field",
      { "topology.clab.yml": "name: x\ntopologie: {}\n" },
      "topology.clab.yml:2: topologie: is not supported and might change what the network means (understood: name, topology, mgmt)",
    ],
    [
      "a field that matters",
      lab(["kind: linux", "network-mode: host"]),
      "topology.clab.yml:6: topology.nodes.a.network-mode: is not supported and might change what the network means (understood: kind, exec, labels, binds, startup-config, sysctls, mgmt-ipv4, mgmt-ipv6)",
    ],
    ["no kind", lab(["image: x"]), "topology.clab.yml:5: topology.nodes.a.kind: is missing"],
    [
      "another vendor",
      lab(["kind: nokia_srlinux"]),
      'topology.clab.yml:5: topology.nodes.a.kind: "nokia_srlinux" is not supported: linux, bridge, k8s-kind and ext-container are',
    ],
    [
      "a container of nobody",
      lab(["kind: ext-container"]),
      "topology.clab.yml:5: topology.nodes.a: no k8s-kind node makes this container",
    ],
    [
      "what is inherited",
      { "topology.clab.yml": "name: x\ntopology:\n  defaults: { exec: [ip link set eth1 up] }\n  nodes: {}\n" },
      "topology.clab.yml:3: topology.defaults.exec: is not supported here: write it at the nodes",
    ],
    [
      "a cable to nowhere",
      lab(["kind: linux"], "[{ endpoints: ['a:eth1', 'wan:p1'] }]"),
      'topology.clab.yml:7: topology.links[0].endpoints[1]: there is no node "wan"',
    ],
    [
      "a cable with one end",
      lab(["kind: linux"], "[{ endpoints: ['a:eth1'] }]"),
      "topology.clab.yml:7: topology.links[0]: needs exactly two endpoints",
    ],
    [
      "an end without a port",
      lab(["kind: linux"], "[{ endpoints: ['a', 'lan:p1'] }]"),
      "topology.clab.yml:7: topology.links[0].endpoints[0]: must be NODE:INTERFACE",
    ],
    [
      "an end used twice",
      lab(["kind: linux"], "[{ endpoints: ['a:eth1', 'lan:p1'] }, { endpoints: ['a:eth2', 'lan:p1'] }]"),
      "topology.clab.yml:7: topology.links[1].endpoints[1]: is used by another link",
    ],
    [
      "a cable at the management port",
      lab(["kind: linux"], "[{ endpoints: ['a:eth0', 'lan:p1'] }]"),
      "topology.clab.yml:7: topology.links[0].endpoints[0]: a has two interfaces eth0",
    ],
    [
      "the long form of a link",
      lab(["kind: linux"], "[{ type: veth, endpoints: [] }]"),
      "topology.clab.yml:7: topology.links[0].type: is not supported and might change what the network means (understood: endpoints)",
    ],
    [
      "an address twice",
      exec("ip address add 192.0.2.1/24 dev eth1", "ip address add 192.0.2.1/24 dev eth1"),
      "topology.clab.yml:8: topology.nodes.a.exec[1]: 192.0.2.1 of a is already an address of a",
    ],
    [
      "an address of the management network",
      exec("ip address add 172.20.20.2/24 dev eth1"),
      "topology.clab.yml:4: topology.nodes: 172.20.20.2 of a is already an address of a",
    ],
    [
      "a device that is not there",
      exec("ip address add 192.0.2.1/24 dev eth9"),
      "topology.clab.yml:7: topology.nodes.a.exec[0]: a has no interface eth9",
    ],
    [
      "a VLAN without its parent",
      exec("ip link add link bond0 name bond0.10 type vlan id 10"),
      "topology.clab.yml:7: topology.nodes.a.exec[0]: a has no interface bond0",
    ],
    [
      "a port of no bridge",
      exec("ip link set eth1 master eth0"),
      "topology.clab.yml:7: topology.nodes.a.exec[0]: eth0 is neither a bridge, a bond nor a VRF",
    ],
    [
      "a device twice",
      exec("ip link add eth1 type bridge"),
      "topology.clab.yml:7: topology.nodes.a.exec[0]: a already has an interface eth1",
    ],
    [
      "a command that is not understood",
      exec("sh -c 'ip link set eth1 down'"),
      `topology.clab.yml:7: topology.nodes.a.exec[0]: "sh -c 'ip link set eth1 down'" might change the network and is not understood: ip address|route|link and sysctl are`,
    ],
    [
      "a setting that is not known",
      exec("sysctl -w net.ipv4.conf.all.accept_local=1"),
      "topology.clab.yml:7: topology.nodes.a.exec[0]: net.ipv4.conf.all.accept_local: is not a setting that the simulated kernel knows",
    ],
    [
      "a setting of the node",
      lab(["kind: linux", "sysctls: { net.ipv4.ip_forward: yes }"]),
      'topology.clab.yml:6: topology.nodes.a.sysctls.net.ipv4.ip_forward: net.ipv4.ip_forward: "yes" is not a number',
    ],
    [
      "a neighbour profile",
      lab(["kind: linux", "labels: { assay.neighbours: cisco }"]),
      'topology.clab.yml:6: topology.nodes.a.labels.assay.neighbours: must be "linux" or "router=TIMEOUT"',
    ],
    [
      "a timeout that is none",
      lab(["kind: linux", "labels: { assay.neighbours: router=long }"]),
      'topology.clab.yml:6: topology.nodes.a.labels.assay.neighbours: "long" is not a duration such as 300s',
    ],
    [
      "a management address elsewhere",
      lab(["kind: linux", "mgmt-ipv4: 10.0.0.1"]),
      "topology.clab.yml:6: topology.nodes.a.mgmt-ipv4: 10.0.0.1 is not in the management subnet 172.20.20.0/24",
    ],
    [
      "a bind without its file",
      lab(["kind: linux", "binds: ['frr.conf:/etc/frr/frr.conf']"]),
      "topology.clab.yml:6: topology.nodes.a.binds[0]: there is no file frr.conf",
    ],
    [
      "an address outside an interface of frr.conf",
      {
        ...lab(["kind: linux", "binds: ['frr.conf:/etc/frr/frr.conf']"]),
        "frr.conf": "hostname a\n ip address 192.0.2.1/24\n",
      },
      'frr.conf:2: "ip address 192.0.2.1/24" belongs into interface, not into the configuration',
    ],
    [
      "an address of frr.conf that is none",
      {
        ...lab(["kind: linux", "binds: ['frr.conf:/etc/frr/frr.conf']"]),
        "frr.conf": "interface eth1\n ip address 192.0.2.1\n",
      },
      'frr.conf:2: "192.0.2.1" is not an address with a prefix length',
    ],
    [
      "a route of frr.conf that is none",
      {
        ...lab(["kind: linux", "binds: ['frr.conf:/etc/frr/frr.conf']"]),
        "frr.conf": "ip route 192.0.2.0/33 192.0.2.1\n",
      },
      'frr.conf:1: "192.0.2.0/33" is not a prefix',
    ],
  ])("%s", (_what, files, expected) => {
    expect(problemOf(files)).toBe(expected);
  });

  const bridge = (labels: string) => ({
    "topology.clab.yml": `name: lab\ntopology:\n  nodes:\n    a: { kind: linux }\n    lan: { kind: bridge, labels: { ${labels} } }\n  links: [{ endpoints: ['a:eth1', 'lan:p1'] }]\n`,
  });
  const words = "isolated, access=VLAN, trunk=VLAN,VLAN or mtu=BYTES";
  it.each<readonly [string, string]>([
    [
      "assay.switch: cisco",
      'assay.switch: there is no profile "cisco", only linux-bridge, hardware-300s, mld-snooping, garp-rate-limited, move-dampening, no-unknown-flood, dai',
    ],
    ["assay.ageing: never", 'assay.ageing: "never" is not a duration such as 300s'],
    ["assay.color: red", "assay.color: is not a known label"],
    ["assay.port.p1: access=4095", `assay.port.p1: "access=4095" is not understood: ${words}`],
    ["assay.port.p1: access=", `assay.port.p1: "access=" is not understood: ${words}`],
    ["assay.port.p1: 'access=1,2'", `assay.port.p1: "access=1,2" is not understood: ${words}`],
    ["assay.port.p1: trunk=all", `assay.port.p1: "trunk=all" is not understood: ${words}`],
    ["assay.port.p1: mtu=1", `assay.port.p1: "mtu=1" is not understood: ${words}`],
    ["assay.port.p2: isolated", "assay.port.p2: no link has the endpoint lan:p2"],
  ])("the label %s", (label, expected) => {
    expect(problemOf(bridge(label))).toBe(`topology.clab.yml:5: topology.nodes.lan.labels.${expected}`);
  });
});

/** A cluster k of two nodes, with files of a person's own. */
const cluster = (files: Files) => ({
  "topology.clab.yml": [
    "name: lab",
    "topology:",
    "  nodes:",
    "    k: { kind: k8s-kind, startup-config: kind.yaml }",
    "    k-worker: { kind: ext-container, exec: [ip address add 192.0.2.2/24 dev eth1] }",
    "    c: { kind: linux }",
    "    lan: { kind: bridge }",
    "  links: [{ endpoints: ['k-worker:eth1', 'lan:p1'] }, { endpoints: ['c:eth1', 'lan:p2'] }]",
    "",
  ].join("\n"),
  "kind.yaml": "kind: Cluster\nnodes:\n- { role: control-plane }\n- { role: worker, labels: { zone: a } }\n",
  ...files,
});
const node = (name: string, address: string) =>
  `apiVersion: v1\nkind: Node\nmetadata: { name: ${name} }\nstatus: { addresses: [{ type: InternalIP, address: ${address} }] }\n`;
const client = (name: string) => `apiVersion: assay/v1\nkind: Client\nmetadata: { name: ${name} }\n`;

describe("a cluster", () => {
  it("has the nodes, labels and subnets of its kind configuration", () => {
    const topology = load(cluster({ "cluster.yaml": `${node("k-worker", "192.0.2.2")}---\n${client("c")}` }));
    expect(describeTopology(topology, MANAGEMENT)).toEqual([
      "lab: 2 nodes, 1 clients, 1 switches",
      "pods 10.244.0.0/16; cluster addresses 10.96.0.0/16",
      "node k-control-plane: eth0 172.20.20.2/24",
      "node k-worker: eth0 172.20.20.3/24, eth1 192.0.2.2/24",
      "client c: eth0 172.20.20.4/24, eth1",
      "switch lan: linux-bridge",
      "  p1 k-worker:eth1",
      "  p2 c:eth1",
    ]);
    expect(topology.objects.map(({ metadata }) => metadata)).toEqual([{ name: "k-worker", labels: { zone: "a" } }]);
  });

  it("has one node where nothing configures it", () => {
    const files = { "topology.clab.yml": "name: x\ntopology:\n  nodes: { k: { kind: k8s-kind } }\n  links: []\n" };
    expect(load(files).nodes).toEqual(["k-control-plane"]);
  });

  it.each<readonly [string, Files, string]>([
    [
      "an empty kind configuration",
      { "kind.yaml": "" },
      "topology.clab.yml:4: topology.nodes.k.startup-config: is empty",
    ],
    [
      "a role",
      { "kind.yaml": "nodes:\n- role: etcd\n" },
      'kind.yaml:2: nodes[0].role: "etcd" is neither control-plane nor worker',
    ],
    [
      "a family",
      { "kind.yaml": "networking:\n  ipFamily: both\n" },
      "kind.yaml:2: networking.ipFamily: must be ipv4, ipv6 or dual",
    ],
    [
      "a proxy",
      { "kind.yaml": "networking:\n  kubeProxyMode: none\n" },
      "kind.yaml:2: networking.kubeProxyMode: only iptables is supported",
    ],
    [
      "a subnet",
      { "kind.yaml": "networking:\n  podSubnet: 10.0.0.0\n" },
      'kind.yaml:2: networking.podSubnet: "10.0.0.0" is not a prefix',
    ],
    [
      "a Node that is not there",
      { "cluster.yaml": node("k-worker2", "192.0.2.2") },
      'cluster.yaml:3: metadata.name: there is no node "k-worker2" in the cluster',
    ],
    [
      "an address that the node has not",
      { "cluster.yaml": node("k-worker", "192.0.2.9") },
      "cluster.yaml:4: status.addresses[0].address: 192.0.2.9 is no address of k-worker",
    ],
    [
      "an address that is none",
      { "cluster.yaml": node("k-worker", "x") },
      'cluster.yaml:4: status.addresses[0].address: "x" is not an IP address',
    ],
    [
      "a client that is not there",
      { "cluster.yaml": client("d") },
      'cluster.yaml:3: metadata.name: there is no node "d" in the topology',
    ],
    [
      "a client that is a node",
      { "cluster.yaml": client("k-worker") },
      "cluster.yaml:3: metadata.name: k-worker is a node of the cluster",
    ],
    [
      "a client twice",
      { "cluster.yaml": `${client("c")}---\n${client("c")}` },
      "cluster.yaml:7: metadata.name: c is already a client",
    ],
  ])("with %s", (_what, files, expected) => {
    expect(problemOf(cluster(files))).toBe(expected);
  });
});

describe("what a file means", () => {
  it("is taken from commands, settings and frr.conf alike", () => {
    const files = {
      "topology.clab.yml": [
        "# A router. It has everything.",
        "name: lab",
        "mgmt: { ipv4-subnet: 10.9.0.0/24, ipv6-subnet: 'fd00:9::/64' }",
        "topology:",
        "  nodes:",
        "    a:",
        "      kind: linux",
        "      mgmt-ipv4: 10.9.0.77",
        "      sysctls: { net.ipv4.ip_forward: 1, net.core.rmem_max: 1, net.ipv4.conf.all.rp_filter: 0 }",
        "      binds: ['r/frr.conf:/etc/frr/frr.conf']",
        "      labels: { assay.neighbours: router=4h }",
        "      exec:",
        "      - ip link add br0 type bridge",
        "      - ip link set eth2 master br0",
        "      - ip link set dev br0 address 02:00:00:00:00:09 mtu 1400 up",
        "      - ip a add 192.0.2.1/24 dev br0",
        "      - ip link add link br0 name br0.7 type vlan id 7",
        "      - ip link set eth1 arp off",
        "      - ip -6 route add default via fe80::1 dev br0",
        "      - sysctl -q -w net/ipv4/conf/eth1/arp_ignore=1",
        "    lan: { kind: bridge, labels: { assay.switch: dai, assay.ageing: 20s, assay.port.p2: isolated mtu=1280 } }",
        "  links:",
        "  - endpoints: ['a:eth1', 'lan:p1']",
        "  - endpoints: ['lan:p2', 'a:eth2']",
        "",
      ].join("\n"),
      "r/frr.conf":
        "interface eth1\n ip address 198.51.100.1/24\n ipv6 address 2001:db8::1/64\n!\nip route 203.0.113.0/24 198.51.100.9\n",
    };
    const topology = load(files);
    expect([topology.about, ...describeTopology(topology, MANAGEMENT)]).toEqual([
      "A router.",
      "lab: 0 nodes, 0 clients, 1 switches",
      "pods none; cluster addresses none",
      "router a: br0 bridge 192.0.2.1/24 MTU 1400, eth0 10.9.0.77/24 fd00:9::2/64, eth1 198.51.100.1/24 2001:db8::1/64 without ARP, eth2 in br0, br0.7 VLAN 7 on br0 down, keeps neighbours for 14400 s",
      "  route 203.0.113.0/24 via 198.51.100.9",
      "  route ::/0 via fe80::1 on br0",
      "  net.ipv4.ip_forward = 1",
      "  net.ipv4.conf.eth1.arp_ignore = 1",
      "switch lan: dai, forgets after 20 s",
      "  p1 a:eth1",
      "  p2 a:eth2 (isolated MTU 1280)",
    ]);
    const macs = topology.stations[0]?.interfaces.map(({ name, mac }) => `${name} ${mac}`);
    expect(macs).toContain("br0 02:00:00:00:00:09");
    expect(macs).toContain("br0.7 02:00:00:00:00:09");
  });

  it("becomes the commands that containerlab leaves to its user", () => {
    const files = {
      "topology.clab.yml": `name: lab\ntopology:\n  nodes:\n    a: { kind: linux }\n    lan:\n      kind: bridge\n      labels:\n        assay.ageing: 20s\n        assay.port.p1: trunk=10,20 access=1\n        assay.port.p2: access=10 isolated\n  links:\n  - endpoints: ['a:eth1', 'lan:p1']\n  - endpoints: ['a:eth2', 'lan:p2']\n`,
    };
    expect(bridgeCommands(load(files), MANAGEMENT)).toEqual([
      "# Before containerlab deploy:",
      "ip link add lan type bridge ageing_time 2000 vlan_filtering 1 mcast_snooping 0",
      "ip link set lan up",
      "# After it:",
      "bridge vlan del dev p1 vid 1",
      "bridge vlan add dev p1 vid 1 pvid untagged",
      "bridge vlan add dev p1 vid 10",
      "bridge vlan add dev p1 vid 20",
      "bridge link set dev p2 isolated on",
      "bridge vlan del dev p2 vid 1",
      "bridge vlan add dev p2 vid 10 pvid untagged",
    ]);
  });
});
