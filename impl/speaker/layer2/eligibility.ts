// Whether a Service may be announced from a node at all, and which L2Advertisements say so.
import { type L2Advertisement } from "../../api/config.ts";
import { type Labels, matches, matchesAny } from "../../api/selector.ts";
import { isShared, type Subject } from "../subject.ts";
import { type Candidate, type Contest } from "./election.ts";

/** Names of interfaces, or all of them. */
export type Interfaces = "all" | ReadonlySet<string>;

/** Why a Service with an address is not announced on layer 2 from this node. */
export type Layer2Refusal =
  | "noServingEndpoint"
  | "sharedIpWithServiceSelector"
  | "noMatchingAdvertisement"
  | "noCandidate"
  | "outranked";

/** Before the election; the order in which the questions are asked is MetalLB's. */
export type Eligibility =
  | { readonly eligible: true; readonly interfaces: Interfaces }
  | { readonly eligible: false; readonly because: Layer2Refusal };

/** The advertisements of the pool that cover the Service, whatever their nodes. */
export function advertisementsFor(subject: Subject): readonly L2Advertisement[] {
  const labels = subject.service.metadata.labels ?? {};
  return subject.pool.l2Advertisements.filter(
    ({ serviceSelectors }) => serviceSelectors.length === 0 || matchesAny(serviceSelectors, labels),
  );
}

export function includesNode(advertisement: L2Advertisement, labels: Labels): boolean {
  return advertisement.nodeSelectors.length === 0 || matchesAny(advertisement.nodeSelectors, labels);
}

/** The sum of the weights that apply to a node; undefined where no advertisement includes it. */
export function preferenceOf(advertisements: readonly L2Advertisement[], node: Candidate): number | undefined {
  let preference: number | undefined;
  for (const advertisement of advertisements) {
    if (!includesNode(advertisement, node.labels)) continue;
    preference ??= 0;
    for (const preferred of advertisement.preferredNodeSelectors) {
      if (matches(preferred.preference, node.labels)) preference += preferred.weight;
    }
  }
  return preference;
}

/** The union over the advertisements that include the node; one without interfaces means all. */
export function interfacesFor(advertisements: readonly L2Advertisement[], labels: Labels): Interfaces {
  const names = new Set<string>();
  for (const advertisement of advertisements) {
    if (!includesNode(advertisement, labels)) continue;
    if (advertisement.interfaces.length === 0) return "all";
    for (const name of advertisement.interfaces) names.add(name);
  }
  return names;
}

/** Sharers would have to be announced together, but a selector of Services may cover only some of them. */
function mayNotShare({ service }: Subject, advertisements: readonly L2Advertisement[]): boolean {
  return isShared(service) && advertisements.some(({ serviceSelectors }) => serviceSelectors.length > 0);
}

/** `labels` are those of this node; undefined where its Node is not known. */
export function eligibilityOf(
  subject: Subject,
  advertisements: readonly L2Advertisement[],
  labels: Labels | undefined,
): Eligibility {
  if (!subject.endpoints.serving) return { eligible: false, because: "noServingEndpoint" };
  if (mayNotShare(subject, advertisements)) return { eligible: false, because: "sharedIpWithServiceSelector" };
  if (labels === undefined || !advertisements.some((advertisement) => includesNode(advertisement, labels))) {
    return { eligible: false, because: "noMatchingAdvertisement" };
  }
  return { eligible: true, interfaces: interfacesFor(advertisements, labels) };
}

/** Undefined where the rules before the election refuse the Service on every node. */
export function contestFor(subject: Subject, advertisements: readonly L2Advertisement[]): Contest | undefined {
  const { service, endpoints, ips } = subject;
  const [ip] = ips;
  if (ip === undefined || !endpoints.serving || mayNotShare(subject, advertisements)) return undefined;
  const local = service.spec.externalTrafficPolicy === "Local";
  return {
    ip,
    preference: (node) => preferenceOf(advertisements, node),
    among: local ? endpoints.nodes : undefined,
  };
}
