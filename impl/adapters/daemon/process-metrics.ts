import { type Metric, type Metrics } from "../../metrics.ts";

/** What Prometheus's own clients tell of every process, under their names. */
export class ProcessMetrics {
  readonly #memory: Metric;
  readonly #cpu: Metric;

  constructor(metrics: Metrics) {
    this.#memory = metrics.gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
    this.#cpu = metrics.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
    metrics
      .gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
      .set(performance.timeOrigin / 1000);
  }

  /** Call before they are exposed. */
  measure(): void {
    const { user, system } = process.cpuUsage();
    this.#memory.set(process.memoryUsage.rss());
    this.#cpu.set((user + system) / 1e6);
  }
}
