// EndpointSlices of Services with a selector: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
import { type Instant } from "../../../impl/ports.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { type Controller } from "../control-plane.ts";
import { equal, type Fields, fieldsOf, listOf, type StoredObject } from "../object.ts";
import { type StorageEvent } from "../storage.ts";
import { type ClusterApi } from "./cluster-api.ts";
import { isReady } from "./conditions.ts";
import { Due } from "./due.ts";
import { nodeNameOf } from "./scheduler.ts";
import { type Selector, selectorOf, selects, ServiceIndex } from "./service-index.ts";

const SLICES = "endpointslices.discovery.k8s.io";
const SERVICE_LABEL = "kubernetes.io/service-name";
const MANAGER_LABEL = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslice-controller.k8s.io";
/** --max-endpoints-per-slice. */
const MOST_PER_SLICE = 100;

export class EndpointSliceController implements Controller {
  readonly #api: ClusterApi;
  readonly #delay: Micros;
  readonly #due = new Due();
  readonly #services = new ServiceIndex();
  /** Keys of the slices that are this controller's, by the key of their Service; keys of Pods by namespace. */
  readonly #slices = new Map<string, Set<string>>();
  readonly #pods = new Map<string, Set<string>>();

  constructor(api: ClusterApi, delay: Micros) {
    this.#api = api;
    this.#delay = delay;
  }

  observe(event: StorageEvent): void {
    const { collection, key, object, previous, type } = event;
    if (collection === "services") {
      this.#services.observe(event);
      this.#due.add(key, this.#api.after(this.#delay));
    } else if (collection === "pods") {
      remember(this.#pods, object.metadata.namespace ?? "", key, type !== "DELETED");
      for (const version of previous === undefined ? [object] : [object, previous]) {
        for (const service of this.#services.candidates(version)) this.#due.add(service, this.#api.after(this.#delay));
      }
    } else if (collection === SLICES && object.metadata.labels?.[MANAGER_LABEL] === MANAGER) {
      const service = `${object.metadata.namespace}/${object.metadata.labels[SERVICE_LABEL]}`;
      remember(this.#slices, service, key, type !== "DELETED");
      // Somebody may have changed or deleted it.
      this.#due.add(service, this.#api.after(this.#delay));
    }
  }

  deadline(): Micros | undefined {
    return this.#due.deadline();
  }

  tick(now: Instant): void {
    for (const key of this.#due.take(now.monotonic)) this.#sync(key);
  }

  #slicesOf(service: string): readonly StoredObject[] {
    return [...(this.#slices.get(service) ?? [])].toSorted().flatMap((key) => this.#api.get(SLICES, key) ?? []);
  }

  #sync(key: string): void {
    const service = this.#api.get("services", key);
    const selector = service === undefined ? undefined : selectorOf(service);
    const slices = this.#slicesOf(key);
    if (service === undefined || selector === undefined) {
      for (const slice of slices) this.#api.remove(SLICES, slice);
      return;
    }
    const pods = this.#podsOf(service, selector);
    const families = listOf(fieldsOf(service["spec"])["ipFamilies"]).map(String);
    for (const slice of slices) {
      if (!families.includes(String(slice["addressType"]))) this.#api.remove(SLICES, slice);
    }
    for (const family of families) {
      const own = slices.filter((slice) => slice["addressType"] === family);
      this.#syncFamily(service, family, own, pods);
    }
  }

  #podsOf({ metadata }: StoredObject, selector: Selector): readonly StoredObject[] {
    const keys = [...(this.#pods.get(metadata.namespace ?? "") ?? [])].toSorted();
    return keys.flatMap((key) => {
      const pod = this.#api.get("pods", key);
      return pod !== undefined && selects(selector, pod) ? [pod] : [];
    });
  }

  #syncFamily(
    service: StoredObject,
    family: string,
    slices: readonly StoredObject[],
    pods: readonly StoredObject[],
  ): void {
    const always = fieldsOf(service["spec"])["publishNotReadyAddresses"] === true;
    const wanted = new Map(pods.flatMap((pod) => endpointOf(pod, family, always)));
    const ports = portsOf(service, pods[0]);
    const filled = slices.map((slice) => keep(slice, wanted));
    for (const list of filled) {
      for (const [name, endpoint] of wanted) {
        if (list.length >= MOST_PER_SLICE) break;
        list.push(endpoint);
        wanted.delete(name);
      }
    }
    for (const [index, slice] of slices.entries()) {
      const endpoints = filled[index] ?? [];
      // One slice stays, even where it is empty: its being there says that there is nobody.
      if (endpoints.length === 0 && index > 0) this.#api.remove(SLICES, slice);
      else if (!equal(slice["endpoints"], endpoints) || !equal(slice["ports"], ports)) {
        this.#api.replace(SLICES, { ...slice, endpoints, ports });
      }
    }
    const rest = [...wanted.values()];
    const first = slices.length === 0 ? 1 : 0;
    const more = Math.max(first, Math.ceil(rest.length / MOST_PER_SLICE));
    for (let index = 0; index < more; index++) {
      const endpoints = rest.slice(index * MOST_PER_SLICE, (index + 1) * MOST_PER_SLICE);
      this.#create(service, family, endpoints, ports);
    }
  }

  #create({ metadata }: StoredObject, family: string, endpoints: readonly Fields[], ports: readonly Fields[]): void {
    const { name, namespace = "", uid, labels } = metadata;
    const owner = { apiVersion: "v1", kind: "Service", name, uid, controller: true, blockOwnerDeletion: true };
    this.#api.create(SLICES, namespace, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        generateName: `${name}-`,
        labels: { ...labels, [SERVICE_LABEL]: name, [MANAGER_LABEL]: MANAGER },
        ownerReferences: [owner],
      },
      addressType: family,
      endpoints,
      ports,
    });
  }
}

function remember(index: Map<string, Set<string>>, group: string, key: string, present: boolean): void {
  const keys = index.get(group) ?? new Set();
  index.set(group, keys);
  if (present) keys.add(key);
  else keys.delete(key);
}

/** What stays of a slice, in its order and brought up to date; what stays is no longer wanted elsewhere. */
function keep(slice: StoredObject, wanted: Map<string, Fields>): Fields[] {
  return listOf(slice["endpoints"]).flatMap((endpoint) => {
    const name = String(fieldsOf(fieldsOf(endpoint)["targetRef"])["name"]);
    const current = wanted.get(name);
    wanted.delete(name);
    return current === undefined ? [] : [current];
  });
}

function endpointOf(pod: StoredObject, family: string, always: boolean): readonly (readonly [string, Fields])[] {
  const { phase, podIPs } = fieldsOf(pod["status"]);
  const ips = listOf(podIPs).map((entry) => String(fieldsOf(entry)["ip"]));
  const ip = ips.find((text) => text.includes(":") === (family === "IPv6"));
  if (ip === undefined || phase === "Succeeded" || phase === "Failed") return [];
  const { name, namespace, uid, deletionTimestamp } = pod.metadata;
  const serving = always || isReady(pod);
  const terminating = deletionTimestamp !== undefined;
  const endpoint = {
    addresses: [ip],
    conditions: { ready: always || (serving && !terminating), serving, terminating },
    nodeName: nodeNameOf(pod),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
  return [[name, endpoint]];
}

/** The Service's ports with the numbers that the Pods listen on; a name is looked up in a Pod's containers. */
function portsOf(service: StoredObject, pod: StoredObject | undefined): readonly Fields[] {
  return listOf(fieldsOf(service["spec"])["ports"]).flatMap((item) => {
    const { name = "", protocol = "TCP", port, targetPort = port } = fieldsOf(item);
    const number = typeof targetPort === "number" ? targetPort : namedPort(pod, String(targetPort));
    return number === undefined ? [] : [{ name, protocol, port: number }];
  });
}

function namedPort(pod: StoredObject | undefined, name: string): unknown {
  const containers = listOf(fieldsOf(pod?.["spec"])["containers"]).map(fieldsOf);
  const ports = containers.flatMap((container) => listOf(container["ports"]).map(fieldsOf));
  return ports.find((port) => port["name"] === name)?.["containerPort"];
}
