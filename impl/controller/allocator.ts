import { type Pool } from "../api/config.ts";
import { type Family, familyOf, type Ip } from "../wire/ip.ts";
import { Address } from "./address.ts";
import { BlockIndex, isBuggy } from "./address-block.ts";
import { type Claim, type FamilyWish, shareIdOf } from "./claim.ts";
import { PoolChoice } from "./pool-choice.ts";
import { FAMILIES, type Place, type PoolBlock, PoolSpace } from "./pool-space.ts";
import { type PoolRefusal, type Refusal } from "./refusal.ts";

/** What a Service holds. */
export interface Allocation {
  /** As it was when the addresses were given. */
  readonly claim: Claim;
  readonly pool: PoolSpace;
  readonly ips: readonly Ip[];
  readonly addresses: readonly Address[];
}

/** A Service as the allocator sees it. Only the allocator writes it. */
export class Tenant {
  allocation: Allocation | undefined;
  /** Its place among those that hold something. */
  place = 0;
}

/** An address that more Services than before might use now. */
export interface Release {
  readonly pool: string;
  readonly family: Family;
  readonly address: Address;
}

export interface PoolCounters {
  readonly assignedIPv4: number;
  readonly assignedIPv6: number;
  readonly availableIPv4: bigint;
  readonly availableIPv6: bigint;
}

/** An address that a Service may have. */
interface Offer {
  readonly pool: PoolSpace;
  readonly places: readonly (Place | Address)[];
}

const isRefusal = (result: object): result is Refusal => "because" in result;

/** Tracks who holds which address of which pool. It decides nothing about when. */
export class Allocator {
  #pools: ReadonlyMap<string, PoolSpace> = new Map();
  #choice = new PoolChoice([]);
  #blocks = new BlockIndex<PoolBlock>([]);
  readonly #tenants: Tenant[] = [];
  #releases: Release[] = [];
  readonly #changedPools = new Set<string>();

  /** Services whose addresses no longer lie in one pool lose them. */
  setPools(pools: ReadonlyMap<string, Pool>): void {
    for (const name of this.#pools.keys()) this.#changedPools.add(name);
    this.#pools = new Map([...pools].map(([name, pool]) => [name, new PoolSpace(pool)]));
    for (const name of this.#pools.keys()) this.#changedPools.add(name);
    const spaces = [...this.#pools.values()];
    this.#choice = new PoolChoice(spaces);
    this.#blocks = new BlockIndex(spaces.flatMap((space) => space.blocks));
    this.#releases = [];
    for (const tenant of this.#tenants.splice(0)) {
      const { allocation } = tenant;
      tenant.allocation = undefined;
      if (allocation === undefined) continue;
      const located = this.#locate(allocation.ips);
      if (!isRefusal(located)) this.#hold(tenant, allocation.claim, located);
    }
  }

  get poolCount(): number {
    return this.#pools.size;
  }

  /** Why the claim may not hold exactly these addresses; undefined: it may. */
  check(claim: Claim, ips: readonly Ip[]): Refusal | undefined {
    const located = this.#checked(claim, ips);
    return isRefusal(located) ? located : undefined;
  }

  /** Gives the claim exactly these addresses, in place of those that the tenant holds. */
  assign(tenant: Tenant, claim: Claim, ips: readonly Ip[]): Refusal | undefined {
    const located = this.#checked(claim, ips);
    if (isRefusal(located)) return located;
    const held = tenant.allocation;
    if (held?.claim !== claim || !sameIps(held.ips, ips)) this.#hold(tenant, claim, located);
    return undefined;
  }

  /** Gives any address: of pools pinned to the Service, else of those for everybody. */
  allocate(tenant: Tenant, claim: Claim, wish: FamilyWish): Refusal | undefined {
    const offer = bestOffer(this.#choice.pinnedFor(claim), claim, wish) ?? bestOffer(this.#choice.general, claim, wish);
    if (offer === undefined) {
      const pools = this.#choice.explain(claim, (pool) => exhaustion(pool, claim, wish));
      return pools.length === 0 ? { because: "noPools" } : { because: "noneAvailable", pools };
    }
    this.#hold(tenant, claim, offer);
    return undefined;
  }

  allocateFrom(name: string, tenant: Tenant, claim: Claim, wish: FamilyWish): Refusal | undefined {
    const pool = this.#pools.get(name);
    if (pool === undefined) return { because: "unknownPool", pool: name };
    const why = pool.incompatibility(claim);
    if (why !== undefined) return { because: "poolNotCompatible", pool: name, why };
    const offer = bestOffer([pool], claim, wish);
    if (offer === undefined) {
      return { because: "poolExhausted", pool: name, family: wish.family, why: exhaustion(pool, claim, wish) };
    }
    this.#hold(tenant, claim, offer);
    return undefined;
  }

  /** Adds an address of the other family from the same pool to the one that the tenant holds. */
  addFamily(tenant: Tenant, claim: Claim): Refusal | Ip {
    const address = tenant.allocation?.addresses.at(0);
    if (address === undefined) throw new Error(`${claim.service} holds no address`);
    const { pool, family: present } = address.block.space;
    const family = present === "ipv4" ? "ipv6" : "ipv4";
    const place = pool[family].find(claim);
    if (place === undefined) {
      return { because: "poolExhausted", pool: pool.name, family, why: pool.exhaustion(family) };
    }
    this.#hold(tenant, claim, { pool, places: [address, place] });
    return place.block.ipAt(place.offset);
  }

  release(tenant: Tenant): void {
    const held = tenant.allocation;
    if (held === undefined) return;
    tenant.allocation = undefined;
    const last = this.#tenants.pop();
    if (last !== undefined && last !== tenant) {
      last.place = tenant.place;
      this.#tenants[last.place] = last;
    }
    held.pool.services -= 1;
    this.#changedPools.add(held.pool.name);
    for (const address of held.addresses) this.#leave(address, held.claim.service);
  }

  /** The pools that might serve the claim, were they not exhausted: those whose releases concern it. */
  candidates(claim: Claim): readonly string[] {
    return [...this.#choice.pinnedFor(claim), ...this.#choice.general].map(({ name }) => name);
  }

  /** Whether the claim might use a released address, in place of those that used it or beside those that do. */
  mightUse(claim: Claim, { address }: Release): boolean {
    const current = address.block.current(address);
    return current === undefined || (current.shareId !== "" && current.shareId === shareIdOf(claim));
  }

  /** Addresses given up since the last call. */
  takeReleases(): readonly Release[] {
    const releases = this.#releases;
    this.#releases = [];
    return releases;
  }

  /** Pools whose counters may have changed since the last call, vanished ones too; by name. */
  takeChangedPools(): readonly string[] {
    const names = [...this.#changedPools].sort();
    this.#changedPools.clear();
    return names;
  }

  pool(name: string): PoolSpace | undefined {
    return this.#pools.get(name);
  }

  counters(name: string): PoolCounters | undefined {
    const space = this.#pools.get(name);
    if (space === undefined) return undefined;
    const { ipv4, ipv6 } = space;
    return {
      assignedIPv4: ipv4.used,
      assignedIPv6: ipv6.used,
      availableIPv4: ipv4.capacity - BigInt(ipv4.used),
      availableIPv6: ipv6.capacity - BigInt(ipv6.used),
    };
  }

  #checked(claim: Claim, ips: readonly Ip[]): Offer | Refusal {
    const offer = this.#locate(ips);
    if (isRefusal(offer)) return offer;
    const why = offer.pool.incompatibility(claim);
    if (why !== undefined) return { because: "poolNotCompatible", pool: offer.pool.name, why };
    if (ips.length > 2) return { because: "tooManyAddresses", ips };
    const [first, second] = ips;
    if (first !== undefined && second !== undefined && familyOf(first) === familyOf(second)) {
      return { because: "sameFamily", ips };
    }
    for (const place of offer.places) {
      const refusal = place instanceof Address ? place.refusal(claim) : undefined;
      if (refusal !== undefined) return refusal;
    }
    return offer;
  }

  /** Where addresses lie, which must be in one pool. */
  #locate(ips: readonly Ip[]): Offer | Refusal {
    const places: Address[] = [];
    let pool: PoolSpace | undefined;
    for (const ip of ips) {
      const found = this.#blocks.find(ip);
      if (found === undefined) return { because: "notInPools", ips, detail: `no pool has ${ip}` };
      const { block, offset } = found;
      const owner = block.space.pool;
      if (owner.pool.avoidBuggyIPs && isBuggy(ip)) {
        return { because: "notInPools", ips, detail: `pool ${owner.name} avoids addresses that end in .0 or .255` };
      }
      pool ??= owner;
      if (pool !== owner) return { because: "notInPools", ips, detail: "they are not in one pool" };
      places.push(block.current({ ip, offset }) ?? new Address(ip, block, offset));
    }
    if (pool === undefined) throw new Error("no address was asked for");
    return { pool, places };
  }

  #hold(tenant: Tenant, claim: Claim, { pool, places }: Offer): void {
    const held = tenant.allocation;
    const addresses = places.map(addressAt);
    // Joining before leaving keeps an address that is in both.
    for (const address of addresses) this.#join(address, claim, held?.claim);
    for (const address of held?.addresses ?? []) {
      if (!addresses.includes(address)) this.#leave(address, claim.service);
    }
    if (held === undefined) {
      tenant.place = this.#tenants.length;
      this.#tenants.push(tenant);
    } else {
      held.pool.services -= 1;
      this.#changedPools.add(held.pool.name);
    }
    pool.services += 1;
    this.#changedPools.add(pool.name);
    tenant.allocation = { claim, pool, ips: addresses.map((address) => address.ip), addresses };
  }

  #join(address: Address, claim: Claim, before: Claim | undefined): void {
    const { space } = address.block;
    const shareId = address.shareId;
    if (address.unused) {
      space.take(address);
    } else if (before !== undefined) {
      address.remove(claim.service);
      const same = before.ports.join() === claim.ports.join() && shareIdOf(before) === shareIdOf(claim);
      if (!same) this.#noteRelease(address, shareId);
    }
    address.add(claim);
    if (shareId === address.shareId) return;
    space.leaveGroup(address, shareId);
    space.joinGroup(address, address.shareId);
  }

  #leave(address: Address, service: string): void {
    const { space } = address.block;
    const shareId = address.shareId;
    address.remove(service);
    if (address.unused) {
      space.leaveGroup(address, shareId);
      space.free(address);
    }
    this.#noteRelease(address, shareId);
  }

  #noteRelease(address: Address, shareId: string): void {
    const { block, offset } = address;
    this.#releases.push({ pool: block.space.pool.name, family: block.family, address });
    if (offset !== undefined && shareId !== "") block.groups.get(shareId)?.changed(offset);
  }
}

function addressAt(place: Place | Address): Address {
  if (place instanceof Address) return place;
  const { block, offset } = place;
  return block.holderAt(offset) ?? new Address(block.ipAt(offset), block, offset);
}

const sameIps = (a: readonly Ip[], b: readonly Ip[]): boolean =>
  a.length === b.length && a.every((ip, index) => ip === b[index]);

/** The first pool that has what is wished; of those that have half of it, the first with the primary family. */
function bestOffer(pools: readonly PoolSpace[], claim: Claim, wish: FamilyWish): Offer | undefined {
  let primary: Offer | undefined;
  let secondary: Offer | undefined;
  for (const pool of pools) {
    if (wish.family !== "dual") {
      const place = pool[wish.family].find(claim);
      if (place !== undefined) return { pool, places: [place] };
      continue;
    }
    const v4 = pool.ipv4.find(claim);
    const v6 = pool.ipv6.find(claim);
    if (v4 !== undefined && v6 !== undefined) return { pool, places: [v4, v6] };
    const [first, second] = wish.primary === "ipv4" ? [v4, v6] : [v6, v4];
    if (first !== undefined) primary ??= { pool, places: [first] };
    if (second !== undefined) secondary ??= { pool, places: [second] };
  }
  return wish.prefer ? (primary ?? secondary) : undefined;
}

/** What the pool lacks of the wish: a family that it has not at all, or one that is used up. */
function exhaustion(pool: PoolSpace, claim: Claim, { family }: FamilyWish): PoolRefusal {
  if (family !== "dual") return pool.exhaustion(family);
  const lacking = FAMILIES.find((each) => pool[each].blocks.length === 0);
  return pool.exhaustion(lacking ?? (pool.ipv4.find(claim) === undefined ? "ipv4" : "ipv6"));
}
