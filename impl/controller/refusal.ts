import { unreachable } from "../wire/brand.ts";
import { type Family, type Ip } from "../wire/ip.ts";

/** Why one pool gave no address. */
export type PoolRefusal =
  | { readonly because: "autoAssign"; readonly pool: string }
  | { readonly because: "namespace"; readonly pool: string; readonly namespace: string }
  | { readonly because: "serviceSelector"; readonly pool: string }
  /** Its namespace selectors match nothing, so only an explicit request reaches it. */
  | { readonly because: "pinnedToNothing"; readonly pool: string }
  | { readonly because: "family"; readonly pool: string; readonly family: Family }
  | { readonly because: "full"; readonly pool: string; readonly family: Family };

export type ServiceFamily = Family | "dual";

/** Why a Service has no address. */
export type Refusal =
  | { readonly because: "noPools" }
  | { readonly because: "invalidConfig"; readonly problem: string }
  | { readonly because: "noClusterIPs" }
  | { readonly because: "clusterFamily"; readonly problem: string }
  | { readonly because: "invalidRequest"; readonly problem: string }
  | { readonly because: "requestedFamily"; readonly ips: readonly Ip[] }
  | { readonly because: "requestedPool"; readonly ips: readonly Ip[]; readonly pool: string }
  | { readonly because: "notInPools"; readonly ips: readonly Ip[]; readonly detail: string }
  | { readonly because: "poolNotCompatible"; readonly pool: string; readonly why: PoolRefusal }
  | { readonly because: "tooManyAddresses"; readonly ips: readonly Ip[] }
  | { readonly because: "sameFamily"; readonly ips: readonly Ip[] }
  | {
      readonly because: "sharing";
      readonly service: string;
      readonly others: readonly string[];
      readonly detail: string;
    }
  | { readonly because: "portInUse"; readonly port: string; readonly ip: Ip; readonly by: string }
  | { readonly because: "unknownPool"; readonly pool: string }
  | {
      readonly because: "poolExhausted";
      readonly pool: string;
      readonly family: ServiceFamily;
      readonly why: PoolRefusal;
    }
  | { readonly because: "noneAvailable"; readonly pools: readonly PoolRefusal[] };

/** How many names a sentence lists before it counts the rest. */
const MAX_LISTED = 10;

const FAMILY_NAMES = { ipv4: "IPv4", ipv6: "IPv6" } as const;

/** As Go's %q. */
export const quote = (text: string): string => JSON.stringify(text);

/** As Go's %q of a list: `["192.0.2.1" "2001:db8::1"]`. */
export const quoteList = (texts: readonly string[]): string => `[${texts.map(quote).join(" ")}]`;

function listed(texts: readonly string[], separator: string): string {
  const more = texts.length - MAX_LISTED;
  return texts.slice(0, MAX_LISTED).join(separator) + (more > 0 ? ` and ${more} more` : "");
}

/** Ends `pool "x" …`. */
function describePoolRefusal(why: PoolRefusal): string {
  switch (why.because) {
    case "autoAssign":
      return "is not assigned automatically";
    case "namespace":
      return `does not serve namespace ${quote(why.namespace)}`;
    case "serviceSelector":
      return "does not select the labels of the Service";
    case "pinnedToNothing":
      return "selects no namespace";
    case "family":
      return `has no ${FAMILY_NAMES[why.family]} addresses`;
    case "full":
      return `has no free ${FAMILY_NAMES[why.family]} address`;
    default:
      return unreachable(why);
  }
}

/** One sentence, which starts as MetalLB's where MetalLB has one. */
export function describeRefusal(refusal: Refusal): string {
  switch (refusal.because) {
    case "noPools":
      return "no available IPs: there is no IPAddressPool";
    case "invalidConfig":
      return `no available IPs: ${refusal.problem}`;
    case "noClusterIPs":
      return "invalid ClusterIPs [] [], can't determine family";
    case "clusterFamily":
    case "invalidRequest":
      return refusal.problem;
    case "requestedFamily":
      return `requested loadBalancer IP(s) ${quoteList(refusal.ips)} does not match the ipFamily of the service`;
    case "requestedPool":
      return `requested loadBalancer IP(s) ${quoteList(refusal.ips)} is not compatible with requested address pool ${refusal.pool}`;
    case "notInPools":
      return `${quoteList(refusal.ips)} is not allowed in config: ${refusal.detail}`;
    case "poolNotCompatible":
      return `pool ${refusal.pool} not compatible for ip assignment: it ${describePoolRefusal(refusal.why)}`;
    case "tooManyAddresses":
      return `more than two addresses ${quoteList(refusal.ips)}`;
    case "sameFamily":
      return `${refusal.ips.map(quote).join(" ")} has the same family`;
    case "sharing":
      return `can't change sharing key for ${quote(refusal.service)}, address also in use by ${listed(refusal.others, ",")}: ${refusal.detail}`;
    case "portInUse":
      return `port ${refusal.port} is already in use on ${quote(refusal.ip)} by ${refusal.by}`;
    case "unknownPool":
      return `unknown pool ${quote(refusal.pool)}`;
    case "poolExhausted":
      return `no available IPs in pool ${refusal.pool} for ${refusal.family} IPFamily: it ${describePoolRefusal(refusal.why)}`;
    case "noneAvailable":
      return `no available IPs: ${listed(
        refusal.pools.map((why) => `pool ${quote(why.pool)} ${describePoolRefusal(why)}`),
        ", ",
      )}`;
    default:
      return unreachable(refusal);
  }
}
