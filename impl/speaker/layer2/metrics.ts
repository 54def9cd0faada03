import { type Metric, type Metrics, type Series } from "../../metrics.ts";
import { type Ip } from "../../wire/ip.ts";
import { type DropReason } from "./heard.ts";

/** What is counted for every request that is answered. */
export class Answers {
  readonly #requests: Metric;
  readonly #responses: Metric;
  readonly #ip: Ip;
  #series: { readonly requests: Series; readonly responses: Series } | undefined;

  constructor(requests: Metric, responses: Metric, ip: Ip) {
    this.#requests = requests;
    this.#responses = responses;
    this.#ip = ip;
  }

  add(): void {
    this.#series ??= this.#begin();
    this.#series.requests.add();
    this.#series.responses.add();
  }

  #begin(): { readonly requests: Series; readonly responses: Series } {
    const labels = { ip: this.#ip };
    return { requests: this.#requests.series(labels), responses: this.#responses.series(labels) };
  }
}

/** The names are MetalLB's where it has one. */
export class Layer2Metrics {
  readonly #requests: Metric;
  readonly #responses: Metric;
  readonly #gratuitous: Metric;
  readonly #conflicts: Metric;
  readonly #drops: Metric;
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

  /** Counts the answers for one address; from the first one on its series are there. */
  answersFor(ip: Ip): Answers {
    return new Answers(this.#requests, this.#responses, ip);
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
    for (const metric of [this.#requests, this.#responses, this.#gratuitous, this.#conflicts]) metric.remove({ ip });
  }
}
