// The Prometheus text exposition format, version 0.0.4, for the few kinds that we need.

export type Labels = Readonly<Record<string, string>>;
type Kind = "gauge" | "counter";

const escapeLabel = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

/** One line of a metric. Who counts often keeps it, so that the labels are not spelt each time. */
export class Series {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  set(value: number): void {
    this.#value = value;
  }

  add(value = 1): void {
    this.#value += value;
  }
}

/** One metric with its series. Label names are printed in the order in which they were declared. */
export class Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: Kind;
  readonly #labels: readonly string[];
  readonly #series = new Map<string, Series>();

  constructor(kind: Kind, name: string, help: string, labels: readonly string[]) {
    this.kind = kind;
    this.name = name;
    this.help = help;
    this.#labels = labels;
    if (labels.length === 0) this.series();
  }

  #key(labels: Labels): string {
    return this.#labels.map((label) => `${label}="${escapeLabel(labels[label] ?? "")}"`).join(",");
  }

  /** It is there from now on, until it is removed. */
  series(labels: Labels = {}): Series {
    const key = this.#key(labels);
    const series = this.#series.get(key) ?? new Series();
    this.#series.set(key, series);
    return series;
  }

  set(value: number, labels: Labels = {}): void {
    this.series(labels).set(value);
  }

  add(value = 1, labels: Labels = {}): void {
    this.series(labels).add(value);
  }

  get(labels: Labels = {}): number | undefined {
    return this.#series.get(this.#key(labels))?.value;
  }

  remove(labels: Labels): void {
    this.#series.delete(this.#key(labels));
  }

  expose(): string {
    if (this.#series.size === 0) return "";
    let text = `# HELP ${this.name} ${escapeHelp(this.help)}\n# TYPE ${this.name} ${this.kind}\n`;
    for (const [key, { value }] of [...this.#series].sort(([a], [b]) => (a < b ? -1 : 1))) {
      text += key === "" ? `${this.name} ${value}\n` : `${this.name}{${key}} ${value}\n`;
    }
    return text;
  }
}

/** The metrics of one process. */
export class Metrics {
  readonly #metrics: Metric[] = [];

  gauge(name: string, help: string, labels: readonly string[] = []): Metric {
    return this.#add(new Metric("gauge", name, help, labels));
  }

  counter(name: string, help: string, labels: readonly string[] = []): Metric {
    return this.#add(new Metric("counter", name, help, labels));
  }

  #add(metric: Metric): Metric {
    this.#metrics.push(metric);
    return metric;
  }

  expose(): string {
    return this.#metrics.map((metric) => metric.expose()).join("");
  }
}
