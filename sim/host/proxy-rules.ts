// What kube-proxy makes of a Service and its EndpointSlices on one node (pkg/proxy/topology.go, pkg/proxy/serviceport.go).
import { type EndpointSlice, objectKey, type Service, type ServicePort } from "../../impl/api/kubernetes.ts";
import { familyOf, type Ip, readIp } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";

export interface Backend {
  readonly ip: Ip;
  readonly port: number;
}

/** One address and port of a Service, with where its flows may go. */
export interface Frontend {
  /** `namespace/name:port`. */
  readonly name: string;
  readonly protocol: number;
  readonly ip: Ip;
  readonly port: number;
  /** An address of the load balancer, not a cluster IP. */
  readonly external: boolean;
  /** externalTrafficPolicy: Local. */
  readonly onlyLocal: boolean;
  /** In the whole cluster. */
  readonly everywhere: readonly Backend[];
  /** On this node. */
  readonly here: readonly Backend[];
  /** Every endpoint that still serves, as `ip:port`: flows to others are stale. */
  readonly serving: ReadonlySet<string>;
}

interface EndpointState extends Backend {
  readonly here: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["TCP", IP_PROTOCOLS.tcp],
  ["UDP", IP_PROTOCOLS.udp],
]);

export const frontendKey = (protocol: number, ip: Ip, port: number): string => `${protocol} ${ip} ${port}`;
export const backendKey = ({ ip, port }: Backend): string => `${ip} ${port}`;

/** In the order of the Service's ports, cluster IPs before load balancer addresses. */
export function frontendsOf(service: Service, slices: readonly EndpointSlice[], node: string): readonly Frontend[] {
  const addresses = addressesOf(service);
  const onlyLocal = service.spec.externalTrafficPolicy === "Local";
  return (service.spec.ports ?? []).flatMap((port) => {
    const protocol = PROTOCOLS.get(port.protocol ?? "TCP");
    if (protocol === undefined) return [];
    const name = `${objectKey(service)}:${port.name ?? port.port}`;
    return addresses.map(({ ip, external }) => {
      const endpoints = endpointsOf(port, slices, ip, node);
      return {
        name,
        protocol,
        ip,
        port: port.port,
        external,
        onlyLocal,
        everywhere: usable(endpoints),
        here: usable(endpoints.filter((endpoint) => endpoint.here)),
        serving: new Set(endpoints.filter((endpoint) => endpoint.serving).map(backendKey)),
      };
    });
  });
}

function addressesOf(service: Service): readonly { readonly ip: Ip; readonly external: boolean }[] {
  const { clusterIP, clusterIPs } = service.spec;
  const cluster = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  // KEP-1860: with ipMode Proxy the load balancer is not bypassed, so its address is not handled here.
  const ingress = (service.status?.loadBalancer?.ingress ?? []).filter((entry) => entry.ipMode !== "Proxy");
  const read = (text: string | undefined, external: boolean) => {
    const ip = text === undefined ? undefined : readIp(text);
    return ip === undefined ? [] : [{ ip, external }];
  };
  return [...cluster.flatMap((ip) => read(ip, false)), ...ingress.flatMap(({ ip }) => read(ip, true))];
}

function endpointsOf(
  { name = "", protocol = "TCP" }: ServicePort,
  slices: readonly EndpointSlice[],
  address: Ip,
  node: string,
): readonly EndpointState[] {
  const family = familyOf(address);
  const addressType = family === "ipv4" ? "IPv4" : "IPv6";
  const found = new Map<string, EndpointState>();
  for (const slice of slices) {
    if (slice.addressType !== addressType) continue;
    const port = slice.ports?.find((candidate) => {
      return (candidate.name ?? "") === name && (candidate.protocol ?? "TCP") === protocol;
    })?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions = {}, nodeName } of slice.endpoints ?? []) {
      const ip = readIp(addresses[0] ?? "");
      if (ip === undefined || familyOf(ip) !== family) continue;
      const ready = conditions.ready ?? true;
      const serving = conditions.serving ?? ready;
      const terminating = conditions.terminating ?? false;
      const state = { ip, port, here: nodeName === node, ready, serving, terminating };
      const other = found.get(backendKey(state));
      if (other === undefined || (ready && !other.ready)) found.set(backendKey(state), state);
    }
  }
  return [...found.values()].sort((a, b) => (backendKey(a) < backendKey(b) ? -1 : 1));
}

/** Those that are ready; where there are none, those that still serve while they terminate (KEP-1669). */
function usable(endpoints: readonly EndpointState[]): readonly Backend[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const chosen = ready.length > 0 ? ready : endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
  return chosen.map(({ ip, port }) => ({ ip, port }));
}
