import { type Metric, type Metrics, type Series } from "../../metrics.ts";
import { type Ip } from "../../wire/ip.ts";
import { type BfdCount, type BfdDropReason, type BfdPath } from "./sessions.ts";

/** The names are those of MetalLB's FRR mode; `vrf` is "default" outside of every VRF. */
export class BfdMetrics {
  readonly #up: Metric;
  readonly #drops: Metric;
  readonly #counters: Readonly<Record<BfdCount, Metric>>;
  /** By peer and VRF: packets are counted often. */
  readonly #series = new Map<string, Readonly<Record<BfdCount, Series>>>();

  constructor(metrics: Metrics) {
    const labels = ["peer", "vrf"];
    this.#up = metrics.gauge("metallb_bfd_session_up", "BFD session state (1 is up, 0 is down)", labels);
    this.#drops = metrics.counter("assay_bfd_packets_dropped", "Number of BFD control packets that changed nothing", [
      "because",
    ]);
    const counter = (name: string, help: string): Metric => metrics.counter(`metallb_bfd_${name}`, help, labels);
    this.#counters = {
      controlIn: counter("control_packet_input", "Number of received BFD control packets"),
      controlOut: counter("control_packet_output", "Number of sent BFD control packets"),
      echoIn: counter("echo_packet_input", "Number of received BFD echo packets"),
      echoOut: counter("echo_packet_output", "Number of sent BFD echo packets"),
      ups: counter("session_up_events", "Number of BFD session up events"),
      downs: counter("session_down_events", "Number of BFD session down events"),
    };
  }

  count({ peer, vrf }: BfdPath, what: BfdCount): void {
    this.#seriesOf(peer, vrf)[what].add();
  }

  drop(because: BfdDropReason): void {
    this.#drops.add(1, { because });
  }

  state(peer: Ip, vrf: string | undefined, isUp: boolean): void {
    this.#seriesOf(peer, vrf);
    this.#up.set(isUp ? 1 : 0, labelsOf(peer, vrf));
  }

  /** A peer that went takes its series along. */
  forget(peer: Ip, vrf: string | undefined): void {
    this.#series.delete(keyOf(peer, vrf));
    for (const metric of [this.#up, ...Object.values(this.#counters)]) metric.remove(labelsOf(peer, vrf));
  }

  #seriesOf(peer: Ip, vrf: string | undefined): Readonly<Record<BfdCount, Series>> {
    const key = keyOf(peer, vrf);
    let series = this.#series.get(key);
    if (series === undefined) {
      const labels = labelsOf(peer, vrf);
      const { controlIn, controlOut, echoIn, echoOut, ups, downs } = this.#counters;
      series = {
        controlIn: controlIn.series(labels),
        controlOut: controlOut.series(labels),
        echoIn: echoIn.series(labels),
        echoOut: echoOut.series(labels),
        ups: ups.series(labels),
        downs: downs.series(labels),
      };
      this.#series.set(key, series);
    }
    return series;
  }
}

const keyOf = (peer: Ip, vrf: string | undefined): string => `${peer} ${vrf ?? ""}`;
const labelsOf = (peer: Ip, vrf = "default"): { readonly peer: string; readonly vrf: string } => ({ peer, vrf });
