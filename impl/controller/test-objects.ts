// What the tests of the controller are made of.
import { type Config, type Pool, type PoolAllocation } from "../api/config.ts";
import { type Service } from "../api/kubernetes.ts";
import { compileSelector } from "../api/selector.ts";
import { parseIp } from "../wire/ip.ts";
import { parsePrefix, summarise } from "../wire/prefix.ts";
import { ipToBigInt } from "../wire/ip.ts";
import { type ControllerEffect } from "./effect.ts";
import { quoteList } from "./refusal.ts";

export interface PoolSpec {
  readonly name: string;
  /** CIDRs and `first-last` ranges. */
  readonly addresses: readonly string[];
  readonly autoAssign?: boolean;
  readonly avoidBuggyIPs?: boolean;
  readonly priority?: number;
  readonly namespaces?: readonly string[];
  /** Alternatives. */
  readonly serviceLabels?: readonly Readonly<Record<string, string>>[];
}

function prefixesOf(text: string): Pool["prefixes"] {
  const [first = "", last] = text.split("-");
  if (last === undefined) return [parsePrefix(first)];
  const family = first.includes(":") ? "ipv6" : "ipv4";
  return summarise({ family, first: ipToBigInt(parseIp(first)), last: ipToBigInt(parseIp(last)) });
}

export function pool(spec: PoolSpec): Pool {
  const { namespaces, serviceLabels, priority } = spec;
  const allocation: PoolAllocation | undefined =
    namespaces === undefined && serviceLabels === undefined && priority === undefined
      ? undefined
      : {
          priority: priority ?? 0,
          namespaces: new Set(namespaces),
          serviceSelectors: (serviceLabels ?? []).map((matchLabels) => compileSelector({ matchLabels }, "selector")),
        };
  return {
    name: spec.name,
    labels: {},
    prefixes: spec.addresses.flatMap(prefixesOf),
    autoAssign: spec.autoAssign ?? true,
    avoidBuggyIPs: spec.avoidBuggyIPs ?? false,
    allocation,
    l2Advertisements: [],
    bgpAdvertisements: [],
    foreignBgpAdvertisements: [],
  };
}

export const poolsOf = (...specs: readonly PoolSpec[]): Config["pools"] =>
  new Map(specs.map((spec) => [spec.name, pool(spec)]));

export const configOf = (...specs: readonly PoolSpec[]): Config => ({
  pools: poolsOf(...specs),
  peers: new Map(),
  bfdProfiles: new Map(),
});

export interface ServiceSpec {
  readonly name?: string;
  readonly namespace?: string;
  readonly type?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly clusterIPs?: readonly string[];
  readonly clusterIP?: string;
  readonly policy?: string;
  readonly families?: readonly string[];
  readonly loadBalancerIP?: string;
  readonly loadBalancerClass?: string;
  readonly local?: boolean;
  readonly selector?: Readonly<Record<string, string>>;
  /** `TCP/80` … */
  readonly ports?: readonly string[];
  readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string; readonly ipMode?: string }[];
}

export function service(spec: ServiceSpec = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: spec.name ?? "svc",
      namespace: spec.namespace ?? "ns",
      labels: spec.labels ?? {},
      annotations: spec.annotations ?? {},
    },
    spec: {
      type: spec.type ?? "LoadBalancer",
      clusterIPs: spec.clusterIPs ?? (spec.clusterIP === undefined ? ["10.96.0.1"] : []),
      ...(spec.clusterIP === undefined ? {} : { clusterIP: spec.clusterIP }),
      ...(spec.policy === undefined ? {} : { ipFamilyPolicy: spec.policy }),
      ...(spec.families === undefined ? {} : { ipFamilies: spec.families }),
      ...(spec.loadBalancerIP === undefined ? {} : { loadBalancerIP: spec.loadBalancerIP }),
      ...(spec.loadBalancerClass === undefined ? {} : { loadBalancerClass: spec.loadBalancerClass }),
      externalTrafficPolicy: spec.local === true ? "Local" : "Cluster",
      selector: spec.selector ?? { app: "web" },
      ports: (spec.ports ?? ["TCP/80"]).map((text) => {
        const [protocol = "", port = ""] = text.split("/");
        return { protocol, port: Number(port) };
      }),
    },
    status: { loadBalancer: spec.ingress === undefined ? {} : { ingress: spec.ingress } },
  };
}

/** The effects that concern Services, one line each. */
export function trace(effects: readonly ControllerEffect[]): readonly string[] {
  return effects.flatMap((effect) => {
    switch (effect.kind) {
      case "writeStatus":
        return `${effect.service} = ${quoteList(effect.ingress)} of ${effect.pool ?? "no pool"}`;
      case "event":
        return `${effect.service} ${effect.type} ${effect.reason}: ${effect.message}`;
      default:
        return [];
    }
  });
}
