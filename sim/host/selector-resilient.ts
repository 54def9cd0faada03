// Linux Documentation/networking/nexthop-group-resilient.rst, and net/ipv4/nexthop.c: nh_res_group_rebalance,
// nh_res_table_upkeep, nh_res_bucket_should_migrate.
import { type Micros, millis, plus } from "../../impl/wire/time.ts";
import { type NextHop, nextHopKey } from "./next-hop.ts";
import { type Selector } from "./selector.ts";

export interface ResilientSettings {
  readonly buckets: number;
  /** A bucket that no packet used for so long may move to another next hop. */
  readonly idleTimer: Micros;
  /** After so long out of balance buckets move though they are in use; 0: never. */
  readonly unbalancedTimer: Micros;
}

/** Upkeep does not run more often. */
const LEAST_DELAY = millis(500);
const NEVER = Number.POSITIVE_INFINITY as Micros;

interface Member {
  readonly nextHop: NextHop;
  /** How many buckets its weight is worth. */
  readonly wants: number;
  has: number;
}

interface Bucket {
  member: Member | undefined;
  migratedAt: Micros;
  usedAt: Micros;
}

/** The hash names a bucket. When a next hop goes, only its buckets move; when one comes, it gets those that are idle. */
export class ResilientSelector implements Selector {
  readonly #settings: ResilientSettings;
  readonly #buckets: readonly Bucket[];
  /** Those with fewer buckets than they want; the first is served first. */
  #underweight: Member[] = [];
  #unbalancedSince = 0 as Micros;
  #deadline: Micros = NEVER;

  constructor(settings: ResilientSettings) {
    this.#settings = settings;
    this.#buckets = Array.from({ length: settings.buckets }, () => {
      return { member: undefined, migratedAt: 0 as Micros, usedAt: 0 as Micros };
    });
  }

  setNextHops(nextHops: readonly NextHop[], now: Micros): void {
    this.#catchUp(now);
    const wasBalanced = this.#underweight.length === 0;
    const members = new Map(this.#members(nextHops).map((member) => [nextHopKey(member.nextHop), member]));
    for (const bucket of this.#buckets) {
      bucket.member = bucket.member === undefined ? undefined : members.get(nextHopKey(bucket.member.nextHop));
      if (bucket.member !== undefined) bucket.member.has++;
    }
    // list_add puts each in front of those before it.
    this.#underweight = [...members.values()].filter(({ has, wants }) => has < wants).reverse();
    if (wasBalanced) this.#unbalancedSince = now;
    this.#upkeep(now);
  }

  #members(nextHops: readonly NextHop[]): readonly Member[] {
    const { length } = this.#buckets;
    const total = nextHops.reduce((sum, { weight }) => sum + weight, 0);
    let weights = 0;
    let before = 0;
    return nextHops.map((nextHop) => {
      weights += nextHop.weight;
      const upperBound = Math.floor((length * weights + (total >>> 1)) / total);
      const wants = upperBound - before;
      before = upperBound;
      return { nextHop, wants, has: 0 };
    });
  }

  /** Whether a next hop answers is not asked here (nexthop_select_path_res). */
  select(hash: number, now: Micros): NextHop | undefined {
    this.#catchUp(now);
    return this.#buckets[hash % this.#buckets.length]?.member?.nextHop;
  }

  used(hash: number, now: Micros): void {
    this.#catchUp(now);
    const bucket = this.#buckets[hash % this.#buckets.length];
    if (bucket !== undefined) bucket.usedAt = now;
  }

  /** Whose each bucket is, in their order. */
  owners(now: Micros): readonly (NextHop | undefined)[] {
    this.#catchUp(now);
    return this.#buckets.map(({ member }) => member?.nextHop);
  }

  /** Does what the kernel's timer would have done by now: between two looks no packet came. */
  #catchUp(now: Micros): void {
    while (this.#deadline <= now) this.#upkeep(this.#deadline);
  }

  #upkeep(now: Micros): void {
    const { idleTimer, unbalancedTimer } = this.#settings;
    let deadline = plus(now, unbalancedTimer > 0 ? unbalancedTimer : idleTimer);
    for (const bucket of this.#buckets) {
      const at = this.#movesAt(bucket, now);
      if (at <= now) this.#move(bucket, now);
      else if (at < deadline) deadline = at;
    }
    const soonest = plus(now, LEAST_DELAY);
    this.#deadline = this.#underweight.length === 0 ? NEVER : deadline > soonest ? deadline : soonest;
  }

  /** When a bucket may move to another next hop, if nothing uses it until then. */
  #movesAt({ member, usedAt, migratedAt }: Bucket, now: Micros): Micros {
    if (member === undefined) return now;
    if (member.has <= member.wants) return NEVER;
    const { idleTimer, unbalancedTimer } = this.#settings;
    const idleAt = usedAt === migratedAt ? now : plus(usedAt, idleTimer);
    if (unbalancedTimer === 0) return idleAt;
    const forcedAt = plus(this.#unbalancedSince, unbalancedTimer);
    return forcedAt < idleAt ? forcedAt : idleAt;
  }

  #move(bucket: Bucket, now: Micros): void {
    const [member] = this.#underweight;
    if (member === undefined) return;
    if (bucket.member !== undefined) bucket.member.has--;
    bucket.member = member;
    bucket.migratedAt = now;
    bucket.usedAt = now;
    if (++member.has >= member.wants) this.#underweight.shift();
  }
}
