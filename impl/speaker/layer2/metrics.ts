import { type Metric, type Metrics } from "../../metrics.ts";
import { type Ip } from "../../wire/ip.ts";
import { type DropReason } from "./heard.ts";

/** The names are MetalLB's where it has one. */
export class Layer2Metrics {
  readonly #requests: Metric;
  readonly #responses: Metric;
  readonly #gratuitous: Metric;
  readonly #conflicts: Metric;
  readonly #drops: Metric;

  constructor(metrics: Metrics) {
    this.#requests = metrics.counter(
      "metallb_layer2_requests_received",
      "Number of layer2 requests received for owned IPs",
      ["ip"],
    );
    this.#responses = metrics.counter(
      "metallb_layer2_responses_sent",
      "Number of layer2 responses sent for owned IPs in response to requests",
      ["ip"],
    );
    this.#gratuitous = metrics.counter(
      "metallb_layer2_gratuitous_sent",
      "Number of gratuitous layer2 packets sent for owned IPs as a result of failovers",
      ["ip"],
    );
    this.#conflicts = metrics.counter(
      "assay_layer2_conflicts",
      "Number of times that another station claimed an owned IP",
      ["ip"],
    );
    this.#drops = metrics.counter("assay_layer2_frames_dropped", "Number of frames that were not answered", [
      "because",
    ]);
  }

  answered(ip: Ip): void {
    this.#requests.add(1, { ip });
    this.#responses.add(1, { ip });
  }

  announced(ip: Ip, frames: number): void {
    if (frames > 0) this.#gratuitous.add(frames, { ip });
  }

  conflict(ip: Ip): void {
    this.#conflicts.add(1, { ip });
  }

  dropped(because: DropReason): void {
    this.#drops.add(1, { because });
  }

  /** An address that went takes its series along. */
  forget(ip: Ip): void {
    for (const metric of [this.#requests, this.#responses, this.#gratuitous, this.#conflicts]) metric.remove({ ip });
  }
}
