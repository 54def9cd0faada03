// Expected: what bgpd of FRR chose (golden/README.md).
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type AsPath, type AsSegment } from "../../../impl/wire/bgp/as-path.ts";
import { parseIp, parseIpv4 } from "../../../impl/wire/ip.ts";
import { parsePrefix } from "../../../impl/wire/prefix.ts";
import { type BestPathConfig } from "../config/model.ts";
import { type DecisionContext } from "./decision.ts";
import { LocRib } from "./loc-rib.ts";
import { type Path, type PathSource } from "./path.ts";

interface Told {
  readonly peer: string;
  readonly withdraw?: true;
  readonly asPath?: readonly (number | readonly number[])[];
  readonly med?: number;
  readonly localPref?: number;
  readonly origin?: Path["attributes"]["origin"];
}

interface Golden {
  readonly asn: number;
  readonly peers: Readonly<
    Record<string, { readonly address: string; readonly asn: number; readonly routerId: string }>
  >;
  readonly cases: readonly { readonly name: string; readonly told: readonly Told[] }[];
  readonly runs: readonly {
    readonly name: string;
    readonly options: Partial<BestPathConfig> & { readonly maximumPaths?: DecisionContext["maximumPaths"] };
    readonly chosen: Readonly<Record<string, { readonly best: string; readonly multipath: readonly string[] }>>;
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL("../golden/decision.json", import.meta.url), "utf8"));

const PREFIX = parsePrefix("203.0.113.1/32");
const DEFAULTS: BestPathConfig = {
  ignoreAsPath: false,
  multipathRelax: false,
  compareRouterId: false,
  alwaysCompareMed: false,
  deterministicMed: false,
  missingMedIsWorst: false,
  defaultLocalPreference: 100,
};

function sourceOf(name: string): PathSource {
  const peer = golden.peers[name];
  if (peer === undefined) throw new Error(`no peer ${name}`);
  const { address, asn, routerId } = peer;
  const internal = asn === golden.asn;
  return {
    key: name,
    address: parseIp(address),
    asn,
    internal,
    routerId: parseIpv4(routerId),
    device: "eth0",
    onLink: true,
    isClient: false,
  };
}

function pathOf({ peer, asPath = [], med, localPref, origin = "igp" }: Told): Path {
  const source = sourceOf(peer);
  const segments: AsSegment[] = [];
  for (const each of asPath) {
    const last = segments.at(-1);
    if (typeof each !== "number") segments.push({ kind: "set", asns: each });
    else if (last?.kind === "sequence")
      segments[segments.length - 1] = { kind: "sequence", asns: [...last.asns, each] };
    else segments.push({ kind: "sequence", asns: [each] });
  }
  const path: AsPath = segments;
  const attributes = { origin, asPath: path, multiExitDisc: med, localPref };
  const none = { linkLocal: undefined, weight: 0, prefersGlobal: false, stale: false };
  return { ...none, prefix: PREFIX, nextHop: source.address, attributes, source };
}

function chosen(told: readonly Told[], { maximumPaths, ...options }: Golden["runs"][number]["options"]) {
  const rib = new LocRib();
  const context: DecisionContext = {
    config: { ...DEFAULTS, ...options },
    maximumPaths: maximumPaths ?? { ebgp: 16, ibgp: 16 },
    metric: () => 0,
  };
  for (const each of told) {
    if (each.withdraw === true) rib.remove(PREFIX, each.peer);
    else rib.set(pathOf(each));
    rib.decide(PREFIX, context);
  }
  const choice = rib.choice(PREFIX);
  const names = (choice?.multipath ?? []).map(({ source }) => source.key);
  return { best: choice?.best?.source.key, multipath: names.length > 1 ? names.toSorted() : [] };
}

describe("the choice between paths is that of FRR", () => {
  it.each(golden.runs)("with $name", ({ options, chosen: expected }) => {
    const ours = golden.cases.map(({ name, told }) => [name, chosen(told, options)]);
    expect(Object.fromEntries(ours)).toEqual(expected);
  });

  it("in enough cases", () => {
    expect(golden.runs.length * golden.cases.length).toBeGreaterThan(250);
  });
});
