import { micros } from "../../impl/wire/time.ts";
import { type Prefix } from "../../impl/wire/prefix.ts";
import { type StaticRoute } from "./config/model.ts";
import { type Daemon } from "./daemon.ts";
import { Fib } from "./fib.ts";
import { type NextHops, type Way } from "./next-hops.ts";

/** Packets that go nowhere end here. */
const BLACKHOLE: Way = { via: undefined, device: "lo" };

/** `ip route` of the configuration: in the kernel while its next hop can be reached. */
export class StaticRoutes {
  readonly #fib: Fib;
  readonly #nextHops: NextHops;
  #installed = new Map<Prefix, readonly Way[]>();

  constructor(daemon: Daemon, vrf: string | undefined, nextHops: NextHops) {
    this.#fib = new Fib(daemon, vrf, micros(0), () => nextHops.forget());
    this.#nextHops = nextHops;
  }

  has(prefix: Prefix): boolean {
    return this.#installed.has(prefix);
  }

  apply(routes: readonly StaticRoute[]): void {
    const wanted = new Map<Prefix, readonly Way[]>();
    // Those of the smallest distance that can be used share the load.
    for (const [prefix, all] of Map.groupBy(routes, (route) => route.prefix)) {
      const usable = all.flatMap((route) => ({ distance: route.distance, ways: this.#waysOf(route) }));
      const reached = usable.filter(({ ways }) => ways.length > 0);
      const least = Math.min(...reached.map(({ distance }) => distance));
      const ways = reached.filter(({ distance }) => distance === least).flatMap((each) => each.ways);
      if (ways.length > 0) wanted.set(prefix, ways);
    }
    for (const prefix of this.#installed.keys()) if (!wanted.has(prefix)) this.#fib.set(prefix, []);
    for (const [prefix, ways] of wanted) this.#fib.set(prefix, ways);
    this.#installed = wanted;
  }

  #waysOf({ prefix, to }: StaticRoute): readonly Way[] {
    if (to.kind === "blackhole") return [BLACKHOLE];
    if (to.kind === "device") return [{ via: undefined, device: to.device }];
    return this.#nextHops.resolve(to.via, to.device, prefix)?.ways ?? [];
  }
}
