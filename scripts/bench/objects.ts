// What the benchmarks are made of: pools and Services as a parsed configuration and an API server would give them.
import { type Config, type Pool } from "../../impl/api/config.ts";
import { type Service } from "../../impl/api/kubernetes.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";

export function poolOf(name: string, ...prefixes: readonly string[]): Pool {
  return {
    name,
    labels: {},
    prefixes: prefixes.map((prefix) => parsePrefix(prefix)),
    autoAssign: true,
    avoidBuggyIPs: false,
    allocation: undefined,
    l2Advertisements: [{ name, nodeSelectors: [], serviceSelectors: [], interfaces: [], preferredNodeSelectors: [] }],
    bgpAdvertisements: [],
    foreignBgpAdvertisements: [],
  };
}

export const configOf = (...pools: readonly Pool[]): Config => ({
  pools: new Map(pools.map((pool) => [pool.name, pool])),
  peers: new Map(),
  bfdProfiles: new Map(),
});

export interface ServiceParts {
  readonly annotations?: Readonly<Record<string, string>>;
  /** In its status. */
  readonly ips?: readonly string[];
}

export function serviceOf(name: string, { annotations = {}, ips = [] }: ServiceParts = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name, labels: {}, annotations },
    spec: {
      type: "LoadBalancer",
      clusterIPs: ["10.96.0.1"],
      externalTrafficPolicy: "Cluster",
      selector: { app: name },
      ports: [{ protocol: "TCP", port: 80 }],
    },
    status: { loadBalancer: ips.length === 0 ? {} : { ingress: ips.map((ip) => ({ ip })) } },
  };
}
