import { describe, expect, it } from "vitest";
import { parseJson, stringifyJson } from "../api/json.ts";
import { type KubeObject, type LoadBalancerIngress, type Service } from "../api/kubernetes.ts";
import { type Effect, type Input, type Instant, type KubeRequest, type Process } from "../ports.ts";
import { micros, type Micros, seconds } from "../wire/time.ts";
import { createController } from "./controller-process.ts";

type Stored = KubeObject & { spec?: unknown; status?: unknown };

const SYSTEM = "/apis/metallb.io/v1beta1/namespaces/metallb-system";
const POOLS = `${SYSTEM}/ipaddresspools`;

/** As much of an API server as the controller needs, with a process at its only client. */
class Api {
  readonly objects = new Map<string, Stored>();
  readonly requests: string[] = [];
  readonly bodies: string[] = [];
  /** What the next writes to Services are answered. */
  refusals: number[] = [];
  /** Called before the next write is looked at. */
  race: (() => void) | undefined;
  readonly #watches = new Map<string, { readonly path: string; readonly all: boolean }>();
  readonly #inputs: Input[] = [];
  #process: Process;
  #revision = 0;
  #now: Micros = micros(0);

  constructor(process: Process) {
    this.#process = process;
  }

  /** Replaces the process, as after a crash; answers to the old one are lost. */
  restart(process: Process): void {
    this.#process = process;
    this.#watches.clear();
    this.#inputs.length = 0;
    this.deliver({ kind: "started" });
  }

  put(path: string, object: object): void {
    const before = this.objects.get(path);
    this.#store(path, { ...before, ...object } as Stored, before === undefined ? "ADDED" : "MODIFIED");
    this.run();
  }

  /** Changes an object, and the news of it is still on its way. */
  overtake(path: string, change: object): void {
    const object = { ...this.objects.get(path), ...change } as Stored;
    this.objects.set(path, { ...object, metadata: { ...object.metadata, resourceVersion: `${++this.#revision}` } });
  }

  remove(path: string): void {
    const object = this.objects.get(path);
    this.objects.delete(path);
    this.#tell(path, "DELETED", {
      ...object,
      metadata: { ...object?.metadata, resourceVersion: `${++this.#revision}` },
    });
    this.run();
  }

  deliver(input: Input): void {
    this.#inputs.push(input);
    this.run();
  }

  /** Lets time pass up to the deadline of the process. */
  wait(duration: Micros): void {
    const end = this.#now + duration;
    for (let at = this.#process.deadline(); at !== undefined && at <= end; at = this.#process.deadline()) {
      this.#now = at;
      this.deliver({ kind: "wake" });
    }
    this.#now = micros(end);
  }

  run(): void {
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      const now: Instant = { monotonic: this.#now, wall: this.#now };
      for (const effect of this.#process.handle(input, now)) this.#perform(effect);
    }
  }

  #perform(effect: Effect): void {
    if (effect.kind === "abortRequest") this.#watches.delete(effect.request);
    if (effect.kind !== "request") return;
    const [path = "", query = ""] = effect.path.split("?");
    const parameters = new URLSearchParams(query);
    if (parameters.get("watch") !== null) {
      this.#watches.set(effect.request, { path, all: !path.includes("/namespaces/") });
      this.#inputs.push({ kind: "response", request: effect.request, status: 200, headers: {} });
      return;
    }
    const [status, body] = effect.method === "GET" ? this.#read(path) : this.#write(effect, path);
    this.#inputs.push({ kind: "response", request: effect.request, status, headers: {} });
    this.#inputs.push({ kind: "chunk", request: effect.request, text: stringifyJson(body) });
    this.#inputs.push({ kind: "responseEnd", request: effect.request });
  }

  #read(path: string): [number, object] {
    const found = this.objects.get(path);
    if (found !== undefined) return [200, found];
    if (!/(services|ipaddresspools|communities|namespaces|configurationstates)$/.test(path)) return [404, failure(404)];
    const items = [...this.objects].filter(([key]) => inCollection(key, path)).map(([, object]) => object);
    return [200, { kind: "List", metadata: { resourceVersion: `${this.#revision}` }, items }];
  }

  #write({ method, body = "{}" }: KubeRequest, path: string): [number, object] {
    const { race } = this;
    this.race = undefined;
    race?.();
    this.requests.push(`${method} ${path.replace(SYSTEM, "").replace("/api/v1/namespaces/", "")}`);
    this.bodies.push(body);
    const refusal = path.includes("/services/") ? this.refusals.shift() : undefined;
    if (refusal !== undefined) return [refusal, failure(refusal)];
    const object = parseJson(body) as Stored;
    const key = method === "POST" ? `${path}/${object.metadata.name}` : path.replace(/\/status$/, "");
    const before = this.objects.get(key);
    if (before !== undefined && method === "POST") return [409, failure(409)];
    if (before !== undefined && method === "PUT") {
      if (before.metadata.resourceVersion !== object.metadata.resourceVersion) return [409, failure(409)];
    }
    const after = method === "PATCH" ? { ...before, ...object, metadata: before?.metadata } : object;
    this.#store(key, after as Stored, before === undefined ? "ADDED" : "MODIFIED");
    return [method === "POST" ? 201 : 200, this.objects.get(key) ?? {}];
  }

  #store(path: string, object: Stored, type: string): void {
    const resourceVersion = `${++this.#revision}`;
    const before = this.objects.get(path);
    const { uid = `uid-${resourceVersion}` } = before?.metadata ?? {};
    const changed = stringifyJson(before?.spec) !== stringifyJson(object.spec);
    const generation = (before?.metadata.generation ?? 0) + (changed ? 1 : 0);
    const stored = { ...object, metadata: { ...object.metadata, uid, generation, resourceVersion } };
    this.objects.set(path, stored);
    this.#tell(path, type, stored);
  }

  #tell(key: string, type: string, object: object): void {
    for (const [request, { path }] of this.#watches) {
      if (!inCollection(key, path)) continue;
      this.#inputs.push({ kind: "chunk", request, text: `${stringifyJson({ type, object })}\n` });
    }
  }
}

const failure = (code: number): object => ({
  kind: "Status",
  apiVersion: "v1",
  code,
  reason: code === 409 ? "Conflict" : "Refused",
  message: `no: ${code}`,
});

/** `/api/v1/services` holds the services of every namespace. */
function inCollection(key: string, collection: string): boolean {
  const parent = key.slice(0, key.lastIndexOf("/"));
  return parent === collection || parent.replace(/\/namespaces\/[^/]+/, "") === collection;
}

function namespaced(path: string): { readonly name: string; readonly namespace: string } {
  const [, namespace = "", , name = ""] = path.slice(path.indexOf("/namespaces/") + 1).split("/");
  return { namespace, name };
}

const pathOfService = (name: string): string => `/api/v1/namespaces/default/services/${name}`;

function addPool(api: Api, name: string, ...addresses: readonly string[]): void {
  const metadata = { name, namespace: "metallb-system" };
  api.put(`${POOLS}/${name}`, {
    apiVersion: "metallb.io/v1beta1",
    kind: "IPAddressPool",
    metadata,
    spec: { addresses },
  });
}

function addService(api: Api, name: string, change: { readonly ingress?: readonly LoadBalancerIngress[] } = {}): void {
  const path = pathOfService(name);
  const spec = { type: "LoadBalancer", clusterIPs: ["10.96.0.1"], ports: [{ protocol: "TCP", port: 80 }] };
  const status = { loadBalancer: change.ingress === undefined ? {} : { ingress: change.ingress } };
  api.put(path, { apiVersion: "v1", kind: "Service", metadata: namespaced(path), spec, status });
}

const process = (): Process =>
  createController({ podName: "controller-0", namespace: "metallb-system", lbClass: "", random: { next: () => 0.5 } });

function started(...pools: readonly (readonly [string, ...string[]])[]): Api {
  const api = new Api(process());
  const path = "/api/v1/namespaces/metallb-system/pods/controller-0";
  api.put(path, { apiVersion: "v1", kind: "Pod", metadata: { name: "controller-0", namespace: "metallb-system" } });
  for (const [name, ...addresses] of pools) addPool(api, name, ...addresses);
  api.deliver({ kind: "started" });
  api.requests.length = 0;
  return api;
}

function addressesOf(api: Api): Readonly<Record<string, string>> {
  const lines = [...api.objects.values()].flatMap((object) => {
    if (object.kind !== "Service") return [];
    const { metadata, status } = object as Service;
    const ips = (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join(" ");
    const pool = metadata.annotations?.["metallb.io/ip-allocated-from-pool"];
    return [[metadata.name, pool === undefined ? ips : `${pool}: ${ips}`] as const];
  });
  return Object.fromEntries(lines);
}

const eventsOf = (api: Api): readonly string[] =>
  [...api.objects.values()].flatMap((object) => {
    if (object.kind !== "Event") return [];
    const { involvedObject, reason, message } = object as unknown as Record<string, never> & {
      involvedObject: { name: string };
    };
    return `${involvedObject.name} ${reason}: ${message}`;
  });

describe("the controller as a process", () => {
  it("writes address, annotation and event, and then nothing more", () => {
    const api = started(["first", "192.0.2.0/30"]);
    addService(api, "web");
    expect(addressesOf(api)).toEqual({ web: "first: 192.0.2.0" });
    expect(eventsOf(api)).toEqual(['web IPAllocated: Assigned IP ["192.0.2.0"]']);
    expect(api.requests.filter((request) => !request.includes("events"))).toEqual([
      "PUT default/services/web/status",
      "PUT /ipaddresspools/first/status",
    ]);
    api.requests.length = 0;
    api.wait(seconds(60));
    expect(api.requests).toEqual([]);
  });

  it("does not write again when only the ipMode is filled in", () => {
    const api = started(["first", "192.0.2.0/30"]);
    addService(api, "web");
    api.requests.length = 0;
    api.put(pathOfService("web"), { status: { loadBalancer: { ingress: [{ ip: "192.0.2.0", ipMode: "VIP" }] } } });
    expect(api.requests).toEqual([]);
  });

  it("counts pools in their status and corrects what others write there", () => {
    const api = started(["big", "192.0.2.0/30", "2001:db8::/64"]);
    addService(api, "web");
    const counted = { assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 3, availableIPv6: 9223372036854775807n };
    expect(api.objects.get(`${POOLS}/big`)?.status).toEqual(counted);
    expect(api.bodies.find((body) => body.includes("availableIPv6"))).toContain('"availableIPv6":9223372036854775807');
    api.put(`${POOLS}/big`, { status: { ...counted, assignedIPv4: 7 } });
    expect(api.objects.get(`${POOLS}/big`)?.status).toEqual(counted);
  });

  it.each<[string, object, string, number]>([
    ["asks for another address", { annotations: { "metallb.io/loadBalancerIPs": "192.0.2.3" } }, "192.0.2.3", 2],
    ["wrote the same", { annotations: { "metallb.io/ip-allocated-from-pool": "first" } }, "192.0.2.0", 1],
  ])("decides anew when somebody else was first and %s", (_, change, ip, writes) => {
    const api = started(["first", "192.0.2.0/30"]);
    const path = pathOfService("web");
    api.race = () => {
      const status = writes === 1 ? { status: { loadBalancer: { ingress: [{ ip }] } } } : {};
      api.overtake(path, { metadata: { ...api.objects.get(path)?.metadata, ...change }, ...status });
    };
    addService(api, "web");
    expect(addressesOf(api)).toEqual({ web: `first: ${ip}` });
    const writesOf = api.requests.filter((request) => request.includes("services"));
    expect(writesOf).toEqual(Array(writes).fill("PUT default/services/web/status"));
  });

  it.each([422, 403, 500])("tries a refused status again later (%d), without another address", (code) => {
    const api = started(["first", "192.0.2.0/30"]);
    api.refusals = [code];
    addService(api, "web");
    expect(addressesOf(api)).toEqual({ web: "" });
    addService(api, "other");
    api.wait(seconds(10));
    expect(addressesOf(api)).toEqual({ web: "first: 192.0.2.0", other: "first: 192.0.2.1" });
  });

  it("restores an address that somebody replaced by one of another Service, or of nobody", () => {
    const api = started(["first", "192.0.2.0/30"]);
    addService(api, "a");
    addService(api, "b");
    for (const foreign of ["192.0.2.0", "203.0.113.1"]) {
      api.put(pathOfService("b"), { status: { loadBalancer: { ingress: [{ ip: foreign }] } } });
      expect(addressesOf(api)).toEqual({ a: "first: 192.0.2.0", b: "first: 192.0.2.1" });
    }
    api.put(pathOfService("b"), { status: { loadBalancer: {} } });
    expect(addressesOf(api)).toEqual({ a: "first: 192.0.2.0", b: "first: 192.0.2.1" });
  });

  it("keeps every address over a restart, whatever was on its way when it died", () => {
    const api = started(["first", "192.0.2.0/30"]);
    for (const name of ["d", "c", "b"]) addService(api, name);
    api.remove(pathOfService("d"));
    const before = addressesOf(api);
    api.refusals = [500];
    addService(api, "a");
    api.restart(process());
    api.wait(seconds(1));
    expect(addressesOf(api)).toEqual({ ...before, a: "first: 192.0.2.0" });
    api.requests.length = 0;
    api.restart(process());
    api.wait(seconds(1));
    expect(api.requests).toEqual([]);
  });

  it("lets the assigned keep what they have when the pool is full, and says so to the others", () => {
    const api = new Api(process());
    addPool(api, "first", "192.0.2.0/31");
    addService(api, "a");
    addService(api, "b", { ingress: [{ ip: "192.0.2.0" }] });
    addService(api, "c", { ingress: [{ ip: "192.0.2.1" }] });
    api.deliver({ kind: "started" });
    expect(addressesOf(api)).toEqual({ a: "", b: "first: 192.0.2.0", c: "first: 192.0.2.1" });
    expect(eventsOf(api)).toEqual([
      'a AllocationFailed: Failed to allocate IP for "default/a": no available IPs: pool "first" has no free IPv4 address',
    ]);
    api.remove(pathOfService("c"));
    expect(addressesOf(api)).toEqual({ a: "first: 192.0.2.1", b: "first: 192.0.2.0" });
  });

  it("reports an invalid configuration and stays with the last valid one", () => {
    const api = started(["first", "192.0.2.0/30"]);
    const report = (): unknown => api.objects.get(`${SYSTEM}/configurationstates/controller`)?.status;
    const condition = { type: "poolReconcilerValid", lastTransitionTime: "1970-01-01T00:00:00Z" };
    expect(report()).toEqual({
      result: "Valid",
      errorSummary: "",
      conditions: [{ ...condition, status: "True", reason: "Reconciled", message: "" }],
    });
    addPool(api, "second", "192.0.2.2-192.0.2.1");
    const { errorSummary } = report() as { readonly errorSummary: string };
    expect(errorSummary).toMatch(/^configuration error: /);
    expect(report()).toEqual({
      result: "Invalid",
      errorSummary,
      conditions: [{ ...condition, status: "False", reason: "ConfigurationError", message: errorSummary }],
    });
    api.wait(seconds(60));
    addPool(api, "second", "nonsense");
    expect(report()).toMatchObject({ conditions: [{ ...condition, message: expect.stringContaining("nonsense") }] });
    addService(api, "web");
    expect(addressesOf(api)).toEqual({ web: "first: 192.0.2.0" });
    api.remove(`${POOLS}/second`);
    expect(report()).toMatchObject({ result: "Valid", errorSummary: "" });
  });

  it("owns its report, and writes it again when it is deleted", () => {
    const api = started(["first", "192.0.2.0/30"]);
    const path = `${SYSTEM}/configurationstates/controller`;
    const pod = api.objects.get("/api/v1/namespaces/metallb-system/pods/controller-0");
    const owner = { apiVersion: "v1", kind: "Pod", name: "controller-0", uid: pod?.metadata.uid };
    expect(api.objects.get(path)?.metadata).toMatchObject({
      labels: { "metallb.io/component-type": "controller" },
      ownerReferences: [owner],
    });
    api.remove(path);
    expect(api.objects.get(path)?.status).toMatchObject({ result: "Valid" });
  });

  it("makes the Secret of the speakers, owned by the Deployment, and leaves one that is there", () => {
    const namespace = "metallb-system";
    const options = { podName: "controller-0", namespace, lbClass: "", random: { next: () => 0.5 } };
    const make = (): Process =>
      createController({ ...options, members: { secretName: "memberlist", deployment: "controller" } });
    const api = new Api(make());
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/controller`;
    api.put(path, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "controller", namespace } });
    api.deliver({ kind: "started" });
    const secret = api.objects.get(`/api/v1/namespaces/${namespace}/secrets/memberlist`);
    // 16 bytes 0x80 in base64 without padding, once more in base64 as the value of a Secret.
    expect(secret).toMatchObject({
      data: { secretkey: btoa("gICAgICAgICAgICAgICAgA") },
      metadata: { ownerReferences: [{ kind: "Deployment", name: "controller", uid: "uid-1" }] },
    });
    api.restart(make());
    expect(api.objects.get(`/api/v1/namespaces/${namespace}/secrets/memberlist`)).toBe(secret);
  });

  it("moves Services when pools change", () => {
    const api = started(["first", "192.0.2.0/30"]);
    addService(api, "web");
    addPool(api, "second", "198.51.100.0/30");
    expect(addressesOf(api)).toEqual({ web: "first: 192.0.2.0" });
    api.remove(`${POOLS}/first`);
    expect(addressesOf(api)).toEqual({ web: "second: 198.51.100.0" });
    api.remove(`${POOLS}/second`);
    expect(addressesOf(api)).toEqual({ web: "" });
  });
});
