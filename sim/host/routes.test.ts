import { describe, expect, it } from "vitest";
import { parseIp } from "../../impl/wire/ip.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { type Micros, seconds } from "../../impl/wire/time.ts";
import { type Route, RouteTable } from "./routes.ts";
import { createSelector, type SelectorSettings } from "./selector.ts";

function tableWith(settings: SelectorSettings = { kind: "modulo" }) {
  const down = new Set<string>();
  const clock = { now: 0 as Micros };
  const table = new RouteTable({
    get now() {
      return clock.now;
    },
    isUsable: (device) => !down.has(device),
    isGood: () => true,
    createSelector: () => createSelector(settings),
  });
  return { table, down, clock };
}

function route(prefix: string, devices: string, rest: Partial<Route> = {}): Route {
  const nextHops = devices.split(" ").map((device) => ({ device, via: undefined, weight: 1 }));
  return { prefix: parsePrefix(prefix), nextHops, metric: 0, protocol: "boot", ...rest };
}

const lookup = (table: RouteTable, ip: string, hash = 0): string | undefined =>
  table.nextHop(parseIp(ip), () => hash, true)?.device;

describe("a forwarding table", () => {
  it("takes the longest prefix, then the lowest metric, then the oldest", () => {
    const { table } = tableWith();
    table.add(route("0.0.0.0/0", "default"));
    table.add(route("10.0.0.0/8", "eight"));
    table.add(route("10.1.0.0/16", "late", { metric: 20 }));
    table.add(route("10.1.0.0/16", "first", { metric: 10 }));
    table.add(route("10.1.0.0/16", "second", { metric: 10 }));
    table.add(route("10.1.2.3/32", "host"));
    table.add(route("10.1.2.0/25", "half"));
    table.add(route("fd00::/8", "six"));
    table.add(route("fd00::1:0:0:8/125", "odd"));
    const ips = [
      "10.1.2.3",
      "10.1.2.4",
      "10.1.2.200",
      "10.2.0.1",
      "192.0.2.1",
      "fd00::1:0:0:f",
      "fd00::1:0:0:10",
      "::1",
    ];
    const found = ["host", "half", "first", "eight", "default", "odd", "six", undefined];
    expect(ips.map((ip) => lookup(table, ip))).toEqual(found);
    table.removeWhere(() => true, parsePrefix("10.1.2.0/25"));
    expect(lookup(table, "10.1.2.4")).toBe("first");
  });

  it("is the same as trying every route", () => {
    const { table } = tableWith();
    let state = 7;
    const draw = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    const routes = Array.from({ length: 300 }, (_, index) => {
      const prefix = `10.${draw(4)}.${draw(256)}.${draw(256)}/${8 + draw(25)}`;
      return route(prefix, `r${index}`);
    });
    for (const one of routes) table.add(one);
    const bits = (text: string): string =>
      text
        .split(".")
        .map((part) => Number(part).toString(2).padStart(8, "0"))
        .join("");
    for (let count = 0; count < 500; count++) {
      const ip = `10.${draw(4)}.${draw(256)}.${draw(256)}`;
      const fits = routes.filter(({ prefix }) => {
        const [network = "", length = ""] = prefix.split("/");
        return bits(ip).startsWith(bits(network).slice(0, Number(length)));
      });
      const longest = fits.sort((a, b) => Number(b.prefix.split("/")[1]) - Number(a.prefix.split("/")[1]))[0];
      expect(lookup(table, ip)).toBe(longest?.nextHops[0]?.device);
    }
  });

  it("passes over what cannot be used, and over a whole route where nothing can", () => {
    const { table, down } = tableWith();
    table.add(route("10.0.0.0/8", "a"));
    table.add(route("10.1.0.0/16", "b c"));
    const both = [0, 1].map((hash) => lookup(table, "10.1.0.1", hash));
    down.add("b");
    table.devicesChanged();
    const one = [0, 1].map((hash) => lookup(table, "10.1.0.1", hash));
    down.add("c");
    table.devicesChanged();
    const none = lookup(table, "10.1.0.1");
    down.clear();
    table.devicesChanged();
    expect([both, one, none, lookup(table, "10.1.0.1", 1)]).toEqual([["b", "c"], ["c", "c"], "a", "c"]);
  });

  it("replaces only what the same one installed with the same metric", () => {
    const { table } = tableWith();
    const prefix = parsePrefix("10.0.0.0/8");
    table.set(route("10.0.0.0/8", "a b", { metric: 20, protocol: "daemon" }));
    table.add(route("10.0.0.0/8", "static", { metric: 30 }));
    table.add(route("10.0.0.0/8", "same", { metric: 20 }));
    table.set(route("10.0.0.0/8", "c", { metric: 20, protocol: "daemon" }));
    table.set(route("10.0.0.0/8", "d", { metric: 30, protocol: "daemon" }));
    table.add(route("10.0.0.0/8", "static", { metric: 30 }));
    const devices = table.routesTo(prefix).map(({ nextHops }) => nextHops.map(({ device }) => device).join("+"));
    expect(devices).toEqual(["c", "same", "static", "d"]);
  });

  it("lets a resilient route remember its flows when it is replaced, and only those whose packets were sent", () => {
    const resilient = { kind: "resilient", buckets: 4, idleTimer: seconds(120), unbalancedTimer: seconds(0) } as const;
    const ways = (sent: boolean): string => {
      const { table, clock } = tableWith(resilient);
      const step = (devices: string): string => {
        clock.now = seconds(clock.now / 1e6 + 1);
        table.set(route("10.0.0.0/8", devices, { protocol: "daemon" }));
        clock.now = seconds(clock.now / 1e6 + 1);
        const found = [0, 1, 2, 3].map((hash) => table.nextHop(parseIp("10.0.0.1"), () => hash, sent)?.device);
        return found.join("");
      };
      return [step("a b"), step("a"), step("a b")].join(" ");
    };
    expect([ways(true), ways(false)]).toEqual(["bbaa aaaa aaaa", "bbaa aaaa bbaa"]);
  });

  it("finds a new longer prefix behind what it found before", () => {
    const { table } = tableWith();
    table.add(route("10.0.0.0/8", "eight"));
    expect(lookup(table, "10.0.0.1")).toBe("eight");
    table.add(route("10.0.0.1/32", "host"));
    expect(lookup(table, "10.0.0.1")).toBe("host");
  });
});
