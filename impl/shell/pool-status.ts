import { type KubeObject } from "../api/kubernetes.ts";
import { type IPAddressPool } from "../api/metallb.ts";
import { type PoolCounters } from "../controller/allocator.ts";
import { type Action } from "../kube/write.ts";

const COUNTERS = ["assignedIPv4", "assignedIPv6", "availableIPv4", "availableIPv6"] as const;

export function poolStatusAction(latest: IPAddressPool, counters: PoolCounters): Action | undefined {
  const { status } = latest;
  if (COUNTERS.every((counter) => String(status?.[counter]) === String(counters[counter]))) return undefined;
  const object: KubeObject & Pick<IPAddressPool, "status"> = { ...latest, status: counters };
  return { verb: "replace", object };
}
