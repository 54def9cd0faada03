// Follows by what routes the routers forward to addresses of Services.
import { type Ip } from "../../../impl/wire/ip.ts";
import { type Prefix, readPrefix } from "../../../impl/wire/prefix.ts";
import { type Micros, minus } from "../../../impl/wire/time.ts";
import { type World } from "../../world.ts";
import { type Timeline } from "../timeline.ts";
import { counted, few } from "../words.ts";

/** A router forwards a prefix in another way than before. */
export interface RouteChange {
  readonly at: Micros;
  readonly router: string;
  readonly prefix: Prefix;
  /** Names of nodes and routers, sorted; none: there is no route. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export class RouteWatch {
  readonly #world: Pick<World, "router" | "routers">;
  readonly #timeline: Timeline;
  readonly #nameOf: (ip: Ip) => string;
  readonly #changes: RouteChange[] = [];
  /** By router and prefix. */
  readonly #ways = new Map<string, Map<Prefix, readonly string[]>>();
  /** By router: neighbours whose routes are kept although their session is gone. */
  readonly #stale = new Map<string, ReadonlySet<string>>();

  /** `nameOf` finds the station that has an address. */
  constructor(world: Pick<World, "router" | "routers">, timeline: Timeline, nameOf: (ip: Ip) => string) {
    this.#world = world;
    this.#timeline = timeline;
    this.#nameOf = nameOf;
  }

  get changes(): readonly RouteChange[] {
    return this.#changes;
  }

  /** Where a router sends the first prefix that it heard of; undefined where none has a route. */
  get firstWay(): string | undefined {
    for (const ways of this.#ways.values()) for (const [way] of ways.values()) if (way !== undefined) return way;
    return undefined;
  }

  async look(at: Micros): Promise<void> {
    for (const router of this.#world.routers) {
      const ways = this.#ways.get(router) ?? new Map<Prefix, readonly string[]>();
      this.#ways.set(router, ways);
      const changed: RouteChange[] = [];
      for (const prefix of await this.#prefixes(router, ways, at)) {
        const entry = await this.#world.router(router).fib(prefix);
        const names = (entry?.nextHops ?? []).map(({ node, ip }) => node ?? this.#nameOf(ip));
        const after = [...new Set(names)].toSorted();
        const before = ways.get(prefix) ?? [];
        if (before.join() === after.join()) continue;
        ways.set(prefix, after);
        changed.push({ at, router, prefix, before, after });
      }
      this.#changes.push(...changed);
      this.#say(changed);
    }
  }

  /** What may be forwarded: daemons that are gone tell nothing, and what they installed stays. */
  async #prefixes(router: string, ways: ReadonlyMap<Prefix, unknown>, at: Micros): Promise<Iterable<Prefix>> {
    const paths = await this.#world.router(router).paths();
    const stale = new Set(paths.flatMap((path) => (path.stale ? (path.node ?? this.#nameOf(path.peer)) : [])));
    for (const name of stale) {
      if (this.#stale.get(router)?.has(name) === true) continue;
      const text = `${router} keeps the routes of ${name} though its session is gone (graceful restart)`;
      this.#timeline.add({ at, kind: "route", text });
    }
    this.#stale.set(router, stale);
    const told = paths.flatMap(({ prefix }) => readPrefix(prefix) ?? []);
    return new Set([
      ...ways.keys(),
      ...told.filter((prefix) => ways.has(prefix) || this.#timeline.usersWithin(prefix).length > 0),
    ]);
  }

  /** What changes alike is one line. */
  #say(changes: readonly RouteChange[]): void {
    const groups = new Map<string, RouteChange[]>();
    for (const change of changes) {
      const key = `${change.before.join()} ${change.after.join()}`;
      groups.set(key, [...(groups.get(key) ?? []), change]);
    }
    for (const group of groups.values()) {
      const [first] = group;
      if (first === undefined) continue;
      const names = group.map(({ prefix }) => {
        const users = this.#timeline.usersWithin(prefix);
        return users.length === 0 ? prefix : `${prefix} (${few(users)})`;
      });
      this.#timeline.add({ at: first.at, kind: "route", text: changeWords(first, few(names)) });
    }
  }
}

function changeWords({ router, before, after }: RouteChange, what: string): string {
  const came = after.filter((name) => !before.includes(name));
  const went = before.filter((name) => !after.includes(name));
  if (after.length === 0) return `${router} has no route to ${what} any more; it was by ${few(before)}`;
  if (before.length === 0) return `${router} sends ${what} to ${few(after)}`;
  if (went.length === 0) return `${router} sends ${what} to ${few(came)} as well: ${counted(after.length, "way")}`;
  if (came.length > 0) return `${router} sends ${what} to ${few(came)} instead of ${few(went)}`;
  return `${router} sends ${what} no longer to ${few(went)}: ${counted(after.length, "way")} left`;
}

/** How long a router went on sending to a node after something befell it. */
export interface LeftBehind {
  readonly router: string;
  readonly node: string;
  /** Prefixes that it sent there then … */
  readonly prefixes: number;
  /** … and those of them that it still did in the end. */
  readonly kept: number;
  /** How long until the last went that went; undefined: none did. */
  readonly lasted: Micros | undefined;
}

/** What routers did from `at` until `until` with the routes through a node that they had then. */
export function leftBehind(
  changes: readonly RouteChange[],
  node: string,
  at: Micros,
  until: Micros,
): readonly LeftBehind[] {
  const routers = [...new Set(changes.map(({ router }) => router))];
  return routers.flatMap((router) => {
    const through = new Set<Prefix>();
    const own = changes.filter((change) => change.router === router && change.at <= until);
    for (const change of own.filter((each) => each.at <= at)) {
      if (change.after.includes(node)) through.add(change.prefix);
      else through.delete(change.prefix);
    }
    const prefixes = through.size;
    let lasted: Micros | undefined;
    for (const change of own.filter((each) => each.at > at)) {
      if (!change.after.includes(node) && through.delete(change.prefix)) lasted = minus(change.at, at);
    }
    return prefixes === 0 ? [] : [{ router, node, prefixes, kept: through.size, lasted }];
  });
}
