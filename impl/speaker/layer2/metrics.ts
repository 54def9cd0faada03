import { type Metric, type Metrics, type Series } from "../../metrics.ts";
import { type Ip } from "../../wire/ip.ts";
import { type DropReason } from "./heard.ts";

/** The names are MetalLB's where it has one. */
export class Layer2Metrics {
  readonly #requests: Metric;
  readonly #responses: Metric;
  readonly #gratuitous: Metric;
  readonly #conflicts: Metric;
  readonly #drops: Metric;
  /** Those that are counted for every frame. */
  readonly #answers = new Map<Ip, { readonly requests: Series; readonly responses: Series }>();
  readonly #dropped = new Map<DropReason, Series>();

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
    let series = this.#answers.get(ip);
    if (series === undefined) {
      series = { requests: this.#requests.series({ ip }), responses: this.#responses.series({ ip }) };
      this.#answers.set(ip, series);
    }
    series.requests.add();
    series.responses.add();
  }

  announced(ip: Ip, frames: number): void {
    if (frames > 0) this.#gratuitous.add(frames, { ip });
  }

  conflict(ip: Ip): void {
    this.#conflicts.add(1, { ip });
  }

  dropped(because: DropReason): void {
    let series = this.#dropped.get(because);
    if (series === undefined) {
      series = this.#drops.series({ because });
      this.#dropped.set(because, series);
    }
    series.add();
  }

  /** An address that went takes its series along. */
  forget(ip: Ip): void {
    this.#answers.delete(ip);
    for (const metric of [this.#requests, this.#responses, this.#gratuitous, this.#conflicts]) metric.remove({ ip });
  }
}
