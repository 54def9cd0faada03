import { describe, expect, it } from "vitest";
import { parseIp } from "../../impl/wire/ip.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { millis, seconds } from "../../impl/wire/time.ts";
import { consequencesOf } from "./consequences.ts";
import { type Outage } from "./outages.ts";
import { type ClientReport } from "./prober.ts";

const client = (name: string, ...outages: readonly Outage[]): ClientReport => ({
  client: name,
  service: "default/web",
  vip: parseIp("203.0.113.1"),
  port: 80,
  protocol: "TCP",
  every: millis(10),
  sent: 1000,
  ok: 900,
  resets: 0,
  since: seconds(1),
  outages,
});

const outage = (from: number, to: number, missed: number, total = true): Outage => ({
  from: seconds(from),
  to: seconds(to),
  missed,
  total,
});

describe("what a fault led to", () => {
  it("is what began between it and the next", () => {
    const prefix = parsePrefix("203.0.113.1/32");
    const found = consequencesOf(
      [
        { at: seconds(20), what: "crash tor", nodes: [] },
        { at: seconds(10), what: "crash a", nodes: ["a"] },
      ],
      {
        clients: [
          client("one", outage(5, 6, 9), outage(9.9, 12, 200), outage(13, 14, 30, false), outage(20, 21, 90)),
          client("two", outage(10, 18, 800)),
          client("three"),
        ],
        changes: [
          { at: seconds(2), router: "tor", prefix, before: [], after: ["a", "b"] },
          { at: seconds(19), router: "tor", prefix, before: ["a", "b"], after: ["b"] },
        ],
        end: seconds(60),
      },
    );
    const lines = found.map(({ at, fault, clients, routes }) => [
      `${at / 1e6} ${fault}`,
      ...clients.map((each) => `${each.client} ${each.silent / 1e6} ${each.shaky / 1e6} ${each.lost}`),
      ...routes.map(({ router, node, lasted = 0 }) => `${router} ${node} ${lasted / 1e6}`),
    ]);
    expect(lines).toEqual([
      ["10 crash a", "two 8 0 800", "one 2.1 1 230", "tor a 9"],
      ["20 crash tor", "one 1 0 90"],
    ]);
  });
});
