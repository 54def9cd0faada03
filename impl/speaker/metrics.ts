import { type Metric, type Metrics } from "../metrics.ts";
import { type Ip } from "../wire/ip.ts";

/** The names are MetalLB's. */
export class SpeakerMetrics {
  readonly #node: string;
  readonly #announced: Metric;

  constructor(metrics: Metrics, node: string) {
    this.#node = node;
    this.#announced = metrics.gauge(
      "metallb_speaker_announced",
      "Services being announced from this node. This is desired state, it does not guarantee that the routing protocols have converged.",
      ["service", "protocol", "node", "ip"],
    );
  }

  announced(service: string, protocol: string, ips: readonly Ip[]): void {
    for (const ip of ips) this.#announced.set(1, { service, protocol, node: this.#node, ip });
  }

  withdrawn(service: string, protocol: string, ips: readonly Ip[]): void {
    for (const ip of ips) this.#announced.remove({ service, protocol, node: this.#node, ip });
  }
}
