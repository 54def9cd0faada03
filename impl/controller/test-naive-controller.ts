// The rules once more, written for reading: every address of every pool is tried, and after every change every Service is
// looked at again until nothing moves. Tests compare the controller with it.
import { ipFromBigInt } from "../wire/ip.ts";
import { rangeOf } from "../wire/prefix.ts";
import { type PoolSpec, pool, type ServiceSpec } from "./test-objects.ts";

interface NaiveService {
  readonly spec: ServiceSpec;
  ips: readonly string[];
  /** How many addresses its status has. */
  written: number;
}

const isV6 = (ip: string): boolean => ip.includes(":");
const familiesOf = (ips: readonly string[]): string =>
  ips
    .map((ip) => (isV6(ip) ? "6" : "4"))
    .sort()
    .join("");

export class NaiveController {
  #pools: readonly { readonly spec: PoolSpec; readonly addresses: readonly string[] }[] = [];
  readonly #services = new Map<string, NaiveService>();

  setPools(specs: readonly PoolSpec[]): void {
    this.#pools = [...specs]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((spec) => ({ spec, addresses: addressesOf(spec) }));
    this.#settle();
  }

  setService(key: string, spec: ServiceSpec | undefined): void {
    if (spec === undefined) {
      this.#services.delete(key);
    } else {
      const service = { spec, ips: this.#services.get(key)?.ips ?? [], written: 0 };
      this.#services.set(key, service);
      this.#converge(service);
    }
    this.#settle();
  }

  /** `pool: address address`, or `-`, by Service. */
  get state(): Readonly<Record<string, string>> {
    const names = [...this.#services.keys()].sort();
    return Object.fromEntries(names.map((key) => [key, this.#describe(this.#services.get(key)?.ips ?? [])]));
  }

  #describe(ips: readonly string[]): string {
    return ips.length === 0 ? "-" : `${this.#poolOf(ips)?.spec.name}: ${ips.join(" ")}`;
  }

  #settle(): void {
    // An address outside the pools is free for nobody, but its holder no longer counts as holding it.
    for (const service of this.#services.values()) if (this.#poolOf(service.ips) === undefined) service.ips = [];
    for (let before = ""; before !== JSON.stringify(this.state); ) {
      before = JSON.stringify(this.state);
      const order = [...this.#services].sort(([keyA, a], [keyB, b]) => b.written - a.written || (keyA < keyB ? -1 : 1));
      for (const [, service] of order) this.#converge(service);
    }
  }

  #converge(service: NaiveService): void {
    service.ips = this.#addressesFor(service);
    service.written = service.ips.length;
  }

  #addressesFor(service: NaiveService): readonly string[] {
    const { spec } = service;
    const held = service.ips;
    service.ips = [];
    if ((spec.type ?? "LoadBalancer") !== "LoadBalancer" || this.#pools.length === 0) return [];
    const cluster = familiesOf(spec.clusterIPs ?? ["10.96.0.1"]);
    const desired = desiredOf(spec);
    if (held.length > 0 && this.#mayKeep(service, held, cluster, desired)) return this.#grow(service, held, cluster);
    return desired === undefined ? this.#allocate(service, cluster) : this.#grant(service, cluster, desired);
  }

  #mayKeep(service: NaiveService, held: readonly string[], cluster: string, desired?: readonly string[]): boolean {
    const prefers = cluster === "46" && service.spec.policy === "PreferDualStack";
    if (familiesOf(held) !== cluster && !prefers) return false;
    const wantedPool = service.spec.annotations?.["metallb.io/address-pool"];
    if (wantedPool !== undefined && this.#poolOf(held)?.spec.name !== wantedPool) return false;
    if (desired !== undefined && [...desired].sort().join() !== [...held].sort().join()) return false;
    return this.#mayHold(service, held);
  }

  #grow(service: NaiveService, held: readonly string[], cluster: string): readonly string[] {
    if (desiredOf(service.spec) !== undefined) return held;
    if (held.length !== 1 || cluster !== "46" || service.spec.policy !== "PreferDualStack") return held;
    const other = this.#poolOf(held)?.addresses.find(
      (ip) => isV6(ip) !== isV6(held[0] ?? "") && this.#free(service, ip),
    );
    return other === undefined ? held : [...held, other];
  }

  #grant(service: NaiveService, cluster: string, desired: readonly string[]): readonly string[] {
    const wantedPool = service.spec.annotations?.["metallb.io/address-pool"];
    if (familiesOf(desired) !== cluster || !this.#mayHold(service, desired)) return [];
    return wantedPool !== undefined && this.#poolOf(desired)?.spec.name !== wantedPool ? [] : desired;
  }

  #allocate(service: NaiveService, cluster: string): readonly string[] {
    const { spec } = service;
    const wantedPool = spec.annotations?.["metallb.io/address-pool"];
    if (wantedPool !== undefined) {
      const named = this.#pools.filter((pool) => pool.spec.name === wantedPool && serves(pool.spec, spec));
      return this.#best(service, cluster, named);
    }
    const automatic = this.#pools.filter((pool) => pool.spec.autoAssign !== false);
    const rank = ({ spec: { priority = 0 } }: { readonly spec: PoolSpec }): number => priority || 1e9;
    const pinned = automatic
      .filter((pool) => isPinned(pool.spec) && serves(pool.spec, spec))
      .sort((a, b) => rank(a) - rank(b));
    const found = this.#best(service, cluster, pinned);
    return found.length > 0
      ? found
      : this.#best(
          service,
          cluster,
          automatic.filter((pool) => !isPinned(pool.spec)),
        );
  }

  #best(service: NaiveService, cluster: string, pools: readonly { readonly addresses: readonly string[] }[]) {
    const offers = pools.map(({ addresses }) => ({
      "4": addresses.find((ip) => !isV6(ip) && this.#free(service, ip)),
      "6": addresses.find((ip) => isV6(ip) && this.#free(service, ip)),
    }));
    const ready = (...ips: readonly (string | undefined)[]): readonly string[] => ips.flatMap((ip) => ip ?? []);
    if (cluster === "4" || cluster === "6") return ready(offers.map((offer) => offer[cluster]).find(Boolean));
    const both = offers.find((offer) => offer[4] !== undefined && offer[6] !== undefined);
    if (both !== undefined) return ready(both[4], both[6]);
    if (service.spec.policy !== "PreferDualStack") return [];
    const first4 = offers.map((offer) => offer[4]).find(Boolean);
    const first6 = offers.map((offer) => offer[6]).find(Boolean);
    return ready(service.spec.families?.[0] === "IPv6" ? (first6 ?? first4) : (first4 ?? first6));
  }

  #poolOf(ips: readonly string[]) {
    return this.#pools.find(({ addresses }) => ips.length > 0 && ips.every((ip) => addresses.includes(ip)));
  }

  #mayHold(service: NaiveService, ips: readonly string[]): boolean {
    const home = this.#poolOf(ips);
    return home !== undefined && serves(home.spec, service.spec) && ips.every((ip) => this.#free(service, ip));
  }

  /** Nobody else uses the address, or all who do share with the Service. */
  #free(service: NaiveService, ip: string): boolean {
    const others = [...this.#services.values()].filter((other) => other !== service && other.ips.includes(ip));
    return others.every((other) => mayShare(service.spec, other.spec));
  }
}

const desiredOf = (spec: ServiceSpec): readonly string[] | undefined =>
  spec.loadBalancerIP === undefined
    ? spec.annotations?.["metallb.io/loadBalancerIPs"]?.split(",")
    : [spec.loadBalancerIP];

const isPinned = (spec: PoolSpec): boolean =>
  spec.namespaces !== undefined || spec.serviceLabels !== undefined || spec.priority !== undefined;

function serves({ namespaces, serviceLabels }: PoolSpec, spec: ServiceSpec): boolean {
  if (namespaces !== undefined && !namespaces.includes(spec.namespace ?? "ns")) return false;
  return (
    serviceLabels === undefined ||
    serviceLabels.some((labels) => Object.entries(labels).every(([key, value]) => spec.labels?.[key] === value))
  );
}

export function mayShare(a: ServiceSpec, b: ServiceSpec): boolean {
  const keys = [a, b].map((spec) => spec.annotations?.["metallb.io/allow-shared-ip"] ?? "");
  const backends = [a, b].map((spec) => (spec.local === true ? JSON.stringify(spec.selector ?? {}) : ""));
  const ports = b.ports ?? ["TCP/80"];
  return (
    keys[0] !== "" &&
    keys[0] === keys[1] &&
    backends[0] === backends[1] &&
    !(a.ports ?? ["TCP/80"]).some((port) => ports.includes(port))
  );
}

function addressesOf(spec: PoolSpec): readonly string[] {
  return pool(spec).prefixes.flatMap((prefix) => {
    const { first, last, family } = rangeOf(prefix);
    const all = Array.from({ length: Number(last - first) + 1 }, (_, index) =>
      ipFromBigInt(first + BigInt(index), family),
    );
    return all.filter((ip) => spec.avoidBuggyIPs !== true || !/\.(0|255)$/.test(ip));
  });
}
