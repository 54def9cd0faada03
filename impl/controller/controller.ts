import { type Config } from "../api/config.ts";
import { type Service } from "../api/kubernetes.ts";
import { type Metrics } from "../metrics.ts";
import { Allocator, type Release } from "./allocator.ts";
import { PoolMetrics } from "./pool-metrics.ts";
import { converge, missingFamilies, type Outcome, tenable } from "./converge.ts";
import { type ControllerEffect, serviceEvent } from "./effect.ts";
import { describeRefusal, quote } from "./refusal.ts";
import { ServiceEntry, type WantedStatus } from "./service-entry.ts";
import { wishOf } from "./service-request.ts";
import { compareQueues, type Queue, type Topic, WaitingRoom } from "./waiting-room.ts";

export interface ControllerSettings {
  /** Only Services of this class; empty: only Services without a class. */
  readonly lbClass: string;
  readonly metrics: Metrics;
}

export type ConfigInput = { readonly config: Config } | { readonly error: string };

/** Gives addresses to Services. It acts from the first moment at which it has seen every Service and a valid configuration. */
export class Controller {
  readonly #lbClass: string;
  readonly #metrics: PoolMetrics;
  readonly #allocator = new Allocator();
  readonly #waiting = new WaitingRoom();
  readonly #entries = new Map<string, ServiceEntry>();
  /** Counters as last reported, by pool. */
  readonly #reported = new Map<string, string>();
  #effects: ControllerEffect[] = [];
  /** Services whose status is not what it shall be. */
  readonly #unwritten = new Set<ServiceEntry>();
  #synced = false;
  #configured = false;
  #configError: string | undefined;

  constructor({ lbClass, metrics }: ControllerSettings) {
    this.#lbClass = lbClass;
    this.#metrics = new PoolMetrics(metrics);
  }

  /** Every Service that exists has been handed in. */
  synced(): readonly ControllerEffect[] {
    if (this.#synced) return [];
    this.#synced = true;
    this.#reprocessAll();
    return this.#take();
  }

  /** An invalid configuration leaves the last valid one in force. */
  configChanged(input: ConfigInput): readonly ControllerEffect[] {
    const error = "error" in input ? input.error : undefined;
    this.#effects.push({ kind: "configurationState", error });
    this.#configError = error;
    if ("config" in input) {
      this.#configured = true;
      this.#allocator.setPools(input.config.pools);
    }
    if ("config" in input || !this.#configured) this.#reprocessAll();
    return this.#take();
  }

  /** A Service appeared, changed, or (undefined) went. */
  serviceChanged(key: string, service: Service | undefined): readonly ControllerEffect[] {
    if (service === undefined || !this.#handles(service)) {
      this.#forget(key);
    } else {
      const entry = this.#entry(key, service);
      if (this.#synced) this.#process(entry);
    }
    this.#serveWaiting();
    return this.#take();
  }

  /** What the status of a Service shall say; undefined: it shall stay as it is. */
  wanted(key: string): WantedStatus | undefined {
    return this.#entries.get(key)?.wanted;
  }

  counters(pool: string): ReturnType<Allocator["counters"]> {
    return this.#allocator.counters(pool);
  }

  #handles({ spec }: Service): boolean {
    return (spec.loadBalancerClass ?? "") === this.#lbClass;
  }

  #entry(key: string, service: Service): ServiceEntry {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.observe(service);
      return known;
    }
    const entry = new ServiceEntry(key, service);
    this.#entries.set(key, entry);
    return entry;
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#unwritten.delete(entry);
    this.#waiting.leave(key);
    this.#allocator.release(entry.tenant);
  }

  /** Services with addresses come first, so that nobody is given what another one already has. */
  #reprocessAll(): void {
    if (!this.#synced) return;
    const entries = [...this.#entries.values()].sort(
      (a, b) => b.addressCount - a.addressCount || (a.key < b.key ? -1 : 1),
    );
    if (this.#configured) for (const entry of entries) this.#reclaim(entry);
    for (const entry of entries) this.#process(entry);
    this.#serveWaiting();
  }

  /** Takes what the status of a Service says before anybody else can get it. */
  #reclaim(entry: ServiceEntry): void {
    if (entry.wanted !== undefined) return;
    const ips = tenable(this.#allocator, entry.request, entry.observed);
    if (ips.length > 0) this.#allocator.assign(entry.tenant, entry.request.claim, ips);
  }

  #process(entry: ServiceEntry): void {
    if (!this.#configured) {
      this.#complainOfConfig(entry);
      return;
    }
    const outcome = converge(this.#allocator, entry.tenant, entry.request, this.#currentAddresses(entry));
    this.#record(entry, outcome);
    this.#wait(entry, outcome);
  }

  /** The controller's own decision, or what somebody wrote into the status if the Service could hold that. */
  #currentAddresses(entry: ServiceEntry): readonly string[] {
    const news = entry.takeNews();
    const own = entry.wanted?.ingress ?? [];
    if (news === undefined) return own;
    return own.length === 0 || tenable(this.#allocator, entry.request, news).length > 0 ? news : own;
  }

  #record(entry: ServiceEntry, { events, complaint, keepStatus }: Outcome): void {
    const { key } = entry;
    for (const { type, reason, message } of events) this.#effects.push(serviceEvent(key, type, reason, message));
    const text = complaint === undefined ? "" : `${complaint.reason} ${complaint.message}`;
    if (complaint !== undefined && text !== entry.complaint) {
      this.#effects.push(serviceEvent(key, complaint.type, complaint.reason, complaint.message));
    }
    entry.complaint = text;
    if (keepStatus) return;
    const held = entry.tenant.allocation;
    entry.wanted = { ingress: held?.ips ?? [], pool: held?.pool.name };
    this.#unwritten.add(entry);
  }

  #write(entry: ServiceEntry): void {
    const write = entry.takeWrite();
    if (write === undefined || entry.wanted === undefined) return;
    const { ingress, pool } = entry.wanted;
    if (write.fresh) {
      for (const name of entry.request.deprecatedAnnotations) {
        const message = `Service uses deprecated annotation ${name}`;
        this.#effects.push(serviceEvent(entry.key, "Warning", "deprecatedAnnotation", message));
      }
    }
    this.#effects.push({ kind: "writeStatus", service: entry.key, ingress, ...(pool === undefined ? {} : { pool }) });
  }

  /** Without any valid configuration nothing is done, but it is said why. */
  #complainOfConfig(entry: ServiceEntry): void {
    if (this.#configError === undefined || !entry.request.isLoadBalancer || entry.observed.length > 0) return;
    if (entry.complaint === this.#configError) return;
    entry.complaint = this.#configError;
    const why = describeRefusal({ because: "invalidConfig", problem: this.#configError });
    const message = `Failed to allocate IP for ${quote(entry.key)}: ${why}`;
    this.#effects.push(serviceEvent(entry.key, "Warning", "AllocationFailed", message));
  }

  /** Notes what a Service waits for that a release may bring. */
  #wait(entry: ServiceEntry, { refusal }: Outcome): void {
    const { request } = entry;
    this.#waiting.leave(entry.key);
    if (refusal === undefined || typeof request.clusterFamily !== "string") return;
    const topics = this.#topics(entry, refusal);
    if (topics.length === 0) return;
    const { primary, prefer, family } = wishOf(request, request.clusterFamily);
    const holdsOne = entry.addressCount > 0;
    this.#waiting.enter(request.claim, topics, holdsOne, `${family} ${prefer} ${primary} ${request.pool}`);
  }

  #topics({ request, tenant }: ServiceEntry, refusal: NonNullable<Outcome["refusal"]>): readonly Topic[] {
    const families = missingFamilies(tenant, request);
    const poolTopics = (pools: readonly string[]): readonly Topic[] =>
      pools.flatMap((pool) => families.map((family): Topic => `pool ${family} ${pool}`));
    switch (refusal.because) {
      case "sharing":
      case "portInUse": {
        const { desired } = request;
        return desired !== undefined && "ips" in desired ? desired.ips.map((ip): Topic => `ip ${ip}`) : [];
      }
      case "poolExhausted":
        return poolTopics([refusal.pool]);
      case "noneAvailable":
        return poolTopics(this.#allocator.candidates(request.claim));
      default:
        return [];
    }
  }

  /** Lets Services that wait have what was released, in the order of a pass over all of them. */
  #serveWaiting(): void {
    for (let releases = this.#allocator.takeReleases(); releases.length > 0; ) {
      const concerned = this.#waiting.concerned(releases);
      const queues = [...concerned.keys()].sort(compareQueues).reverse();
      for (let queue = queues.pop(); queue !== undefined; queue = queues.pop()) {
        if (this.#serveFirst(queue, concerned.get(queue) ?? [])) requeue(queues, queue);
      }
      releases = this.#allocator.takeReleases();
    }
  }

  /** True if the first of the queue got what it waited for and there is a next one. */
  #serveFirst(queue: Queue, releases: readonly Release[]): boolean {
    const entry = queue.first === undefined ? undefined : this.#entries.get(queue.first);
    if (entry === undefined || !releases.some((release) => this.#allocator.mightUse(queue.claim, release)))
      return false;
    this.#process(entry);
    return !this.#waiting.waits(entry.key) && queue.first !== undefined;
  }

  #take(): readonly ControllerEffect[] {
    for (const entry of this.#unwritten) this.#write(entry);
    this.#unwritten.clear();
    // Before every Service is known, a pool only seems to be unused.
    if (this.#synced) for (const name of this.#allocator.takeChangedPools()) this.#reportPool(name);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #reportPool(name: string): void {
    const pool = this.#allocator.pool(name);
    const counters = this.#allocator.counters(name);
    if (pool === undefined || counters === undefined) {
      this.#metrics.remove(name);
      this.#reported.delete(name);
      return;
    }
    this.#metrics.set(name, pool);
    const text = Object.values(counters).join();
    if (this.#reported.get(name) === text) return;
    this.#reported.set(name, text);
    this.#effects.push({ kind: "poolStatus", pool: name, ...counters });
  }
}

/** Puts a queue back among others, which are sorted with the next one at the end. */
function requeue(queues: Queue[], queue: Queue): void {
  let index = queues.length;
  while (index > 0 && compareQueues(queues[index - 1] ?? queue, queue) < 0) index--;
  queues.splice(index, 0, queue);
}
