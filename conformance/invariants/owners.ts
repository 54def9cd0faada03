import { objectKey, type Service } from "../../impl/api/kubernetes.ts";
import { type Micros, minus, seconds } from "../../impl/wire/time.ts";
import { ingressOf } from "./addresses.ts";
import { type Invariant } from "./invariant.ts";

/** Two nodes that answer in turns within this time own an address together. */
const TOGETHER: Micros = seconds(2);
/** After a release the API and the speakers need this long to be quiet. */
const RELEASE: Micros = seconds(3);

/**
 * At most one node answers for an address on a segment, outside `window` after a disturbance (membership needs that long to
 * notice a death or a partition).
 */
export function oneOwner(window: Micros, excused: () => boolean): Invariant {
  let disturbedAt: Micros | undefined;
  const last = new Map<string, { readonly node: string; readonly at: Micros; readonly before: string | undefined }>();
  return {
    name: "I3",
    observe(observation, now) {
      if (observation.kind === "disturbance") disturbedAt = now;
      if (observation.kind !== "claim") return undefined;
      const { claim, node, segment } = observation;
      const key = `${claim.ip} on ${segment}`;
      const previous = last.get(key);
      const other = previous !== undefined && previous.node !== node ? previous.node : previous?.before;
      last.set(key, { node, at: now, before: other });
      if (previous === undefined || previous.node === node || previous.before !== node) return undefined;
      if (minus(now, previous.at) > TOGETHER || excused()) return undefined;
      if (disturbedAt !== undefined && minus(now, disturbedAt) <= window) return undefined;
      return `${previous.node} and ${node} both answer for ${key}`;
    },
  };
}

/** Nobody claims an address that no Service has. */
export function onlyAssigned(): Invariant {
  const services = new Map<string, readonly string[]>();
  const users = new Map<string, number>();
  const releasedAt = new Map<string, Micros>();
  const take = (key: string, ips: readonly string[], now: Micros): void => {
    for (const ip of ips) users.set(ip, (users.get(ip) ?? 0) + 1);
    for (const ip of services.get(key) ?? []) {
      const left = (users.get(ip) ?? 1) - 1;
      users.set(ip, left);
      if (left === 0) releasedAt.set(ip, now);
    }
    services.set(key, ips);
  };
  return {
    name: "I4",
    observe(observation, now) {
      if (observation.kind === "object" && observation.object.kind === "Service") {
        const service = observation.object as Service;
        take(objectKey(service), observation.deleted ? [] : ingressOf(service), now);
      }
      if (observation.kind !== "claim") return undefined;
      const { ip } = observation.claim;
      if ((users.get(ip) ?? 0) > 0) return undefined;
      const released = releasedAt.get(ip);
      if (released !== undefined && minus(now, released) <= RELEASE) return undefined;
      return `${observation.node} claims ${ip}, which no Service has`;
    },
  };
}

/** A claim names the MAC of the very interface that it leaves through. */
export function rightInterface(): Invariant {
  return {
    name: "B11.10",
    observe(observation) {
      if (observation.kind !== "claim") return undefined;
      const { claim, node, link, macs } = observation;
      if (macs.has(claim.mac) && claim.source === claim.mac) return undefined;
      return `${node} claims ${claim.ip} at ${claim.mac} in a frame from ${claim.source} on ${link}`;
    },
  };
}
