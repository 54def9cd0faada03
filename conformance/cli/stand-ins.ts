// What answers behind the Services of the manifests, where the files do not say.
import { type KubeObject, type Service } from "../../impl/api/kubernetes.ts";
import { type JsonObject } from "../../impl/api/schema/json-object.ts";
import {
  labelOf,
  list,
  matchesAll,
  namespaceOf,
  part,
  podLabels,
  podsOnNodes,
  record,
  texts,
  WORKLOADS,
} from "./workloads.ts";

const selectorOfService = (service: Service): JsonObject => record(service.spec.selector);

/** Whether something of the files runs behind a Service. */
export function hasBackend(service: Service, objects: readonly KubeObject[]): boolean {
  const selector = selectorOfService(service);
  return objects.some((object) => {
    if (namespaceOf(object) !== namespaceOf(service)) return false;
    if (object.kind === "EndpointSlice") {
      return labelOf(object, "kubernetes.io/service-name") === service.metadata.name;
    }
    return Object.keys(selector).length > 0 && WORKLOADS.has(object.kind) && matchesAll(selector, podLabels(object));
  });
}

const FIRST_STAND_IN_PORT = 20_000;

/** Ports that a Service looks up by name in the Pods behind it. */
function namedPorts(ports: readonly unknown[]): readonly JsonObject[] {
  return ports.flatMap((port, index) => {
    const name = part(port, "targetPort");
    const protocol = part(port, "protocol") ?? "TCP";
    return typeof name === "string" ? [{ name, containerPort: FIRST_STAND_IN_PORT + index, protocol }] : [];
  });
}

/** Pods that answer for Services whose own are not in the files: one on every node for each set of Services with one selector. */
export function standInsFor(services: readonly Service[], nodes: readonly string[]): readonly KubeObject[] {
  const groups = new Map<string, Service[]>();
  for (const service of services) {
    const selector = Object.entries(selectorOfService(service)).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const key = `${namespaceOf(service)} ${JSON.stringify(selector)}`;
    groups.set(key, [...(groups.get(key) ?? []), service]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const ports = group.flatMap(({ spec }) => namedPorts(list(spec.ports)));
    const template = {
      metadata: { labels: selectorOfService(first) },
      spec: { containers: [{ name: "stand-in", image: "stand-in", ports }] },
    };
    return podsOnNodes({ name: `${first.metadata.name}-stand-in`, namespace: namespaceOf(first) }, template, nodes);
  });
}

const numbers = (values: readonly unknown[]): readonly number[] =>
  values.filter(
    (value) => typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536,
  ) as number[];

function portsOfPod(spec: unknown): readonly number[] {
  const ports = list(part(spec, "containers")).flatMap((container) => list(part(container, "ports")));
  return numbers(ports.map((port) => part(port, "containerPort")));
}

/** Every port that something behind a Service may be asked for. */
export function portsBehind(objects: readonly KubeObject[]): readonly number[] {
  const found = objects.flatMap((object) => {
    if (object.kind === "Service") {
      const ports = list(part(object, "spec", "ports"));
      return numbers(ports.map((port) => part(port, "targetPort") ?? part(port, "port")));
    }
    if (object.kind === "EndpointSlice") return numbers(list(part(object, "ports")).map((port) => part(port, "port")));
    if (object.kind === "Pod") return portsOfPod(part(object, "spec"));
    return portsOfPod(part(object, "spec", "template", "spec"));
  });
  return [...new Set(found)].toSorted((a, b) => a - b);
}

type Slice = KubeObject & { readonly addressType: string; readonly ports: unknown; readonly endpoints: unknown };

/** Endpoints, which Kubernetes mirrors to EndpointSlices for Services without a selector. */
export function slicesOf(endpoints: KubeObject): readonly KubeObject[] {
  const { name } = endpoints.metadata;
  return list(part(endpoints, "subsets")).flatMap((subset, index) => {
    const addresses = texts(list(part(subset, "addresses")).map((address) => part(address, "ip")));
    return (["IPv4", "IPv6"] as const).flatMap((addressType): readonly Slice[] => {
      const own = addresses.filter((ip) => ip.includes(":") === (addressType === "IPv6"));
      if (own.length === 0) return [];
      return [
        {
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          metadata: {
            name: `${name}-${index}-${addressType.toLowerCase()}`,
            namespace: namespaceOf(endpoints),
            labels: { "kubernetes.io/service-name": name },
          },
          addressType,
          ports: part(subset, "ports") ?? [],
          endpoints: own.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
        },
      ];
    });
  });
}
