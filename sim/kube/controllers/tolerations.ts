// Taints and tolerations: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
import { type Micros, seconds } from "../../../impl/wire/time.ts";
import { type Fields, fieldsOf, listOf, type StoredObject } from "../object.ts";

export const taintsOf = (node: StoredObject): readonly Fields[] =>
  listOf(fieldsOf(node["spec"])["taints"]).map(fieldsOf);

const tolerationsOf = (pod: StoredObject): readonly Fields[] =>
  listOf(fieldsOf(pod["spec"])["tolerations"]).map(fieldsOf);

function tolerates(toleration: Fields, taint: Fields): boolean {
  const { key = "", operator = "Equal", value = "", effect = "" } = toleration;
  if (effect !== "" && effect !== taint["effect"]) return false;
  if (key === "") return operator === "Exists";
  return key === taint["key"] && (operator === "Exists" || value === (taint["value"] ?? ""));
}

/** Whether a Pod may come to a node with these taints. */
export function mayEnter(pod: StoredObject, taints: readonly Fields[]): boolean {
  const hard = taints.filter(({ effect }) => effect === "NoSchedule" || effect === "NoExecute");
  return hard.every((taint) => tolerationsOf(pod).some((toleration) => tolerates(toleration, taint)));
}

/** The admission plugin DefaultTolerationSeconds gives every Pod that says nothing else five minutes. */
const DEFAULT_STAY = seconds(300);

/** How long a Pod stays under a NoExecute taint; undefined: for ever. */
export function staysFor(pod: StoredObject, taint: Fields): Micros | undefined {
  const matching = tolerationsOf(pod).filter((toleration) => tolerates(toleration, taint));
  if (matching.length === 0) return DEFAULT_STAY;
  const limits = matching
    .map((toleration) => toleration["tolerationSeconds"])
    .filter((limit) => typeof limit === "number");
  return limits.length === 0 ? undefined : seconds(Math.min(...limits));
}
