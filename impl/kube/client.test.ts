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
    this.plane.call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
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
    this.requests.push(`${effect.method} ${/[?&]watch=true/.test(effect.path) ? "watch" : (effect.path.split("?")[0] ?? "")}`);
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
});
