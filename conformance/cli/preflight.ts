// What can be said about manifests before anything runs, and the cluster that they make: what stands in for what is
// missing, and what is left out.
import { type KubeObject, objectKey, type Service } from "../../impl/api/kubernetes.ts";
import { isObject } from "../../impl/api/schema/json-object.ts";
import { type Topology } from "../topology/model.ts";
import { isOwnKind, type Manifests } from "./manifests.ts";
import { castNodes } from "./node-roles.ts";
import { isOnlyRouted, outsideRanges, subnetsText, withClientRoutes } from "./pools.ts";
import { hasBackend, portsBehind, slicesOf, standInsFor } from "./stand-ins.ts";
import { peerNotes } from "./topology-choice.ts";
import { type Cast, isLoadBalancerItself, isMadeByAnother, record, simulated } from "./workloads.ts";

export interface Preflight {
  readonly topology: Topology;
  /** In the order in which they are applied. */
  readonly objects: readonly KubeObject[];
  readonly nodeLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Nodes of the topology by their names in the manifests. */
  readonly players: ReadonlyMap<string, string>;
  readonly podPorts: readonly number[];
  readonly notes: readonly string[];
}

export interface PreflightOptions {
  /** The topology is ours to choose, so its clients may know more subnets than it has. */
  readonly adaptable: boolean;
}

const CLUSTER_WIDE = new Set(["Namespace", "Node"]);
const CONFIGURATION = new Set(["Namespace", "Secret", "ConfigMap"]);
const LB_KINDS = new Set([
  "IPAddressPool",
  "L2Advertisement",
  "BGPAdvertisement",
  "BGPPeer",
  "BFDProfile",
  "Community",
]); // prettier-ignore

const asService = (object: KubeObject): Service | undefined =>
  object.kind === "Service" && object.apiVersion === "v1" ? (object as Service) : undefined;

const asLoadBalancer = (object: KubeObject): Service | undefined => {
  const service = asService(object);
  return isObject(service?.spec) && service.spec.type === "LoadBalancer" ? service : undefined;
};

/** As `kubectl apply` does, which puts what names no namespace where it was told. */
function inNamespace(object: KubeObject, system: string): KubeObject {
  if (CLUSTER_WIDE.has(object.kind) || object.metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace: isOwnKind(object) ? system : "default" } };
}

/** Cluster addresses belong to the cluster that gave them. */
function withoutClusterAddresses(service: Service): Service {
  if (!isObject(service.spec)) return service;
  const { clusterIP, clusterIPs: _clusterIPs, ...spec } = service.spec;
  return { ...service, spec: clusterIP === "None" ? { ...spec, clusterIP } : spec };
}

class Notes {
  readonly #lines: string[] = [];

  add(...lines: readonly string[]): void {
    this.#lines.push(...lines);
  }

  /** One line about many things: `text` with their names, of which six are written out. */
  about(names: readonly string[], text: (names: string) => string): void {
    if (names.length === 0) return;
    const shown = names.length > 6 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
    this.#lines.push(text(shown));
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}

const nameOf = (object: KubeObject): string => `${object.kind} ${objectKey(object)}`;

function leftOut(kinds: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  if (counts.size === 0) return undefined;
  const parts = [...counts].map(([kind, count]) => `${count} ${kind}`);
  return `left out, as nothing that is simulated depends on them: ${parts.join(", ")}`;
}

/** The objects of the files in the forms that a simulated cluster has. */
function translate(manifests: readonly KubeObject[], cast: Cast, notes: Notes): readonly KubeObject[] {
  const objects: KubeObject[] = [];
  const others: string[] = [];
  const itself: string[] = [];
  const converted: string[] = [];
  for (const object of manifests) {
    if (object.kind === "Node" || isMadeByAnother(object, manifests)) continue;
    const service = asService(object);
    if (isLoadBalancerItself(object)) itself.push(nameOf(object));
    else if (service !== undefined) objects.push(withoutClusterAddresses(service));
    else if (CONFIGURATION.has(object.kind) || object.kind === "EndpointSlice") objects.push(object);
    else if (isOwnKind(object) && LB_KINDS.has(object.kind)) objects.push(object);
    else if (object.kind === "Endpoints") objects.push(...slicesOf(object));
    else {
      const made = simulated(object, cast);
      if (made === undefined) others.push(object.kind);
      else objects.push(...made);
      if (made !== undefined && !made.some(({ kind }) => kind === object.kind)) converted.push(nameOf(object));
    }
  }
  notes.about(itself, (names) => `left out, as Assay runs in their place: ${names}`);
  notes.about(converted, (names) => `simulated by the Pods that they would have: ${names}`);
  const rest = leftOut(others);
  if (rest !== undefined) notes.add(rest);
  return objects;
}

function addStandIns(objects: readonly KubeObject[], cast: Cast, notes: Notes): readonly KubeObject[] {
  const without = objects
    .flatMap((object) => asLoadBalancer(object) ?? [])
    .filter((service) => !hasBackend(service, objects));
  const selects = (service: Service): boolean => Object.keys(record(service.spec.selector)).length > 0;
  const replaced = without.filter(selects);
  notes.about(
    replaced.map(objectKey),
    (names) => `no workload in the files is selected by ${names}: a stand-in backend runs on every node`,
  );
  notes.about(
    without.filter((service) => !selects(service)).map(objectKey),
    (names) => `without a selector and without an EndpointSlice in the files, so nothing answers behind: ${names}`,
  );
  return standInsFor(replaced, cast.nodes);
}

/** Namespaces that objects are in and that no file makes. */
function missingNamespaces(objects: readonly KubeObject[], system: string): readonly KubeObject[] {
  const made = new Set(["default", system, ...objects.filter(({ kind }) => kind === "Namespace").map(objectKey)]);
  const used = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
  return [...used]
    .filter((name) => !made.has(name))
    .map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
}

function noteSlices(objects: readonly KubeObject[], notes: Notes): void {
  const pods = objects.some(({ kind }) => kind === "Pod");
  const slices = objects.filter(({ kind }) => kind === "EndpointSlice");
  if (pods) return;
  notes.about(
    slices.map(nameOf),
    (names) =>
      `nothing that is simulated has the addresses of ${names}: they are announced, and no client gets an answer`,
  );
}

function placePools(
  objects: readonly KubeObject[],
  topology: Topology,
  options: PreflightOptions,
  notes: Notes,
): Topology {
  const hasRouters = topology.stations.some(({ frr }) => frr !== undefined);
  const outside = outsideRanges(objects, topology).filter(({ pool }) => !hasRouters || !isOnlyRouted(pool, objects));
  if (outside.length === 0) return topology;
  for (const { pool, text } of outside) {
    notes.add(`IPAddressPool ${pool}: ${text} lies in no subnet of ${topology.name} (${subnetsText(topology)})`);
  }
  if (!options.adaptable) {
    notes.add("no client asks for such addresses by ARP or NDP unless it has a route to them");
    return topology;
  }
  const subnets = [...new Set(outside.map(({ subnet }) => subnet))];
  notes.add(
    `clients take ${subnets.join(", ")} for a subnet of their LAN; to have a network taken as it is, name one with --topology`,
  );
  return withClientRoutes(topology, subnets);
}

/** Services last, so that what they need is there when they come. */
function order({ kind, apiVersion }: KubeObject): number {
  if (kind === "Namespace") return 0;
  if (CONFIGURATION.has(kind)) return 1;
  if (apiVersion.startsWith("metallb.io/")) return 2;
  return kind === "Service" ? 4 : 3;
}

function noteNamespaces(manifests: Manifests, notes: Notes): void {
  const { namespace, objects } = manifests;
  if (namespace !== "metallb-system")
    notes.add(`the load balancer runs in namespace ${namespace}, where its objects are`);
  const bare = objects.filter((object) => isOwnKind(object) && object.metadata.namespace === undefined);
  notes.about(bare.map(nameOf), (names) => `put into namespace ${namespace}, as they name none: ${names}`);
}

export function preflight(manifests: Manifests, topology: Topology, options: PreflightOptions): Preflight {
  const notes = new Notes();
  notes.about(manifests.unusable, (names) => `left out, as no API server would take their metadata: ${names}`);
  noteNamespaces(manifests, notes);
  const given = manifests.objects.map((object) => inNamespace(object, manifests.namespace));
  const roles = castNodes(given, topology);
  notes.add(...roles.notes);
  const ownLabels = new Map(
    topology.objects.map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.labels]),
  );
  const cast: Cast = {
    nodes: topology.nodes,
    players: roles.players,
    labelsOf: (node) => ({
      "kubernetes.io/hostname": node,
      "kubernetes.io/os": "linux",
      ...ownLabels.get(`Node ${node}`),
      ...roles.labels.get(node),
    }),
  };
  const translated = translate(given, cast, notes);
  notes.add(...peerNotes(translated, topology));
  noteSlices(translated, notes);
  const placed = placePools(translated, topology, options, notes);
  const objects = [...translated, ...addStandIns(translated, cast, notes)];
  const whole = [...missingNamespaces(objects, manifests.namespace), ...objects];
  if (topology.clients.length === 0) notes.add(`${topology.name} has no clients, so nobody tries the addresses`);
  return {
    topology: placed,
    objects: whole.toSorted((a, b) => order(a) - order(b)),
    nodeLabels: roles.labels,
    players: roles.players,
    podPorts: portsBehind(whole),
    notes: notes.lines,
  };
}
