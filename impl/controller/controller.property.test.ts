import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Metrics } from "../metrics.ts";
import { Controller } from "./controller.ts";
import { type ControllerEffect } from "./effect.ts";
import { configOf, type PoolSpec, type ServiceSpec, service } from "./fixtures.ts";
import { mayShare, NaiveController } from "./naive-controller.ts";

/** A cluster's API as far as the controller sees it: the Services, with what was written into them. */
class Cluster {
  controller = new Controller({ lbClass: "", metrics: new Metrics() });
  pools: readonly PoolSpec[] = [];
  writes = 0;
  readonly specs = new Map<string, ServiceSpec>();
  readonly statuses = new Map<string, { readonly ips: readonly string[]; readonly pool: string | undefined }>();

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

  setPools(pools: readonly PoolSpec[]): void {
    this.pools = pools;
    this.run(this.controller.configChanged({ config: configOf(...pools) }));
  }

  setService(key: string, spec: ServiceSpec | undefined): void {
    if (spec === undefined) this.specs.delete(key);
    else this.specs.set(key, spec);
    if (spec === undefined) this.statuses.delete(key);
    this.run(this.controller.serviceChanged(key, this.object(key)));
  }

  restart(order: readonly string[]): void {
    this.controller = new Controller({ lbClass: "", metrics: new Metrics() });
    for (const key of order) this.run(this.controller.serviceChanged(key, this.object(key)));
    this.run(this.controller.configChanged({ config: configOf(...this.pools) }));
    this.run(this.controller.synced());
  }

  run(effects: readonly ControllerEffect[]): void {
    for (const effect of effects) {
      if (effect.kind !== "writeStatus") continue;
      this.writes += 1;
      this.statuses.set(effect.service, { ips: effect.ingress, pool: effect.pool });
      // The write comes back as a change that says nothing new.
      const echoed = this.controller.serviceChanged(effect.service, this.object(effect.service));
      expect(echoed.filter(({ kind }) => kind !== "event")).toEqual([]);
    }
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

const keys = ["ns/a", "ns/b", "ns/c", "other/d", "other/e", "ns/f", "ns/g"];
const V4 = ["10.96.0.1"];
const V6 = ["fd00::1"];

const anyIp = fc.constantFrom("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.1.0", "2001:db8::", "2001:db8::1");

const anyService: fc.Arbitrary<ServiceSpec> = fc
  .record({
    type: fc.constantFrom("LoadBalancer", "LoadBalancer", "LoadBalancer", "LoadBalancer", "ClusterIP"),
    stack: fc.constantFrom("4", "4", "6", "prefer", "prefer6", "require"),
    sharing: fc.constantFrom("", "", "x", "x", "y"),
    local: fc.boolean(),
    selector: fc.constantFrom({ app: "one" }, { app: "two" }),
    ports: fc.constantFrom(["TCP/80"], ["UDP/80"], ["TCP/443"], ["TCP/80", "TCP/443"]),
    team: fc.boolean(),
    request: fc.oneof(
      { weight: 5, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: fc.constantFrom("a", "b", "c").map((pool) => ({ "metallb.io/address-pool": pool })) },
      { weight: 2, arbitrary: anyIp.map((ip) => ({ "metallb.io/loadBalancerIPs": ip })) },
      { weight: 1, arbitrary: fc.constant({ "metallb.io/loadBalancerIPs": "2001:db8::,10.0.0.1" }) },
    ),
  })
  .map(({ type, stack, sharing, local, selector, ports, team, request }) => ({
    type,
    clusterIPs: stack === "4" ? V4 : stack === "6" ? V6 : [...V4, ...V6],
    ...(stack.startsWith("prefer") ? { policy: "PreferDualStack" } : {}),
    ...(stack === "prefer6" ? { families: ["IPv6", "IPv4"] } : {}),
    ...(stack === "require" ? { policy: "RequireDualStack" } : {}),
    local,
    selector,
    ports,
    labels: team ? { team: "x" } : {},
    annotations: { ...request, ...(sharing === "" ? {} : { "metallb.io/allow-shared-ip": sharing }) },
  }));

const anyPool = (name: string, addresses: readonly (readonly string[])[]): fc.Arbitrary<PoolSpec> =>
  fc
    .record({
      name: fc.constant(name),
      addresses: fc.constantFrom(...addresses),
      autoAssign: fc.constantFrom(true, true, true, false),
      avoidBuggyIPs: fc.constantFrom(false, false, true),
      limits: fc.constantFrom<Partial<PoolSpec>>(
        {},
        {},
        {},
        { namespaces: ["ns"] },
        { namespaces: ["other"], priority: 5 },
        { serviceLabels: [{ team: "x" }], priority: 2 },
      ),
    })
    .map(({ limits, ...spec }) => ({ ...spec, ...limits }));

const anyPools = fc
  .tuple(
    anyPool("a", [["10.0.0.0/31"], ["10.0.0.0-10.0.0.2"], ["10.0.0.0/31", "2001:db8::/128"]]),
    anyPool("b", [["2001:db8::1-2001:db8::2"], ["10.0.1.0/32", "2001:db8::1/128"]]),
    anyPool("c", [
      ["10.0.2.0/32", "10.0.2.255/32"],
      ["10.0.2.0/30", "2001:db8:1::/127"],
    ]),
  )
  .chain((pools) => fc.subarray(pools));

type Step =
  | { readonly kind: "service"; readonly key: string; readonly spec: ServiceSpec | undefined }
  | { readonly kind: "pools"; readonly pools: readonly PoolSpec[] }
  | { readonly kind: "restart"; readonly order: readonly string[] };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant("service"), key: fc.constantFrom(...keys), spec: anyService }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("service"), key: fc.constantFrom(...keys), spec: fc.constant(undefined) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pools"), pools: anyPools }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("restart"),
      order: fc.shuffledSubarray(keys, { minLength: keys.length }),
    }),
  },
);

function expectNoCollision({ specs, statuses }: Cluster): void {
  for (const [key, { ips }] of statuses) {
    for (const [other, { ips: otherIps }] of statuses) {
      if (other <= key || !ips.some((ip) => otherIps.includes(ip))) continue;
      const [a, b] = [specs.get(key), specs.get(other)];
      expect(a !== undefined && b !== undefined && mayShare(a, b), `${key} and ${other} on ${ips}`).toBe(true);
    }
  }
}

describe("any history of Services, pools and restarts", () => {
  it("ends as if every Service were looked at again after every change, with no address held twice", () => {
    fc.assert(
      fc.property(anyPools, fc.array(anyStep, { maxLength: 25 }), (pools, steps) => {
        const cluster = new Cluster();
        const naive = new NaiveController();
        cluster.setPools(pools);
        cluster.run(cluster.controller.synced());
        naive.setPools(pools);
        for (const step of steps) {
          if (step.kind === "service") {
            cluster.setService(step.key, step.spec);
            naive.setService(
              step.key,
              step.spec === undefined ? undefined : { ...step.spec, namespace: step.key.split("/")[0] ?? "" },
            );
          } else if (step.kind === "pools") {
            cluster.setPools(step.pools);
            naive.setPools(step.pools);
          } else {
            const before = cluster.writes;
            cluster.restart(step.order);
            expect(cluster.writes).toBe(before);
          }
          expect(cluster.state).toEqual(naive.state);
          expectNoCollision(cluster);
        }
      }),
      { numRuns: 400 },
    );
  });
});
