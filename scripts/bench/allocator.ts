import { Allocator, Tenant } from "../../impl/controller/allocator.ts";
import { type Claim, type FamilyWish } from "../../impl/controller/claim.ts";
import { type Family } from "../../impl/wire/ip.ts";
import { type Benchmark, type Result } from "./benchmark.ts";
import { poolOf } from "./objects.ts";
import { compare, time } from "./timing.ts";

const OPERATIONS = 100_000;
const MOVING = 100;

interface Holder {
  readonly tenant: Tenant;
  readonly claim: Claim;
}

const wish = (family: Family): FamilyWish => ({ family, prefer: false, primary: family });

function holders(count: number): readonly Holder[] {
  return Array.from({ length: count }, (_, index) => ({
    tenant: new Tenant(),
    claim: {
      service: `default/s${index}`,
      namespace: "default",
      labels: {},
      ports: ["TCP/80"],
      sharing: "",
      backend: "",
    },
  }));
}

function allocatorOf(prefix: string): Allocator {
  const allocator = new Allocator();
  allocator.setPools(new Map([["pool", poolOf("pool", prefix)]]));
  return allocator;
}

function allocateAll(allocator: Allocator, all: readonly Holder[], family: Family): void {
  for (const { tenant, claim } of all) {
    const refusal = allocator.allocate(tenant, claim, wish(family));
    if (refusal !== undefined) throw new Error(`${claim.service}: ${refusal.because}`);
  }
}

/** Every address of a pool, from the first to the last. */
function fill(prefix: string, family: Family, size: number, rounds: number): Result {
  const services = holders(size);
  const took = time(
    () => {
      const allocator = allocatorOf(prefix);
      for (const { tenant } of services) tenant.allocation = undefined;
      allocateAll(allocator, services, family);
    },
    { rounds, warmUps: 1 },
  );
  return {
    benchmark: `allocator: fill ${prefix} (${size} addresses)`,
    value: (size / took) * 1000,
    unit: "allocations/s",
  };
}

/**
 * Services give their address back and are given one again, while `used` addresses are in use. They are the same few all
 * over the pool, so that the figure tells of the pool and not of the processor's caches.
 */
function churn(prefix: string, family: Family, used: number): () => void {
  const allocator = allocatorOf(prefix);
  const services = holders(used);
  allocateAll(allocator, services, family);
  const few = services.filter((_, index) => index % (used / MOVING) === 0);
  return () => {
    for (let round = 0; round < OPERATIONS / MOVING; round++) {
      for (const { tenant, claim } of few) {
        allocator.release(tenant);
        allocator.allocate(tenant, claim, wish(family));
      }
      allocator.takeReleases();
    }
  };
}

function fullness(prefix: string, family: Family): readonly Result[] {
  const { one, ratio } = compare(churn(prefix, family, 60_000), churn(prefix, family, 100));
  const name = `allocator: release and allocate in ${prefix}, 60,000 used`;
  return [
    {
      benchmark: name,
      value: (OPERATIONS / one) * 1000,
      unit: "pairs/s",
      ratio: { value: ratio, of: "cost to that with 100 used" },
      aim: { of: "value", atLeast: 1_000_000 },
    },
    {
      benchmark: `${name}: cost`,
      value: (one / OPERATIONS) * 1000,
      unit: "µs",
      ratio: { value: ratio, of: "to that with 100 used" },
      aim: { of: "ratio", atMost: 1.2 },
    },
  ];
}

export const allocator: Benchmark = {
  name: "allocator",
  run: () => [
    fill("10.0.0.0/16", "ipv4", 65_536, 5),
    fill("2001:db8::/108", "ipv6", 1_048_576, 1),
    ...fullness("10.0.0.0/16", "ipv4"),
    ...fullness("2001:db8::/108", "ipv6"),
  ],
};
