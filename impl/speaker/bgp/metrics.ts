import { type Labels, type Metric, type Metrics, type Series } from "../../metrics.ts";
import { type SessionCounters } from "./session/session.ts";

/** What the numbers of a peer are at a time. */
export interface PeerNumbers {
  readonly up: boolean;
  readonly announced: number;
  readonly pending: number;
  readonly counters: SessionCounters;
}

const add = (a: number, b: number): number => a + b;

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

interface Row {
  readonly name: string;
  readonly help: string;
  readonly kind: "gauge" | "counter";
  readonly value: (numbers: PeerNumbers) => number;
  /** Of several sessions with the peer; left out: the sum. */
  readonly together?: PeerRow["together"];
}

/** The names are MetalLB's, of its native mode and of its FRR modes; an End-of-RIB is an UPDATE. */
const ROWS: readonly Row[] = [
  {
    name: "session_up",
    help: "BGP session state (1 is up, 0 is down)",
    kind: "gauge",
    value: ({ up }) => (up ? 1 : 0),
    together: Math.min,
  },
  {
    name: "announced_prefixes_total",
    help: "Number of prefixes currently being advertised on the BGP session",
    kind: "gauge",
    value: ({ announced }) => announced,
  },
  {
    name: "pending_prefixes_total",
    help: "Number of prefixes that should be advertised on the BGP session",
    kind: "gauge",
    value: ({ pending }) => pending,
  },
  {
    name: "updates_total",
    help: "Number of BGP UPDATE messages sent",
    kind: "counter",
    value: ({ counters: { sent } }) => sent.update + sent.endOfRib,
  },
  {
    name: "updates_total_received",
    help: "Number of BGP UPDATE messages received",
    kind: "counter",
    value: ({ counters: { received } }) => received.update + received.endOfRib,
  },
  {
    name: "opens_sent",
    help: "Number of BGP open messages sent",
    kind: "counter",
    value: ({ counters: { sent } }) => sent.open,
  },
  {
    name: "opens_received",
    help: "Number of BGP open messages received",
    kind: "counter",
    value: ({ counters: { received } }) => received.open,
  },
  {
    name: "notifications_sent",
    help: "Number of BGP notification messages sent",
    kind: "counter",
    value: ({ counters: { sent } }) => sent.notification,
  },
  {
    name: "keepalives_sent",
    help: "Number of BGP keepalive messages sent",
    kind: "counter",
    value: ({ counters: { sent } }) => sent.keepalive,
  },
  {
    name: "keepalives_received",
    help: "Number of BGP keepalive messages received",
    kind: "counter",
    value: ({ counters: { received } }) => received.keepalive,
  },
  {
    name: "route_refresh_sent",
    help: "Number of BGP route refresh messages sent",
    kind: "counter",
    value: ({ counters: { sent } }) => sent.routeRefresh,
  },
  {
    name: "total_sent",
    help: "Number of total BGP messages sent",
    kind: "counter",
    value: ({ counters: { sent } }) => sum(sent),
  },
  {
    name: "total_received",
    help: "Number of total BGP messages received",
    kind: "counter",
    value: ({ counters: { received } }) => sum(received),
  },
];

/** RFC 7606 section 2: what becomes of an UPDATE, or of an attribute in it, that is wrong. */
const FAULT_ACTIONS = ["attributeDiscard", "treatAsWithdraw", "disableFamily", "familyIgnored"] as const;

interface PeerRow {
  readonly metric: Metric;
  readonly labels: Labels;
  readonly value: Row["value"];
  readonly together: (a: number, b: number) => number;
}

/** What one session adds to the series of its peer. */
export class PeerSeries {
  readonly #shared: SharedSeries;

  constructor(shared: SharedSeries) {
    this.#shared = shared;
  }

  set(numbers: PeerNumbers): void {
    this.#shared.set(this, numbers);
  }

  remove(): void {
    this.#shared.remove(this);
  }
}

/**
 * The labels name an address and a port, which sessions from different sources have in common: then a counter is the sum
 * over them, and the peer is up when all of them are.
 */
class SharedSeries {
  readonly #rows: readonly PeerRow[];
  readonly #series: readonly Series[];
  readonly #sessions = new Map<PeerSeries, PeerNumbers>();
  readonly #emptied: () => void;

  constructor(rows: readonly PeerRow[], emptied: () => void) {
    this.#rows = rows;
    this.#series = rows.map(({ metric, labels }) => metric.series(labels));
    this.#emptied = emptied;
  }

  set(session: PeerSeries, numbers: PeerNumbers): void {
    this.#sessions.set(session, numbers);
    this.#show();
  }

  remove(session: PeerSeries): void {
    this.#sessions.delete(session);
    if (this.#sessions.size > 0) return this.#show();
    for (const { metric, labels } of this.#rows) metric.remove(labels);
    this.#emptied();
  }

  #show(): void {
    const [first, ...others] = this.#sessions.values();
    if (first === undefined) return;
    for (const [at, { value, together }] of this.#rows.entries()) {
      this.#series[at]?.set(others.reduce((total, other) => together(total, value(other)), value(first)));
    }
  }
}

export class BgpMetrics {
  readonly #metrics: readonly { readonly metric: Metric; readonly row: Row }[];
  readonly #faults: Metric;
  readonly #shared = new Map<string, SharedSeries>();

  constructor(metrics: Metrics) {
    this.#metrics = ROWS.map((row) => ({
      metric: metrics[row.kind](`metallb_bgp_${row.name}`, row.help, ["peer", "vrf"]),
      row,
    }));
    this.#faults = metrics.counter(
      "assay_bgp_update_faults",
      "Number of mistakes in BGP UPDATE messages received, by what became of them",
      ["peer", "vrf", "action"],
    );
  }

  /** `peer` is its address and port. */
  seriesOf(peer: string, vrf = "default"): PeerSeries {
    const key = `${peer} ${vrf}`;
    const shared = this.#shared.get(key) ?? new SharedSeries(this.#rowsOf(peer, vrf), () => this.#shared.delete(key));
    this.#shared.set(key, shared);
    return new PeerSeries(shared);
  }

  #rowsOf(peer: string, vrf: string): readonly PeerRow[] {
    const labels = { peer, vrf };
    return [
      ...this.#metrics.map(({ metric, row: { value, together = add } }) => ({ metric, labels, value, together })),
      ...FAULT_ACTIONS.map((action) => ({
        metric: this.#faults,
        labels: { ...labels, action },
        value: ({ counters: { faults } }: PeerNumbers) => faults[action],
        together: add,
      })),
    ];
  }
}
