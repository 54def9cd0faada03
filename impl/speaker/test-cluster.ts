// Objects for the tests of this folder, in as few words as they need.
import { type L2Advertisement, type Pool } from "../api/config.ts";
import { type Service } from "../api/kubernetes.ts";
import { compileSelector, type Labels, type Selector } from "../api/selector.ts";
import { type Link } from "../ports.ts";
import { parseMac } from "../wire/mac.ts";
import { parseInterfaceAddress, parsePrefix } from "../wire/prefix.ts";
import { type Endpoints } from "./endpoints.ts";
import { type NodeFacts } from "./node-facts.ts";

/** `zone=a,tier=b` as labels. */
export function labels(text: string): Labels {
  const pairs = text === "" ? [] : text.split(",").map((pair) => pair.split("=") as [string, string]);
  return Object.fromEntries(pairs);
}

export const selector = (text: string): Selector => compileSelector({ matchLabels: labels(text) }, "selector");

/** A node carries its name as a label, as the kubelet writes it. */
export const onNodes = (...names: readonly string[]): readonly Selector[] =>
  names.map((name) => selector(`kubernetes.io/hostname=${name}`));

export function advertisement(parts: Partial<L2Advertisement> = {}): L2Advertisement {
  return {
    name: "l2",
    nodeSelectors: [],
    serviceSelectors: [],
    interfaces: [],
    preferredNodeSelectors: [],
    ...parts,
  };
}

export function pool(name: string, prefixes: readonly string[], l2Advertisements: readonly L2Advertisement[]): Pool {
  return {
    name,
    labels: {},
    prefixes: prefixes.map((prefix) => parsePrefix(prefix)),
    autoAssign: true,
    avoidBuggyIPs: false,
    allocation: undefined,
    l2Advertisements,
    bgpAdvertisements: [],
    foreignBgpAdvertisements: [],
  };
}

export function node(
  name: string,
  parts: { labels?: string; unavailable?: boolean; excluded?: boolean } = {},
): NodeFacts {
  return {
    name,
    labels: { "kubernetes.io/hostname": name, ...labels(parts.labels ?? "") },
    networkUnavailable: parts.unavailable ?? false,
    excluded: parts.excluded ?? false,
  };
}

export function service(
  ips: readonly string[],
  parts: { labels?: string; annotations?: string; local?: boolean; name?: string } = {},
): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      namespace: "default",
      name: parts.name ?? "web",
      labels: labels(parts.labels ?? ""),
      annotations: labels(parts.annotations ?? ""),
    },
    spec: { type: "LoadBalancer", externalTrafficPolicy: parts.local === true ? "Local" : "Cluster" },
    status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
  };
}

export function endpointsOn(...nodes: readonly string[]): Endpoints {
  return { serving: nodes.length > 0, nodes: new Set(nodes) };
}

export function link(
  name: string,
  parts: Partial<Omit<Link, "addresses">> & { addresses?: readonly string[] } = {},
): Link {
  return {
    index: 1,
    name,
    mac: parseMac("02:00:00:00:00:01"),
    mtu: 1500,
    up: true,
    running: true,
    broadcast: true,
    noArp: false,
    master: undefined,
    ...parts,
    addresses: (parts.addresses ?? ["192.0.2.11/24", "fe80::1/64"]).map((address) => parseInterfaceAddress(address)),
  };
}
