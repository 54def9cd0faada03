import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIp } from "../../wire/ip.ts";
import { advertisement, node, onNodes, selector } from "../test-cluster.ts";
import { type Candidate, type Contest, Election, rankCandidates } from "./election.ts";
import { preferenceOf } from "./eligibility.ts";

const contest = (ip: string): Contest => ({ ip: parseIp(ip), preference: () => 0 });
const candidates = (...names: readonly string[]) => names.map((name) => node(name));

describe("order of the candidates", () => {
  // Computed with sha256sum over `node#address`; MetalLB's own tests hold the same orders.
  const vectors = [
    { nodes: ["node-a", "node-b", "node-c"], ip: "10.0.0.1", order: ["node-b", "node-a", "node-c"] },
    { nodes: ["node-a", "node-b", "node-c"], ip: "10.0.0.2", order: ["node-b", "node-c", "node-a"] },
    {
      nodes: ["edge-a", "edge-b", "worker-a", "worker-b"],
      ip: "10.20.30.1",
      order: ["edge-b", "worker-a", "edge-a", "worker-b"],
    },
    { nodes: ["iris1", "iris2"], ip: "10.20.30.1", order: ["iris2", "iris1"] },
    { nodes: ["iris1", "iris2"], ip: "10.20.30.2", order: ["iris1", "iris2"] },
  ];
  it.each(vectors)("$ip over $nodes is $order", ({ nodes, ip, order }) => {
    expect(rankCandidates(candidates(...nodes), contest(ip))).toEqual(order);
    expect(rankCandidates(candidates(...nodes.toReversed()), contest(ip))).toEqual(order);
  });

  it("hashes IPv6 addresses in their canonical text", () => {
    // printf 'n1#fc00:f853:ccd:e799::1' | sha256sum: 95c34f68…; of n2: 09a85756…
    expect(rankCandidates(candidates("n1", "n2"), contest("fc00:f853:0ccd:e799:0:0:0:1"))).toEqual(["n2", "n1"]);
  });

  it("puts preferred nodes first, and orders equals by hash", () => {
    const ads = [advertisement({ preferredNodeSelectors: [{ weight: 10, preference: selector("tier=edge") }] })];
    const nodes = ["edge-a", "edge-b"].map((name) => node(name, { labels: "tier=edge" }));
    const all = [...nodes, ...candidates("worker-a", "worker-b")];
    const preferring = { ip: parseIp("10.20.30.1"), preference: (one: Candidate) => preferenceOf(ads, one) };
    expect(rankCandidates(all, preferring)).toEqual(["edge-b", "edge-a", "worker-a", "worker-b"]);
  });
});

describe("preference", () => {
  const gold = { weight: 60, preference: selector("disk=gold") };
  const east = { weight: 50, preference: selector("zone=east") };
  const rows = [
    { name: "no preferences", ads: [advertisement()], score: 0 },
    { name: "both of one advertisement", ads: [advertisement({ preferredNodeSelectors: [gold, east] })], score: 110 },
    {
      name: "the sum over advertisements",
      ads: [advertisement({ preferredNodeSelectors: [gold] }), advertisement({ preferredNodeSelectors: [east] })],
      score: 110,
    },
    {
      name: "an empty preference matches",
      ads: [advertisement({ preferredNodeSelectors: [{ weight: 7, preference: selector("") }] })],
      score: 7,
    },
    {
      name: "an advertisement for other nodes adds nothing",
      ads: [advertisement(), advertisement({ nodeSelectors: onNodes("other"), preferredNodeSelectors: [gold] })],
      score: 0,
    },
    {
      name: "no advertisement includes the node",
      ads: [advertisement({ nodeSelectors: onNodes("other") })],
      score: undefined,
    },
  ];
  it.each(rows)("$name: $score", ({ ads, score }) => {
    expect(preferenceOf(ads, node("n1", { labels: "disk=gold,zone=east" }))).toBe(score);
  });
});

describe("the election as one node sees it", () => {
  it("gives each of 255 addresses to exactly one of two nodes", () => {
    const seats = ["iris1", "iris2"].map((me) => {
      const election = new Election(me);
      for (const candidate of candidates("iris1", "iris2")) election.enter(candidate);
      return election;
    });
    const owners = Array.from({ length: 255 }, (_, index) => {
      const key = `svc-${index}`;
      return seats.filter((election) => election.open(key, contest(`10.20.30.${index}`)) === "owner").length;
    });
    expect(owners).toEqual(new Array(255).fill(1));
  });

  const NAMES = ["n1", "n2", "n3", "n4", "n5", "n6"];
  const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const change = fc.oneof(
    fc.record({ kind: fc.constant("enter" as const), name: fc.constantFrom(...NAMES), gold: fc.boolean() }),
    fc.record({ kind: fc.constant("leave" as const), name: fc.constantFrom(...NAMES) }),
    fc.record({
      kind: fc.constant("open" as const),
      key: fc.constantFrom(...KEYS),
      host: fc.nat(255),
      gold: fc.boolean(),
      among: fc.option(fc.subarray(NAMES), { nil: undefined }),
    }),
    fc.record({ kind: fc.constant("close" as const), key: fc.constantFrom(...KEYS) }),
  );

  it("equals the full sort after any history, and names exactly the contests that changed", () => {
    const ads = [advertisement({ preferredNodeSelectors: [{ weight: 5, preference: selector("disk=gold") }] })];
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const election = new Election("n3");
        const contests = new Map<string, Contest>();
        const expected = (key: string) => {
          const one = contests.get(key);
          if (one === undefined) return undefined;
          const [first] = rankCandidates(election.candidates, one);
          return first === undefined ? "vacant" : first === "n3" ? "owner" : "outranked";
        };
        for (const step of changes) {
          const before = new Map(KEYS.map((key) => [key, election.standing(key)]));
          if (step.kind === "open") {
            const one: Contest = {
              ip: parseIp(`10.0.0.${step.host}`),
              preference: (candidate) => (step.gold ? preferenceOf(ads, candidate) : 0),
              among: step.among === undefined ? undefined : new Set(step.among),
            };
            contests.set(step.key, one);
            election.open(step.key, one);
          } else if (step.kind === "close") {
            contests.delete(step.key);
            election.close(step.key);
          } else {
            const changed =
              step.kind === "leave"
                ? election.leave(step.name)
                : election.enter(node(step.name, { labels: step.gold ? "disk=gold" : "" }));
            expect(changed).toEqual(KEYS.filter((key) => election.standing(key) !== before.get(key)));
          }
          expect(KEYS.map((key) => election.standing(key))).toEqual(KEYS.map(expected));
        }
      }),
      { numRuns: 300 },
    );
  });
});
