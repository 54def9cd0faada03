import { type Service } from "../api/kubernetes.ts";
import { type Family, familyOf, type Ip, readIp } from "../wire/ip.ts";
import { type Claim, type FamilyWish } from "./claim.ts";
import { quote, quoteList, type Refusal, type ServiceFamily } from "./refusal.ts";

const PREFIX = "metallb.io/";
const DEPRECATED_PREFIX = "metallb.universe.tf/";
/** Where the controller says which pool a Service's addresses come from. */
export const POOL_ANNOTATION = `${PREFIX}ip-allocated-from-pool`;

export type FamilyPolicy = "SingleStack" | "PreferDualStack" | "RequireDualStack";

/** What a Service asks for. */
export interface ServiceRequest {
  readonly claim: Claim;
  readonly isLoadBalancer: boolean;
  readonly policy: FamilyPolicy;
  readonly clusterIps: readonly string[];
  readonly clusterFamily: ServiceFamily | Refusal;
  readonly primaryFamily: Family;
  /** Empty: any pool. */
  readonly pool: string;
  readonly desired: DesiredIps | Refusal | undefined;
  readonly deprecatedAnnotations: readonly string[];
}

export interface DesiredIps {
  readonly ips: readonly Ip[];
  readonly family: ServiceFamily;
}

type Annotations = Readonly<Record<string, string>>;

/** The value under the current prefix, even an empty one; else under the deprecated prefix. */
function annotation(annotations: Annotations, name: string): string {
  return annotations[PREFIX + name] ?? annotations[DEPRECATED_PREFIX + name] ?? "";
}

/** As Go reads an address: an IPv4-mapped IPv6 address is the IPv4 address. */
export function readServiceIp(text: string): Ip | undefined {
  const ip = readIp(text);
  return ip?.startsWith("::ffff:") === true && ip.includes(".") ? readIp(ip.slice("::ffff:".length)) : ip;
}

/** The family of one address, or of one of each; else what is wrong. */
export function familyOfAddresses(texts: readonly string[]): ServiceFamily | { readonly problem: string } {
  const ips = texts.map(readServiceIp);
  const [first, second] = ips;
  if (ips.length !== 1 && ips.length !== 2) {
    return { problem: `IPFamilyForAddresses: invalid ips length ${texts.length} ${quoteList(texts)}` };
  }
  if (ips.includes(undefined) || first === undefined) {
    return { problem: `IPFamilyForAddresses: Invalid address ${quoteList(texts)}` };
  }
  if (second === undefined) return familyOf(first);
  if (familyOf(first) !== familyOf(second)) return "dual";
  return { problem: `IPFamilyForAddresses: same address family ${quoteList(texts)}` };
}

function clusterFamilyOf(clusterIps: readonly string[]): ServiceFamily | Refusal {
  if (clusterIps.length === 0) return { because: "noClusterIPs" };
  const family = familyOfAddresses(clusterIps);
  return typeof family === "string" ? family : { because: "clusterFamily", problem: family.problem };
}

function desiredIpsOf(annotations: Annotations, specIp: string): DesiredIps | Refusal | undefined {
  const refuse = (problem: string): Refusal => ({ because: "invalidRequest", problem });
  const listText = annotation(annotations, "loadBalancerIPs");
  if (listText === "" && specIp === "") return undefined;
  if (listText !== "" && specIp !== "") {
    return refuse(`service can not have both ${PREFIX}loadBalancerIPs and svc.Spec.LoadBalancerIP`);
  }
  if (specIp !== "") {
    const ip = readServiceIp(specIp);
    if (ip === undefined) return refuse(`invalid spec.loadBalancerIP ${quote(specIp)}`);
    return { ips: [ip], family: familyOf(ip) };
  }
  const ips: Ip[] = [];
  for (const text of listText.split(",")) {
    const ip = readServiceIp(text.trim());
    if (ip === undefined) return refuse(`invalid ${PREFIX}loadBalancerIPs: ${quote(listText)}`);
    ips.push(ip);
  }
  const family = familyOfAddresses(ips);
  return typeof family === "string" ? { ips, family } : refuse(family.problem);
}

/** As Kubernetes prints a label set: sorted `key=value` pairs. */
const labelText = (labels: Annotations): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");

function claimOf(service: Service, key: string): Claim {
  const { metadata, spec } = service;
  return {
    service: key,
    namespace: metadata.namespace ?? "",
    labels: metadata.labels ?? {},
    ports: (spec.ports ?? []).map(({ protocol, port }) => `${protocol ?? "TCP"}/${port}`),
    sharing: annotation(metadata.annotations ?? {}, "allow-shared-ip"),
    backend: spec.externalTrafficPolicy === "Local" ? labelText(spec.selector ?? {}) : "",
  };
}

export function readServiceRequest(key: string, service: Service): ServiceRequest {
  const { metadata, spec } = service;
  const annotations = metadata.annotations ?? {};
  const clusterIps = spec.clusterIPs ?? [];
  const usedClusterIps = clusterIps.length > 0 || (spec.clusterIP ?? "") === "" ? clusterIps : [spec.clusterIP ?? ""];
  const policy = spec.ipFamilyPolicy;
  return {
    claim: claimOf(service, key),
    isLoadBalancer: spec.type === "LoadBalancer",
    policy: policy === "PreferDualStack" || policy === "RequireDualStack" ? policy : "SingleStack",
    clusterIps,
    clusterFamily: clusterFamilyOf(usedClusterIps),
    primaryFamily: spec.ipFamilies?.[0] === "IPv6" ? "ipv6" : "ipv4",
    pool: annotation(annotations, "address-pool"),
    desired: desiredIpsOf(annotations, spec.loadBalancerIP ?? ""),
    deprecatedAnnotations: Object.keys(annotations)
      .filter((name) => name.startsWith(DEPRECATED_PREFIX.slice(0, -1)))
      .sort(),
  };
}

/** The families that the Service's cluster addresses ask for; callers have checked that they are known. */
export function wishOf(request: ServiceRequest, family: ServiceFamily): FamilyWish {
  return { family, prefer: request.policy === "PreferDualStack", primary: request.primaryFamily };
}
