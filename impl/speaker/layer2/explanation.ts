// One sentence about a Service that no node announces on layer 2, for the person who wonders why nothing answers.
import { EXCLUDE_LABEL } from "../../api/kubernetes.ts";
import { type NodeFacts } from "../node-facts.ts";
import { isShared, type Subject } from "../subject.ts";
import { advertisementsFor, includesNode } from "./eligibility.ts";

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
  const { pool, service, endpoints } = subject;
  if (!endpoints.serving) return "the Service has no endpoint that is ready or serving";
  if (pool.l2Advertisements.length === 0) return `no L2Advertisement selects pool "${pool.name}"`;
  const advertisements = advertisementsFor(subject);
  const names = quoted(pool.l2Advertisements.map(({ name }) => name).sort());
  if (advertisements.length === 0) return `the Service matches the serviceSelectors of no L2Advertisement (${names})`;
  if (isShared(service) && advertisements.some(({ serviceSelectors }) => serviceSelectors.length > 0)) {
    return "it shares its address, and an L2Advertisement with serviceSelectors covers it: these do not go together";
  }
  const included = surroundings.nodes.filter(({ labels }) => advertisements.some((ad) => includesNode(ad, labels)));
  if (included.length === 0) return `no node matches the nodeSelectors of its L2Advertisements (${names})`;
  const obstacles = included
    .slice(0, MAX_LISTED)
    .map((node) => `node "${node.name}" ${obstacle(node, subject, surroundings)}`);
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
