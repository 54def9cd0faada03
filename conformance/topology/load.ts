// Reads a topology folder: topology.clab.yml as containerlab takes it, the kind configuration that it names, frr.conf files
// that it binds, and cluster.yaml beside it.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { ipFromBigInt, ipToBigInt, readIp } from "../../impl/wire/ip.ts";
import { type Mac, parseMac } from "../../impl/wire/mac.ts";
import {
  addressOf,
  contains,
  type InterfaceAddress,
  lengthOf,
  type Prefix,
  prefixFamily,
  readPrefix,
} from "../../impl/wire/prefix.ts";
import { type Micros, seconds } from "../../impl/wire/time.ts";
import { readFrrConfig } from "../../sim/router/config/read.ts";
import { readClusterFile } from "./cluster-file.ts";
import { type ExecCommand, readExec, readSysctl } from "./exec.ts";
import { openYaml, readDuration, shownPath } from "./files.ts";
import { kernelCommands } from "./frr-commands.ts";
import { type KindNode, readKindCluster } from "./kind-cluster.ts";
import { type NeighbourProfile, type Plug, type SwitchSpec, type Topology } from "./model.ts";
import { TopologyError } from "./problem.ts";
import { StationBuilder } from "./station.ts";
import { portLabels, readSwitch } from "./switch-labels.ts";
import { type Value } from "./yaml.ts";

/** How long routers keep what they learnt, where nothing else is said. */
const ROUTER_TIMEOUT: Micros = seconds(1200);

/** The segment that containerlab gives every container as eth0. */
export const MANAGEMENT = "management";
/** The interface by which a container is on it. */
export const MANAGEMENT_LINK = "eth0";

const HARMLESS_NODE_KEYS = [
  "image",
  "image-pull-policy",
  "cmd",
  "entrypoint",
  "env",
  "env-files",
  "user",
  "group",
  "memory",
  "cpu",
  "cpu-set",
  "ports",
  "runtime",
  "license",
  "type",
  "restart-policy",
  "healthcheck",
  "aliases",
  "dns",
  "stages",
  "position",
  "enforce-startup-config",
  "suppress-startup-config",
  "auto-remove",
  "extras",
  "startup-delay",
]; // prettier-ignore

interface Draft {
  readonly root: string;
  readonly stations: Map<string, StationBuilder>;
  readonly switches: Map<string, SwitchSpec>;
  readonly nodes: KindNode[];
  podSubnets: readonly Prefix[];
  serviceSubnets: readonly Prefix[];
}

function addCluster(draft: Draft, name: string, value: Value): void {
  const config = value.get("startup-config");
  // Without a configuration kind makes one control-plane node.
  const document = config.exists ? openYaml(draft.root, config.string()).documents[0] : config;
  const { nodes, podSubnets, serviceSubnets } = readKindCluster(name, document ?? config.fail("is empty"));
  if (draft.nodes.length > 0) value.fail("is a second cluster: one is supported");
  for (const node of nodes) draft.stations.set(node.name, new StationBuilder(node.name, "node"));
  draft.nodes.push(...nodes);
  draft.podSubnets = podSubnets;
  draft.serviceSubnets = serviceSubnets;
}

function readNeighbourProfile(value: Value): NeighbourProfile {
  const label = value.get("labels").get("assay.neighbours");
  const text = label.text() ?? "linux";
  if (text === "linux") return { kind: "linux" };
  const [, timeout] = /^router(?:=(\S+))?$/.exec(text) ?? label.fail('must be "linux" or "router=TIMEOUT"');
  return { kind: "router", timeout: readDuration(label, timeout) ?? ROUTER_TIMEOUT };
}

function runExec(builder: StationBuilder, value: Value): void {
  for (const item of value.get("exec").items()) {
    const command: ExecCommand | string = readExec(item.string());
    if (typeof command === "string") item.fail(command);
    else builder.run(command, item);
  }
}

function readFrr(draft: Draft, builder: StationBuilder, value: Value): void {
  for (const bind of value.get("binds").items()) {
    const [from = "", to = ""] = bind.string().split(":");
    if (!to.endsWith("/frr.conf")) continue;
    const path = join(draft.root, from);
    if (!existsSync(path)) bind.fail(`there is no file ${from}`);
    const text = readFileSync(path, "utf8");
    const read = readFrrConfig(text);
    if ("problems" in read) throw TopologyError.of(shownPath(path), read.problems);
    builder.role = "router";
    builder.frr = { name: shownPath(path), text, config: read.config };
    for (const command of kernelCommands(read.config)) builder.run(command, bind);
  }
}

function readNode(draft: Draft, name: string, value: Value): void {
  value.onlyKeys(
    ["kind", "exec", "labels", "binds", "startup-config", "sysctls", "mgmt-ipv4", "mgmt-ipv6"],
    HARMLESS_NODE_KEYS,
  );
  const kind = value.get("kind").string();
  if (kind === "bridge" || kind === "ovs-bridge") {
    draft.switches.set(name, readSwitch(name, value));
    return;
  }
  if (kind === "k8s-kind") {
    addCluster(draft, name, value);
    return;
  }
  if (kind !== "linux" && kind !== "ext-container") {
    value.get("kind").fail(`"${kind}" is not supported: linux, bridge, k8s-kind and ext-container are`);
  }
  const known = draft.stations.get(name);
  if (kind === "ext-container" && known === undefined) value.fail("no k8s-kind node makes this container");
  const builder = known ?? new StationBuilder(name, "host");
  draft.stations.set(name, builder);
  for (const [key, setting] of value.get("sysctls").entries()) {
    const command = readSysctl(key, setting.string());
    if (typeof command === "string") setting.fail(command);
    else builder.run(command, setting);
  }
  readFrr(draft, builder, value);
  builder.neighbours = readNeighbourProfile(value);
  runExec(builder, value);
}

function readCables(draft: Draft, links: Value): readonly (readonly [Plug, Plug])[] {
  const used = new Set<string>();
  return links.items().map((link) => {
    link.onlyKeys(["endpoints"], ["vars", "labels"]);
    const plugs = link
      .get("endpoints")
      .items()
      .map((end): Plug => {
        const [name = "", port = ""] = end.string().split(":");
        if (port === "") end.fail("must be NODE:INTERFACE");
        if (!draft.stations.has(name) && !draft.switches.has(name)) end.fail(`there is no node "${name}"`);
        if (used.has(`${name}:${port}`)) end.fail("is used by another link");
        used.add(`${name}:${port}`);
        draft.stations.get(name)?.cable(port, end);
        return { name, port };
      });
    const [a, b] = plugs;
    if (a === undefined || b === undefined || plugs.length !== 2) return link.fail("needs exactly two endpoints");
    return [a, b] as const;
  });
}

/** `mgmt-ipv4` or `mgmt-ipv6` of a node. */
function readManagementAddress(node: Value, prefix: Prefix): InterfaceAddress | undefined {
  const value = node.get(prefixFamily(prefix) === "ipv4" ? "mgmt-ipv4" : "mgmt-ipv6");
  const text = value.text();
  if (text === undefined) return undefined;
  const ip = readIp(text) ?? value.fail(`"${text}" is not an IP address`);
  if (!contains(prefix, ip)) value.fail(`${ip} is not in the management subnet ${prefix}`);
  return { ip, length: lengthOf(prefix) };
}

/** eth0 of every container, addressed in order from the subnet's second address, as Docker does. */
function addManagement(draft: Draft, mgmt: Value, nodesValue: Value): readonly (readonly [Plug, Plug])[] {
  mgmt.onlyKeys(["network", "ipv4-subnet", "ipv6-subnet", "mtu"], ["bridge", "ipv4-gw", "ipv6-gw", "external-access"]);
  const v4 = mgmt.get("ipv4-subnet").text() ?? "172.20.20.0/24";
  const v6 = mgmt.get("ipv6-subnet").text();
  const prefixes = [v4, ...(v6 === undefined ? [] : [v6])].map(
    (text) => readPrefix(text) ?? mgmt.fail(`"${text}" is not a prefix`),
  );
  draft.switches.set(MANAGEMENT, { name: MANAGEMENT, profile: "linux-bridge", ageing: undefined, ports: new Map() });
  let offset = 2n;
  const cables: (readonly [Plug, Plug])[] = [];
  for (const [name, builder] of draft.stations) {
    builder.cable(MANAGEMENT_LINK, nodesValue);
    const given = nodesValue.get(name);
    for (const prefix of prefixes) {
      const fixed = readManagementAddress(given, prefix);
      if (fixed !== undefined) builder.run({ kind: "address", device: MANAGEMENT_LINK, address: fixed }, given);
      if (fixed !== undefined) continue;
      const ip = ipFromBigInt(ipToBigInt(addressOf(prefix)) + offset, prefixFamily(prefix));
      builder.run({ kind: "address", device: MANAGEMENT_LINK, address: { ip, length: lengthOf(prefix) } }, nodesValue);
    }
    offset += 1n;
    cables.push([
      { name, port: MANAGEMENT_LINK },
      { name: MANAGEMENT, port: name },
    ]);
  }
  return cables;
}

/** The MAC of the n-th interface of the n-th station, in containerlab's own range. */
function macOf(station: number, port: number): Mac {
  const hex = (value: number): string => value.toString(16).padStart(2, "0");
  return parseMac(`aa:c1:ab:${hex(station >> 8)}:${hex(station & 255)}:${hex(port)}`);
}

/** A label for a port that has no cable says nothing, and was meant for another. */
function checkPorts(nodes: Value, cables: readonly (readonly [Plug, Plug])[]): void {
  const plugs = new Set(cables.flat().map(({ name, port }) => `${name}:${port}`));
  for (const [name, value] of nodes.entries()) {
    for (const [port, where] of portLabels(value)) {
      if (!plugs.has(`${name}:${port}`)) where.fail(`no link has the endpoint ${name}:${port}`);
    }
  }
}

/** Node objects with the labels that kind gives them; those that the cluster file has none of are added. */
function withKindLabels(objects: readonly KubeObject[], nodes: readonly KindNode[]): readonly KubeObject[] {
  const labelled = nodes.filter(({ labels }) => Object.keys(labels).length > 0);
  const labelsOf = new Map(labelled.map(({ name, labels }) => [name, labels]));
  const known = objects.map((object): KubeObject => {
    const labels = object.kind === "Node" ? labelsOf.get(object.metadata.name) : undefined;
    if (labels === undefined) return object;
    return { ...object, metadata: { ...object.metadata, labels: { ...labels, ...object.metadata.labels } } };
  });
  const missing = labelled.filter(
    ({ name }) => !objects.some(({ kind, metadata }) => kind === "Node" && metadata.name === name),
  );
  const added = missing.map(({ name, labels }) => ({ apiVersion: "v1", kind: "Node", metadata: { name, labels } }));
  return [...known, ...added];
}

/** Of what nodes inherit only that is harmless which would be so at the node. */
function rejectInherited(value: Value): void {
  for (const [key, inherited] of value.entries()) {
    if (!HARMLESS_NODE_KEYS.includes(key)) inherited.fail("is not supported here: write it at the nodes");
  }
}

function rejectDuplicates(draft: Draft): void {
  const seen = new Map<string, string>();
  for (const builder of draft.stations.values()) {
    for (const { ip, where } of builder.addresses()) {
      const other = seen.get(ip);
      if (other !== undefined) where.fail(`${ip} of ${builder.name} is already an address of ${other}`);
      seen.set(ip, builder.name);
    }
  }
}

/** Reads the folder `root`. Throws TopologyError, which names file and line. */
export function loadTopology(root: string): Topology {
  const file = openYaml(root, "topology.clab.yml");
  const [document] = file.documents;
  if (document === undefined) throw new TopologyError(file.name, 1, "is empty");
  document.onlyKeys(["name", "topology", "mgmt"], ["prefix", "settings", "debug"]);
  const topology = document.get("topology");
  topology.onlyKeys(["nodes", "links"], ["kinds", "defaults", "groups"]);
  for (const [, kind] of topology.get("kinds").entries()) rejectInherited(kind);
  for (const [, group] of topology.get("groups").entries()) rejectInherited(group);
  rejectInherited(topology.get("defaults"));
  const draft: Draft = {
    root,
    stations: new Map(),
    switches: new Map(),
    nodes: [],
    podSubnets: [],
    serviceSubnets: [],
  };
  // Clusters first: they make the containers that others refer to.
  const entries = topology.get("nodes").entries();
  const isCluster = (value: Value): boolean => value.get("kind").text() === "k8s-kind";
  for (const [name, value] of entries.filter(([, value]) => isCluster(value))) readNode(draft, name, value);
  for (const [name, value] of entries.filter(([, value]) => !isCluster(value))) readNode(draft, name, value);
  const cables = [
    ...addManagement(draft, document.get("mgmt"), topology.get("nodes")),
    ...readCables(draft, topology.get("links")),
  ];
  checkPorts(topology.get("nodes"), cables);
  const nodes = draft.nodes.map(({ name }) => name);
  const cluster = readClusterFile(root, { stations: draft.stations, nodes });
  rejectDuplicates(draft);
  return {
    name: document.get("name").text() ?? basename(root),
    about: file.about,
    stations: [...draft.stations.values()].map((builder, index) => builder.finish((port) => macOf(index + 1, port))),
    switches: [...draft.switches.values()],
    cables,
    nodes,
    clients: cluster.clients,
    objects: withKindLabels(cluster.objects, draft.nodes),
    podSubnets: draft.podSubnets,
    serviceSubnets: draft.serviceSubnets,
  };
}
