// Held against the kernel: golden/linux-multipath.json is what Linux answered to scripts/multipath-golden.ts.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeIcmp4 } from "../../impl/wire/icmp4.ts";
import { encodeIcmp6 } from "../../impl/wire/icmp6.ts";
import { type Ip, parseIp, parseIpv6 } from "../../impl/wire/ip.ts";
import { millis, type Micros, seconds } from "../../impl/wire/time.ts";
import { type Tuple } from "./conntrack-tuple.ts";
import { encodeIp } from "./ip-codec.ts";
import { type HashSettings, hashOfPacket, hashOfTuple } from "./multipath.ts";
import { flowHash } from "./multipath-hash.ts";
import { type NextHop } from "./next-hop.ts";
import { waysOf } from "./multipath-forecast.ts";
import { createSelector, RESILIENT, type SelectorSettings } from "./selector.ts";
import { ResilientSelector } from "./selector-resilient.ts";

type FamilyName = "ipv4" | "ipv6";

interface Golden {
  readonly seed: number;
  readonly flows: Readonly<Record<FamilyName, string>>;
  readonly removals: readonly {
    readonly family: FamilyName;
    readonly policy: 0 | 1;
    readonly selector: "threshold" | "resilient";
    readonly weights: string;
    readonly gone: number;
    readonly before: string;
    readonly after: string;
  }[];
  readonly comeback: {
    readonly buckets: number;
    readonly idleSeconds: number;
    readonly before: string;
    readonly gone: string;
    readonly back: string;
    readonly idle: string;
  };
  readonly buckets: readonly { readonly weights: string; readonly owners: string }[];
  readonly silence: readonly Readonly<
    Record<"all" | "group" | "resilient" | "route" | "routeUsingNeighbours", string> & { family: FamilyName }
  >[];
}

const GOLDEN = JSON.parse(readFileSync(new URL("golden/linux-multipath.json", import.meta.url), "utf8")) as Golden;
const VIPS = { ipv4: parseIp("192.0.2.10"), ipv6: parseIp("fd02::10") } as const;

function flowsOf(family: FamilyName): readonly Tuple[] {
  return GOLDEN.flows[family].split(",").map((text) => {
    const [source = "", port = ""] = text.split(" ");
    const target = { destination: VIPS[family], destinationPort: 80 };
    return { protocol: 6, source: parseIp(source), sourcePort: Number(port), ...target };
  });
}

const hashesOf = (family: FamilyName, policy: 0 | 1): readonly number[] =>
  flowsOf(family).map((flow) => flowHash(flow, policy === 0 ? "l3" : "l4", GOLDEN.seed));

/** Named by their digit in base 36; those of weight 0 are not there. */
function nextHopsOf(weights: string): readonly NextHop[] {
  return weights.split(" ").flatMap((text, index) => {
    const weight = Number(text);
    return weight === 0 ? [] : [{ device: index.toString(36), via: undefined, weight }];
  });
}

const nameOf = (nextHop: NextHop | undefined): string => nextHop?.device ?? "-";
const withoutHop = (nextHops: readonly NextHop[], gone: number): readonly NextHop[] =>
  nextHops.filter((_, index) => index !== gone);
const settingsOf = (selector: "threshold" | "resilient"): SelectorSettings =>
  selector === "threshold" ? { kind: "threshold" } : RESILIENT;

describe("flows over several next hops go where Linux sends them", () => {
  it.each(GOLDEN.removals)("$family, policy $policy, $selector, weights $weights, before and after one goes", (row) => {
    const nextHops = nextHopsOf(row.weights);
    const hashes = hashesOf(row.family, row.policy);
    const ways = waysOf(settingsOf(row.selector), nextHops, withoutHop(nextHops, row.gone), hashes);
    expect(ways.map(([before]) => nameOf(before)).join("")).toBe(row.before);
    expect(ways.map(([, after]) => nameOf(after)).join("")).toBe(row.after);
  });

  it.each(GOLDEN.silence)("$family, when one of four does not answer", (row) => {
    const nextHops = nextHopsOf("1 1 1 1");
    const ask = (settings: SelectorSettings, isGood: (nextHop: NextHop) => boolean): string => {
      const selector = createSelector(settings);
      selector.setNextHops(nextHops, millis(0));
      return hashesOf(row.family, 1)
        .map((hash) => nameOf(selector.select(hash, millis(30), isGood)))
        .join("");
    };
    const threshold = { kind: "threshold" } as const;
    const answers = (nextHop: NextHop): boolean => nextHop.device !== "1";
    expect({
      all: ask(threshold, () => true),
      group: ask(threshold, answers),
      resilient: ask(RESILIENT, answers),
      route: ask(threshold, () => true),
    }).toEqual({ all: row.all, group: row.group, resilient: row.resilient, route: row.route });
    // net.ipv4.fib_multipath_use_neigh says nothing about IPv6.
    expect(row.routeUsingNeighbours).toBe(row.family === "ipv4" ? row.group : row.route);
  });
});

describe("hash-threshold", () => {
  it("gives each next hop as many hashes as the next one, from the first hash to the last (RFC 2992 section 2)", () => {
    const selector = createSelector({ kind: "threshold" });
    selector.setNextHops(nextHopsOf("1 1 1 1"), millis(0));
    const quarter = 2 ** 29;
    const hashes = [0, 1, 2, 3].flatMap((region) => [region * quarter, (region + 1) * quarter - 1]);
    expect(hashes.map((hash) => nameOf(selector.select(hash, millis(0), () => true))).join("")).toBe("00112233");
  });

  it("gives the hashes of the last to the first that answers, where the last does not, and asks nobody where none does", () => {
    const selector = createSelector({ kind: "threshold" });
    selector.setNextHops(nextHopsOf("1 1 1 1"), millis(0));
    const last = (answers: string): string =>
      nameOf(selector.select(2 ** 31 - 1, millis(0), ({ device }) => answers.includes(device)));
    expect([last("0123"), last("012"), last("12"), last("")]).toEqual(["3", "0", "1", "0"]);
  });
});

describe("a resilient group", () => {
  it("gives its buckets to the same next hops as Linux, change by change", () => {
    const selector = new ResilientSelector({ buckets: 16, idleTimer: seconds(120), unbalancedTimer: seconds(0) });
    const owners = GOLDEN.buckets.map(({ weights }, step) => {
      selector.setNextHops(nextHopsOf(weights), millis(step));
      return selector.owners(millis(step)).map(nameOf).join("");
    });
    expect(owners).toEqual(GOLDEN.buckets.map((step) => step.owners));
  });

  it("gives a next hop that comes back only idle buckets, and the rest when they are idle", () => {
    const { buckets, idleSeconds, ...expected } = GOLDEN.comeback;
    const selector = new ResilientSelector({
      buckets,
      idleTimer: seconds(idleSeconds),
      unbalancedTimer: seconds(0),
    });
    const all = nextHopsOf("1 1 1 1");
    const hashes = hashesOf("ipv4", 1);
    const send = (now: Micros): string =>
      hashes
        .map((hash) => {
          const chosen = selector.select(hash, now);
          selector.used(hash, now);
          return nameOf(chosen);
        })
        .join("");
    selector.setNextHops(all, millis(0));
    const before = send(millis(30));
    selector.setNextHops(withoutHop(all, 1), millis(60));
    const gone = send(millis(90));
    selector.setNextHops(all, millis(120));
    const back = send(millis(121));
    const idle = send(seconds(2.5 * idleSeconds));
    expect({ before, gone, back, idle }).toEqual(expected);
  });

  /** Two next hops, one of which goes and comes back, while every bucket is used each second; when it has half again. */
  function recovery(unbalancedTimer: Micros): number | undefined {
    const selector = new ResilientSelector({
      buckets: 8,
      idleTimer: seconds(120),
      unbalancedTimer,
    });
    const both = nextHopsOf("1 1");
    selector.setNextHops(both, seconds(0));
    selector.setNextHops(withoutHop(both, 1), seconds(1));
    for (let second = 2; second < 1000; second++) {
      if (second === 5) selector.setNextHops(both, seconds(second));
      for (let hash = 0; hash < 8; hash++) selector.used(hash, seconds(second));
      const regained = selector.owners(seconds(second)).filter((nextHop) => nameOf(nextHop) === "1").length;
      if (second > 5 && regained === 4) return second;
    }
    return undefined;
  }

  it("never moves a bucket in use where its unbalanced timer is 0, and does when it runs out", () => {
    expect([recovery(seconds(0)), recovery(seconds(60))]).toEqual([undefined, 65]);
  });
});

describe("what is hashed", () => {
  const settings: HashSettings = { hash: "l3", seed: 7 };
  const flow: Tuple = {
    protocol: 6,
    source: parseIp("198.51.100.10"),
    sourcePort: 40_000,
    destination: parseIp("203.0.113.1"),
    destinationPort: 80,
  };
  const back = (tuple: Tuple): Tuple => ({
    ...tuple,
    source: tuple.destination,
    sourcePort: tuple.destinationPort,
    destination: tuple.source,
    destinationPort: tuple.sourcePort,
  });

  it("is the same for both directions", () => {
    const six = { ...flow, source: parseIp("2001:db8::99"), destination: parseIp("2001:db8::1") };
    for (const tuple of [flow, six]) {
      for (const hash of ["l3", "l4"] as const) {
        expect(flowHash(back(tuple), hash, 7)).toBe(flowHash(tuple, hash, 7));
      }
    }
  });

  it("leaves the ports out with policy 0, and not with policy 1", () => {
    const other = { ...flow, sourcePort: 40_001 };
    expect(hashOfTuple(settings, other)).toBe(hashOfTuple(settings, flow));
    const ports = { ...settings, hash: "l4" } as const;
    expect(hashOfTuple(ports, other)).not.toBe(hashOfTuple(ports, flow));
  });

  it("of an ICMP error is the packet that it is about, so that it follows the flow (ip_multipath_l3_keys)", () => {
    const router = parseIp("192.0.2.99");
    const segment = new Uint8Array(20);
    const about = { ...back(flow), ttl: 9, payload: segment };
    const error = encodeIcmp4({ kind: "unreachable", code: 4, original: encodeIp(about) });
    const packet = { source: router, destination: flow.destination, protocol: 1, ttl: 64, payload: error };
    expect(hashOfPacket(settings, packet)).toBe(hashOfTuple(settings, flow));
    const ports = { ...settings, hash: "l4" } as const;
    expect(hashOfPacket(ports, packet)).not.toBe(hashOfTuple(ports, flow));
  });

  it("of an ICMPv6 error too", () => {
    const [client, vip, router] = ["2001:db8::99", "2001:db8::1", "2001:db8:9::9"].map((text) => parseIpv6(text));
    if (client === undefined || vip === undefined || router === undefined) throw new Error("no addresses");
    const about = { source: vip, destination: client, protocol: 6, ttl: 9, payload: new Uint8Array(20) };
    const error = encodeIcmp6({ kind: "unreachable", code: 0, original: encodeIp(about) }, router, vip);
    const packet = { source: router, destination: vip as Ip, protocol: 58, ttl: 64, payload: error };
    expect(hashOfPacket(settings, packet)).toBe(hashOfTuple(settings, { ...flow, source: client, destination: vip }));
  });
});
