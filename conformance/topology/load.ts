// Reads a topology folder: topology.clab.yml as containerlab takes it, the kind configuration that it names, frr.conf files
// that it binds, and cluster.yaml beside it.
import { existsSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { ipFromBigInt, ipToBigInt } from "../../impl/wire/ip.ts";
import { type Mac, parseMac } from "../../impl/wire/mac.ts";
import { addressOf, lengthOf, parsePrefix, type Prefix, prefixFamily, readPrefix } from "../../impl/wire/prefix.ts";
import { type Micros, parseDuration } from "../../impl/wire/time.ts";
import { type ExecCommand, readExec } from "./exec.ts";
import { readFrrInterfaces } from "./frr-interfaces.ts";
import { type NeighbourProfile, type Plug, type PortSpec, type SwitchSpec, type Topology } from "./model.ts";
import { TopologyError } from "./problem.ts";
import { StationBuilder } from "./station.ts";
import { type Value, YamlFile } from "./yaml.ts";

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
  readonly nodes: string[];
  podSubnets: readonly Prefix[];
  serviceSubnets: readonly Prefix[];
}

function open(root: string, name: string): YamlFile {
  const path = join(root, name);
  const shown = relative(process.cwd(), path);
  if (!existsSync(path)) throw new TopologyError(shown, 1, "there is no such file");
  return new YamlFile(shown, readFileSync(path, "utf8"));
}

function duration(value: Value): Micros | undefined {
  const text = value.text();
  if (text === undefined) return undefined;
  try {
    return parseDuration(text);
  } catch {
    return value.fail(`"${text}" is not a duration such as 300s`);
  }
}

function subnets(value: Value, fallback: readonly string[]): readonly Prefix[] {
  const texts = value.text()?.split(",") ?? fallback;
  return texts.map((text) => readPrefix(text.trim()) ?? value.fail(`"${text}" is not a prefix`));
}

/** Container names as kind makes them: NAME-control-plane, NAME-worker, NAME-worker2 … */
function kindNodeNames(cluster: string, roles: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return roles.map((role) => {
    const count = (seen.get(role) ?? 0) + 1;
    seen.set(role, count);
    return `${cluster}-${role}${count === 1 ? "" : String(count)}`;
  });
}

function readKindCluster(draft: Draft, cluster: string, value: Value): void {
  const name = value.get("startup-config").text();
  const file = name === undefined ? undefined : open(draft.root, name);
  const config = file?.documents[0];
  const roles = config?.get("nodes").items() ?? [];
  const names = kindNodeNames(
    cluster,
    roles.length === 0 ? ["control-plane"] : roles.map((node) => node.get("role").text() ?? "control-plane"),
  );
  draft.nodes.push(...names);
  for (const node of names) draft.stations.set(node, new StationBuilder(node, "node"));
  const networking = config?.get("networking");
  const family = networking?.get("ipFamily").text() ?? "ipv4";
  const pick = (v4: string, v6: string): readonly string[] =>
    family === "dual" ? [v4, v6] : family === "ipv6" ? [v6] : [v4];
  draft.podSubnets =
    networking === undefined
      ? [parsePrefix("10.244.0.0/16")]
      : subnets(networking.get("podSubnet"), pick("10.244.0.0/16", "fd00:10:244::/56"));
  draft.serviceSubnets =
    networking === undefined
      ? [parsePrefix("10.96.0.0/16")]
      : subnets(networking.get("serviceSubnet"), pick("10.96.0.0/16", "fd00:10:96::/112"));
}

/** `assay.port.p1: "isolated"`, `"access=10"`, `"trunk=10,20 access=1"`, `"mtu=1400"`. */
function readPort(value: Value): PortSpec {
  let port: PortSpec = { isolated: false, access: undefined, trunk: [], mtu: undefined };
  for (const word of value.string().split(/\s+/)) {
    const [key, setting = ""] = word.split("=");
    const ids = setting.split(",").map(Number);
    if (key === "isolated") port = { ...port, isolated: true };
    else if (key === "access" && ids.every(Number.isInteger)) port = { ...port, access: ids[0] };
    else if (key === "trunk" && ids.every(Number.isInteger)) port = { ...port, trunk: ids };
    else if (key === "mtu" && ids.every(Number.isInteger)) port = { ...port, mtu: ids[0] };
    else value.fail(`"${word}" is not understood: isolated, access=VLAN, trunk=VLAN,VLAN or mtu=BYTES`);
  }
  return port;
}

function readSwitch(name: string, value: Value): SwitchSpec {
  const labels = value.get("labels");
  const ports = new Map<string, PortSpec>();
  for (const [key, label] of labels.entries()) {
    if (key.startsWith("assay.port.")) ports.set(key.slice("assay.port.".length), readPort(label));
    else if (key.startsWith("assay.") && !["assay.switch", "assay.ageing"].includes(key))
      label.fail("is not a known label");
  }
  return {
    name,
    profile: labels.get("assay.switch").text() ?? "linux-bridge",
    ageing: duration(labels.get("assay.ageing")),
    ports,
  };
}

function readNeighbourProfile(value: Value): NeighbourProfile {
  const label = value.get("labels").get("assay.neighbours");
  const text = label.text() ?? "linux";
  if (text === "linux") return { kind: "linux" };
  const [, timeout] = /^router(?:=(\S+))?$/.exec(text) ?? label.fail('must be "linux" or "router=TIMEOUT"');
  return { kind: "router", timeout: parseDuration(timeout ?? "1200s") };
}

function runExec(builder: StationBuilder, value: Value): void {
  for (const item of value.get("exec").items()) {
    const command: ExecCommand | string = readExec(item.string());
    if (typeof command === "string") item.fail(command);
    else builder.run(command, item);
  }
}

function readFrr(draft: Draft, builder: StationBuilder, value: Value): boolean {
  let found = false;
  for (const bind of value.get("binds").items()) {
    const [from = "", to = ""] = bind.string().split(":");
    if (!to.endsWith("/frr.conf")) continue;
    found = true;
    const path = join(draft.root, from);
    if (!existsSync(path)) bind.fail(`there is no file ${from}`);
    const lines = readFrrInterfaces(readFileSync(path, "utf8"));
    if ("problem" in lines) throw new TopologyError(relative(process.cwd(), path), lines.line, lines.problem);
    for (const { command } of lines) builder.run(command, bind);
  }
  return found;
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
    readKindCluster(draft, name, value);
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
    builder.run({ kind: "sysctl", name: key, value: setting.string() }, setting);
  }
  if (readFrr(draft, builder, value)) builder.role = "router";
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
    builder.cable("eth0", nodesValue);
    for (const prefix of prefixes) {
      const ip = ipFromBigInt(ipToBigInt(addressOf(prefix)) + offset, prefixFamily(prefix));
      builder.run({ kind: "address", device: "eth0", address: { ip, length: lengthOf(prefix) } }, nodesValue);
    }
    offset += 1n;
    cables.push([
      { name, port: "eth0" },
      { name: MANAGEMENT, port: name },
    ]);
  }
  return cables;
}

interface ClusterFile {
  readonly objects: readonly KubeObject[];
  readonly clients: readonly string[];
}

function readCluster(draft: Draft): ClusterFile {
  const objects: KubeObject[] = [];
  const clients: string[] = [];
  if (!existsSync(join(draft.root, "cluster.yaml"))) return { objects, clients };
  for (const document of open(draft.root, "cluster.yaml").documents) {
    const name = document.get("metadata").get("name").string();
    if (document.get("kind").string() === "Client") {
      const builder = draft.stations.get(name);
      if (builder === undefined)
        document.get("metadata").get("name").fail(`there is no node "${name}" in the topology`);
      else builder.role = "client";
      clients.push(name);
    } else {
      // The API server of the world validates it when it is created.
      objects.push(document.plain() as KubeObject);
    }
  }
  return { objects, clients };
}

/** The MAC of the n-th interface of the n-th station, in containerlab's own range. */
function macOf(station: number, port: number): Mac {
  const hex = (value: number): string => value.toString(16).padStart(2, "0");
  return parseMac(`aa:c1:ab:${hex(station >> 8)}:${hex(station & 255)}:${hex(port)}`);
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
  const file = open(root, "topology.clab.yml");
  const [document] = file.documents;
  if (document === undefined) throw new TopologyError(file.name, 1, "is empty");
  document.onlyKeys(["name", "topology", "mgmt"], ["prefix", "settings", "debug"]);
  const topology = document.get("topology");
  topology.onlyKeys(["nodes", "links"], ["kinds", "defaults", "groups"]);
  for (const key of ["kinds", "defaults", "groups"]) {
    for (const [, inherited] of topology.get(key).entries()) {
      if (inherited.get("exec").exists)
        inherited.get("exec").fail("inherited commands are not supported: write them at the node");
    }
  }
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
  const cluster = readCluster(draft);
  const cables = [
    ...addManagement(draft, document.get("mgmt"), topology.get("nodes")),
    ...readCables(draft, topology.get("links")),
  ];
  rejectDuplicates(draft);
  return {
    name: document.get("name").text() ?? basename(root),
    stations: [...draft.stations.values()].map((builder, index) => builder.finish((port) => macOf(index + 1, port))),
    switches: [...draft.switches.values()],
    cables,
    nodes: draft.nodes,
    clients: cluster.clients,
    objects: cluster.objects,
    podSubnets: draft.podSubnets,
    serviceSubnets: draft.serviceSubnets,
  };
}
