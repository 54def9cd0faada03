import { type Ip } from "../../impl/wire/ip.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { seconds } from "../../impl/wire/time.ts";
import { flowHash } from "../../sim/host/multipath-hash.ts";
import { RouteTable } from "../../sim/host/routes.ts";
import { createSelector, RESILIENT, type SelectorSettings } from "../../sim/host/selector.ts";
import { type Benchmark, type Result } from "./benchmark.ts";
import { compare, draws, time } from "./timing.ts";

const LOOKUPS = 200_000;
const HASHES = 500_000;
const SELECTIONS = 20_000_000;
/** More than the table remembers of what it found. */
const ADDRESSES = 10_000;
const FEW = 100;
const NEXT_HOPS = 16;
const options = { rounds: 5, warmUps: 1 };

type Family = "ipv4" | "ipv6";

const addressOf = (family: Family, index: number): Ip => {
  const [high, low] = [index >>> 8, index & 255];
  return (family === "ipv4" ? `203.0.${high}.${low}` : `2001:db8:0:113::${high.toString(16)}:${low + 1}`) as Ip;
};

const nextHopsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ device: "eth1", via: addressOf("ipv4", index), weight: 1 }));

/** A router's table: networks of several lengths, and the addresses of `services` Services over several next hops. */
function tableOf(family: Family, services: number): RouteTable {
  const table = new RouteTable({
    now: seconds(0),
    isUsable: () => true,
    isGood: () => true,
    createSelector: () => createSelector({ kind: "threshold" }),
  });
  const networks = { ipv4: ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24"], ipv6: ["::/0", "fd00::/8", "2001:db8::/64"] };
  for (const network of networks[family]) {
    table.add({ prefix: parsePrefix(network), nextHops: nextHopsOf(1), metric: 0, protocol: "boot" });
  }
  const bits = family === "ipv4" ? 32 : 128;
  for (let index = 0; index < services; index++) {
    const prefix = parsePrefix(`${addressOf(family, index)}/${bits}`);
    table.set({ prefix, nextHops: nextHopsOf(3), metric: 20, protocol: "daemon" });
  }
  return table;
}

/** Looks up addresses, one after the other, so that none is remembered. */
function lookups(family: Family, services: number): () => void {
  const table = tableOf(family, services);
  const addresses = Array.from({ length: ADDRESSES }, (_, index) => addressOf(family, index));
  return () => {
    for (let count = 0; count < LOOKUPS; count++) {
      const ip = addresses[count % ADDRESSES];
      if (ip !== undefined && table.nextHop(ip, () => count, true) === undefined) throw new Error(`no way to ${ip}`);
    }
  };
}

function longestPrefix(family: Family): Result {
  const { one, ratio } = compare(lookups(family, ADDRESSES), lookups(family, FEW), options);
  return {
    benchmark: `forwarding: a lookup among 10,000 routes, ${family === "ipv4" ? "IPv4" : "IPv6"}`,
    value: (one / LOOKUPS) * 1e6,
    unit: "ns",
    ratio: { value: ratio, of: "to one among 100" },
    aim: { of: "ratio", atMost: 2 },
  };
}

function hashing(family: Family): Result {
  const draw = draws();
  const flows = Array.from({ length: 1000 }, () => ({
    protocol: 6,
    source: addressOf(family, draw(ADDRESSES)),
    sourcePort: draw(65_536),
    destination: addressOf(family, draw(ADDRESSES)),
    destinationPort: 80,
  }));
  const took = time(() => {
    for (let count = 0; count < HASHES; count++) {
      const flow = flows[count % flows.length];
      if (flow !== undefined) flowHash(flow, "l4", 4242);
    }
  }, options);
  return {
    benchmark: `forwarding: the hash of a flow, ${family === "ipv4" ? "IPv4" : "IPv6"}`,
    value: (took / HASHES) * 1e6,
    unit: "ns",
  };
}

function selections(settings: SelectorSettings): () => void {
  const selector = createSelector(settings);
  selector.setNextHops(nextHopsOf(NEXT_HOPS), seconds(0));
  return () => {
    for (let count = 0; count < SELECTIONS; count++) {
      const hash = Math.imul(count, 0x9e3779b1) >>> 1;
      selector.select(hash, seconds(1), () => true);
      selector.used(hash, seconds(1));
    }
  };
}

const selecting = (settings: SelectorSettings): Result => ({
  benchmark: `forwarding: choose among 16 next hops, ${settings.kind}`,
  value: (SELECTIONS / time(selections(settings), options)) * 1000,
  unit: "choices/s",
});

export const forwarding: Benchmark = {
  name: "forwarding",
  run: () => [
    longestPrefix("ipv4"),
    longestPrefix("ipv6"),
    hashing("ipv4"),
    hashing("ipv6"),
    selecting({ kind: "modulo" }),
    selecting({ kind: "threshold" }),
    selecting(RESILIENT),
  ],
};
