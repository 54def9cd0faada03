import { type KubeObject, type Service } from "../api/kubernetes.ts";
import { type IPAddressPool } from "../api/metallb.ts";
import { type PoolCounters } from "../controller/allocator.ts";
import { type WantedStatus } from "../controller/service-entry.ts";
import { POOL_ANNOTATION } from "../controller/service-request.ts";
import { type Action } from "../kube/write.ts";

/** Other fields of an entry, such as the ipMode that the API server fills in, are not the controller's to change. */
function hasIngress(service: Service, ips: readonly string[]): boolean {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ingress.length === ips.length && ingress.every(({ ip, hostname }, index) => ip === ips[index] && !hostname);
}

/** The status subresource of a Service also takes its annotations. */
export function serviceStatusAction(latest: Service, { ingress, pool }: WantedStatus): Action | undefined {
  const { [POOL_ANNOTATION]: before, ...others } = latest.metadata.annotations ?? {};
  if (before === pool && hasIngress(latest, ingress)) return undefined;
  const annotations = pool === undefined ? others : { ...others, [POOL_ANNOTATION]: pool };
  const loadBalancer = ingress.length === 0 ? {} : { ingress: ingress.map((ip) => ({ ip })) };
  const object: Service = {
    ...latest,
    metadata: { ...latest.metadata, annotations },
    status: { ...latest.status, loadBalancer },
  };
  return { verb: "replace", object };
}

const COUNTERS = ["assignedIPv4", "assignedIPv6", "availableIPv4", "availableIPv6"] as const;

export function poolStatusAction(latest: IPAddressPool, counters: PoolCounters): Action | undefined {
  const { status } = latest;
  if (COUNTERS.every((counter) => String(status?.[counter]) === String(counters[counter]))) return undefined;
  const object: KubeObject & Pick<IPAddressPool, "status"> = { ...latest, status: counters };
  return { verb: "replace", object };
}
