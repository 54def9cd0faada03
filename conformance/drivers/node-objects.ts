// The Kubernetes objects that a cluster has before anybody applies one: nodes, namespaces, and the pods of Assay itself.
import { type KubeObject, type NodeObject } from "../../impl/api/kubernetes.ts";
import { type Ip, ipFromBigInt, parseIp } from "../../impl/wire/ip.ts";
import { bitsOf, lengthOf, type Prefix, prefixFamily, rangeOf } from "../../impl/wire/prefix.ts";
import { SYSTEM } from "../objects.ts";
import { type Topology } from "../topology/model.ts";

export const SPEAKER_SELECTOR = "app=metallb,component=speaker";

/** What a node is to the others. */
export interface NodeFacts {
  readonly name: string;
  /** InternalIP: the first is the one that its speaker binds to. */
  readonly addresses: readonly Ip[];
  readonly podPrefixes: readonly Prefix[];
  readonly object: KubeObject;
}

/** The n-th /24 of an IPv4 pod subnet, the n-th /64 of an IPv6 one. */
function podPrefix(subnet: Prefix, index: number): Prefix {
  const family = prefixFamily(subnet);
  const length = Math.max(family === "ipv4" ? 24 : 64, lengthOf(subnet));
  const size = 1n << BigInt(bitsOf(family) - length);
  return `${ipFromBigInt(rangeOf(subnet).first + size * BigInt(index), family)}/${length}` as Prefix;
}

function internalAddresses(topology: Topology, name: string): readonly Ip[] {
  const given = topology.objects.find(
    (object): object is NodeObject => object.kind === "Node" && object.metadata.name === name,
  );
  const internal = (given?.status?.addresses ?? []).filter(({ type }) => type === "InternalIP");
  if (internal.length > 0) return internal.map(({ address }) => parseIp(address));
  const station = topology.stations.find((item) => item.name === name);
  const management = station?.interfaces.find((item) => item.name === "eth0");
  return (management?.addresses ?? []).map(({ ip }) => ip);
}

/** Every node of a topology, with `labels` on top of its own. */
export function nodeFacts(
  topology: Topology,
  labels: ReadonlyMap<string, Readonly<Record<string, string>>>,
): readonly NodeFacts[] {
  return topology.nodes.map((name, index) => {
    const addresses = internalAddresses(topology, name);
    const podPrefixes = topology.podSubnets.map((subnet) => podPrefix(subnet, index));
    const given = topology.objects.find((object) => object.kind === "Node" && object.metadata.name === name);
    const object: KubeObject & { readonly spec: object; readonly status: object } = {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name,
        labels: {
          "kubernetes.io/hostname": name,
          "kubernetes.io/os": "linux",
          ...given?.metadata.labels,
          ...labels.get(name),
        },
      },
      spec: { podCIDR: podPrefixes[0], podCIDRs: podPrefixes },
      status: {
        addresses: [
          ...addresses.map((address) => ({ type: "InternalIP", address })),
          { type: "Hostname", address: name },
        ],
        conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }],
      },
    };
    return { name, addresses, podPrefixes, object };
  });
}

export const speakerPodName = (node: string): string => `speaker-${node}`;
export const CONTROLLER_POD = "controller";

/** A pod of Assay itself, on the host's network. */
export function ownPod(
  name: string,
  node: NodeFacts,
  component: "speaker" | "controller",
  namespace = SYSTEM,
): KubeObject {
  const object: KubeObject & { readonly spec: object; readonly status: object } = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: "metallb", component } },
    spec: { nodeName: node.name, hostNetwork: true, tolerations: [{ operator: "Exists" }] },
    status: {
      phase: "Running",
      podIP: node.addresses[0],
      podIPs: node.addresses.map((ip) => ({ ip })),
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
  return object;
}
