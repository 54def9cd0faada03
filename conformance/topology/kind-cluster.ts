// The nodes and subnets of a kind configuration: https://kind.sigs.k8s.io/docs/user/configuration/
import { type Prefix, readPrefix } from "../../impl/wire/prefix.ts";
import { type Value } from "./yaml.ts";

export interface KindNode {
  /** The name of its container and of its Node. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly where: Value;
}

export interface KindCluster {
  readonly nodes: readonly KindNode[];
  readonly podSubnets: readonly Prefix[];
  readonly serviceSubnets: readonly Prefix[];
}

/** Keys that change nothing that a simulated cluster has. */
const HARMLESS = ["image", "extraMounts", "extraPortMappings", "kubeadmConfigPatches", "kubeadmConfigPatchesJSON6902"];
const HARMLESS_CLUSTER = [
  "kind",
  "apiVersion",
  "name",
  "featureGates",
  "runtimeConfig",
  "kubeadmConfigPatches",
  "kubeadmConfigPatchesJSON6902",
  "containerdConfigPatches",
  "containerdConfigPatchesJSON6902",
]; // prettier-ignore

function readSubnets(value: Value, fallback: readonly string[]): readonly Prefix[] {
  const texts = value.text()?.split(",") ?? fallback;
  return texts.map((text) => readPrefix(text.trim()) ?? value.fail(`"${text}" is not a prefix`));
}

function readRole(node: Value): string {
  const role = node.get("role").text() ?? "control-plane";
  if (role === "control-plane" || role === "worker") return role;
  return node.get("role").fail(`"${role}" is neither control-plane nor worker`);
}

/** Containers are named as kind names them: NAME-control-plane, NAME-worker, NAME-worker2 … */
function readNodes(cluster: string, config: Value): readonly KindNode[] {
  const seen = new Map<string, number>();
  const nameOf = (role: string): string => {
    const count = (seen.get(role) ?? 0) + 1;
    seen.set(role, count);
    return `${cluster}-${role}${count === 1 ? "" : String(count)}`;
  };
  const items = config.get("nodes").items();
  if (items.length === 0) return [{ name: nameOf("control-plane"), labels: {}, where: config }];
  return items.map((item) => {
    item.onlyKeys(["role", "labels"], HARMLESS);
    const labels = item.get("labels").entries();
    return {
      name: nameOf(readRole(item)),
      labels: Object.fromEntries(labels.map(([key, value]) => [key, value.string()])),
      where: item,
    };
  });
}

const DEFAULTS = {
  podSubnet: { ipv4: "10.244.0.0/16", ipv6: "fd00:10:244::/56" },
  serviceSubnet: { ipv4: "10.96.0.0/16", ipv6: "fd00:10:96::/112" },
} as const;

export function readKindCluster(cluster: string, config: Value): KindCluster {
  config.onlyKeys(["nodes", "networking"], HARMLESS_CLUSTER);
  const networking = config.get("networking");
  networking.onlyKeys(
    ["ipFamily", "podSubnet", "serviceSubnet", "kubeProxyMode"],
    ["apiServerAddress", "apiServerPort", "disableDefaultCNI", "dnsSearch"],
  );
  const proxy = networking.get("kubeProxyMode");
  if ((proxy.text() ?? "iptables") !== "iptables") proxy.fail("only iptables is supported");
  const family = networking.get("ipFamily").text() ?? "ipv4";
  if (!["ipv4", "ipv6", "dual"].includes(family)) networking.get("ipFamily").fail("must be ipv4, ipv6 or dual");
  const subnets = (key: keyof typeof DEFAULTS): readonly Prefix[] => {
    const { ipv4, ipv6 } = DEFAULTS[key];
    return readSubnets(networking.get(key), family === "dual" ? [ipv4, ipv6] : family === "ipv6" ? [ipv6] : [ipv4]);
  };
  return {
    nodes: readNodes(cluster, config),
    podSubnets: subnets("podSubnet"),
    serviceSubnets: subnets("serviceSubnet"),
  };
}
