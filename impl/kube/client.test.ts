// The client against the API server of the simulator, over a link that fails in every way it can.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWorld } from "../../sim/create-world.ts";
import { ControlPlane } from "../../sim/kube/control-plane.ts";
import { KubeLink } from "../../sim/kube/link.ts";
import { type LinkFault } from "../../sim/kube/link-fault.ts";
import { type Scheduled } from "../../sim/world.ts";
import { type ConfigMap, type KubeObject, objectKey } from "../api/kubernetes.ts";
import { type Effect, type KubeInput } from "../ports.ts";
import { type Micros, micros, minutes, millis, seconds } from "../wire/time.ts";
import { type Change } from "./change.ts";
import { KubeClient, type KubeOutput } from "./client.ts";
import { RESOURCES } from "./resources.ts";
import { type Action, type Write } from "./write.ts";

const NAMESPACE = "default";
const PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps`;

/** A process that is nothing but a client, on a link, in a world. */
class Bench {
  readonly world;
  readonly plane;
  readonly link;
  readonly client;
  /** One line for each change that the client told, and for each request that it sent. */
  readonly changes: string[] = [];
  readonly requests: string[] = [];
  #alarm: Scheduled | undefined;

  constructor(seed = "bench") {
    this.world = createWorld({ seed });
    this.plane = new ControlPlane(this.world, { seed });
    this.plane.call("POST", "/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: NAMESPACE },
    });
    this.link = new KubeLink(this.world, "client", this.plane, (input) => this.input(input));
    this.client = new KubeClient({ random: this.world.random("client") });
    this.client.watch({ resource: RESOURCES.configMaps });
  }

  input(input: KubeInput | { kind: "started" } | { kind: "wake" }): void {
    this.#carryOut(this.client.handle(input, this.plane.now()));
  }

  write(intent: Write): void {
    this.client.write(intent);
    this.#carryOut(this.client.flush(this.plane.now()));
  }

  #carryOut({ effects, changes }: KubeOutput): void {
    for (const effect of effects) this.#run(effect);
    this.changes.push(...changes.map(lineOf));
    this.#alarm?.cancel();
    const due = this.client.deadline();
    this.#alarm = due === undefined ? undefined : this.world.scheduler.at(due, () => this.input({ kind: "wake" }));
  }

  #run(effect: Effect): void {
    if (effect.kind === "abortRequest") this.link.abort(effect.request);
    if (effect.kind !== "request") return;
    this.requests.push(
      `${effect.method} ${/[?&]watch=true/.test(effect.path) ? "watch" : (effect.path.split("?")[0] ?? "")}`,
    );
    this.link.request(effect);
  }

  run(duration: Micros): void {
    this.world.scheduler.advance(micros(this.world.scheduler.now + duration));
  }

  create(name: string, data: Readonly<Record<string, string>> = {}): void {
    this.plane.call("POST", PATH, configMap(name, data));
  }

  change(name: string, data: Readonly<Record<string, string>>): void {
    this.plane.call("PATCH", `${PATH}/${name}`, { data }, "application/merge-patch+json");
  }

  remove(name: string): void {
    this.plane.call("DELETE", `${PATH}/${name}`);
  }

  /** What the client has, and what a fresh list says. */
  mirrored(): readonly [readonly unknown[], readonly unknown[]] {
    const { body } = this.plane.call("GET", "/api/v1/configmaps");
    const fresh = body as { readonly items: readonly KubeObject[] };
    const mine = [...this.client.list(RESOURCES.configMaps)].toSorted((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1));
    return [mine, fresh.items];
  }

  expectMirrored(): void {
    const [mine, fresh] = this.mirrored();
    expect(mine).toEqual(fresh);
  }
}

function configMap(name: string, data: Readonly<Record<string, string>>): ConfigMap {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: NAMESPACE }, data };
}

function lineOf(change: Change): string {
  switch (change.kind) {
    case "synced":
      return `synced ${change.resource.plural}`;
    case "written":
      return `written ${change.tag} ${change.ok ? "ok" : "refused"} ${change.status}`;
    default:
      return `${change.kind} ${objectKey(change.object)}`;
  }
}

function started(seed?: string): Bench {
  const bench = new Bench(seed);
  bench.create("a", { v: "1" });
  bench.create("b");
  bench.input({ kind: "started" });
  bench.run(seconds(1));
  return bench;
}

describe("the mirror", () => {
  it("lists, then follows", () => {
    const bench = started();
    bench.create("c");
    bench.change("a", { v: "2" });
    bench.remove("b");
    bench.run(seconds(1));
    expect(bench.changes).toEqual([
      "upserted default/a",
      "upserted default/b",
      "synced configmaps",
      "upserted default/c",
      "upserted default/a",
      "deleted default/b",
    ]);
    expect(bench.requests).toEqual(["GET /api/v1/configmaps", "GET watch"]);
    bench.expectMirrored();
  });

  it("reads a long list in pages that show one moment", () => {
    const bench = new Bench();
    for (let index = 0; index < 1200; index++) bench.create(`m-${String(index).padStart(4, "0")}`);
    bench.input({ kind: "started" });
    // After the first page has left the server.
    bench.run(millis(2));
    bench.remove("m-1100");
    bench.create("m-0000-late");
    bench.run(seconds(1));
    expect(bench.requests).toEqual([...Array<string>(3).fill("GET /api/v1/configmaps"), "GET watch"]);
    expect(bench.changes.slice(-3)).toEqual([
      "synced configmaps",
      "deleted default/m-1100",
      "upserted default/m-0000-late",
    ]);
    bench.expectMirrored();
  });

  it("goes on from where the watch broke, without a new list", () => {
    const bench = started();
    bench.link.dropWatches("ECONNRESET");
    bench.create("c");
    bench.run(seconds(2));
    expect(bench.changes.slice(3)).toEqual(["upserted default/c"]);
    expect(bench.requests.slice(2)).toEqual(["GET watch"]);
  });

  it("watches again at once where the server ends the watch in time", () => {
    const bench = started();
    bench.run(minutes(60));
    const lists = bench.requests.filter((request) => request === "GET /api/v1/configmaps");
    const watches = bench.requests.filter((request) => request === "GET watch");
    expect(lists.length).toBe(1);
    // Each lasts between five and ten minutes.
    expect(watches.length).toBeGreaterThanOrEqual(6);
    expect(watches.length).toBeLessThanOrEqual(12);
  });

  it("lists anew after a compaction, and tells what vanished meanwhile", () => {
    const bench = started();
    const outage = bench.link.fault({ kind: "outage", how: "refused" });
    bench.remove("a");
    bench.change("b", { v: "2" });
    bench.create("c");
    bench.run(seconds(20));
    bench.plane.server.compact();
    outage[Symbol.dispose]();
    bench.run(seconds(60));
    expect(bench.changes.slice(3)).toEqual([
      "deleted default/a",
      "upserted default/b",
      "upserted default/c",
      "synced configmaps",
    ]);
    bench.expectMirrored();
  });

  it("notices within two minutes that a connection is dead, though nobody says so", () => {
    const bench = started();
    bench.link.halfOpen();
    bench.create("c");
    bench.run(seconds(118));
    expect(bench.changes.slice(3)).toEqual([]);
    bench.run(seconds(5));
    expect(bench.changes.slice(3)).toEqual(["upserted default/c"]);
  });

  it("keeps a quiet watch that sends bookmarks", () => {
    const bench = started();
    bench.run(minutes(4));
    expect(bench.requests.slice(2)).toEqual([]);
  });

  it("puts pieces together, wherever they break", () => {
    const bench = started();
    bench.link.fault({ kind: "fragment" });
    for (let round = 0; round < 20; round++) bench.change("a", { v: `${"é".repeat(round)}${round}` });
    bench.run(seconds(1));
    expect(bench.requests.slice(2)).toEqual([]);
    bench.expectMirrored();
  });

  it("tells nothing twice, though it comes twice", () => {
    const bench = started();
    bench.link.fault({ kind: "duplicate", probability: 1 });
    bench.change("a", { v: "2" });
    bench.remove("b");
    bench.run(seconds(1));
    expect(bench.changes.slice(3)).toEqual(["upserted default/a", "deleted default/b"]);
  });

  it("waits as long as the server asks", () => {
    const bench = started();
    const busy = bench.link.fault({ kind: "refuse", status: 429, probability: 1, retryAfterSeconds: 10 });
    bench.link.dropWatches("ECONNRESET");
    bench.run(seconds(60));
    busy[Symbol.dispose]();
    // One at once, then one in 10 to 15 seconds.
    expect(bench.requests.slice(2).length).toBeGreaterThanOrEqual(4);
    expect(bench.requests.slice(2).length).toBeLessThanOrEqual(7);
  });

  it("asks ever more rarely while nothing answers", () => {
    const bench = started();
    bench.link.fault({ kind: "outage", how: "refused" });
    bench.run(minutes(15));
    // Half a second doubles six times to 30 seconds, each wait half to one and a half as long.
    expect(bench.requests.slice(2).length).toBeGreaterThanOrEqual(22);
    expect(bench.requests.slice(2).length).toBeLessThanOrEqual(65);
  });

  const FAULTS: readonly (readonly [string, LinkFault])[] = [
    ["pieces that break anywhere", { kind: "fragment" }],
    ["events that come twice", { kind: "duplicate", probability: 0.5 }],
    ["events that come late", { kind: "late", probability: 0.3, by: millis(700) }],
    ["410 in both forms", { kind: "refuse", status: 410, probability: 0.5 }],
    ["a storm of 429", { kind: "refuse", status: 429, probability: 0.7, retryAfterSeconds: 1 }],
    ["a storm of 500", { kind: "refuse", status: 500, probability: 0.7 }],
    ["a server that is away", { kind: "outage", how: "refused" }],
    ["packets that vanish", { kind: "outage", how: "silent" }],
  ];

  it.each(FAULTS)("equals a fresh list after %s", (_name, fault) => {
    const bench = started();
    {
      using _fault = bench.link.fault(fault);
      for (let round = 0; round < 20; round++) {
        bench.create(`r-${round}`);
        bench.change("a", { v: `${round}` });
        if (round % 3 === 0) bench.link.dropWatches("ECONNRESET");
        if (round % 2 === 0) bench.remove(`r-${round}`);
        bench.run(seconds(3));
      }
    }
    bench.run(minutes(5));
    bench.expectMirrored();
  });
});

type Step =
  | { readonly kind: "write"; readonly name: string }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "drop"; readonly error: string | undefined }
  | { readonly kind: "compact" }
  | { readonly kind: "halfOpen" }
  | { readonly kind: "fault"; readonly fault: LinkFault; readonly lasts: Micros }
  | { readonly kind: "wait"; readonly duration: Micros };

const probability = fc.constantFrom(0.1, 0.5, 0.9);
const shortTime = fc.integer({ min: 1, max: 20_000 }).map((count) => millis(count));
const name = fc.constantFrom("a", "b", "c", "d");
const anyFault: fc.Arbitrary<LinkFault> = fc.oneof(
  fc.record({ kind: fc.constant("outage" as const), how: fc.constantFrom("refused" as const, "silent" as const) }),
  fc.record({
    kind: fc.constant("refuse" as const),
    status: fc.constantFrom(409 as const, 410 as const, 429 as const, 500 as const, 503 as const),
    probability,
  }),
  fc.record({ kind: fc.constant("duplicate" as const), probability }),
  fc.record({ kind: fc.constant("late" as const), probability, by: shortTime }),
  fc.record({ kind: fc.constant("lostAnswer" as const), probability }),
  fc.constant({ kind: "fragment" } as const),
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), name }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("drop" as const), error: fc.constantFrom(undefined, "EPIPE") }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "compact" } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: "halfOpen" } as const) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("fault" as const), fault: anyFault, lasts: shortTime }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), duration: shortTime }) },
);

function take(bench: Bench, step: Step, count: number): void {
  switch (step.kind) {
    case "write":
      bench.create(step.name);
      return bench.change(step.name, { v: `${count}` });
    case "remove":
      return bench.remove(step.name);
    case "drop":
      return bench.link.dropWatches(step.error);
    case "compact":
      return bench.plane.server.compact();
    case "halfOpen":
      return bench.link.halfOpen();
    case "fault": {
      const fault = bench.link.fault(step.fault);
      bench.world.scheduler.after(step.lasts, () => fault[Symbol.dispose]());
      return;
    }
    case "wait":
      return bench.run(step.duration);
  }
}

it("equals a fresh list after any history of changes and faults, and told every difference", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), fc.string(), (steps, seed) => {
      const bench = started(seed);
      for (const [count, step] of steps.entries()) take(bench, step, count);
      bench.run(minutes(5));
      bench.expectMirrored();
      // What was told adds up to what is there.
      const told = new Set<string>();
      for (const line of bench.changes) {
        const [what = "", key = ""] = line.split(" ");
        if (what === "upserted") told.add(key);
        if (what === "deleted") expect(told.delete(key)).toBe(true);
      }
      expect([...told].toSorted()).toEqual([...bench.client.list(RESOURCES.configMaps)].map(objectKey).toSorted());
    }),
    { numRuns: 150 },
  );
});

/** Makes `data.wanted` of an object be `value`, whatever else it holds. */
function wish(name_: string, value: string): Write {
  const build = (latest: KubeObject | undefined): Action | undefined => {
    if (latest === undefined) return { verb: "create", object: configMap(name_, { wanted: value }) };
    const { data = {} } = latest as ConfigMap;
    if (data["wanted"] === value) return undefined;
    return { verb: "replace", object: { ...latest, data: { ...data, wanted: value } } as KubeObject };
  };
  return { tag: `wish/${name_}`, resource: RESOURCES.configMaps, namespace: NAMESPACE, name: name_, build };
}

describe("writes", () => {
  const sent = (bench: Bench): readonly string[] =>
    bench.requests.filter((request) => request !== "GET watch").slice(1);
  const written = (bench: Bench): readonly string[] => bench.changes.filter((line) => line.startsWith("written"));
  const wanted = (bench: Bench, name_: string): unknown =>
    (bench.plane.call("GET", `${PATH}/${name_}`).body as ConfigMap).data?.["wanted"];

  it("creates what is not there, replaces what is, and leaves alone what is right", () => {
    const bench = started();
    bench.write(wish("new", "1"));
    bench.write(wish("a", "1"));
    bench.run(seconds(1));
    bench.write(wish("new", "1"));
    bench.write(wish("a", "1"));
    bench.run(seconds(1));
    expect(sent(bench)).toEqual([`POST ${PATH}`, `PUT ${PATH}/a`]);
    expect(written(bench)).toEqual(["written wish/new ok 201", "written wish/a ok 200"]);
  });

  it("builds the next write on what the last one returned, before the watch shows it", () => {
    const bench = started();
    bench.link.fault({ kind: "late", probability: 1, by: seconds(60) });
    bench.write(wish("a", "1"));
    bench.run(millis(5));
    bench.write(wish("a", "2"));
    bench.run(millis(5));
    expect(sent(bench)).toEqual([`PUT ${PATH}/a`, `PUT ${PATH}/a`]);
    expect(written(bench)).toEqual(["written wish/a ok 200", "written wish/a ok 200"]);
  });

  it("sends one request for many intents of one tag, and the newest wins", () => {
    const bench = started();
    for (let value = 0; value < 100; value++) bench.write(wish("a", `${value}`));
    bench.run(seconds(1));
    // The first is on its way when the others come.
    expect(sent(bench)).toEqual([`PUT ${PATH}/a`, `PUT ${PATH}/a`]);
    expect(wanted(bench, "a")).toBe("99");
  });

  it("keeps at most 32 in flight", () => {
    const bench = started();
    bench.link.fault({ kind: "slow", latency: seconds(1) });
    for (let index = 0; index < 100; index++) bench.write(wish(`n-${index}`, "1"));
    expect(sent(bench).length).toBe(32);
    bench.run(seconds(9));
    expect(written(bench).length).toBe(100);
  });

  it("reads again after a conflict and keeps what the other one wrote", () => {
    const bench = started();
    const slow = bench.link.fault({ kind: "slow", latency: millis(100) });
    bench.write(wish("a", "1"));
    bench.change("a", { other: "kept" });
    bench.run(seconds(1));
    slow[Symbol.dispose]();
    expect(sent(bench)).toEqual([`PUT ${PATH}/a`, `GET ${PATH}/a`, `PUT ${PATH}/a`]);
    expect((bench.plane.call("GET", `${PATH}/a`).body as ConfigMap).data).toEqual({
      v: "1",
      wanted: "1",
      other: "kept",
    });
  });

  it("does not spin where it never wins", () => {
    const bench = started();
    bench.link.fault({ kind: "refuse", status: 409, probability: 1 });
    bench.write(wish("a", "1"));
    bench.run(minutes(1));
    const puts = sent(bench).filter((request) => request.startsWith("PUT"));
    // Six at once, then six after each wait of up to 30 seconds.
    expect(puts.length).toBeGreaterThanOrEqual(12);
    expect(puts.length).toBeLessThanOrEqual(60);
  });

  it("does not lose sight of what it wrote while a list was read", () => {
    const bench = started();
    bench.link.dropWatches("ECONNRESET");
    bench.change("a", { v: "2" });
    bench.plane.server.compact();
    const slow = bench.link.fault({ kind: "slow", latency: millis(400) });
    for (let tick = 0; tick < 1000 && bench.requests.length < 4; tick++) bench.run(millis(10));
    expect(bench.requests.at(-1)).toBe("GET /api/v1/configmaps");
    // The list is on its way back when the write passes it.
    bench.run(millis(420));
    slow[Symbol.dispose]();
    bench.write(wish("new", "1"));
    bench.run(seconds(5));
    expect(bench.changes.filter((line) => line.endsWith("default/new"))).toEqual(["upserted default/new"]);
    bench.expectMirrored();
  });

  it("gives up where somebody else made it true", () => {
    const bench = started();
    bench.link.fault({ kind: "slow", latency: millis(100) });
    bench.write(wish("a", "1"));
    bench.change("a", { wanted: "1" });
    bench.run(seconds(1));
    expect(sent(bench)).toEqual([`PUT ${PATH}/a`, `GET ${PATH}/a`]);
    expect(written(bench)).toEqual(["written wish/a ok 200"]);
  });

  it("reports a refusal once and does not try again", () => {
    const bench = started();
    const object = { ...configMap("x", {}), metadata: { name: "x", namespace: "nowhere" } };
    const build = (): Action => ({ verb: "create", object });
    bench.write({ tag: "x", resource: RESOURCES.configMaps, namespace: "nowhere", name: "x", build });
    bench.run(minutes(5));
    expect(sent(bench)).toEqual(["POST /api/v1/namespaces/nowhere/configmaps"]);
    expect(written(bench)).toEqual(["written x refused 404"]);
  });

  it("counts a deletion of what is gone as done", () => {
    const bench = started();
    const build = (): Action => ({ verb: "delete" });
    bench.write({ tag: "x", resource: RESOURCES.configMaps, namespace: NAMESPACE, name: "gone", build });
    bench.run(seconds(1));
    expect(written(bench)).toEqual(["written x ok 404"]);
  });

  const FAULTS: readonly (readonly [string, LinkFault])[] = [
    ["conflicts that nobody caused", { kind: "refuse", status: 409, probability: 0.8 }],
    ["a storm of 429", { kind: "refuse", status: 429, probability: 0.8, retryAfterSeconds: 2 }],
    ["a storm of 500", { kind: "refuse", status: 500, probability: 0.8 }],
    ["answers that are lost", { kind: "lostAnswer", probability: 0.5 }],
    ["a server that is away", { kind: "outage", how: "refused" }],
    ["packets that vanish", { kind: "outage", how: "silent" }],
  ];

  it.each(FAULTS)("come true through %s, the last one last", (_name, fault) => {
    const bench = started();
    {
      using _fault = bench.link.fault(fault);
      for (let round = 0; round < 30; round++) {
        bench.write(wish(`w-${round % 5}`, `${round}`));
        bench.change(`w-${round % 5}`, { other: `${round}` });
        bench.run(seconds(1));
      }
    }
    bench.run(minutes(5));
    expect(["w-0", "w-1", "w-2", "w-3", "w-4"].map((key) => wanted(bench, key))).toEqual([
      "25",
      "26",
      "27",
      "28",
      "29",
    ]);
    bench.expectMirrored();
    const before = bench.requests.filter((request) => !request.startsWith("GET")).length;
    for (let round = 25; round < 30; round++) bench.write(wish(`w-${round % 5}`, `${round}`));
    bench.run(minutes(1));
    expect(bench.requests.filter((request) => !request.startsWith("GET")).length).toBe(before);
  });
});
