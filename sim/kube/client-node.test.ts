// An independent client against the server, over real HTTP on the loopback interface: @kubernetes/client-node expects what
// a real API server does.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo } from "node:net";
import {
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Instant } from "../../impl/ports.ts";
import { micros } from "../../impl/wire/time.ts";
import { createKubeServer } from "./create-server.ts";
import { type KubeServer } from "./server.ts";

const NAMESPACE = "lab";
const started = Date.now();
let server: KubeServer;
let http: Server;
let config: KubeConfig;

const now = (): Instant => ({ monotonic: micros((Date.now() - started) * 1e3), wall: micros(Date.now() * 1e3) });

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString("utf8");
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await textOf(request);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const { method = "GET", url = "/" } = request;
  const exchange = server.handle({ method, path: url, headers, ...(body === "" ? {} : { body }) }, now(), {
    head: (status, fields) => response.writeHead(status, fields).flushHeaders(),
    chunk: (text) => void response.write(text),
    end: () => void response.end(),
  });
  response.on("close", () => exchange.abort());
}

beforeAll(async () => {
  ({ server } = createKubeServer({ seed: "client-node" }));
  server.call("POST", "/api/v1/namespaces", now(), {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: NAMESPACE },
  });
  http = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "sim", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: "nobody" },
  );
});

afterAll(() => {
  http.closeAllConnections();
  http.close();
});

const map = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}): V1ConfigMap => ({
  metadata: { name, labels },
  data,
});

/** What the client throws for a Status. */
async function refusal(request: Promise<unknown>): Promise<unknown> {
  const error: unknown = await request.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const { code, body } = error as { readonly code: number; readonly body: string };
  const { reason, message } = JSON.parse(body) as { readonly reason: string; readonly message: string };
  return { code, reason, message };
}

describe("CoreV1Api", () => {
  it("creates, reads, replaces and deletes", async () => {
    const core = config.makeApiClient(CoreV1Api);
    const created = await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: map("one", { a: "1" }) });
    const read = await core.readNamespacedConfigMap({ namespace: NAMESPACE, name: "one" });
    expect(read).toEqual(created);
    expect(read.metadata?.creationTimestamp).toBeInstanceOf(Date);
    expect(read.metadata?.uid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const body = { ...read, data: { a: "2" } };
    const replaced = await core.replaceNamespacedConfigMap({ namespace: NAMESPACE, name: "one", body });
    expect(replaced.data).toEqual({ a: "2" });
    expect(Number(replaced.metadata?.resourceVersion)).toBeGreaterThan(Number(read.metadata?.resourceVersion));
    // The same version again: somebody else, ourselves, was first.
    const again = core.replaceNamespacedConfigMap({ namespace: NAMESPACE, name: "one", body });
    expect(await refusal(again)).toEqual({
      code: 409,
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on configmaps "one": the object has been modified; please apply your changes to the latest version and try again',
    });
    const status = await core.deleteNamespacedConfigMap({ namespace: NAMESPACE, name: "one" });
    expect(status.status).toBe("Success");
    expect(await refusal(core.readNamespacedConfigMap({ namespace: NAMESPACE, name: "one" }))).toEqual({
      code: 404,
      reason: "NotFound",
      message: 'configmaps "one" not found',
    });
  });

  it("refuses a second object of a name, an object without one, and a Namespace that is not there", async () => {
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: map("twice") });
    const second = core.createNamespacedConfigMap({ namespace: NAMESPACE, body: map("twice") });
    expect(await refusal(second)).toEqual({
      code: 409,
      reason: "AlreadyExists",
      message: 'configmaps "twice" already exists',
    });
    const nowhere = core.createNamespacedConfigMap({ namespace: "nowhere", body: map("x") });
    expect(await refusal(nowhere)).toEqual({
      code: 404,
      reason: "NotFound",
      message: 'namespaces "nowhere" not found',
    });
    const nameless = core.createNamespacedConfigMap({ namespace: NAMESPACE, body: { metadata: {} } });
    expect(await refusal(nameless)).toEqual({
      code: 422,
      reason: "Invalid",
      message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    });
  });

  it("lists in pages and by selectors", async () => {
    const core = config.makeApiClient(CoreV1Api);
    for (const name of ["p1", "p2", "p3"]) {
      await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: map(name, {}, { page: name }) });
    }
    const labelSelector = "page in (p1,p2,p3),page";
    const first = await core.listNamespacedConfigMap({ namespace: NAMESPACE, labelSelector, limit: 2 });
    const token = first.metadata?._continue ?? "";
    const second = await core.listNamespacedConfigMap({
      namespace: NAMESPACE,
      labelSelector,
      limit: 2,
      _continue: token,
    });
    const names = [first, second].map(({ items }) => items.map(({ metadata }) => metadata?.name));
    expect(names).toEqual([["p1", "p2"], ["p3"]]);
    const one = await core.listConfigMapForAllNamespaces({ fieldSelector: "metadata.name=p3" });
    expect(one.items.map(({ metadata }) => metadata?.name)).toEqual(["p3"]);
  });

  it("patches in three ways", async () => {
    const core = config.makeApiClient(CoreV1Api);
    const place = { namespace: NAMESPACE, name: "patched" };
    await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: map("patched", { a: "1", b: "2" }) });
    const by = (strategy: string) => setHeaderOptions("Content-Type", strategy);
    await core.patchNamespacedConfigMap(
      { ...place, body: { data: { a: null, c: "3" } } },
      by(PatchStrategy.MergePatch),
    );
    const operations = [
      { op: "test", path: "/data/c", value: "3" },
      { op: "replace", path: "/data/c", value: "4" },
    ];
    await core.patchNamespacedConfigMap({ ...place, body: operations }, by(PatchStrategy.JsonPatch));
    const last = await core.patchNamespacedConfigMap(
      { ...place, body: { metadata: { labels: { x: "y" } } } },
      by(PatchStrategy.StrategicMergePatch),
    );
    expect([last.data, last.metadata?.labels]).toEqual([{ b: "2", c: "4" }, { x: "y" }]);
  });

  it("keeps what a Service's status write says of status and annotations, and nothing of its spec", async () => {
    const core = config.makeApiClient(CoreV1Api);
    const ports = [{ port: 80 }];
    const body = { metadata: { name: "web" }, spec: { type: "LoadBalancer", ports } };
    const created = await core.createNamespacedService({ namespace: NAMESPACE, body });
    const written = await core.replaceNamespacedServiceStatus({
      namespace: NAMESPACE,
      name: "web",
      body: {
        ...created,
        metadata: { ...created.metadata, annotations: { "metallb.io/ip-allocated-from-pool": "first" } },
        spec: { ...created.spec, externalTrafficPolicy: "Local" },
        status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
      },
    });
    expect(written.metadata?.annotations).toEqual({ "metallb.io/ip-allocated-from-pool": "first" });
    expect(written.spec?.externalTrafficPolicy).toBe("Cluster");
    expect(written.status?.loadBalancer?.ingress).toEqual([{ ip: "192.0.2.1", ipMode: "VIP" }]);
    const spec = { ...written.spec, type: "ClusterIP" };
    const narrowed = await core.replaceNamespacedService({
      namespace: NAMESPACE,
      name: "web",
      body: { ...written, spec },
    });
    expect(narrowed.status?.loadBalancer).toEqual({});
    expect(narrowed.spec?.ports?.[0]?.nodePort).toBeUndefined();
    expect(narrowed.spec?.clusterIP).toBe(created.spec?.clusterIP);
  });
});

it("watches: what is there, what comes, and what goes", async () => {
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: map("w1", {}, { watched: "yes" }) });
  const events: string[] = [];
  let wake = (): void => undefined;
  const watch = await new Watch(config).watch(
    `/api/v1/namespaces/${NAMESPACE}/configmaps`,
    { labelSelector: "watched=yes" },
    (phase: string, object: V1ConfigMap) => {
      events.push(`${phase} ${object.metadata?.name}`);
      wake();
    },
    () => undefined,
  );
  const until = async (count: number): Promise<void> => {
    while (events.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  await until(1);
  await core.createNamespacedConfigMap({ namespace: NAMESPACE, body: map("w2", {}, { watched: "yes" }) });
  const by = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  const place = { namespace: NAMESPACE, name: "w1" };
  // An object that ceases to match is gone for this watch.
  await core.patchNamespacedConfigMap({ ...place, body: { metadata: { labels: { watched: "no" } } } }, by);
  await core.patchNamespacedConfigMap({ ...place, body: { data: { unseen: "1" } } }, by);
  await core.deleteNamespacedConfigMap({ namespace: NAMESPACE, name: "w2" });
  await until(4);
  watch.abort();
  expect(events).toEqual(["ADDED w1", "ADDED w2", "DELETED w1", "DELETED w2"]);
});

it("answers a watch from a version that is gone with 410, in the stream", async () => {
  server.compact();
  const outcome = await new Promise<unknown>((resolve) => {
    void new Watch(config).watch(
      "/api/v1/configmaps",
      { resourceVersion: "1" },
      (phase: string, object: { readonly code: number; readonly reason: string }) =>
        resolve([phase, object.code, object.reason]),
      resolve,
    );
  });
  expect(outcome).toEqual(["ERROR", 410, "Expired"]);
});

it("serves other groups: Deployments with a status of their own, Leases that need a version to be changed", async () => {
  const apps = config.makeApiClient(AppsV1Api);
  const labels = { app: "web" };
  const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [] } } };
  const body = { metadata: { name: "web" }, spec, status: { replicas: 7 } };
  const created = await apps.createNamespacedDeployment({ namespace: NAMESPACE, body });
  expect([created.spec?.replicas, created.status, created.metadata?.generation]).toEqual([1, undefined, 1]);
  const scaled = { ...created, spec: { ...created.spec, ...spec, replicas: 3 } };
  const replaced = await apps.replaceNamespacedDeployment({ namespace: NAMESPACE, name: "web", body: scaled });
  expect(replaced.metadata?.generation).toBe(2);
  const leases = config.makeApiClient(CoordinationV1Api);
  await leases.createNamespacedLease({ namespace: NAMESPACE, body: { metadata: { name: "leader" } } });
  const blind = leases.replaceNamespacedLease({
    namespace: NAMESPACE,
    name: "leader",
    body: { metadata: { name: "leader" }, spec: { holderIdentity: "me" } },
  });
  expect(await refusal(blind)).toMatchObject({ code: 422, reason: "Invalid" });
});

describe("custom objects", () => {
  const group = "metallb.io";
  const pool = (name: string, spec: object): object => ({
    apiVersion: "metallb.io/v1beta1",
    kind: "IPAddressPool",
    metadata: { name },
    spec,
  });
  const place = { group, version: "v1beta1", namespace: NAMESPACE, plural: "ipaddresspools" } as const;

  it("get the defaults of their schema, lose unknown fields, and are refused with the field's name", async () => {
    const api = config.makeApiClient(CustomObjectsApi);
    const body = pool("first", { addresses: ["192.0.2.0/24"], colour: "blue" });
    const created: unknown = await api.createNamespacedCustomObject({ ...place, body });
    expect(created).toMatchObject({ spec: { addresses: ["192.0.2.0/24"], autoAssign: true, avoidBuggyIPs: false } });
    expect(created).not.toHaveProperty("spec.colour");
    const bad = api.createNamespacedCustomObject({ ...place, body: pool("second", { autoAssign: "yes" }) });
    expect(await refusal(bad)).toMatchObject({ code: 422, reason: "Invalid" });
    const strict = api.createNamespacedCustomObject({ ...place, body, fieldValidation: "Strict" });
    expect(await refusal(strict)).toMatchObject({ code: 400, reason: "BadRequest" });
  });

  it("are applied by several hands, each with its own fields", async () => {
    const api = KubernetesObjectApi.makeApiClient(config);
    const apply = (fieldManager: string, object: object, force: boolean): Promise<unknown> =>
      api.patch(
        {
          ...object,
          metadata: { name: "applied", namespace: NAMESPACE, ...("metadata" in object ? {} : {}) },
        } as never,
        undefined,
        undefined,
        fieldManager,
        force,
        PatchStrategy.ServerSideApply,
      );
    await apply("one", pool("applied", { addresses: ["192.0.2.0/25"], autoAssign: false }), false);
    const contested = apply("two", pool("applied", { addresses: ["192.0.2.0/26"] }), false);
    expect(await refusal(contested)).toMatchObject({ code: 409, reason: "Conflict" });
    await apply("two", pool("applied", { addresses: ["192.0.2.0/26"] }), true);
    // One no longer says anything of autoAssign, so its default comes back; the addresses are Two's now.
    const last = await apply("one", pool("applied", {}), false);
    expect(last).toMatchObject({ spec: { addresses: ["192.0.2.0/26"], autoAssign: true } });
  });

  it("come in the version that is asked for", async () => {
    const api = config.makeApiClient(CustomObjectsApi);
    const body = {
      apiVersion: "metallb.io/v1beta1",
      kind: "BGPPeer",
      metadata: { name: "tor" },
      spec: { myASN: 64512, peerASN: 64513, peerAddress: "192.0.2.1" },
    };
    const peers = { group, namespace: NAMESPACE, plural: "bgppeers" } as const;
    await api.createNamespacedCustomObject({ ...peers, version: "v1beta1", body });
    const stored: unknown = await api.getNamespacedCustomObject({ ...peers, version: "v1beta2", name: "tor" });
    const old: unknown = await api.getNamespacedCustomObject({ ...peers, version: "v1beta1", name: "tor" });
    expect(stored).toMatchObject({ apiVersion: "metallb.io/v1beta2", spec: { holdTime: "0s", peerPort: 179 } });
    expect(old).toMatchObject({ apiVersion: "metallb.io/v1beta1", spec: { peerAddress: "192.0.2.1" } });
  });
});
