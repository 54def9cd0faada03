import { type KubeObject, objectKey } from "../../impl/api/kubernetes.ts";
import { type Micros, minus, minutes } from "../../impl/wire/time.ts";
import { type Invariant } from "./invariant.ts";

/** More changes of one object in a minute than any honest history has. */
const LIMIT = 60;
const MINUTE: Micros = minutes(1);

/** No write that changes nothing. */
export function noIdleWrites(): Invariant {
  return {
    name: "I7",
    observe: (observation) => (observation.kind === "idleWrite" ? `${observation.object} changed nothing` : undefined),
  };
}

/** Objects whose names the server chose are the same thing again when they say the same by their labels. */
function identityOf(object: KubeObject): string {
  const { generateName, labels, namespace } = object.metadata;
  if (generateName === undefined) return `${object.kind} ${objectKey(object)}`;
  return `${object.kind} ${namespace}/${generateName}… ${JSON.stringify(labels)}`;
}

/** No object is written over and over. */
export function noHotLoop(): Invariant {
  const writes = new Map<string, Micros[]>();
  return {
    name: "B11.12",
    observe(observation, now) {
      if (observation.kind !== "object" || observation.deleted) return undefined;
      const { object } = observation;
      // Leases and heartbeats are meant to be written all the time.
      if (object.kind === "Lease" || object.kind === "Node") return undefined;
      const key = identityOf(object);
      const times = (writes.get(key) ?? []).filter((time) => minus(now, time) < MINUTE);
      times.push(now);
      writes.set(key, times);
      return times.length > LIMIT ? `${key} was written ${times.length} times within a minute` : undefined;
    },
  };
}
