import { expect, it } from "vitest";
import { createWorld } from "../../sim/create-world.ts";
import { ControlPlane } from "../../sim/kube/control-plane.ts";
import { KubeLink } from "../../sim/kube/link.ts";
import { type EventObject, type KubeObject } from "../api/kubernetes.ts";
import { type KubeInput } from "../ports.ts";
import { type Micros, micros, minutes, seconds } from "../wire/time.ts";
import { KubeClient, type KubeOutput } from "./client.ts";
import { EventRecorder, type Occurrence } from "./events.ts";
import { RESOURCES } from "./resources.ts";

const WEB: KubeObject = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default", uid: "u-1" },
};
const NODE: KubeObject = { apiVersion: "v1", kind: "Node", metadata: { name: "node-1", uid: "u-2" } };

function say(message: string, object = WEB): Occurrence {
  const resource = object.kind === "Node" ? RESOURCES.nodes : RESOURCES.services;
  return { resource, object, type: "Normal", reason: "IPAllocated", message };
}

function bench() {
  const world = createWorld({ seed: "events" });
  const plane = new ControlPlane(world, { seed: "events" });
  plane.call("POST", "/api/v1/namespaces", { metadata: { name: "default" } });
  const client = new KubeClient({ random: world.random("client") });
  const recorder = new EventRecorder({ component: "metallb-controller" }, world.random("events"), (intent) =>
    client.write(intent),
  );
  const carryOut = ({ effects, changes }: KubeOutput): void => {
    for (const change of changes) recorder.handle(change);
    for (const effect of effects) if (effect.kind === "request") link.request(effect);
  };
  const input = (given: KubeInput): void => {
    carryOut(client.handle(given, plane.now()));
    carryOut(client.flush(plane.now()));
  };
  const link = new KubeLink(world, "events", plane, input);
  return {
    plane,
    record: (occurrence: Occurrence): boolean => {
      const told = recorder.record(occurrence, plane.now());
      carryOut(client.flush(plane.now()));
      return told;
    },
    run: (duration: Micros) => world.scheduler.advance(micros(world.scheduler.now + duration)),
    events: () => (plane.call("GET", "/api/v1/events").body as { readonly items: readonly EventObject[] }).items,
  };
}

it("writes what kubectl describes", () => {
  const { record, run, events } = bench();
  record(say('Assigned IP ["192.0.2.1"]'));
  run(seconds(1));
  const [event] = events();
  expect(event?.metadata.name).toMatch(/^web\.[0-9a-f]{16}$/);
  expect({ ...event, metadata: { namespace: event?.metadata.namespace } }).toEqual({
    apiVersion: "v1",
    kind: "Event",
    metadata: { namespace: "default" },
    involvedObject: { apiVersion: "v1", kind: "Service", name: "web", namespace: "default", uid: "u-1" },
    type: "Normal",
    reason: "IPAllocated",
    message: 'Assigned IP ["192.0.2.1"]',
    source: { component: "metallb-controller" },
    reportingComponent: "metallb-controller",
    reportingInstance: "",
    count: 1,
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:00Z",
  });
});

it("cuts what is longer than the API takes, and still counts it", () => {
  const { record, run, events } = bench();
  record(say("x".repeat(65_536)));
  record(say("x".repeat(65_536)));
  run(seconds(1));
  expect(events().map(({ message, count }) => [message, count])).toEqual([[`${"x".repeat(999)}…`, 2]]);
});

it("counts what is said again, even before the first is written", () => {
  const { record, run, events } = bench();
  for (let count = 0; count < 3; count++) record(say("a"));
  run(seconds(10));
  record(say("a"));
  record(say("b"));
  record(say("a", NODE));
  run(seconds(1));
  const told = events().map(({ message, count, lastTimestamp, metadata }) =>
    [metadata.namespace, message, count, lastTimestamp].join(" "),
  );
  expect(told.toSorted()).toEqual([
    "default a 1 2026-01-01T00:00:10Z",
    "default a 4 2026-01-01T00:00:10Z",
    "default b 1 2026-01-01T00:00:10Z",
  ]);
});

it("tells anew what the server has forgotten", () => {
  const { plane, record, run, events } = bench();
  record(say("a"));
  run(seconds(1));
  const [first] = events();
  plane.call("DELETE", `/api/v1/namespaces/default/events/${first?.metadata.name}`);
  record(say("a"));
  run(seconds(1));
  expect(events().map(({ message, count }) => [message, count])).toEqual([["a", 2]]);
});

it("lets one object say 25 things at once, and then one in five minutes", () => {
  const { record, run, events } = bench();
  const told = Array.from({ length: 30 }, (_, index) => record(say(`m${index}`)));
  const other = record(say("m", NODE));
  run(minutes(5));
  const later = [record(say("later")), record(say("too soon"))];
  run(seconds(1));
  expect([told.filter(Boolean).length, other, later, events().length]).toEqual([25, true, [true, false], 27]);
});
