import { type Pool } from "../api/config.ts";
import { matchesAny } from "../api/selector.ts";
import { type Family, type Ip } from "../wire/ip.ts";
import { bitsOf, lengthOf, type Prefix } from "../wire/prefix.ts";
import { type Address } from "./address.ts";
import { AddressBlock } from "./address-block.ts";
import { type Claim, shareIdOf } from "./claim.ts";
import { OffsetMap } from "./offset-map.ts";
import { type PoolRefusal } from "./refusal.ts";
import { SharingGroup } from "./sharing-group.ts";

const MAX_INT64 = 2n ** 63n - 1n;
export const FAMILIES = ["ipv4", "ipv6"] as const;

/** A prefix of a pool. */
export class PoolBlock extends AddressBlock<Address> {
  readonly space: FamilySpace;
  /** Its place among the pool's prefixes of this family. */
  readonly index: number;
  readonly groups = new Map<string, SharingGroup>();
  /** Those out of reach of a search. */
  readonly #far = new Map<Ip, Address>();
  readonly #groupBits: number;

  constructor(prefix: Prefix, avoidBuggyIPs: boolean, space: FamilySpace, index: number) {
    super(prefix, avoidBuggyIPs);
    this.space = space;
    this.index = index;
    this.#groupBits = Math.min(bitsOf(this.family) - lengthOf(prefix), 32);
  }

  /** Who has the address now. */
  current({ ip, offset }: Pick<Address, "ip" | "offset">): Address | undefined {
    return offset === undefined ? this.#far.get(ip) : this.holderAt(offset);
  }

  occupy(address: Address): void {
    if (address.offset === undefined) this.#far.set(address.ip, address);
    else this.take(address.offset, address);
  }

  vacate({ ip, offset }: Address): void {
    if (offset === undefined) this.#far.delete(ip);
    else this.free(offset);
  }

  group(shareId: string): SharingGroup {
    let group = this.groups.get(shareId);
    if (group === undefined) {
      group = new SharingGroup(this.#groupBits);
      this.groups.set(shareId, group);
    }
    return group;
  }
}

/** A free address, or one that may be shared. */
export interface Place {
  readonly block: PoolBlock;
  readonly offset: number;
}

/** The prefixes of one family in a pool, in the order in which they are used. */
export class FamilySpace {
  readonly pool: PoolSpace;
  readonly family: Family;
  readonly blocks: readonly PoolBlock[];
  readonly capacity: bigint;
  /** Distinct addresses in use. */
  used = 0;
  readonly #fullBlocks: OffsetMap<true>;
  /** By sharing: in which blocks there are such addresses. */
  readonly #sharedIn = new Map<string, OffsetMap<true>>();
  readonly #indexBits: number;

  constructor(pool: PoolSpace, family: Family) {
    this.pool = pool;
    this.family = family;
    const { avoidBuggyIPs, prefixes } = pool.pool;
    this.blocks = prefixes
      .filter((prefix) => prefix.includes(":") === (family === "ipv6"))
      .map((prefix, index) => new PoolBlock(prefix, avoidBuggyIPs, this, index));
    const capacity = this.blocks.reduce((sum, block) => sum + block.capacity, 0n);
    this.capacity = capacity > MAX_INT64 ? MAX_INT64 : capacity;
    this.#indexBits = Math.ceil(Math.log2(Math.max(1, this.blocks.length)));
    this.#fullBlocks = new OffsetMap<true>(this.#indexBits);
    for (const block of this.blocks) this.#noteFullness(block);
  }

  /** The first address in order that the claim may use, free or shared. */
  find(claim: Claim): Place | undefined {
    const blockIndex = this.#fullBlocks.firstAbsent();
    const block = blockIndex === undefined ? undefined : this.blocks[blockIndex];
    const offset = block?.firstFree();
    const shareId = shareIdOf(claim);
    if (shareId !== "") {
      const shared = this.#findShared(claim, shareId, block?.index ?? Number.MAX_SAFE_INTEGER, offset);
      if (shared !== undefined) return shared;
    }
    return block === undefined || offset === undefined ? undefined : { block, offset };
  }

  /** The first shared address before `limit` of block `lastIndex`. */
  #findShared(claim: Claim, shareId: string, lastIndex: number, limit = 0): Place | undefined {
    const order = this.#sharedIn.get(shareId);
    if (order === undefined) return undefined;
    for (let index = order.next(0); index !== undefined && index <= lastIndex; index = order.next(index + 1)) {
      const block = this.blocks[index];
      const bound = index === lastIndex ? limit : Number.MAX_SAFE_INTEGER;
      const offset = block?.groups.get(shareId)?.find(claim, bound);
      if (block !== undefined && offset !== undefined) return { block, offset };
    }
    return undefined;
  }

  take(address: Address): void {
    this.used += 1;
    address.block.occupy(address);
    this.#noteFullness(address.block);
  }

  free(address: Address): void {
    this.used -= 1;
    address.block.vacate(address);
    this.#noteFullness(address.block);
  }

  joinGroup(address: Address, shareId: string): void {
    if (shareId === "" || address.offset === undefined) return;
    address.block.group(shareId).add(address.offset, address);
    let order = this.#sharedIn.get(shareId);
    if (order === undefined) {
      order = new OffsetMap<true>(this.#indexBits);
      this.#sharedIn.set(shareId, order);
    }
    order.set(address.block.index, true);
  }

  leaveGroup(address: Address, shareId: string): void {
    if (shareId === "" || address.offset === undefined) return;
    const { block } = address;
    const group = block.group(shareId);
    group.delete(address.offset);
    if (!group.empty) return;
    block.groups.delete(shareId);
    const order = this.#sharedIn.get(shareId);
    order?.delete(block.index);
    if (order?.empty === true) this.#sharedIn.delete(shareId);
  }

  #noteFullness(block: PoolBlock): void {
    const full = block.firstFree() === undefined;
    if (full === (this.#fullBlocks.get(block.index) !== undefined)) return;
    if (full) this.#fullBlocks.set(block.index, true);
    else this.#fullBlocks.delete(block.index);
  }
}

/** A pool and what is in use of it. */
export class PoolSpace {
  readonly pool: Pool;
  readonly ipv4: FamilySpace;
  readonly ipv6: FamilySpace;
  /** Services with an address of this pool. */
  services = 0;

  constructor(pool: Pool) {
    this.pool = pool;
    this.ipv4 = new FamilySpace(this, "ipv4");
    this.ipv6 = new FamilySpace(this, "ipv6");
  }

  get name(): string {
    return this.pool.name;
  }

  get blocks(): readonly PoolBlock[] {
    return FAMILIES.flatMap((family) => this[family].blocks);
  }

  /** Why the pool does not serve the Service at all. */
  incompatibility(claim: Claim): PoolRefusal | undefined {
    const { allocation, name } = this.pool;
    if (allocation === undefined) return undefined;
    const { namespaces, serviceSelectors } = allocation;
    if (namespaces.size > 0 && !namespaces.has(claim.namespace)) {
      return { because: "namespace", pool: name, namespace: claim.namespace };
    }
    if (serviceSelectors.length > 0 && !matchesAny(serviceSelectors, claim.labels)) {
      return { because: "serviceSelector", pool: name };
    }
    return undefined;
  }

  /** Why the pool has no address of a family to give. */
  exhaustion(family: Family): PoolRefusal {
    return { because: this[family].blocks.length === 0 ? "family" : "full", pool: this.pool.name, family };
  }
}
