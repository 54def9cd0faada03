import { type Metric, type Metrics } from "../metrics.ts";

/** What controller and speaker count about their dealings with the API; the names are MetalLB's. */
export class ClientMetrics {
  readonly updates: Metric;
  readonly errors: Metric;
  readonly #loaded: Metric;
  readonly #stale: Metric;

  constructor(metrics: Metrics) {
    this.updates = metrics.counter(
      "metallb_k8s_client_updates_total",
      "Number of k8s object updates that have been processed.",
    );
    this.errors = metrics.counter(
      "metallb_k8s_client_update_errors_total",
      "Number of k8s object updates that failed for some reason.",
    );
    this.#loaded = metrics.gauge(
      "metallb_k8s_client_config_loaded_bool",
      "1 if the MetalLB configuration was successfully loaded at least once.",
    );
    this.#stale = metrics.gauge(
      "metallb_k8s_client_config_stale_bool",
      "1 if running on a stale configuration, because the latest config failed to load.",
    );
  }

  configLoaded(): void {
    this.#loaded.set(1);
    this.#stale.set(0);
  }

  configStale(): void {
    this.#stale.set(1);
  }
}
