import { familyOf, type Ip } from "../wire/ip.ts";
import { type Allocator, type Tenant } from "./allocator.ts";
import { describeRefusal, quote, quoteList, type Refusal, type ServiceFamily } from "./refusal.ts";
import { familyOfAddresses, readServiceIp, type ServiceRequest, wishOf } from "./service-request.ts";

export interface EventDraft {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** What became of a Service. What it holds now, the allocator knows. */
export interface Outcome {
  /** What happened. */
  readonly events: readonly EventDraft[];
  /** What is still wrong; it need not be said twice. */
  readonly complaint: EventDraft | undefined;
  /** Why the Service has no address, or not the second one. */
  readonly refusal: Refusal | undefined;
  /** The status shall stay as it is although the allocator knows nothing of it. */
  readonly keepStatus: boolean;
}

const SETTLED: Outcome = { events: [], complaint: undefined, refusal: undefined, keepStatus: false };

const isRefusal = (value: object | string | undefined): value is Refusal =>
  typeof value === "object" && "because" in value;

const failed = (service: string, refusal: Refusal): EventDraft => ({
  type: "Warning",
  reason: "AllocationFailed",
  message: `Failed to allocate IP for ${quote(service)}: ${describeRefusal(refusal)}`,
});

/** Whether a Service with these cluster addresses may keep load balancer addresses of this family. */
function familyFits(lbFamily: ServiceFamily, clusterFamily: ServiceFamily, request: ServiceRequest): boolean {
  return lbFamily === clusterFamily || (clusterFamily === "dual" && request.policy === "PreferDualStack");
}

/** The addresses, if the Service could hold them as they are. */
export function tenable(allocator: Allocator, request: ServiceRequest, texts: readonly string[]): readonly Ip[] {
  const { clusterFamily } = request;
  const family = familyOfAddresses(texts);
  if (!request.isLoadBalancer || isRefusal(clusterFamily) || typeof family !== "string") return [];
  const ips = texts.flatMap((text) => readServiceIp(text) ?? []);
  return familyFits(family, clusterFamily, request) && allocator.check(request.claim, ips) === undefined ? ips : [];
}

/** Brings one Service to the addresses it should hold, given those it holds. */
export function converge(
  allocator: Allocator,
  tenant: Tenant,
  request: ServiceRequest,
  current: readonly string[],
): Outcome {
  const { service } = request.claim;
  if (!request.isLoadBalancer) {
    allocator.release(tenant);
    return SETTLED;
  }
  const precluded = preclusion(allocator, request);
  if (precluded !== undefined) {
    allocator.release(tenant);
    return { ...SETTLED, ...precluded };
  }
  const kept = keep(allocator, tenant, request, current);
  if (kept.stop) return kept.outcome;
  const { events } = kept;
  if (tenant.allocation === undefined) {
    const refusal = allocate(allocator, tenant, request);
    if (refusal !== undefined) return { ...SETTLED, events, complaint: failed(service, refusal), refusal };
    events.push(assigned(`Assigned IP ${quoteList(ipsOf(tenant))}`));
  }
  return addMissingFamily(allocator, tenant, request, events);
}

const ipsOf = ({ allocation }: Tenant): readonly Ip[] => allocation?.ips ?? [];

const assigned = (message: string): EventDraft => ({ type: "Normal", reason: "IPAllocated", message });

/** Why the Service can have no address, whatever is free. */
function preclusion(allocator: Allocator, request: ServiceRequest): Pick<Outcome, "complaint" | "refusal"> | undefined {
  const { claim, clusterFamily, clusterIps } = request;
  if (allocator.poolCount === 0) {
    const refusal: Refusal = { because: "noPools" };
    return { complaint: failed(claim.service, refusal), refusal };
  }
  if (isRefusal(clusterFamily) && clusterFamily.because === "noClusterIPs") {
    return { complaint: failed(claim.service, clusterFamily), refusal: clusterFamily };
  }
  if (request.policy === "RequireDualStack" && clusterIps.length < 2) {
    const message = `Service requires dual stack but not enough clusterips [${clusterIps.join(" ")}]`;
    const complaint: EventDraft = { type: "Warning", reason: "not enough clusterips", message };
    return { complaint, refusal: { because: "clusterFamily", problem: message } };
  }
  return undefined;
}

type Kept =
  | { readonly stop: true; readonly outcome: Outcome }
  | { readonly stop: false; readonly events: EventDraft[] };

/** Keeps the current addresses as far as they are legal and still wanted; else releases them. */
function keep(allocator: Allocator, tenant: Tenant, request: ServiceRequest, current: readonly string[]): Kept {
  const { claim, clusterFamily, clusterIps } = request;
  const events: EventDraft[] = [];
  const clear = (): Kept => {
    allocator.release(tenant);
    return { stop: false, events };
  };
  if (current.length === 0) return clear();
  const family = familyOfAddresses(current);
  if (typeof family !== "string") {
    const message = `Failed to retrieve LBIPs IPFamily for ${quoteList(current)}: ${family.problem}`;
    events.push({ type: "Warning", reason: "nolbIPsIPFamily", message });
  }
  if (isRefusal(clusterFamily)) {
    const message = `Failed to retrieve ClusterIPs IPFamily for ${quoteList(clusterIps)}: ${describeRefusal(clusterFamily)}`;
    const complaint: EventDraft = { type: "Warning", reason: "noclusterIPsIPFamily", message };
    return { stop: true, outcome: { events, complaint, refusal: clusterFamily, keepStatus: true } };
  }
  if (typeof family !== "string" || !familyFits(family, clusterFamily, request)) return clear();
  const ips = current.flatMap((text) => readServiceIp(text) ?? []);
  const refusal = allocator.assign(tenant, claim, ips);
  if (refusal !== undefined) {
    const message = `current IP for ${quote(claim.service)} not allowed by config, will attempt for new IP assignment: ${describeRefusal(refusal)}`;
    events.push({ type: "Normal", reason: "ClearAssignment", message });
    return clear();
  }
  if (request.pool !== "" && tenant.allocation?.pool.name !== request.pool) return clear();
  const { desired } = request;
  if (isRefusal(desired)) {
    const message = `invalid requested loadbalancer IPs: ${describeRefusal(desired)}`;
    const complaint: EventDraft = { type: "Warning", reason: "LoadBalancerFailed", message };
    return { stop: true, outcome: { ...SETTLED, events, complaint, refusal: desired } };
  }
  if (desired !== undefined && !sameSet(desired.ips, ips)) return clear();
  return { stop: false, events };
}

const sameSet = (a: readonly Ip[], b: readonly Ip[]): boolean =>
  a.length === b.length && a.every((ip) => b.includes(ip));

/** A dual-stack Service that prefers two addresses and has one takes the other as soon as its pool has it. */
function addMissingFamily(
  allocator: Allocator,
  tenant: Tenant,
  request: ServiceRequest,
  events: readonly EventDraft[],
): Outcome {
  const { claim, clusterFamily, desired, policy } = request;
  const held = tenant.allocation;
  const prefersTwo = policy === "PreferDualStack" && clusterFamily === "dual";
  // Who named an address gets that and no other.
  const wanted = prefersTwo && desired === undefined && held?.ips.length === 1;
  if (!wanted) return { ...SETTLED, events };
  const added = allocator.addFamily(tenant, claim);
  if (typeof added === "string") {
    return { ...SETTLED, events: [...events, assigned(`Assigned additional IP ${quote(added)}`)] };
  }
  const message = `cannot assign additional IP in PreferDualStack: ${describeRefusal(added)}`;
  return {
    ...SETTLED,
    events,
    complaint: { type: "Normal", reason: "AdditionalAssignFailed", message },
    refusal: added,
  };
}

function allocate(allocator: Allocator, tenant: Tenant, request: ServiceRequest): Refusal | undefined {
  const { claim, clusterFamily, desired, pool } = request;
  if (isRefusal(clusterFamily)) return clusterFamily;
  if (isRefusal(desired)) return desired;
  if (desired !== undefined) {
    const { ips } = desired;
    if (desired.family !== clusterFamily) return { because: "requestedFamily", ips };
    const refusal = allocator.assign(tenant, claim, ips);
    if (refusal !== undefined) return refusal;
    if (pool === "" || tenant.allocation?.pool.name === pool) return undefined;
    allocator.release(tenant);
    return { because: "requestedPool", ips, pool };
  }
  const wish = wishOf(request, clusterFamily);
  return pool === "" ? allocator.allocate(tenant, claim, wish) : allocator.allocateFrom(pool, tenant, claim, wish);
}

/** The families that a refused Service waits for. */
export function missingFamilies(tenant: Tenant, request: ServiceRequest): readonly ("ipv4" | "ipv6")[] {
  const [first] = tenant.allocation?.ips ?? [];
  if (first !== undefined) return [familyOf(first) === "ipv4" ? "ipv6" : "ipv4"];
  const { clusterFamily } = request;
  if (isRefusal(clusterFamily)) return [];
  return clusterFamily === "dual" ? ["ipv4", "ipv6"] : [clusterFamily];
}
