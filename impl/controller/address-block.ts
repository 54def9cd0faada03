import { type Family, type Ip, ipFromBigInt, ipToBigInt, isIpv4 } from "../wire/ip.ts";
import { bitsOf, lengthOf, type Prefix, prefixFamily, rangeOf } from "../wire/prefix.ts";
import { OffsetMap } from "./offset-map.ts";

/** Addresses further from the start than this are given only by name: nobody walks past four thousand million used ones. */
const WINDOW_BITS = 32;
const MAX_INT64 = 2n ** 63n - 1n;

/** An IPv4 address that ends in .0 or .255, which some firmware takes for a broadcast. */
export const isBuggy = (ip: Ip): boolean => isIpv4(ip) && /\.(?:0|255)$/.test(ip);

/** One prefix of a pool, and who has which of its addresses. */
export class AddressBlock<Holder> {
  readonly prefix: Prefix;
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  readonly #holders: OffsetMap<Holder>;
  readonly #avoidBuggy: boolean;
  readonly #format: (offset: number) => Ip;

  constructor(prefix: Prefix, avoidBuggyIPs: boolean) {
    this.prefix = prefix;
    this.family = prefixFamily(prefix);
    const { first, last } = rangeOf(prefix);
    this.first = first;
    this.last = last;
    this.#avoidBuggy = avoidBuggyIPs && this.family === "ipv4";
    const lowByte = Number(first & 0xffn);
    this.#holders = new OffsetMap<Holder>(
      Math.min(this.#hostBits, WINDOW_BITS),
      this.#avoidBuggy ? (leafStart) => buggyBits(lowByte, leafStart) : undefined,
    );
    this.#format = this.family === "ipv4" ? ipv4Formatter(Number(first)) : ipv6Formatter(first);
  }

  get #hostBits(): number {
    return bitsOf(this.family) - lengthOf(this.prefix);
  }

  ipAt(offset: number): Ip {
    return this.#format(offset);
  }

  /** Where an address of this block lies; undefined beyond the window. */
  offsetOf(address: bigint): number | undefined {
    const offset = address - this.first;
    return offset < 2n ** BigInt(WINDOW_BITS) ? Number(offset) : undefined;
  }

  holderAt(offset: number): Holder | undefined {
    return this.#holders.get(offset);
  }

  take(offset: number, holder: Holder): void {
    this.#holders.set(offset, holder);
  }

  free(offset: number): void {
    this.#holders.delete(offset);
  }

  firstFree(): number | undefined {
    return this.#holders.firstAbsent();
  }

  /** How many addresses can be given; where nobody can count that far, the largest int64. */
  get capacity(): bigint {
    if (this.#hostBits >= 62) return MAX_INT64;
    const size = 2n ** BigInt(this.#hostBits);
    if (!this.#avoidBuggy) return size;
    if (this.#hostBits >= 8) return size - size / 128n;
    const ends = new Set([this.first, this.last]);
    return size - BigInt([...ends].filter((end) => isBuggy(ipFromBigInt(end, "ipv4"))).length);
  }
}

/** Of the 32 addresses from `leafStart`, those that end in .0 or .255. */
function buggyBits(lowByteOfBlock: number, leafStart: number): number {
  let bits = 0;
  for (let index = 0; index < 32; index++) {
    const lowByte = (lowByteOfBlock + leafStart + index) % 256;
    if (lowByte === 0 || lowByte === 255) bits |= 1 << index;
  }
  return bits;
}

function ipv4Formatter(base: number): (offset: number) => Ip {
  return (offset) => {
    const value = base + offset;
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}` as Ip;
  };
}

/** The text only differs in its last two groups, but where "::" may fall there (RFC 5952 section 4.2). */
function ipv6Formatter(base: bigint): (offset: number) => Ip {
  const high = (base >> 32n) << 32n;
  const low = Number(base & 0xffff_ffffn);
  const beforeTwo = ipFromBigInt(high + 0x1_0001n, "ipv6").slice(0, -"1:1".length);
  const beforeOne = ipFromBigInt(high + 1n, "ipv6").slice(0, -"1".length);
  const mapped = high === 0xffff_0000_0000n;
  return (offset) => {
    const value = low + offset;
    const upper = value >>> 16;
    const lower = value & 0xffff;
    if (mapped || lower === 0) return ipFromBigInt(base + BigInt(offset), "ipv6");
    const text = upper === 0 ? beforeOne : `${beforeTwo}${upper.toString(16)}:`;
    return `${text}${lower.toString(16)}` as Ip;
  };
}

/** The block that holds an address, among blocks that do not overlap. */
export class BlockIndex<T extends AddressBlock<unknown>> {
  readonly #blocks: Readonly<Record<Family, readonly T[]>>;

  constructor(blocks: Iterable<T>) {
    const sorted = [...blocks].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
    this.#blocks = {
      ipv4: sorted.filter((block) => block.family === "ipv4"),
      ipv6: sorted.filter((block) => block.family === "ipv6"),
    };
  }

  find(ip: Ip): { readonly block: T; readonly offset: number | undefined } | undefined {
    const blocks = this.#blocks[isIpv4(ip) ? "ipv4" : "ipv6"];
    const address = ipToBigInt(ip);
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((blocks[middle]?.first ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    const block = blocks[low - 1];
    if (block === undefined || address > block.last) return undefined;
    return { block, offset: block.offsetOf(address) };
  }
}
