import { type Family, type Ip, familyOf, ipToBytes } from "../../impl/wire/ip.ts";
import { addressOf, lengthOf, type Prefix, prefixFamily } from "../../impl/wire/prefix.ts";

export interface Route {
  readonly prefix: Prefix;
  readonly device: string;
  /** The next hop; undefined where the destination itself is on the link. */
  readonly via: Ip | undefined;
  /** Of two routes for the same prefix the lower metric counts. */
  readonly metric: number;
}

interface Row extends Route {
  readonly bytes: Uint8Array;
  readonly length: number;
}

const MOST_CACHED = 4096;

/** A forwarding table: the longest prefix that contains the address, then the lowest metric, then the oldest. */
export class RouteTable {
  readonly #rows: Record<Family, Row[]> = { ipv4: [], ipv6: [] };
  readonly #cache = new Map<Ip, Route | undefined>();
  readonly #isUsable: (device: string) => boolean;

  /** Routes of unusable devices are passed over. */
  constructor(isUsable: (device: string) => boolean) {
    this.#isUsable = isUsable;
  }

  add(route: Route): void {
    const row = { ...route, bytes: ipToBytes(addressOf(route.prefix)), length: lengthOf(route.prefix) };
    const rows = this.#rows[prefixFamily(route.prefix)];
    const behind = rows.findIndex(
      ({ length, metric }) => length < row.length || (length === row.length && metric > row.metric),
    );
    rows.splice(behind === -1 ? rows.length : behind, 0, row);
    this.#cache.clear();
  }

  /** Removes what `unwanted` says. */
  removeWhere(unwanted: (route: Route) => boolean): void {
    for (const family of ["ipv4", "ipv6"] as const) {
      this.#rows[family] = this.#rows[family].filter((row) => !unwanted(row));
    }
    this.#cache.clear();
  }

  /** Must be called when a device became usable or unusable. */
  devicesChanged(): void {
    this.#cache.clear();
  }

  lookup(ip: Ip): Route | undefined {
    const cached = this.#cache.get(ip);
    if (cached !== undefined) return cached;
    const bytes = ipToBytes(ip);
    const found = this.#rows[familyOf(ip)].find((row) => this.#isUsable(row.device) && contains(row, bytes));
    if (this.#cache.size >= MOST_CACHED) this.#cache.clear();
    this.#cache.set(ip, found);
    return found;
  }

  routes(): readonly Route[] {
    return [...this.#rows.ipv4, ...this.#rows.ipv6].map(({ prefix, device, via, metric }) => ({
      prefix,
      device,
      via,
      metric,
    }));
  }
}

function contains({ bytes: prefix, length }: Row, address: Uint8Array): boolean {
  const whole = length >> 3;
  for (let index = 0; index < whole; index++) if (prefix[index] !== address[index]) return false;
  const rest = length & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((prefix[whole] ?? 0) & mask) === ((address[whole] ?? 0) & mask);
}
