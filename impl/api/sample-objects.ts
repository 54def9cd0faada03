// Small valid objects for tests, in the load balancer's namespace.
import { type Config } from "./config.ts";
import { type NamespaceObject, type NodeObject, type Secret } from "./kubernetes.ts";
import {
  type BFDProfile,
  type BGPAdvertisement,
  type BGPPeer,
  type Community,
  type IPAddressPool,
  type L2Advertisement,
} from "./metallb.ts";
import { type ConfigResources, NO_RESOURCES, type ParseOptions, parseConfig } from "./parse-config.ts";
import { type Labels } from "./selector.ts";

const NAMESPACE = "metallb-system";
const V1BETA1 = "metallb.io/v1beta1";

const named = (name: string, labels: Labels = {}) => ({ name, namespace: NAMESPACE, labels });

export function pool(
  name: string,
  addresses: readonly string[],
  spec: Omit<IPAddressPool["spec"], "addresses"> = {},
  labels: Labels = {},
): IPAddressPool {
  return { apiVersion: V1BETA1, kind: "IPAddressPool", metadata: named(name, labels), spec: { addresses, ...spec } };
}

export function l2Advertisement(name: string, spec: NonNullable<L2Advertisement["spec"]> = {}): L2Advertisement {
  return { apiVersion: V1BETA1, kind: "L2Advertisement", metadata: named(name), spec };
}

export function bgpAdvertisement(name: string, spec: NonNullable<BGPAdvertisement["spec"]> = {}): BGPAdvertisement {
  return { apiVersion: V1BETA1, kind: "BGPAdvertisement", metadata: named(name), spec };
}

/** An external peer at 10.0.0.1, where `spec` does not say otherwise. */
export function bgpPeer(name: string, spec: Partial<NonNullable<BGPPeer["spec"]>> = {}): BGPPeer {
  const peer = { myASN: 64512, peerASN: 64513, peerAddress: "10.0.0.1", ...spec };
  return { apiVersion: "metallb.io/v1beta2", kind: "BGPPeer", metadata: named(name), spec: peer };
}

export function bfdProfile(name: string, spec: NonNullable<BFDProfile["spec"]> = {}): BFDProfile {
  return { apiVersion: V1BETA1, kind: "BFDProfile", metadata: named(name), spec };
}

export function community(name: string, aliases: Readonly<Record<string, string>>): Community {
  const communities = Object.entries(aliases).map(([alias, value]) => ({ name: alias, value }));
  return { apiVersion: V1BETA1, kind: "Community", metadata: named(name), spec: { communities } };
}

export function node(name: string, labels: Labels = {}): NodeObject {
  return { apiVersion: "v1", kind: "Node", metadata: { name, labels } };
}

export function namespace(name: string, labels: Labels = {}): NamespaceObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** `data` in base64, as the API has it. */
export function secret(
  name: string,
  data: Readonly<Record<string, string>>,
  type = "kubernetes.io/basic-auth",
): Secret {
  return { apiVersion: "v1", kind: "Secret", type, metadata: named(name), data };
}

/** The first thing wrong with some objects, as a speaker's status says it; "ok" where nothing is. */
export function firstError(resources: Partial<ConfigResources>, options: Partial<ParseOptions> = {}): string {
  const all = { ...NO_RESOURCES, ...resources };
  const parsed = parseConfig(all, { namespace: NAMESPACE, component: "speaker", ...options });
  return "config" in parsed ? "ok" : (parsed.problems.at(0)?.message ?? "no message");
}

/** The configuration that some valid objects mean. */
export function configOf(resources: Partial<ConfigResources>, options: Partial<ParseOptions> = {}): Config {
  const all = { ...NO_RESOURCES, ...resources };
  const parsed = parseConfig(all, { namespace: NAMESPACE, component: "speaker", ...options });
  if ("config" in parsed) return parsed.config;
  throw new Error(parsed.problems.map((problem) => problem.message).join("; "));
}
