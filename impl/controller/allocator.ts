import { type Pool } from "../api/config.ts";
import { type Family, familyOf, type Ip } from "../wire/ip.ts";
import { Address } from "./address.ts";
import { BlockIndex, isBuggy } from "./address-block.ts";
import { type Claim, type FamilyWish, shareIdOf } from "./claim.ts";
import { PoolChoice } from "./pool-choice.ts";
import { type Place, type PoolBlock, PoolSpace } from "./pool-space.ts";
import { type PoolRefusal, type Refusal } from "./refusal.ts";

/** What a Service holds. */
export interface Allocation {
  readonly claim: Claim;
  readonly pool: string;
  readonly ips: readonly Ip[];
}

interface Holding extends Allocation {
  readonly space: PoolSpace;
  readonly addresses: readonly Address[];
}

/** An address that more Services than before might use now. */
export interface Release {
  readonly pool: string;
  readonly family: Family;
  readonly ip: Ip;
}

export interface PoolCounters {
  readonly assignedIPv4: number;
  readonly assignedIPv6: number;
  readonly availableIPv4: bigint;
  readonly availableIPv6: bigint;
}

/** An address that a Service may have. */
interface Offer {
  readonly space: PoolSpace;
  readonly places: readonly (Place | Address)[];
}

const isRefusal = (result: object): result is Refusal => "because" in result;

/** Tracks who holds which address of which pool. It decides nothing about when. */
export class Allocator {
  #pools: ReadonlyMap<string, PoolSpace> = new Map();
  #choice = new PoolChoice([]);
  #blocks = new BlockIndex<PoolBlock>([]);
  readonly #holdings = new Map<string, Holding>();
  readonly #addresses = new Map<Ip, Address>();
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
    const holdings = [...this.#holdings.values()];
    this.#holdings.clear();
    this.#addresses.clear();
    this.#releases = [];
    for (const { claim, ips } of holdings) {
      const located = this.#locate(ips);
      if (!isRefusal(located)) this.#hold(claim, located);
    }
  }

  get poolCount(): number {
    return this.#pools.size;
  }

  allocation(service: string): Allocation | undefined {
    return this.#holdings.get(service);
  }

  /** Whether all addresses lie in one pool. */
  inOnePool(ips: readonly Ip[]): boolean {
    return !isRefusal(this.#locate(ips));
  }

  /** Why the claim may not hold exactly these addresses; undefined: it may. */
  check(claim: Claim, ips: readonly Ip[]): Refusal | undefined {
    const located = this.#checked(claim, ips);
    return isRefusal(located) ? located : undefined;
  }

  /** Gives the claim exactly these addresses, in place of those it holds. */
  assign(claim: Claim, ips: readonly Ip[]): Refusal | undefined {
    const held = this.#holdings.get(claim.service);
    if (held !== undefined && held.claim === claim && sameIps(held.ips, ips)) return undefined;
    const located = this.#checked(claim, ips);
    if (isRefusal(located)) return located;
    this.#hold(claim, located);
    return undefined;
  }

  /** Gives any address: of pools pinned to the Service, else of those for everybody. */
  allocate(claim: Claim, wish: FamilyWish): Refusal | undefined {
    const offer = bestOffer(this.#choice.pinnedFor(claim), claim, wish) ?? bestOffer(this.#choice.general, claim, wish);
    if (offer === undefined) {
      const pools = this.#choice.explain(claim, (space) => exhaustion(space, claim, wish));
      return pools.length === 0 ? { because: "noPools" } : { because: "noneAvailable", pools };
    }
    this.#hold(claim, offer);
    return undefined;
  }

  allocateFrom(pool: string, claim: Claim, wish: FamilyWish): Refusal | undefined {
    const space = this.#pools.get(pool);
    if (space === undefined) return { because: "unknownPool", pool };
    const why = space.incompatibility(claim);
    if (why !== undefined) return { because: "poolNotCompatible", pool, why };
    const offer = bestOffer([space], claim, wish);
    if (offer === undefined) {
      return { because: "poolExhausted", pool, family: wish.family, why: exhaustion(space, claim, wish) };
    }
    this.#hold(claim, offer);
    return undefined;
  }

  /** Adds an address of the other family from the same pool to the one that the claim holds. */
  addFamily(claim: Claim): Refusal | Ip {
    const held = this.#holdings.get(claim.service);
    const address = held?.addresses.at(0);
    if (held === undefined || address === undefined) throw new Error(`${claim.service} holds no address`);
    const family = address.block.family === "ipv4" ? "ipv6" : "ipv4";
    const place = held.space[family].find(claim);
    if (place === undefined) {
      return { because: "poolExhausted", pool: held.pool, family, why: held.space.exhaustion(family) };
    }
    this.#hold(claim, { space: held.space, places: [address, place] });
    return place.block.ipAt(place.offset);
  }

  /** False where the Service held nothing. */
  release(service: string): boolean {
    const held = this.#holdings.get(service);
    if (held === undefined) return false;
    this.#holdings.delete(service);
    held.space.services -= 1;
    this.#changedPools.add(held.pool);
    for (const address of held.addresses) this.#leave(address, service);
    return true;
  }

  /** The pools that might serve the claim, were they not exhausted: those whose releases concern it. */
  candidates(claim: Claim): readonly string[] {
    return [...this.#choice.pinnedFor(claim), ...this.#choice.general].map(({ pool }) => pool.name);
  }

  /** Whether the claim might use the address beside, or in place of, those that use it now. */
  mightUse(claim: Claim, ip: Ip): boolean {
    const address = this.#addresses.get(ip);
    return address === undefined || (address.shareId !== "" && address.shareId === shareIdOf(claim));
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
    const why = offer.space.incompatibility(claim);
    if (why !== undefined) return { because: "poolNotCompatible", pool: offer.space.pool.name, why };
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
    const places: (Place | Address)[] = [];
    let space: PoolSpace | undefined;
    for (const ip of ips) {
      const found = this.#addresses.get(ip) ?? this.#find(ip);
      if (found === undefined) return { because: "notInPools", ips, detail: `no pool has ${ip}` };
      const { pool } = found.block.space.pool;
      if (pool.avoidBuggyIPs && isBuggy(ip)) {
        return { because: "notInPools", ips, detail: `pool ${pool.name} avoids addresses that end in .0 or .255` };
      }
      space ??= found.block.space.pool;
      if (space !== found.block.space.pool) return { because: "notInPools", ips, detail: "they are not in one pool" };
      places.push(found);
    }
    if (space === undefined) throw new Error("no address was asked for");
    return { space, places };
  }

  /** An address that nobody uses. */
  #find(ip: Ip): Place | Address | undefined {
    const found = this.#blocks.find(ip);
    if (found === undefined) return undefined;
    const { block, offset } = found;
    return offset === undefined ? new Address(ip, block, undefined) : { block, offset };
  }

  #hold(claim: Claim, offer: Offer): void {
    const held = this.#holdings.get(claim.service);
    const addresses = offer.places.map((place) => this.#addressAt(place));
    // Joining before leaving keeps an address that is in both.
    for (const address of addresses) this.#join(address, claim, held?.claim);
    for (const address of held?.addresses ?? []) {
      if (!addresses.includes(address)) this.#leave(address, claim.service);
    }
    if (held !== undefined) {
      held.space.services -= 1;
      this.#changedPools.add(held.pool);
    }
    const { name } = offer.space.pool;
    offer.space.services += 1;
    this.#changedPools.add(name);
    const ips = addresses.map((address) => address.ip);
    this.#holdings.set(claim.service, { claim, pool: name, ips, space: offer.space, addresses });
  }

  #addressAt(place: Place | Address): Address {
    if (place instanceof Address) return place;
    const ip = place.block.ipAt(place.offset);
    return this.#addresses.get(ip) ?? new Address(ip, place.block, place.offset);
  }

  #join(address: Address, claim: Claim, before: Claim | undefined): void {
    const { space } = address.block;
    const shareId = address.shareId;
    if (address.unused) {
      this.#addresses.set(address.ip, address);
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
      this.#addresses.delete(address.ip);
    }
    this.#noteRelease(address, shareId);
  }

  #noteRelease(address: Address, shareId: string): void {
    const { space } = address.block;
    this.#releases.push({ pool: space.pool.pool.name, family: space.family, ip: address.ip });
    if (address.offset !== undefined) address.block.groups.get(shareId)?.changed(address.offset);
  }
}

const sameIps = (a: readonly Ip[], b: readonly Ip[]): boolean =>
  a.length === b.length && a.every((ip, index) => ip === b[index]);

/** The first pool that has what is wished; of those that have half of it, the first with the primary family. */
function bestOffer(pools: readonly PoolSpace[], claim: Claim, wish: FamilyWish): Offer | undefined {
  let primary: Offer | undefined;
  let secondary: Offer | undefined;
  for (const space of pools) {
    if (wish.family !== "dual") {
      const place = space[wish.family].find(claim);
      if (place !== undefined) return { space, places: [place] };
      continue;
    }
    const v4 = space.ipv4.find(claim);
    const v6 = space.ipv6.find(claim);
    if (v4 !== undefined && v6 !== undefined) return { space, places: [v4, v6] };
    const [first, second] = wish.primary === "ipv4" ? [v4, v6] : [v6, v4];
    if (first !== undefined) primary ??= { space, places: [first] };
    if (second !== undefined) secondary ??= { space, places: [second] };
  }
  return wish.prefer ? (primary ?? secondary) : undefined;
}

/** Which half of the wish the pool cannot fulfil. */
function exhaustion(space: PoolSpace, claim: Claim, { family }: FamilyWish): PoolRefusal {
  if (family !== "dual") return space.exhaustion(family);
  return space.exhaustion(space.ipv4.find(claim) === undefined ? "ipv4" : "ipv6");
}
