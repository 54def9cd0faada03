import { type KubeObject, objectKey, type Service } from "../../impl/api/kubernetes.ts";
import { type Invariant } from "./invariant.ts";

const asService = (object: KubeObject): Service | undefined =>
  object.kind === "Service" ? (object as Service) : undefined;

export const ingressOf = (service: Service | undefined): readonly string[] =>
  (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));

function sharingKey(service: Service): string {
  const annotations = service.metadata.annotations ?? {};
  return annotations["metallb.io/allow-shared-ip"] ?? annotations["metallb.universe.tf/allow-shared-ip"] ?? "";
}

/** No address is held by two Services that may not share it. */
export function noAddressTwice(): Invariant {
  const services = new Map<string, Service>();
  const holders = new Map<string, Set<string>>();
  const release = (key: string): void => {
    for (const ip of ingressOf(services.get(key))) holders.get(ip)?.delete(key);
    services.delete(key);
  };
  return {
    name: "I1",
    observe(observation) {
      const service = observation.kind === "object" ? asService(observation.object) : undefined;
      if (observation.kind !== "object" || service === undefined) return undefined;
      const key = objectKey(service);
      release(key);
      if (observation.deleted) return undefined;
      services.set(key, service);
      for (const ip of ingressOf(service)) {
        const others = holders.get(ip) ?? new Set();
        holders.set(ip, others);
        for (const other of others) {
          const holder = services.get(other);
          if (holder !== undefined && (sharingKey(service) === "" || sharingKey(service) !== sharingKey(holder))) {
            return `${ip} is held by ${other} and by ${key}, which may not share it`;
          }
        }
        others.add(key);
      }
      return undefined;
    },
  };
}

/** An address that was given changes only after a person changed something. */
export function addressesStay(): Invariant {
  let actions = 0;
  const givenAt = new Map<string, number>();
  return {
    name: "I2",
    observe(observation) {
      if (observation.kind === "userAction") actions += 1;
      if (observation.kind !== "object" || observation.deleted) return undefined;
      const service = asService(observation.object);
      if (service === undefined) return undefined;
      const key = objectKey(service);
      const before = ingressOf(observation.previous === undefined ? undefined : asService(observation.previous));
      const after = ingressOf(service);
      if (before.join() === after.join()) return undefined;
      const since = givenAt.get(key) ?? actions;
      givenAt.set(key, actions);
      const kept = before.every((ip) => after.includes(ip));
      if (kept || actions > since) return undefined;
      return `${key} had ${before.join(", ")} and now has ${after.join(", ") || "nothing"}, though nobody changed anything`;
    },
  };
}
