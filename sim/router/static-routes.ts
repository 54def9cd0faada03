import { type Prefix } from "../../impl/wire/prefix.ts";
import { type StaticRoute } from "./config/model.ts";
import { type Candidate, type Fib } from "./fib.ts";
import { type NextHops, type Way } from "./next-hops.ts";

/** Packets that go nowhere end here. */
const BLACKHOLE: Way = { via: undefined, device: "lo" };
const GONE: Candidate = { ways: [], distance: 0 };

/** `ip route` of the configuration: in the kernel while its next hop can be reached. */
export class StaticRoutes {
  readonly #fib: Fib;
  readonly #nextHops: NextHops;
  #offered = new Map<Prefix, Candidate>();

  constructor(fib: Fib, nextHops: NextHops) {
    this.#fib = fib;
    this.#nextHops = nextHops;
  }

  has(prefix: Prefix): boolean {
    return this.#offered.has(prefix);
  }

  apply(routes: readonly StaticRoute[]): void {
    const former = this.#offered;
    this.#offered = new Map();
    for (const [prefix, all] of Map.groupBy(routes, (route) => route.prefix)) {
      const candidate = this.#candidate(all);
      if (candidate.ways.length > 0) this.#offered.set(prefix, candidate);
    }
    for (const prefix of former.keys()) if (!this.has(prefix)) this.#fib.set("static", prefix, GONE);
    for (const [prefix, candidate] of this.#offered) this.#fib.set("static", prefix, candidate);
  }

  /** Those of the least distance that can be used share the load. */
  #candidate(routes: readonly StaticRoute[]): Candidate {
    const usable = routes
      .map((route) => ({ distance: route.distance, ways: this.#waysOf(route) }))
      .filter(({ ways }) => ways.length > 0);
    const distance = Math.min(...usable.map((each) => each.distance));
    return { distance, ways: usable.filter((each) => each.distance === distance).flatMap(({ ways }) => ways) };
  }

  #waysOf({ prefix, to }: StaticRoute): readonly Way[] {
    if (to.kind === "blackhole") return [BLACKHOLE];
    if (to.kind === "device") return [{ via: undefined, device: to.device }];
    return this.#nextHops.resolve(to.via, to.device, prefix)?.ways ?? [];
  }
}
