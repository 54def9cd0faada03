import { describe, expect, it } from "vitest";
import { stringifyJson } from "../../impl/api/json.ts";
import { type Instant } from "../../impl/ports.ts";
import { micros, seconds } from "../../impl/wire/time.ts";
import { createKubeServer } from "./create-server.ts";
import { type Fields, fieldsOf, listOf } from "./object.ts";
import { type KubeServer } from "./server.ts";
import { type WebhookState } from "./webhooks.ts";

const at = (second: number): Instant => ({ monotonic: seconds(second), wall: micros(seconds(second) + 1.8e15) });
const MAPS = "/api/v1/namespaces/default/configmaps";
const POOLS = "/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools";

function fresh(webhook?: () => WebhookState): KubeServer {
  const { server } = createKubeServer({ seed: "server", ...(webhook === undefined ? {} : { webhook }) });
  for (const name of ["default", "metallb-system"]) {
    server.call("POST", "/api/v1/namespaces", at(0), { metadata: { name } });
  }
  return server;
}

const make = (server: KubeServer, name: string): void =>
  void server.call("POST", MAPS, at(0), { metadata: { name }, data: { v: "1" } });
const change = (server: KubeServer, name: string, patch: object): Fields =>
  fieldsOf(
    server.call("PATCH", `${MAPS}/${name}`, at(1), patch, { "content-type": "application/merge-patch+json" }).body,
  );
const versionOf = (body: unknown): string => String(fieldsOf(fieldsOf(body)["metadata"])["resourceVersion"]);
const namesIn = (body: unknown): readonly unknown[] =>
  listOf(fieldsOf(body)["items"]).map((item) => fieldsOf(fieldsOf(item)["metadata"])["name"]);

/** Everything that an open watch says, one line for each event. */
function watched(
  server: KubeServer,
  query: string,
  now = at(0),
): { readonly lines: string[]; readonly abort: () => void } {
  const lines: string[] = [];
  const request = { method: "GET", path: `${MAPS}?watch=true&${query}`, headers: {} };
  const exchange = server.handle(request, now, {
    head: (status) => lines.push(`${status}`),
    chunk: (text) => {
      const { type, object } = JSON.parse(text) as { readonly type: string; readonly object: Fields };
      const { name, resourceVersion } = fieldsOf(object["metadata"]);
      lines.push([type, name ?? resourceVersion ?? object["code"]].map(String).join(" "));
    },
    end: () => lines.push("end"),
  });
  return { lines, abort: () => exchange.abort() };
}

describe("watches", () => {
  it("begin with everything where no version is given, else with what came since", () => {
    const server = fresh();
    make(server, "a");
    const version = versionOf(server.call("GET", MAPS, at(0)).body);
    make(server, "b");
    const whole = watched(server, "");
    const since = watched(server, `resourceVersion=${version}`);
    change(server, "a", { data: { v: "2" } });
    expect([whole.lines, since.lines]).toEqual([
      ["200", "ADDED a", "ADDED b", "MODIFIED a"],
      ["200", "ADDED b", "MODIFIED a"],
    ]);
  });

  it("send bookmarks each minute to those who want them, and end in time", () => {
    const server = fresh();
    const version = versionOf(server.call("GET", MAPS, at(0)).body);
    const marked = watched(server, `resourceVersion=${version}&allowWatchBookmarks=true&timeoutSeconds=100`);
    const plain = watched(server, `resourceVersion=${version}&timeoutSeconds=100`);
    const deadlines: unknown[] = [];
    for (let due = server.deadline(); due !== undefined; due = server.deadline()) {
      deadlines.push(due / 1e6);
      server.tick({ monotonic: due, wall: due });
    }
    expect(deadlines).toEqual([60, 100]);
    expect([marked.lines, plain.lines]).toEqual([
      ["200", `BOOKMARK ${version}`, `BOOKMARK ${version}`, "end"],
      ["200", "end"],
    ]);
  });

  it("say 410 of a version that is compacted, and 504 of one that is yet to come", () => {
    const server = fresh();
    make(server, "a");
    server.compact();
    const future = server.call("GET", `${MAPS}?watch=true&resourceVersion=999`, at(0));
    expect(watched(server, "resourceVersion=1").lines).toEqual(["200", "ERROR 410", "end"]);
    expect([future.status, fieldsOf(future.body)["message"]]).toEqual([
      504,
      `Too large resource version: 999, current: ${versionOf(server.call("GET", MAPS, at(0)).body)}`,
    ]);
  });

  it("say nothing any more after they are aborted", () => {
    const server = fresh();
    const watch = watched(server, "");
    watch.abort();
    make(server, "a");
    expect(watch.lines).toEqual(["200"]);
  });

  it("stream the initial list where it is asked for, and mark its end", () => {
    const server = fresh();
    make(server, "a");
    const now = versionOf(server.call("GET", MAPS, at(0)).body);
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    expect(watched(server, query).lines).toEqual(["200", "ADDED a", `BOOKMARK ${now}`]);
  });
});

describe("lists", () => {
  it("show in every page the moment of the first", () => {
    const server = fresh();
    for (const name of ["a", "b", "c"]) make(server, name);
    const first = server.call("GET", `${MAPS}?limit=2`, at(0));
    const { continue: token, remainingItemCount } = fieldsOf(fieldsOf(first.body)["metadata"]);
    server.call("DELETE", `${MAPS}/c`, at(0));
    make(server, "d");
    const path = `${MAPS}?limit=2&continue=${encodeURIComponent(String(token))}`;
    const second = server.call("GET", path, at(0));
    expect([namesIn(first.body), remainingItemCount, namesIn(second.body)]).toEqual([["a", "b"], 1, ["c"]]);
    expect(versionOf(second.body)).toBe(versionOf(first.body));
    server.compact();
    const late = server.call("GET", path, at(0));
    expect([late.status, fieldsOf(late.body)["reason"]]).toEqual([410, "Expired"]);
  });

  it("show an exact version of the past", () => {
    const server = fresh();
    make(server, "a");
    const version = versionOf(server.call("GET", MAPS, at(0)).body);
    make(server, "b");
    change(server, "a", { data: { v: "2" } });
    const path = `${MAPS}?resourceVersion=${version}&resourceVersionMatch=Exact`;
    expect(
      listOf(fieldsOf(server.call("GET", path, at(0)).body)["items"]).map((item) => fieldsOf(item)["data"]),
    ).toEqual([{ v: "1" }]);
  });
});

describe("writes", () => {
  it("that change nothing are no change", () => {
    const server = fresh();
    make(server, "a");
    const events: string[] = [];
    server.onChange(({ type, key }) => events.push(`${type} ${key}`));
    const before = server.call("GET", `${MAPS}/a`, at(0)).body;
    const after = server.call("PUT", `${MAPS}/a`, at(5), before).body;
    expect([after, change(server, "a", { data: { v: "1" } }), events]).toEqual([before, before, []]);
  });

  it("may not move an object, nor change what the server owns of it", () => {
    const server = fresh();
    make(server, "a");
    const before = fieldsOf(server.call("GET", `${MAPS}/a`, at(0)).body);
    const forged = { uid: "forged", creationTimestamp: "1999-01-01T00:00:00Z", labels: { x: "y" } };
    const after = change(server, "a", {
      metadata: { creationTimestamp: forged.creationTimestamp, labels: forged.labels },
    });
    const stolen = server.call("PUT", `${MAPS}/a`, at(0), { ...before, metadata: { name: "a", uid: forged.uid } });
    expect(fieldsOf(after["metadata"])).toEqual({
      ...fieldsOf(before["metadata"]),
      labels: { x: "y" },
      resourceVersion: versionOf(after),
    });
    expect([stolen.status, fieldsOf(stolen.body)["reason"]]).toEqual([409, "Conflict"]);
  });

  it("of a dry run leave nothing behind", () => {
    const server = fresh();
    const created = server.call("POST", `${MAPS}?dryRun=All`, at(0), { metadata: { name: "a" } });
    expect([created.status, server.call("GET", `${MAPS}/a`, at(0)).status]).toEqual([201, 404]);
  });

  it("make names that are all different", () => {
    const server = fresh();
    const names = Array.from({ length: 50 }, () => {
      const { body } = server.call("POST", MAPS, at(0), { metadata: { generateName: "l2-" } });
      return String(fieldsOf(fieldsOf(body)["metadata"])["name"]);
    });
    expect(new Set(names).size).toBe(50);
    expect(names.filter((name) => !/^l2-[bcdfghjklmnpqrstvwxz2456789]{5}$/.test(name))).toEqual([]);
  });

  it("of deletions wait for finalizers and heed preconditions", () => {
    const server = fresh();
    server.call("POST", MAPS, at(0), { metadata: { name: "a", finalizers: ["example.org/wait"] } });
    const wrong = server.call("DELETE", `${MAPS}/a`, at(0), { preconditions: { uid: "another" } });
    const asked = server.call("DELETE", `${MAPS}/a`, at(0));
    const waiting = fieldsOf(fieldsOf(server.call("GET", `${MAPS}/a`, at(0)).body)["metadata"]);
    change(server, "a", { metadata: { finalizers: null } });
    expect([
      wrong.status,
      asked.status,
      waiting["deletionTimestamp"],
      server.call("GET", `${MAPS}/a`, at(0)).status,
    ]).toEqual([409, 200, "2027-01-15T08:00:00Z", 404]);
  });

  it("are answered by what is wrong with them", () => {
    const server = fresh();
    const handle = (method: string, path: string, body: string, type = "application/json"): unknown => {
      let status = 0;
      server.handle({ method, path, headers: { "content-type": type }, body }, at(0), {
        head: (code) => (status = code),
        chunk: () => undefined,
        end: () => undefined,
      });
      return status;
    };
    expect({
      noJson: handle("POST", MAPS, "{"),
      protobuf: handle("POST", MAPS, "k8s", "application/vnd.kubernetes.protobuf"),
      otherKind: handle("POST", MAPS, '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}}'),
      otherNamespace: handle("POST", MAPS, '{"metadata":{"name":"a","namespace":"other"}}'),
      badName: handle("POST", MAPS, '{"metadata":{"name":"A_b"}}'),
      badLabels: handle("POST", MAPS, '{"metadata":{"name":"a","labels":{"x":1}}}'),
      withVersion: handle("POST", MAPS, '{"metadata":{"name":"a","resourceVersion":"1"}}'),
      noSuchKind: handle("GET", "/api/v1/gizmos", ""),
      noSuchVersion: handle("GET", "/apis/metallb.io/v1/bgppeers", ""),
      noStatus: handle("PUT", `${MAPS}/a/status`, '{"metadata":{"name":"a"}}'),
      badSelector: handle("GET", `${MAPS}?labelSelector=${encodeURIComponent("a in b")}`, ""),
      badVersion: handle("GET", `${MAPS}?resourceVersion=x`, ""),
      noMethod: handle("POST", `${MAPS}/a`, "{}"),
      badPath: handle("GET", "/%zz", ""),
    }).toEqual({
      noJson: 400,
      protobuf: 415,
      otherKind: 400,
      otherNamespace: 400,
      badName: 422,
      badLabels: 400,
      withVersion: 400,
      noSuchKind: 404,
      noSuchVersion: 404,
      noStatus: 404,
      badSelector: 400,
      badVersion: 400,
      noMethod: 405,
      badPath: 400,
    });
  });
});

describe("metallb.io", () => {
  const pool = (name: string, ...addresses: readonly string[]): object => ({
    apiVersion: "metallb.io/v1beta1",
    kind: "IPAddressPool",
    metadata: { name },
    spec: { addresses },
  });

  it("keeps integers of 64 bits exact in a status, and spec and metadata out of it", () => {
    const server = fresh();
    server.call("POST", POOLS, at(0), pool("big", "2001:db8::/64"));
    const status = { assignedIPv4: 0, assignedIPv6: 1, availableIPv4: 0, availableIPv6: 9223372036854775807n };
    const patch = { metadata: { labels: { x: "y" } }, spec: { autoAssign: false }, status };
    const headers = { "content-type": "application/merge-patch+json" };
    const { body } = server.call("PATCH", `${POOLS}/big/status`, at(0), patch, headers);
    const { metadata, spec } = fieldsOf(body);
    expect(stringifyJson(fieldsOf(body)["status"])).toContain('"availableIPv6":9223372036854775807');
    expect([fieldsOf(metadata)["labels"], fieldsOf(spec)["autoAssign"], fieldsOf(metadata)["generation"]]).toEqual([
      undefined,
      true,
      1,
    ]);
  });

  it("asks the webhooks, unless they are off or do not answer", () => {
    let state: WebhookState = "on";
    const server = fresh(() => state);
    const outcome = (name: string, ...addresses: readonly string[]): readonly unknown[] => {
      const { status, body } = server.call("POST", POOLS, at(0), pool(name, ...addresses));
      return [status, fieldsOf(body)["reason"]];
    };
    expect(outcome("first", "192.0.2.0/24")).toEqual([201, undefined]);
    expect(outcome("second", "192.0.2.128/25")).toEqual([403, "Forbidden"]);
    state = "unreachable";
    expect(outcome("second", "198.51.100.0/24")).toEqual([500, "InternalError"]);
    state = "off";
    expect(outcome("second", "192.0.2.128/25")).toEqual([201, undefined]);
  });

  it("refuses to change what is immutable", () => {
    const server = fresh();
    const path = "/apis/metallb.io/v1beta2/namespaces/metallb-system/bgppeers";
    const spec = { myASN: 64512, peerASN: 64513, peerAddress: "192.0.2.1", enableGracefulRestart: true };
    server.call("POST", path, at(0), {
      apiVersion: "metallb.io/v1beta2",
      kind: "BGPPeer",
      metadata: { name: "tor" },
      spec,
    });
    const headers = { "content-type": "application/merge-patch+json" };
    const { body } = server.call("PATCH", `${path}/tor`, at(0), { spec: { enableGracefulRestart: false } }, headers);
    expect(fieldsOf(fieldsOf(body)["details"])["causes"]).toEqual([
      {
        reason: "FieldValueInvalid",
        message: "Invalid value: EnableGracefulRestart cannot be changed after creation",
        field: "spec.enableGracefulRestart",
      },
    ]);
  });
});
