// What kube-proxy would make of Services and EndpointSlices, for the proxies of nodes in namespaces.
import { type EndpointSlice, SERVICE_NAME_LABEL, type Service } from "../../../impl/api/kubernetes.ts";
import { familyOf, type Ip, parseIp } from "../../../impl/wire/ip.ts";
import { type Backend, type Frontend } from "./protocol.ts";

/** A node as the others reach it. */
export interface NodeAddresses {
  readonly name: string;
  readonly addresses: readonly Ip[];
}

export interface ServiceTable {
  /** Addresses of Services, which every node takes for its own. */
  readonly vips: readonly Ip[];
  readonly frontends: readonly Frontend[];
}

function backendsOf(
  node: string,
  service: Service,
  vip: Ip,
  slices: readonly EndpointSlice[],
  nodes: readonly NodeAddresses[],
): readonly Backend[] {
  const family = familyOf(vip);
  const own = slices.filter(
    ({ metadata, addressType }) =>
      metadata.namespace === service.metadata.namespace &&
      metadata.labels?.[SERVICE_NAME_LABEL] === service.metadata.name &&
      addressType.toLowerCase() === family,
  );
  const reachable = own
    .flatMap(({ endpoints = [] }) => endpoints)
    .filter(({ nodeName }) => service.spec.externalTrafficPolicy !== "Local" || nodeName === node);
  const ready = reachable.filter(({ conditions }) => conditions?.ready !== false);
  // As kube-proxy: while no pod is ready, those that end and still serve do.
  const ending = reachable.filter(({ conditions }) => conditions?.serving === true && conditions.terminating === true);
  return (ready.length > 0 ? ready : ending).flatMap(
    ({ addresses: [address = ""], nodeName, targetRef }): readonly Backend[] => {
      const home = nodes.find(({ name }) => name === nodeName);
      if (home === undefined) return [];
      const pod = targetRef?.name ?? address;
      if (home.name === node) return [{ pod, via: undefined }];
      const via = home.addresses.find((ip) => familyOf(ip) === family);
      return via === undefined ? [] : [{ pod, via }];
    },
  );
}

/** The table of one node. A port without a backend is not listened at: its clients are refused. */
export function serviceTable(
  node: string,
  services: Iterable<Service>,
  slices: readonly EndpointSlice[],
  nodes: readonly NodeAddresses[],
): ServiceTable {
  const vips = new Set<Ip>();
  const frontends: Frontend[] = [];
  for (const service of services) {
    for (const { ip: text } of service.status?.loadBalancer?.ingress ?? []) {
      if (text === undefined) continue;
      const vip = parseIp(text);
      vips.add(vip);
      const backends = backendsOf(node, service, vip, slices, nodes);
      if (backends.length === 0) continue;
      for (const { port, protocol = "TCP" } of service.spec.ports ?? []) {
        if (protocol === "TCP" || protocol === "UDP") frontends.push({ ip: vip, port, protocol, backends });
      }
    }
  }
  return { vips: [...vips].sort(), frontends };
}
