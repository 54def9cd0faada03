import { type Config, type Pool } from "../api/config.ts";
import { familyOf, type Ip, ipToBigInt } from "../wire/ip.ts";
import { type Range, rangeOf } from "../wire/prefix.ts";

interface Row extends Range {
  readonly pool: Pool;
}

/** Which pool an address belongs to. Pools do not overlap: that is a rule of the configuration. */
export class PoolIndex {
  readonly #rows: readonly Row[];

  constructor(config: Config) {
    const rows = [...config.pools.values()].flatMap((pool) =>
      pool.prefixes.map((prefix): Row => ({ ...rangeOf(prefix), pool })),
    );
    this.#rows = rows.sort((a, b) => {
      if (a.family !== b.family) return a.family < b.family ? -1 : 1;
      return a.first < b.first ? -1 : 1;
    });
  }

  poolOf(ip: Ip): Pool | undefined {
    const family = familyOf(ip);
    const address = ipToBigInt(ip);
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const row = this.#rows[middle];
      if (row === undefined) break;
      if (row.family < family || (row.family === family && row.last < address)) low = middle + 1;
      else high = middle;
    }
    const row = this.#rows[low];
    return row?.family === family && row.first <= address && address <= row.last ? row.pool : undefined;
  }

  /** The one pool that has every address; undefined where there is none. */
  poolOfAll(ips: readonly Ip[]): Pool | undefined {
    const pools = new Set(ips.map((ip) => this.poolOf(ip)));
    const [pool] = pools;
    return pools.size === 1 ? pool : undefined;
  }
}
