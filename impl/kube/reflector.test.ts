// Answers as a real API server words them, fed by hand.
import { expect, it } from "vitest";
import { type NodeObject } from "../api/kubernetes.ts";
import { type Effect, type Instant, type KubeInput } from "../ports.ts";
import { micros, seconds } from "../wire/time.ts";
import { type Change } from "./change.ts";
import { KubeClient } from "./client.ts";
import { RESOURCES } from "./resources.ts";

const at = (second: number): Instant => ({ monotonic: seconds(second), wall: micros(0) });

/** A client of Nodes that keeps only their labels, and what it last asked. */
function nodes() {
  const client = new KubeClient({ random: { next: () => 0.5 } });
  const project = ({ apiVersion, kind, metadata }: NodeObject): NodeObject => ({ apiVersion, kind, metadata });
  client.watch({ resource: RESOURCES.nodes, project });
  let asked = { request: "", path: "" };
  const changes: Change[] = [];
  const give = (input: KubeInput | { readonly kind: "started" } | { readonly kind: "wake" }, now: Instant): void => {
    const out = client.handle(input, now);
    for (const effect of out.effects) if (isRequest(effect)) asked = effect;
    changes.push(...out.changes);
  };
  return {
    client,
    changes,
    start: () => give({ kind: "started" }, at(0)),
    wake: (second: number) => give({ kind: "wake" }, at(second)),
    path: () => asked.path,
    head: (second: number) => give({ kind: "response", request: asked.request, status: 200, headers: {} }, at(second)),
    answer: (second: number, status: number, body: object) => {
      const { request } = asked;
      give({ kind: "response", request, status, headers: { "Content-Type": "application/json" } }, at(second));
      give({ kind: "chunk", request, text: JSON.stringify(body) }, at(second));
      give({ kind: "responseEnd", request }, at(second));
    },
  };
}

const isRequest = (effect: Effect): effect is Extract<Effect, { readonly kind: "request" }> =>
  effect.kind === "request";

/** Items of a list of a built-in kind say neither kind nor apiVersion. */
const node = (name: string, resourceVersion: string): object => ({
  metadata: { name, resourceVersion, labels: { zone: name } },
  status: { images: ["many", "large"] },
});
const list = (resourceVersion: string, ...items: readonly object[]): object => ({
  kind: "NodeList",
  apiVersion: "v1",
  metadata: { resourceVersion },
  items,
});

it("asks as the API server wants to be asked", () => {
  const { start, path, answer } = nodes();
  start();
  const first = path();
  answer(0, 200, { ...list("100"), metadata: { resourceVersion: "100", continue: "a+b/c" } });
  const second = path();
  answer(0, 200, list("100"));
  expect([first, second, path()]).toEqual([
    "/api/v1/nodes?limit=500",
    "/api/v1/nodes?limit=500&continue=a%2Bb%2Fc",
    "/api/v1/nodes?watch=true&resourceVersion=100&allowWatchBookmarks=true&timeoutSeconds=450",
  ]);
});

it("keeps what the projection leaves, with the kind that lists leave out", () => {
  const { client, start, answer } = nodes();
  start();
  answer(0, 200, list("100", node("n1", "7")));
  expect([...client.list(RESOURCES.nodes)]).toEqual([
    { apiVersion: "v1", kind: "Node", metadata: { name: "n1", resourceVersion: "7", labels: { zone: "n1" } } },
  ]);
});

it("starts over where the server has been restored to before what it has seen", () => {
  const { client, changes, start, wake, path, answer } = nodes();
  start();
  answer(0, 200, list("100", node("n1", "90"), node("n2", "95")));
  answer(5, 504, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "Timeout: Too large resource version: 100, current: 50",
    reason: "Timeout",
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
    code: 504,
  });
  wake(10);
  const asked = path();
  answer(10, 200, list("50", node("n1", "40")));
  expect(asked).toBe("/api/v1/nodes?limit=500");
  expect(
    changes.slice(3).map((change) => (change.kind === "synced" ? "synced" : `${change.kind} ${nameOf(change)}`)),
  ).toEqual(["deleted n2", "upserted n1", "synced"]);
  expect([...client.list(RESOURCES.nodes)].map(({ metadata }) => metadata.resourceVersion)).toEqual(["40"]);
  expect(path()).toContain("resourceVersion=50");
});

it("does not wait for the head of a watch as long as for its first event", () => {
  const { client, start, answer, head } = nodes();
  start();
  answer(0, 200, list("100"));
  const withoutHead = client.deadline();
  head(1);
  expect([withoutHead, client.deadline()]).toEqual([seconds(30), seconds(121)]);
});

const nameOf = (change: Change): unknown => ("object" in change ? change.object?.metadata.name : undefined);

/** Two collections, of which neither was ever read, after an outage of an hour. */
function afterOutage() {
  const client = new KubeClient({ random: { next: () => 0.5 } });
  client.watch({ resource: RESOURCES.nodes });
  client.watch({ resource: RESOURCES.pods });
  const asked: string[] = [];
  const give = (input: KubeInput | { readonly kind: "started" } | { readonly kind: "wake" }, now: number): void => {
    for (const effect of client.handle(input, at(now)).effects) if (isRequest(effect)) asked.push(effect.request);
  };
  const fail = (error: string, now: number): void => {
    for (const request of asked.splice(0)) give({ kind: "responseEnd", request, error }, now);
  };
  let now = 0;
  give({ kind: "started" }, now);
  while (now < 3600) {
    fail("ECONNREFUSED", now);
    now = (client.deadline() ?? 0) / 1e6;
    give({ kind: "wake" }, now);
  }
  return { client, give, now, take: () => asked.splice(0) };
}

it("asks for everything soon after the server answered one request again", () => {
  const { client, give, now, take } = afterOutage();
  const [first = "", second = ""] = take();
  give({ kind: "responseEnd", request: second, error: "ECONNREFUSED" }, now);
  const alone = (client.deadline() ?? 0) / 1e6 - now;
  give({ kind: "response", request: first, status: 200, headers: {} }, now + 1);
  const together = (client.deadline() ?? 0) / 1e6 - now;
  expect([alone, together]).toEqual([30, 2]);
});
