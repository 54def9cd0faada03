// What can be said about manifests before anything runs: what stands in for what is missing, and what will not work.
import { type KubeObject, objectKey, type Service } from "../../impl/api/kubernetes.ts";
import { type Ip, readIp } from "../../impl/wire/ip.ts";
import { contains, maskTo, type Prefix, readPrefix } from "../../impl/wire/prefix.ts";
import { deployment } from "../objects.ts";
import { type Topology } from "../topology/model.ts";

export interface Preflight {
  /** What the world is given: the manifests, and what was missing around them. */
  readonly objects: readonly KubeObject[];
  /** Labels for nodes of the topology. */
  readonly nodeLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly notes: readonly string[];
}

/** Kinds that a simulated cluster has; others of the files are left out. */
const KINDS = new Set([
  "Service",
  "Deployment",
  "Pod",
  "EndpointSlice",
  "Namespace",
  "Secret",
  "ConfigMap",
  "IPAddressPool",
  "L2Advertisement",
  "BGPAdvertisement",
  "BGPPeer",
  "BFDProfile",
  "Community",
]); // prettier-ignore

const field = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (found, key) => (typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined),
    value,
  );

const isRecord = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === "object" && value !== null;

function matchesAll(selector: Readonly<Record<string, string>>, labels: unknown): boolean {
  return isRecord(labels) && Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** Whether anything in the files runs behind a Service. */
function hasBackend(service: Service, objects: readonly KubeObject[]): boolean {
  const selector = service.spec.selector ?? {};
  const namespace = service.metadata.namespace ?? "default";
  return objects.some((object) => {
    if ((object.metadata.namespace ?? "default") !== namespace) return false;
    if (object.kind === "EndpointSlice") {
      return object.metadata.labels?.["kubernetes.io/service-name"] === service.metadata.name;
    }
    if (Object.keys(selector).length === 0) return false;
    if (object.kind === "Pod") return matchesAll(selector, object.metadata.labels);
    return (
      object.kind === "Deployment" && matchesAll(selector, field(object, "spec", "template", "metadata", "labels"))
    );
  });
}

function standIn(service: Service, replicas: number): KubeObject {
  const { name, namespace = "default" } = service.metadata;
  return deployment(`${name}-stand-in`, replicas, { namespace, labels: service.spec.selector ?? {} });
}

const subnetsOf = (topology: Topology): readonly Prefix[] =>
  topology.stations.flatMap(({ interfaces }) =>
    interfaces
      .filter(({ name }) => name !== "eth0")
      .flatMap(({ addresses }) => addresses.map(({ ip, length }) => maskTo(ip, length))),
  );

/** The first address of `192.0.2.0/24` or `192.0.2.1-192.0.2.9`. */
function firstAddress(text: string): Ip | undefined {
  const prefix = readPrefix(text);
  return readIp(prefix === undefined ? (text.split("-")[0] ?? "").trim() : prefix.slice(0, prefix.indexOf("/")));
}

function poolNotes(object: KubeObject, topology: Topology): readonly string[] {
  const subnets = subnetsOf(topology);
  const addresses: unknown = field(object, "spec", "addresses");
  if (!Array.isArray(addresses)) return [];
  return addresses.flatMap((text: unknown) => {
    const ip = typeof text === "string" ? firstAddress(text) : undefined;
    if (ip === undefined || subnets.some((subnet) => contains(subnet, ip))) return [];
    const known = [...new Set(subnets)].join(", ");
    return [
      `IPAddressPool ${object.metadata.name}: ${String(text)} lies in no subnet of ${topology.name} (${known}), so no client will ask for it by ARP or NDP`,
    ];
  });
}

function peerNotes(object: KubeObject, topology: Topology): readonly string[] {
  const address = field(object, "spec", "peerAddress");
  const there = topology.stations.some(({ interfaces }) =>
    interfaces.some(({ addresses }) => addresses.some(({ ip }) => ip === address)),
  );
  const problem = there ? "is there, but BGP is not simulated yet" : `is no station of ${topology.name}`;
  return [`BGPPeer ${object.metadata.name}: ${String(address)} ${problem}; its routes are left out`];
}

export function preflight(manifests: readonly KubeObject[], topology: Topology): Preflight {
  const notes: string[] = [];
  const objects: KubeObject[] = [];
  const nodeLabels = new Map<string, Readonly<Record<string, string>>>();
  const left = new Map<string, number>();
  const namespaces = new Set(manifests.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name));
  for (const object of manifests) {
    if (object.kind === "Node") {
      if (topology.nodes.includes(object.metadata.name))
        nodeLabels.set(object.metadata.name, object.metadata.labels ?? {});
      else
        notes.push(
          `Node ${object.metadata.name} is not in ${topology.name} (its nodes are ${topology.nodes.join(", ")}): its labels are not used`,
        );
      continue;
    }
    if (!KINDS.has(object.kind)) {
      left.set(object.kind, (left.get(object.kind) ?? 0) + 1);
      continue;
    }
    const { namespace } = object.metadata;
    if (namespace !== undefined && !namespaces.has(namespace) && object.kind !== "Namespace") {
      namespaces.add(namespace);
      objects.push({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    }
    objects.push(object);
    if (object.kind === "IPAddressPool") notes.push(...poolNotes(object, topology));
    if (object.kind === "BGPPeer") notes.push(...peerNotes(object, topology));
  }
  for (const object of manifests) {
    const service = object.kind === "Service" ? (object as Service) : undefined;
    if (service?.spec.type !== "LoadBalancer" || hasBackend(service, manifests)) continue;
    if (Object.keys(service.spec.selector ?? {}).length === 0) {
      notes.push(
        `Service ${objectKey(service)} has no selector and no EndpointSlice in the files, so nothing answers behind it`,
      );
      continue;
    }
    objects.push(standIn(service, topology.nodes.length));
    notes.push(
      `Service ${objectKey(service)}: no workload in the files matches its selector; a stand-in backend runs on every node`,
    );
  }
  for (const [kind, count] of left) notes.push(`${count} ${kind} left out: simulated clusters do not have them`);
  return { objects, nodeLabels, notes };
}
