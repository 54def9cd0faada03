import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ControllerEffect } from "./effect.ts";
import { type PoolSpec, type ServiceSpec } from "./test-objects.ts";
import { TestCluster } from "./test-cluster.ts";
import { mayShare, NaiveController } from "./test-naive-controller.ts";

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

const anyOrder = fc.shuffledSubarray(keys, { minLength: keys.length });

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
      order: anyOrder,
    }),
  },
);

function expectNoCollision({ specs, statuses }: TestCluster): void {
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
        const cluster = new TestCluster();
        const naive = new NaiveController();
        cluster.setPools(...pools);
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
            cluster.setPools(...step.pools);
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

  it("leaves nobody without the address that was written, at whatever moment the controller dies", () => {
    fc.assert(
      fc.property(anyPools, fc.array(anyStep, { maxLength: 15 }), anyOrder, (pools, steps, order) => {
        const cluster = new TestCluster();
        cluster.setPools(...pools);
        cluster.run(cluster.controller.synced());
        const services = steps.filter((step) => step.kind === "service");
        for (const { key, spec } of services.slice(0, -1)) cluster.setService(key, spec);
        cluster.losesWrites = true;
        const last = services.at(-1);
        if (last !== undefined) cluster.setService(last.key, last.spec);
        cluster.losesWrites = false;
        const before = new Map(cluster.statuses);
        cluster.restart(order);
        expectNoCollision(cluster);
        // Of those who shared and may no longer, the statuses do not say who has to go.
        const disputed = before.get(last?.key ?? "")?.ips ?? [];
        for (const [key, { ips }] of before) {
          if (key === last?.key || ips.some((ip) => disputed.includes(ip))) continue;
          expect(cluster.statuses.get(key)?.ips, key).toEqual(expect.arrayContaining([...ips]));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("comes to rest without a collision when it sees its own writes and those of users late", () => {
    fc.assert(
      fc.property(anyPools, fc.array(fc.tuple(anyStep, fc.nat(5)), { maxLength: 20 }), (pools, steps) => {
        const cluster = new LaggingCluster();
        cluster.setPools(...pools);
        cluster.run(cluster.controller.synced());
        for (const [step, seen] of steps) {
          if (step.kind === "service") cluster.setService(step.key, step.spec);
          else if (step.kind === "pools") cluster.setPools(...step.pools);
          for (let count = 0; count < seen; count++) cluster.advance();
        }
        for (let count = 0; cluster.busy; count++) {
          expect(count).toBeLessThan(1000);
          cluster.advance();
        }
        expectNoCollision(cluster);
        const before = cluster.writes;
        cluster.restart();
        cluster.advance();
        expect(cluster.writes).toBe(before);
      }),
      { numRuns: 300 },
    );
  });
});

/** Changes reach the controller, and its writes the objects, one at a time and later. */
class LaggingCluster extends TestCluster {
  readonly #unseen: { readonly key: string; readonly object: ReturnType<TestCluster["object"]> }[] = [];
  readonly #unwritten = new Set<string>();

  get busy(): boolean {
    return this.#unseen.length > 0 || this.#unwritten.size > 0;
  }

  override see(key: string): void {
    this.#unseen.push({ key, object: this.object(key) });
  }

  override run(effects: readonly ControllerEffect[]): void {
    for (const effect of effects) if (effect.kind === "writeStatus") this.#unwritten.add(effect.service);
  }

  /** The controller sees the oldest change, or else one write is carried out. */
  advance(): void {
    const change = this.#unseen.shift();
    if (change !== undefined) return this.run(this.controller.serviceChanged(change.key, change.object));
    for (const key of this.#unwritten) {
      this.#unwritten.delete(key);
      // Before it overwrites an object the controller sees the newest one.
      this.run(this.controller.serviceChanged(key, this.object(key)));
      const wanted = this.controller.wanted(key);
      const { ips = [], pool } = this.statuses.get(key) ?? {};
      if (wanted === undefined || (wanted.ingress.join() === ips.join() && wanted.pool === pool)) continue;
      this.writes += 1;
      this.statuses.set(key, { ips: wanted.ingress, pool: wanted.pool });
      return this.see(key);
    }
  }
}
