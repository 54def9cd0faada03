import { formatTimestamp } from "../../../impl/api/timestamp.ts";
import { type Instant } from "../../../impl/ports.ts";
import { type Fields, fieldsOf, listOf, type StoredObject } from "../object.ts";

export interface NewCondition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
}

export function conditionOf(object: StoredObject, type: string): Fields | undefined {
  return listOf(fieldsOf(object["status"])["conditions"])
    .map(fieldsOf)
    .find((condition) => condition["type"] === type);
}

export const isReady = (object: StoredObject): boolean => conditionOf(object, "Ready")?.["status"] === "True";

/** The conditions of an object with one of them set; its time moves only when its status does. */
export function withCondition(object: StoredObject, condition: NewCondition, now: Instant): readonly Fields[] {
  const before = listOf(fieldsOf(object["status"])["conditions"]).map(fieldsOf);
  const old = before.find(({ type }) => type === condition.type);
  const moved = old?.["status"] !== condition.status;
  const lastTransitionTime = moved ? formatTimestamp(now.wall) : old["lastTransitionTime"];
  const made = { ...condition, lastTransitionTime };
  return old === undefined ? [...before, made] : before.map((other) => (other === old ? made : other));
}
