import { Allocator, Tenant } from "../../impl/controller/allocator.ts";
import { type Claim, type FamilyWish } from "../../impl/controller/claim.ts";
import { type Family } from "../../impl/wire/ip.ts";
import { type Benchmark, type Result } from "./benchmark.ts";
import { poolOf } from "./objects.ts";
import { compare, draws, time } from "./timing.ts";

const OPERATIONS = 200_000;
const MOVING = 100;
const FULL = 60_000;

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
    benchmark: `allocator: fill ${prefix}`,
    value: (size / took) * 1000,
    unit: "allocations/s",
  };
}

/**
 * Services give their address back and are given one again, while `used` addresses are in use. Where it is the same
 * `moving` ones again and again, the figure tells of the pool and not of the processor's caches.
 */
function churn(prefix: string, family: Family, used: number, moving: number): () => void {
  const allocator = allocatorOf(prefix);
  const services = holders(used);
  allocateAll(allocator, services, family);
  const movers = services.filter((_, index) => index % (used / moving) === 0);
  const draw = draws();
  return () => {
    for (let operation = 0; operation < OPERATIONS; operation++) {
      const { tenant, claim } = movers[draw(moving)] ?? { tenant: new Tenant(), claim: undefined };
      if (claim === undefined) continue;
      allocator.release(tenant);
      allocator.allocate(tenant, claim, wish(family));
      if (operation % MOVING === 0) allocator.takeReleases();
    }
  };
}

function fullness(prefix: string, family: Family): readonly Result[] {
  const small = churn(prefix, family, MOVING, MOVING);
  const row = (who: string, moving: number): readonly Result[] => {
    const { one, ratio } = compare(churn(prefix, family, FULL, moving), small);
    const benchmark = `allocator: release and allocate in ${prefix}, 60,000 used, ${who}`;
    return [
      {
        benchmark,
        value: (2 * OPERATIONS * 1000) / one,
        unit: "operations/s",
        aim: { of: "value", atLeast: 1_000_000 },
      },
      {
        benchmark: `${benchmark}: one operation`,
        value: (one / (2 * OPERATIONS)) * 1000,
        unit: "µs",
        ratio: { value: ratio, of: "to that with 100 used" },
        aim: { of: "ratio", atMost: 1.2 },
      },
    ];
  };
  return [...row("100 of them move", MOVING), ...row("any of them move", FULL)];
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
