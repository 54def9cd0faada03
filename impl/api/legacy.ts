// Configuration that MetalLB read in other forms or by other programs, and what of it has a place here.
import { childPath } from "./schema/path.ts";
import { type JsonObject, isObject } from "./schema/json-object.ts";

export interface LegacyFinding {
  /** Field of the object that the finding is about. */
  readonly path: string;
  readonly message: string;
}

const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function textOf(value: unknown, otherwise: string): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : otherwise;
}

/** Keys of the configuration that MetalLB up to 0.12 read from a ConfigMap. */
const OLD_KEYS = ["address-pools", "peers", "bgp-communities", "bfd-profiles", "peer-autodiscovery"] as const;

export function isOldConfiguration(config: unknown): config is JsonObject {
  return isObject(config) && OLD_KEYS.some((key) => Object.hasOwn(config, key));
}

function describePool(pool: unknown, index: number): string {
  if (!isObject(pool)) return `address-pools[${index}] is no pool and does not carry over`;
  const name = textOf(pool["name"], `address-pools[${index}]`);
  const protocol = textOf(pool["protocol"], "layer2");
  const advertisement = protocol === "bgp" ? "a BGPAdvertisement" : "an L2Advertisement";
  const count = items(pool["bgp-advertisements"]).length;
  const each = count > 1 ? ` (one for each of its ${count} bgp-advertisements)` : "";
  return `pool ${name} (protocol ${protocol}) does not carry over: write an IPAddressPool and ${advertisement}${each}`;
}

function describePeer(peer: unknown, index: number): string {
  const address = isObject(peer) ? textOf(peer["peer-address"], `peers[${index}]`) : `peers[${index}]`;
  return `peer ${address} does not carry over: write a BGPPeer of metallb.io/v1beta2`;
}

function describeProfile(profile: unknown, index: number): string {
  const name = isObject(profile) ? textOf(profile["name"], `bfd-profiles[${index}]`) : `bfd-profiles[${index}]`;
  return `bfd profile ${name} does not carry over: write a BFDProfile`;
}

/** One line for each part of an old configuration: what it becomes, or that it becomes nothing. */
function describeOld(config: JsonObject): readonly string[] {
  const communities = isObject(config["bgp-communities"]) ? Object.keys(config["bgp-communities"]) : [];
  const discovery = Object.hasOwn(config, "peer-autodiscovery")
    ? ["peer-autodiscovery does not carry over and has no successor: write a BGPPeer for each peer"]
    : [];
  const unknown = Object.keys(config).filter((key) => !OLD_KEYS.some((known) => known === key));
  return [
    "MetalLB reads no configuration from ConfigMaps since 0.13, and neither does Assay",
    ...items(config["address-pools"]).map(describePool),
    ...items(config["peers"]).map(describePeer),
    ...items(config["bfd-profiles"]).map(describeProfile),
    ...communities.map((name) => `community ${name} does not carry over: write a Community`),
    ...discovery,
    ...unknown.map((key) => `${key} was never a part of the configuration`),
  ];
}

function extrasFindings(data: JsonObject): readonly LegacyFinding[] {
  const lines = textOf(data["extras"], "").split("\n");
  const statements = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("!"));
  if (statements.length === 0) return [];
  return [
    {
      path: "data.extras",
      message: "configuration for FRR does not carry over: Assay speaks BGP itself and runs no FRR",
    },
    ...statements.map((statement) => ({ path: "data.extras", message: `does not carry over: ${statement}` })),
  ];
}

/** `parse` reads YAML, or answers undefined. */
export function findInConfigMap(configMap: JsonObject, parse: (text: string) => unknown): readonly LegacyFinding[] {
  const { metadata, data } = configMap;
  if (!isObject(data)) return [];
  if (isObject(metadata) && metadata["name"] === "bgpextras") return extrasFindings(data);
  const text = data["config"];
  const config = typeof text === "string" ? parse(text) : undefined;
  if (!isOldConfiguration(config)) return [];
  return describeOld(config).map((message) => ({ path: "data.config", message }));
}

/** Fields of an FRRConfiguration, each with what takes its place here. */
const FRR_FIELDS: Readonly<Record<string, string>> = {
  toReceive: "routes that peers send are not taken in",
  toAdvertise: "write a BGPAdvertisement",
  raw: "configuration for FRR has no place, Assay runs no FRR",
  imports: "routes are not imported between VRFs",
  evpn: "EVPN is not spoken",
  bfdProfiles: "write BFDProfiles",
  prefixes: "only addresses of IPAddressPools are announced",
};

function frrFindings(value: unknown, path: string): readonly LegacyFinding[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => frrFindings(item, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const at = childPath(path, key);
    const fate = Object.hasOwn(FRR_FIELDS, key) ? FRR_FIELDS[key] : undefined;
    return fate === undefined ? frrFindings(child, at) : [{ path: at, message: `${key} does not carry over: ${fate}` }];
  });
}

/** An object of group frrk8s.metallb.io: frr-k8s reads those, Assay does not. */
export function findInFrrObject(object: JsonObject): readonly LegacyFinding[] {
  const kind = textOf(object["kind"], "object");
  if (kind !== "FRRConfiguration") return [{ path: "", message: `${kind} belongs to frr-k8s and is not read` }];
  const message = "FRRConfiguration belongs to frr-k8s and is not read: write BGPPeers for its neighbors";
  return [{ path: "", message }, ...frrFindings(object["spec"], "spec")];
}
