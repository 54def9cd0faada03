// Which node of the topology plays which Node of the manifests.
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { type Topology } from "../topology/model.ts";
import { record } from "./workloads.ts";

type Labels = Readonly<Record<string, string>>;

export interface NodeRoles {
  /** Labels from the manifests, by node of the topology. */
  readonly labels: ReadonlyMap<string, Labels>;
  /** Nodes of the topology by the name in the manifests, where the two differ. */
  readonly players: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

const listed = (names: readonly string[]): string =>
  names.length > 6 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");

/** What an API server would take. */
const labelsOf = ({ metadata }: KubeObject): Labels =>
  Object.fromEntries(
    Object.entries(record(metadata.labels)).flatMap(([key, value]) =>
      typeof value === "string" ? [[key, value]] : [],
    ),
  );

/** Nodes of the topology's names are themselves; the others are played, in order, by nodes that nobody named. */
export function castNodes(manifests: readonly KubeObject[], topology: Topology): NodeRoles {
  const nodes = manifests.filter(({ kind, apiVersion }) => kind === "Node" && apiVersion === "v1");
  const known = nodes.filter(({ metadata }) => topology.nodes.includes(metadata.name));
  const strangers = nodes.filter((node) => !known.includes(node));
  const free = topology.nodes.filter((name) => !known.some(({ metadata }) => metadata.name === name));
  const labels = new Map<string, Labels>(known.map((node) => [node.metadata.name, labelsOf(node)]));
  const players = new Map<string, string>();
  for (const [index, node] of strangers.entries()) {
    const { metadata } = node;
    const player = free[index];
    if (player === undefined) break;
    players.set(metadata.name, player);
    // A kubelet labels its node with its name, and selectors may ask for it.
    labels.set(player, { "kubernetes.io/hostname": metadata.name, ...labelsOf(node) });
  }
  const notes: string[] = [];
  if (players.size > 0) {
    const roles = [...players].map(([role, player]) => `${role} by ${player}`);
    notes.push(`nodes of the files are played by nodes of ${topology.name}, with their labels: ${listed(roles)}`);
  }
  const without = strangers.slice(players.size).map(({ metadata }) => metadata.name);
  if (without.length > 0) {
    notes.push(
      `${topology.name} has ${topology.nodes.length} nodes, so these of the files are left out: ${listed(without)}`,
    );
  }
  return { labels, players, notes };
}
