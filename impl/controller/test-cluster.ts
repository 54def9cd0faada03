// For tests: Services in an API server, as far as the controller sees of one.
import { Metrics } from "../metrics.ts";
import { Controller } from "./controller.ts";
import { type ControllerEffect } from "./effect.ts";
import { configOf, type PoolSpec, type ServiceSpec, service, trace } from "./test-objects.ts";

/** What is written is there at once, and the controller sees it at once. */
export class TestCluster {
  metrics = new Metrics();
  controller = new Controller({ lbClass: "", metrics: this.metrics });
  pools: readonly PoolSpec[] = [];
  writes = 0;
  /** Writes get lost, as those of a controller that dies. */
  losesWrites = false;
  readonly specs = new Map<string, ServiceSpec>();
  readonly statuses = new Map<string, { readonly ips: readonly string[]; readonly pool: string | undefined }>();
  #events: string[] = [];

  /** The object that the API server has. */
  object(key: string): ReturnType<typeof service> | undefined {
    const spec = this.specs.get(key);
    if (spec === undefined) return undefined;
    const { ips = [], pool } = this.statuses.get(key) ?? {};
    const annotations = {
      ...spec.annotations,
      ...(pool === undefined ? {} : { "metallb.io/ip-allocated-from-pool": pool }),
    };
    const [namespace = "", name = ""] = key.split("/");
    return service({ ...spec, namespace, name, annotations, ingress: ips.map((ip) => ({ ip })) });
  }

  setPools(...pools: readonly PoolSpec[]): void {
    this.pools = pools;
    this.run(this.controller.configChanged({ config: configOf(...pools) }));
  }

  setService(key: string, spec: ServiceSpec | undefined): void {
    if (spec === undefined) this.specs.delete(key);
    else this.specs.set(key, spec);
    if (spec === undefined) this.statuses.delete(key);
    this.see(key);
  }

  /** Somebody else writes a status. */
  setStatus(key: string, ...ips: readonly string[]): void {
    this.statuses.set(key, { ips, pool: this.statuses.get(key)?.pool });
    this.see(key);
  }

  see(key: string): void {
    this.run(this.controller.serviceChanged(key, this.object(key)));
  }

  /** `order`: in which the new controller sees the Services. */
  restart(order: readonly string[] = [...this.specs.keys()]): void {
    this.metrics = new Metrics();
    this.controller = new Controller({ lbClass: "", metrics: this.metrics });
    for (const key of order) this.see(key);
    this.run(this.controller.configChanged({ config: configOf(...this.pools) }));
    this.run(this.controller.synced());
  }

  run(effects: readonly ControllerEffect[]): void {
    this.#events.push(...trace(effects.filter(({ kind }) => kind === "event")));
    for (const effect of effects) {
      if (effect.kind !== "writeStatus" || this.losesWrites) continue;
      this.writes += 1;
      this.statuses.set(effect.service, { ips: effect.ingress, pool: effect.pool });
      // The write comes back as a change that says nothing new.
      const echoed = this.controller.serviceChanged(effect.service, this.object(effect.service));
      if (echoed.some(({ kind }) => kind !== "event")) throw new Error(`${effect.service} is not settled`);
    }
  }

  /** Those since the last call. */
  takeEvents(): readonly string[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  get state(): Readonly<Record<string, string>> {
    const names = [...this.specs.keys()].sort();
    const text = (key: string): string => {
      const { ips = [], pool } = this.statuses.get(key) ?? {};
      return ips.length === 0 ? "-" : `${pool}: ${ips.join(" ")}`;
    };
    return Object.fromEntries(names.map((key) => [key, text(key)]));
  }
}
