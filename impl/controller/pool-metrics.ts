import { type Metric, type Metrics } from "../metrics.ts";
import { type PoolSpace } from "./pool-space.ts";

type PoolGauge = readonly [metric: Metric, value: (pool: PoolSpace) => number];

/** The gauges of the pools, under MetalLB's names. */
export class PoolMetrics {
  readonly #pools: readonly PoolGauge[];

  constructor(metrics: Metrics) {
    const gauge = (name: string, help: string, value: PoolGauge[1]): PoolGauge => [
      metrics.gauge(`metallb_allocator_${name}`, help, ["pool"]),
      value,
    ];
    const total = ({ ipv4, ipv6 }: PoolSpace): number => Number(ipv4.capacity + ipv6.capacity);
    this.#pools = [
      gauge("addresses_total", "Number of usable IP addresses, per pool", total),
      gauge("addresses_in_use_total", "Number of IP addresses in use, per pool", (p) => p.ipv4.used + p.ipv6.used),
      gauge("ipv4_addresses_total", "Number of usable IPv4 addresses, per pool", (p) => Number(p.ipv4.capacity)),
      gauge("ipv4_addresses_in_use_total", "Number of IPv4 addresses in use, per pool", (p) => p.ipv4.used),
      gauge("ipv6_addresses_total", "Number of usable IPv6 addresses, per pool", (p) => Number(p.ipv6.capacity)),
      gauge("ipv6_addresses_in_use_total", "Number of IPv6 addresses in use, per pool", (p) => p.ipv6.used),
      gauge("services_allocated_total", "Number of services allocated, per pool", (p) => p.services),
    ];
  }

  set(name: string, pool: PoolSpace): void {
    for (const [metric, value] of this.#pools) metric.set(value(pool), { pool: name });
  }

  remove(name: string): void {
    for (const [metric] of this.#pools) metric.remove({ pool: name });
  }
}
