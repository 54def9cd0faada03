// One sentence about a Service that no node announces, for the person who wonders why nothing answers.
import { type BgpAdvertisement, type L2Advertisement } from "../api/config.ts";
import { EXCLUDE_LABEL } from "../api/kubernetes.ts";
import { type Labels, matchesAny, type Selector } from "../api/selector.ts";
import { conflictOf, describeConflict } from "./bgp/advertise/eligibility.ts";
import { type NodeFacts } from "./node-facts.ts";
import { isShared, type Subject } from "./subject.ts";

/** How many nodes or objects a sentence lists before it counts the rest. */
const MAX_LISTED = 5;

export interface Surroundings {
  /** Every known node. */
  readonly nodes: readonly NodeFacts[];
  readonly runsSpeaker: (node: string) => boolean;
  readonly ignoreExcludeLabel: boolean;
}

function quoted(names: readonly string[]): string {
  const more = names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : "";
  const listed = names.slice(0, MAX_LISTED).map((name) => `"${name}"`);
  return listed.join(", ") + more;
}

/** Asked in the order of the decision itself, so that the first obstacle is the one that is named. */
export function explainVacancy(subject: Subject, surroundings: Surroundings): string {
  const { pool, endpoints } = subject;
  if (!endpoints.serving) return "the Service has no endpoint that is ready or serving";
  const bgp = [...pool.bgpAdvertisements, ...pool.foreignBgpAdvertisements];
  const layer2 = pool.l2Advertisements;
  if (bgp.length + layer2.length === 0) {
    return `neither an L2Advertisement nor a BGPAdvertisement selects pool "${pool.name}"`;
  }
  const byBgp = bgp.length === 0 ? undefined : explainBgp(subject, bgp, surroundings);
  const onLayer2 = layer2.length === 0 ? undefined : explainLayer2(subject, layer2, surroundings);
  if (byBgp === undefined || onLayer2 === undefined || byBgp === onLayer2) return byBgp ?? onLayer2 ?? "";
  return `by BGP: ${byBgp}; on layer 2: ${onLayer2}`;
}

type Advertisement = BgpAdvertisement | L2Advertisement;

function explainBgp(subject: Subject, all: readonly BgpAdvertisement[], surroundings: Surroundings): string {
  const advertisements = covering(subject, all);
  const conflict = conflictOf(advertisements, subject.ips);
  if (conflict !== undefined) return describeConflict(conflict);
  return explainNodes("BGPAdvertisement", subject, { all, advertisements }, surroundings);
}

function explainLayer2(subject: Subject, all: readonly L2Advertisement[], surroundings: Surroundings): string {
  const advertisements = covering(subject, all);
  if (isShared(subject.service) && advertisements.some(({ serviceSelectors }) => serviceSelectors.length > 0)) {
    return "it shares its address, and an L2Advertisement with serviceSelectors covers it: these do not go together";
  }
  return explainNodes("L2Advertisement", subject, { all, advertisements }, surroundings);
}

function covering<T extends Advertisement>({ service }: Subject, all: readonly T[]): readonly T[] {
  return all.filter(({ serviceSelectors }) => mayConcern(serviceSelectors, service.metadata.labels ?? {}));
}

const mayConcern = (selectors: readonly Selector[], labels: Labels): boolean =>
  selectors.length === 0 || matchesAny(selectors, labels);

interface Choice {
  readonly all: readonly Advertisement[];
  /** Those that cover the Service. */
  readonly advertisements: readonly Advertisement[];
}

function explainNodes(kind: string, subject: Subject, { all, advertisements }: Choice, around: Surroundings): string {
  const names = quoted(all.map(({ name }) => name).sort());
  if (advertisements.length === 0) return `the Service matches the serviceSelectors of no ${kind} (${names})`;
  const included = around.nodes.filter(({ labels }) =>
    advertisements.some((ad) => mayConcern(ad.nodeSelectors, labels)),
  );
  if (included.length === 0) return `no node matches the nodeSelectors of its ${kind}s (${names})`;
  const obstacles = included
    .slice(0, MAX_LISTED)
    .map((node) => `node "${node.name}" ${obstacle(node, subject, around)}`);
  const more = included.length > MAX_LISTED ? [`${included.length - MAX_LISTED} more nodes likewise`] : [];
  return [...obstacles, ...more].join("; ");
}

function obstacle(node: NodeFacts, subject: Subject, surroundings: Surroundings): string {
  if (!surroundings.runsSpeaker(node.name)) return "runs no speaker that can be reached";
  if (node.networkUnavailable) return "has the condition NetworkUnavailable";
  if (node.excluded && !surroundings.ignoreExcludeLabel) return `carries the label ${EXCLUDE_LABEL}`;
  if (subject.service.spec.externalTrafficPolicy === "Local" && !subject.endpoints.nodes.has(node.name)) {
    return "has no endpoint that is ready or serving, and externalTrafficPolicy is Local";
  }
  return "is about to announce it";
}
