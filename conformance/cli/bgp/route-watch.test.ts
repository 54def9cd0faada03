import { describe, expect, it } from "vitest";
import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { parseIp } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { type World } from "../../world.ts";
import { Timeline } from "../timeline.ts";
import { leftBehind, type RouteChange, RouteWatch } from "./route-watch.ts";

/** Nodes by which a router forwards prefixes; `gone`: its daemons tell nothing. */
interface Table {
  readonly gone?: boolean;
  readonly stale?: readonly string[];
  readonly routes: Readonly<Record<string, readonly string[]>>;
}

function serviceAt(ip: string): KubeObject {
  const status = { loadBalancer: { ingress: [{ ip }] } };
  const metadata = { name: `at-${ip}`, namespace: "default" };
  return { apiVersion: "v1", kind: "Service", metadata, spec: { type: "LoadBalancer" }, status } as KubeObject;
}

/** What is said of a router that is looked at once a second. */
async function watched(
  tables: readonly Table[],
): Promise<{ readonly lines: readonly string[]; readonly changes: readonly RouteChange[] }> {
  const timeline = new Timeline();
  for (const ip of ["203.0.113.1", "203.0.113.2"]) {
    timeline.observe({ kind: "object", object: serviceAt(ip), previous: undefined, deleted: false }, seconds(0));
  }
  let table: Table = { routes: {} };
  const ip = parseIp("192.0.2.7");
  const router = {
    fib: async (prefix: string) => {
      const nodes = table.routes[prefix];
      return nodes && { prefix, nextHops: nodes.map((node) => ({ ip, link: "eth1", node: node || undefined })) };
    },
    paths: async () => {
      if (table.gone === true) return [];
      return Object.entries(table.routes).flatMap(([prefix, nodes]) =>
        nodes.map((node) => ({ prefix, peer: ip, node, stale: table.stale?.includes(node) === true })),
      );
    },
  };
  const world = { routers: ["tor"], router: () => router } as unknown as Pick<World, "router" | "routers">;
  const watch = new RouteWatch(world, timeline, () => "spine1");
  for (const [index, next] of tables.entries()) {
    table = next;
    await watch.look(seconds(index + 1));
  }
  const lines = timeline.entries.flatMap(({ at, kind, text }) => (kind === "route" ? `${at / 1e6} ${text}` : []));
  return { lines, changes: watch.changes };
}

const ONE = "203.0.113.1/32";
const TWO = "203.0.113.2/32";

describe("routes to Services", () => {
  it("come, change and go", async () => {
    const { lines } = await watched([
      { routes: { [ONE]: ["a"] } },
      { routes: { [ONE]: ["a", "b"] } },
      { routes: { [ONE]: ["a", "b"] } },
      { routes: { [ONE]: ["b"] } },
      { routes: { [ONE]: ["c"] } },
      { routes: {} },
    ]);
    const name = `${ONE} (default/at-203.0.113.1)`;
    expect(lines).toEqual([
      `1 tor sends ${name} to a`,
      `2 tor sends ${name} to b as well: 2 ways`,
      `4 tor sends ${name} no longer to a: 1 way left`,
      `5 tor sends ${name} to c instead of b`,
      `6 tor has no route to ${name} any more; it was by c`,
    ]);
  });

  it("that change alike are one line, and those of nobody none", async () => {
    const { lines } = await watched([{ routes: { [ONE]: ["a"], [TWO]: ["a"], "198.51.100.0/24": ["a"] } }]);
    expect(lines).toEqual([`1 tor sends ${ONE} (default/at-203.0.113.1), ${TWO} (default/at-203.0.113.2) to a`]);
  });

  it("by other routers have these names", async () => {
    const { lines } = await watched([{ routes: { [ONE]: [""] } }]);
    expect(lines).toEqual([`1 tor sends ${ONE} (default/at-203.0.113.1) to spine1`]);
  });

  it("outlive the daemons, and are said to be kept", async () => {
    const { lines } = await watched([
      { routes: { [ONE]: ["a"] } },
      { routes: { [ONE]: ["a"] }, stale: ["a"] },
      { routes: { [ONE]: ["a"] }, gone: true },
    ]);
    expect(lines.slice(1)).toEqual(["2 tor keeps the routes of a though its session is gone (graceful restart)"]);
  });
});

describe("routes left behind", () => {
  it("are counted from the fault to the next", async () => {
    const { changes } = await watched([
      { routes: { [ONE]: ["a", "b"], [TWO]: ["a"] } },
      { routes: { [ONE]: ["a", "b"], [TWO]: ["a"] } },
      { routes: { [ONE]: ["b"], [TWO]: ["a"] } },
      { routes: { [ONE]: ["b"] } },
    ]);
    const left = (node: string, at: number, until: number): unknown =>
      leftBehind(changes, node, seconds(at), seconds(until)).map(
        ({ router, prefixes, kept, lasted }) =>
          `${router} ${prefixes} ${kept} ${lasted === undefined ? "-" : lasted / 1e6}`,
      );
    expect(left("a", 2, 9)).toEqual(["tor 2 0 2"]);
    expect(left("a", 2, 3)).toEqual(["tor 2 1 1"]);
    expect(left("b", 2, 9)).toEqual(["tor 1 1 -"]);
    expect(left("c", 2, 9)).toEqual([]);
    expect(left("a", 4, 9)).toEqual([]);
  });
});
