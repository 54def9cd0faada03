// cluster.yaml: which stations are clients, and the Kubernetes objects that the cluster has from the beginning.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { readIp } from "../../impl/wire/ip.ts";
import { openYaml } from "./files.ts";
import { type StationBuilder } from "./station.ts";
import { type Value } from "./yaml.ts";

export interface ClusterFile {
  readonly objects: readonly KubeObject[];
  readonly clients: readonly string[];
}

interface Known {
  readonly stations: ReadonlyMap<string, StationBuilder>;
  readonly nodes: readonly string[];
}

/** A speaker binds to its node's first address, so the node must have it. */
function checkNode(document: Value, name: string, { stations, nodes }: Known): void {
  if (!nodes.includes(name)) document.get("metadata").get("name").fail(`there is no node "${name}" in the cluster`);
  const own = stations.get(name)?.addresses() ?? [];
  for (const item of document.get("status").get("addresses").items()) {
    const address = item.get("address");
    if (item.get("type").text() !== "InternalIP") continue;
    const ip = readIp(address.string());
    if (ip === undefined) address.fail(`"${address.string()}" is not an IP address`);
    if (!own.some((known) => known.ip === ip)) address.fail(`${address.string()} is no address of ${name}`);
  }
}

/** The management addresses must be known by now: a Node may have one of them for its own. */
export function readClusterFile(root: string, known: Known): ClusterFile {
  const objects: KubeObject[] = [];
  const clients: string[] = [];
  if (!existsSync(join(root, "cluster.yaml"))) return { objects, clients };
  for (const document of openYaml(root, "cluster.yaml").documents) {
    const where = document.get("metadata").get("name");
    const name = where.string();
    const kind = document.get("kind").string();
    if (kind === "Client") {
      const builder = known.stations.get(name) ?? where.fail(`there is no node "${name}" in the topology`);
      if (builder.role === "node") where.fail(`${name} is a node of the cluster`);
      if (clients.includes(name)) where.fail(`${name} is already a client`);
      builder.role = "client";
      clients.push(name);
    } else {
      if (kind === "Node") checkNode(document, name, known);
      // The API server of the world validates the rest when it is created.
      objects.push(document.plain() as KubeObject);
    }
  }
  return { objects, clients };
}
