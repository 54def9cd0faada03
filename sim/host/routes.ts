import { type Family, familyOf, type Ip, ipFromBytes, ipToBytes } from "../../impl/wire/ip.ts";
import { bitsOf, lengthOf, type Prefix, prefixFamily } from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type NextHop, nextHopKey } from "./next-hop.ts";
import { type Selector } from "./selector.ts";

/** Who installed a route: the kernel with an address, an administrator (`ip route add`), or a routing daemon. */
export type RouteProtocol = "kernel" | "boot" | "daemon";

export interface Route {
  readonly prefix: Prefix;
  /** At least one. */
  readonly nextHops: readonly NextHop[];
  /** Of two routes for the same prefix the lower metric counts, then the older. */
  readonly metric: number;
  readonly protocol: RouteProtocol;
}

/** What the table is told by the rest of the kernel. */
export interface RouteConditions {
  readonly now: Micros;
  /** Next hops on devices that cannot be used are passed over. */
  isUsable(device: string, protocol: RouteProtocol): boolean;
  /** False for a next hop that does not answer. */
  isGood(nextHop: NextHop): boolean;
  createSelector(): Selector;
}

/** A route in the table. */
interface Row {
  readonly route: Route;
  readonly key: string;
  /** Those of its next hops whose devices can be used. */
  usable: readonly NextHop[];
  /** Where there are several next hops. */
  selector: Selector | undefined;
}

const MOST_CACHED = 4096;

/**
 * A forwarding table: the longest prefix that contains the address, then the lowest metric, then the oldest. One map for
 * both families, keyed by the prefix; a lookup tries the lengths in use, the longest first.
 */
export class RouteTable {
  readonly #rows = new Map<Prefix, Row[]>();
  /** How many prefixes there are of each length. */
  readonly #lengths: Readonly<Record<Family, number[]>> = { ipv4: lengths("ipv4"), ipv6: lengths("ipv6") };
  readonly #cache = new Map<Ip, Row | undefined>();
  readonly #conditions: RouteConditions;

  constructor(conditions: RouteConditions) {
    this.#conditions = conditions;
  }

  /** Replaces the route of the same protocol with the same prefix and metric, where there is one, at once. */
  set(route: Route): void {
    const rows = this.#rows.get(route.prefix) ?? [];
    const at = rows.findIndex(
      ({ route: { metric, protocol } }) => metric === route.metric && protocol === route.protocol,
    );
    const old = rows[at];
    if (old === undefined) return this.add(route);
    rows[at] = this.#rowOf(route, old.selector);
    this.#cache.clear();
  }

  /** Adds a route beside those that are there; one that is there already is not added again. */
  add(route: Route): void {
    const rows = this.#rows.get(route.prefix) ?? [];
    const row = this.#rowOf(route, undefined);
    if (rows.some(({ key }) => key === row.key)) return;
    const behind = rows.findIndex(({ route: { metric } }) => metric > route.metric);
    rows.splice(behind === -1 ? rows.length : behind, 0, row);
    if (rows.length === 1) this.#count(route.prefix, 1);
    this.#rows.set(route.prefix, rows);
    this.#cache.clear();
  }

  #rowOf(route: Route, former: Selector | undefined): Row {
    const { nextHops, metric, protocol } = route;
    const key = `${protocol} ${metric} ${nextHops.map(nextHopKey).join()}`;
    const selector = nextHops.length > 1 ? (former ?? this.#conditions.createSelector()) : former;
    const row: Row = { route, key, usable: [], selector };
    this.#refresh(row, true);
    return row;
  }

  #refresh(row: Row, isNew: boolean): void {
    const { route, selector } = row;
    const usable = route.nextHops.filter(({ device }) => this.#conditions.isUsable(device, route.protocol));
    const changed =
      isNew || usable.length !== row.usable.length || usable.some((hop, index) => hop !== row.usable[index]);
    row.usable = usable;
    if (changed) selector?.setNextHops(usable, this.#conditions.now);
  }

  #count(prefix: Prefix, by: 1 | -1): void {
    const counts = this.#lengths[prefixFamily(prefix)];
    counts[lengthOf(prefix)] = (counts[lengthOf(prefix)] ?? 0) + by;
  }

  /** Removes what `unwanted` says, of one prefix or of all. */
  removeWhere(unwanted: (route: Route) => boolean, prefix?: Prefix): void {
    for (const key of prefix === undefined ? [...this.#rows.keys()] : [prefix]) {
      const rows = this.#rows.get(key);
      if (rows === undefined) continue;
      const kept = rows.filter(({ route }) => !unwanted(route));
      if (kept.length > 0) this.#rows.set(key, kept);
      else if (this.#rows.delete(key)) this.#count(key, -1);
    }
    this.#cache.clear();
  }

  /** Must be called when a device became usable or unusable. */
  devicesChanged(): void {
    for (const rows of this.#rows.values()) for (const row of rows) this.#refresh(row, false);
    this.#cache.clear();
  }

  /** Must be called when routes shall choose in another way; what selectors remember is gone. */
  selectorsChanged(): void {
    for (const rows of this.#rows.values()) {
      for (const row of rows) {
        if (row.selector === undefined) continue;
        row.selector = this.#conditions.createSelector();
        row.selector.setNextHops(row.usable, this.#conditions.now);
      }
    }
  }

  lookup(ip: Ip): Route | undefined {
    return this.#find(ip)?.route;
  }

  /** Those next hops of the route to `ip` that can be used. */
  nextHops(ip: Ip): readonly NextHop[] {
    return this.#find(ip)?.usable ?? [];
  }

  /** Where a packet to `ip` goes whose flow has the hash. A resilient route remembers the packet if it was `sent`. */
  nextHop(ip: Ip, hash: () => number, sent: boolean): NextHop | undefined {
    const row = this.#find(ip);
    if (row === undefined) return undefined;
    const { selector, usable } = row;
    if (selector === undefined) return usable[0];
    const { now } = this.#conditions;
    const value = hash();
    const chosen = selector.select(value, now, (nextHop) => this.#conditions.isGood(nextHop));
    if (sent) selector.used(value, now);
    return chosen;
  }

  /** Where a socket that is bound to `device` sends a packet: routes that leave through other interfaces do not count. */
  nextHopOn(device: string, ip: Ip): NextHop | undefined {
    const leavesThere = (hop: NextHop): boolean => hop.device === device;
    return this.#longestMatch(ip, ({ usable }) => usable.some(leavesThere))?.usable.find(leavesThere);
  }

  /** The routes to exactly this prefix, the one in use first. */
  routesTo(prefix: Prefix): readonly Route[] {
    return (this.#rows.get(prefix) ?? []).map(({ route }) => route);
  }

  routes(): readonly Route[] {
    return [...this.#rows.values()].flatMap((rows) => rows.map(({ route }) => route));
  }

  #find(ip: Ip): Row | undefined {
    const cached = this.#cache.get(ip);
    if (cached !== undefined) return cached;
    const found = this.#longestMatch(ip, ({ usable }) => usable.length > 0);
    if (this.#cache.size >= MOST_CACHED) this.#cache.clear();
    this.#cache.set(ip, found);
    return found;
  }

  #longestMatch(ip: Ip, isUsable: (row: Row) => boolean): Row | undefined {
    const counts = this.#lengths[familyOf(ip)];
    const bytes = ipToBytes(ip);
    for (let length = counts.length - 1; length >= 0; length--) {
      if (counts[length] === 0) continue;
      clearFrom(bytes, length);
      const rows = this.#rows.get(`${ipFromBytes(bytes)}/${length}` as Prefix);
      const found = rows?.find(isUsable);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

const lengths = (family: Family): number[] => Array.from({ length: bitsOf(family) + 1 }, () => 0);

/** Clears the bits of an address behind its first `length`. */
function clearFrom(bytes: Uint8Array, length: number): void {
  const whole = length >> 3;
  if (whole >= bytes.length) return;
  bytes[whole] = (bytes[whole] ?? 0) & (0xff00 >> (length & 7));
  bytes.fill(0, whole + 1);
}
