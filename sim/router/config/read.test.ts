import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seconds } from "../../../impl/wire/time.ts";
import { type BgpConfig, type NeighborConfig, type RouterConfig } from "./model.ts";
import { frrNeighborLines, neighborLines } from "./neighbor-lines.ts";
import { readFrrConfig } from "./read.ts";

const golden = (name: string): string => readFileSync(new URL(`golden/${name}`, import.meta.url), "utf8");
const frrSays = (name: string): readonly string[] => frrNeighborLines(JSON.parse(golden(name)));

function configOf(text: string, typed: readonly string[] = []): RouterConfig {
  const read = readFrrConfig(text, typed);
  if ("problems" in read) throw new Error(JSON.stringify(read.problems, undefined, 1));
  return read.config;
}

function bgpOf(text: string, typed: readonly string[] = []): BgpConfig {
  const [bgp] = configOf(text, typed).bgp;
  if (bgp === undefined) throw new Error("there is no router bgp");
  return bgp;
}

function onlyNeighbor(...lines: readonly string[]): NeighborConfig {
  const [neighbor] = bgpOf(["router bgp 64501", ...lines].join("\n")).neighbors;
  if (neighbor === undefined) throw new Error("there is no neighbor");
  return neighbor;
}

function problemsOf(text: string): readonly string[] {
  const read = readFrrConfig(text);
  return "problems" in read ? read.problems.map(({ line, problem }) => `${line}: ${problem}`) : [];
}

describe("a file that FRR was given too", () => {
  it("means the neighbours that FRR has", () => {
    const lines = neighborLines(bgpOf(golden("statements.conf")));
    expect(lines).toHaveLength(7);
    expect(lines).toEqual(frrSays("statements.neighbors.json"));
  });

  it("means what FRR has after the same lines were typed", () => {
    const lines = neighborLines(bgpOf(golden("statements.conf"), golden("typed.conf").split("\n")));
    expect(lines).toHaveLength(7);
    expect(lines).toEqual(frrSays("typed.neighbors.json"));
  });

  it("has its lists and route-maps in order", () => {
    const { prefixLists, communityLists, largeCommunityLists, routeMaps } = configOf(golden("statements.conf"));
    expect(prefixLists.ipv4.get("vips")).toEqual([
      { sequence: 5, permit: true, prefix: "203.0.113.0/24", atLeast: 32, atMost: 32 },
      { sequence: 10, permit: false, prefix: "0.0.0.0/0", atLeast: 0, atMost: 32 },
    ]);
    expect(prefixLists.ipv6.get("vips6")).toEqual([
      { sequence: 5, permit: true, prefix: "2001:db8:0:113::/120", atLeast: 120, atMost: 128 },
    ]);
    expect(communityLists.get("dark")).toEqual([{ permit: true, communities: ["64500:666"] }]);
    expect(largeCommunityLists.get("big")).toEqual([{ permit: true, communities: ["64500:1:2"] }]);
    expect(routeMaps.get("tag")).toEqual([
      {
        sequence: 10,
        permit: true,
        matches: [{ kind: "prefixList", family: "ipv4", name: "vips" }],
        sets: [
          { kind: "localPreference", value: 200 },
          // RFC 1997: NO_EXPORT is 0xFFFFFF01.
          { kind: "community", communities: ["64500:1", "65535:65281"], additive: true },
          { kind: "largeCommunity", communities: ["64500:1:2"], additive: false },
        ],
        continueAt: 11,
      },
      {
        sequence: 20,
        permit: true,
        matches: [{ kind: "community", name: "dark", exact: true }],
        sets: [
          { kind: "prepend", asns: [64501, 64501] },
          { kind: "metric", value: 5, change: "add" },
          { kind: "nextHop", family: "ipv4", nextHop: "192.0.2.77" },
        ],
        continueAt: undefined,
      },
    ]);
  });

  it("has its interfaces, static routes and BFD peers", () => {
    const { interfaces, staticRoutes, bfdPeers, resolveViaDefault } = configOf(golden("statements.conf"));
    expect(interfaces).toEqual([
      {
        name: "eth1",
        vrf: undefined,
        addresses: [{ ip: "192.0.2.1", length: 24 }],
        shutdown: false,
        advertisements: { interval: seconds(10), lifetime: seconds(30) },
      },
    ]);
    expect(staticRoutes).toEqual([
      { prefix: "203.0.113.128/25", vrf: undefined, to: { kind: "blackhole" }, distance: 200 },
      { prefix: "10.0.0.0/8", vrf: undefined, to: { kind: "via", via: "192.0.2.254", device: "eth1" }, distance: 1 },
      { prefix: "2001:db8:ffff::/48", vrf: undefined, to: { kind: "device", device: "eth1" }, distance: 1 },
    ]);
    expect(
      bfdPeers.map(({ peer, multihop, minimumTtl, detectMultiplier }) => [
        peer,
        multihop,
        minimumTtl,
        detectMultiplier,
      ]),
    ).toEqual([["192.0.2.99", true, 250, 4]]);
    expect(resolveViaDefault).toEqual({ ipv4: true, ipv6: false });
  });
});

describe("defaults", () => {
  // show bgp neighbors json of FRR 8.4.4 under either profile.
  it.each([
    ["traditional", "192.0.2.11 64500 as 64501, timers 60/180/120/0, hops 1, Helper, ipv4", true],
    ["datacenter", "192.0.2.11 64500 as 64501, timers 3/9/10/0, hops 1, Helper, ipv4", false],
  ])("are those of frr defaults %s", (profile, line, needsPolicy) => {
    const bgp = bgpOf(`frr defaults ${profile}\nrouter bgp 64501\n neighbor 192.0.2.11 remote-as 64500\n`);
    expect(neighborLines(bgp)).toEqual([line]);
    expect(bgp.ebgpRequiresPolicy).toBe(needsPolicy);
    expect(bgp.bestPath.deterministicMed).toBe(!needsPolicy);
    expect(bgp.families.ipv4.maximumPaths).toEqual({ ebgp: 256, ibgp: 256 });
  });

  it("of a profile hold for all of BFD that says nothing", () => {
    const { bfd } = onlyNeighbor(" neighbor 192.0.2.11 remote-as 64500", " neighbor 192.0.2.11 bfd profile absent");
    expect(bfd).toMatchObject({
      detectMultiplier: 3,
      receiveInterval: 300_000,
      transmitInterval: 300_000,
      minimumTtl: 254,
    });
  });
});

describe("a neighbour", () => {
  it("has its group's word where it has none of its own", () => {
    const { passive, families } = onlyNeighbor(
      " neighbor g peer-group",
      " neighbor g remote-as 64500",
      " neighbor g passive",
      " neighbor 192.0.2.11 peer-group g",
      " no neighbor 192.0.2.11 passive",
      " address-family ipv6",
      "  neighbor g activate",
      "  neighbor g route-map x out",
    );
    expect(passive).toBe(false);
    expect(families.ipv4).toBeDefined();
    expect(families.ipv6?.routeMapOut).toBe("x");
  });

  it("by its interface offers IPv4 over IPv6 next hops unless told not to", () => {
    expect(onlyNeighbor(" neighbor eth1 interface remote-as external").extendedNextHop).toBe(true);
    const told = [" neighbor eth1 interface remote-as external", " no neighbor eth1 capability extended-nexthop"];
    expect(onlyNeighbor(...told).extendedNextHop).toBe(false);
  });

  it("has one spelling", () => {
    const lines = [" neighbor 2001:DB8::0:1 remote-as 64500", " neighbor 2001:db8::1 port 180"];
    expect(onlyNeighbor(...lines)).toMatchObject({ peer: { kind: "address", ip: "2001:db8::1" }, port: 180 });
  });

  it("is active for IPv4 where the instance says so, in address-family or not", () => {
    const lines = [" no bgp default ipv4-unicast", " neighbor 192.0.2.11 remote-as 64500"];
    expect(onlyNeighbor(...lines).families.ipv4).toBeUndefined();
    expect(onlyNeighbor(...lines, " neighbor 192.0.2.11 activate").families.ipv4).toBeDefined();
  });

  // RFC 5082 section 3: TrustRadius.
  it("behind n hops must send with 255 and arrive with at least 256 - n", () => {
    const neighbor = onlyNeighbor(" neighbor 192.0.2.11 remote-as 64500", " neighbor 192.0.2.11 ttl-security hops 1");
    expect([neighbor.ttl, neighbor.minTtl]).toEqual([255, 255]);
  });
});

describe("contexts", () => {
  it("end where a statement belongs to one around them", () => {
    const text =
      "router bgp 64501\n address-family ipv6 unicast\n neighbor 192.0.2.1 remote-as 1\nroute-map a permit 1\nip route 10.0.0.0/8 Null0\n";
    const config = configOf(text);
    expect(config.bgp[0]?.neighbors).toHaveLength(1);
    expect(config.staticRoutes).toHaveLength(1);
  });

  it("of VRFs keep their routes and instances apart", () => {
    const text = [
      "vrf red",
      " ip route 10.0.0.0/8 192.0.2.9",
      "exit-vrf",
      "ip route 10.0.0.0/8 192.0.2.8 vrf blue",
      "router bgp 64501",
      "exit",
      "router bgp 64502 vrf red",
      " neighbor 192.0.2.1 remote-as 1",
    ].join("\n");
    const { vrfs, staticRoutes, bgp } = configOf(text);
    expect(vrfs).toEqual(["red", "blue"]);
    expect(staticRoutes.map(({ vrf }) => vrf)).toEqual(["red", "blue"]);
    expect(bgp.map(({ asn, vrf, neighbors }) => [asn, vrf, neighbors.length])).toEqual([
      [64501, undefined, 0],
      [64502, "red", 1],
    ]);
  });
});

describe("typed lines", () => {
  it("take back what the file said", () => {
    const typed = [
      "no route-map tag permit 10",
      "no ip prefix-list vips seq 10 deny any",
      "no ip route 10.0.0.0/8 192.0.2.254 eth1",
      "router bgp 64501",
      "address-family ipv4 unicast",
      "no network 198.51.100.0/24",
      "no maximum-paths",
    ];
    const config = configOf(golden("statements.conf"), typed);
    expect(config.routeMaps.get("tag")?.map(({ sequence }) => sequence)).toEqual([20]);
    expect(config.prefixLists.ipv4.get("vips")).toHaveLength(1);
    expect(config.staticRoutes).toHaveLength(2);
    expect(config.bgp[0]?.families.ipv4).toMatchObject({ networks: [], maximumPaths: { ebgp: 256, ibgp: 4 } });
  });

  it("start outside of every context, and count on from the file", () => {
    expect(readFrrConfig("router bgp 1\n", ["neighbor 192.0.2.1 remote-as 1"])).toEqual({
      problems: [
        { line: 4, problem: '"neighbor 192.0.2.1 remote-as 1" belongs into router bgp, not into the configuration' },
      ],
    });
  });
});

describe("what is wrong", () => {
  it("is told all at once, with lines, and what is known instead", () => {
    const text = [
      "hostname r",
      "router ospf",
      " network 10.0.0.0/8 area 0",
      "exit",
      "router bgp 64501",
      " neighbor 192.0.2.1 remote-as 64500",
      " neighbor 192.0.2.1 ebgp-multihop 256",
      " neighbor 192.0.2.1 timers 3",
      " neighbor 192.0.2.2 bfd",
      " address-family l2vpn evpn",
      "  advertise-all-vni",
      " exit-address-family",
      " address-family ipv4 unicast",
      "  neighbor 192.0.2.1 addpath-tx-all-paths",
      " exit-address-family",
      "interface eth1",
      " ip address 192.0.2.1",
    ].join("\n");
    expect(problemsOf(text)).toEqual([
      '2: "router ospf" is not supported in the configuration; what is: router bgp [ASN] [vrf VRF]',
      '7: TTL is "256", and must be from 1 to 255',
      '8: "neighbor 192.0.2.1 timers 3" is not supported in router bgp 64501; what is: neighbor PEER timers KEEPALIVE HOLD',
      "9: there is no neighbor 192.0.2.2 yet: its remote-as or peer-group comes first",
      '10: "address-family l2vpn evpn" is not supported in router bgp 64501; what is: address-family ipv4|ipv6 [unicast]',
      expect.stringMatching(
        /^14: "neighbor 192.0.2.1 addpath-tx-all-paths" is not supported in address-family ipv4 unicast; what is: neighbor PEER activate, .* and \d+ more$/,
      ),
      '17: "192.0.2.1" is not an address with a prefix length',
    ]);
  });

  it.each([
    ["frr defaults fancy", '"fancy" is neither traditional nor datacenter'],
    ["no hostname x\nno frr defaults traditional", undefined, "2: cannot be taken back"],
    ["router bgp 0", 'ASN is "0", and must be from 1 to 4294967295'],
    ["router bgp 4294967296", 'ASN is "4294967296", and must be from 1 to 4294967295'],
    ["router bgp", "ASN is missing"],
    ["router bgp 1\nrouter bgp 2", undefined, "2: BGP is already running; AS is 1"],
    ["router bgp 1\nfrr defaults datacenter", undefined, "2: must stand before router bgp"],
    ["no router bgp 1", "there is no such router"],
    ["ip route 10.0.0.0/33 192.0.2.1", '"10.0.0.0/33" is not a prefix'],
    ["ip route 2001:db8::/32 2001:db8::1", '"2001:db8::/32" is not a prefix of IPv4'],
    ["ip route 10.0.0.0/8 192.0.2.256", '"192.0.2.256" is not an IP address'],
    ["ip route 10.0.0.0/8 192.0.2.1 nexthop-vrf red", "nexthop-vrf is not supported"],
    ["ip route 10.0.0.0/8", "the gateway is missing"],
    ["no ip route 10.0.0.0/8 192.0.2.1", "there is no such route"],
    ["ip prefix-list x permit 10.0.0.0/24 ge 8", "must be: length of the prefix (24) <= ge <= le"],
    ["ip prefix-list x permit 10.0.0.0/8 le 33", 'LE is "33", and must be from 0 to 32'],
    ["ip prefix-list x permit any le 8", "any has neither ge nor le"],
    ["no ipv6 prefix-list x", "there is no prefix-list x"],
    [
      "bgp community-list expanded x permit 64500:.*",
      "lists of regular expressions are not supported; standard ones are",
    ],
    ["bgp community-list standard x permit 64500", '"64500" is not a community'],
    ["bgp large-community-list standard x permit", "no community is given"],
    ["route-map x permit 0", 'SEQUENCE is "0", and must be from 1 to 65535'],
    [
      "route-map x permit 10\n call y",
      undefined,
      expect.stringContaining('2: "call y" is not supported in route-map x 10'),
    ],
    ["route-map x permit 10\n on-match goto 5", undefined, "2: entry 10 cannot go on at 5: only later entries"],
    [
      "route-map x permit 10\n set as-path prepend last-as 2",
      undefined,
      "2: last-as is not supported: write the numbers",
    ],
    ["route-map x permit 10\n set ip next-hop 2001:db8::1", undefined, '2: "2001:db8::1" is not an address of IPv4'],
    ["route-map x permit 10\n set community additive", undefined, "2: no community is given"],
    ["route-map x permit 10\n set metric x", undefined, expect.stringContaining('METRIC is "x"')],
    ["bfd\n peer 192.0.2.1 multihop", undefined, "2: multihop needs local-address"],
    ["bfd\n profile x\n  detect-multiplier 1", undefined, '3: COUNT is "1", and must be from 2 to 255'],
    ["interface eth1\n ip address 2001:db8::1/64", undefined, '2: "2001:db8::1/64" is of the other family'],
    ["router bgp 1\n neighbor g remote-as 2", undefined, "2: there is no peer-group or interface g yet"],
    ["router bgp 1\n neighbor 192.0.2.1 peer-group g", undefined, "2: there is no peer-group g"],
    [
      "router bgp 1\n neighbor g peer-group\n neighbor 192.0.2.1 peer-group g",
      undefined,
      "3: peer-group g has no remote-as yet, and neither has the neighbor",
    ],
    [
      "router bgp 1\n neighbor g peer-group\n bgp listen range 10.0.0.0/8 peer-group g",
      undefined,
      "3: peer-group g has no remote-as yet",
    ],
    [
      "router bgp 1\n neighbor 192.0.2.1 remote-as 2\n neighbor 192.0.2.1 timers 1 2",
      undefined,
      "3: HOLD must be 0 or at least 3",
    ],
    [
      "router bgp 1\n neighbor 192.0.2.1 remote-as 2\n neighbor 192.0.2.1 ebgp-multihop\n neighbor 192.0.2.1 ttl-security hops 2",
      undefined,
      "4: ebgp-multihop and ttl-security exclude each other",
    ],
    [
      "router bgp 1\n no neighbor 192.0.2.1",
      undefined,
      "2: there is no neighbor 192.0.2.1 yet: its remote-as or peer-group comes first",
    ],
    ["router bgp 1\n neighbor 192.0.2.1 interface", undefined, '2: "192.0.2.1" is an address, not an interface'],
    [
      "router bgp 1\n address-family ipv4 unicast\n  network 2001:db8::/32",
      undefined,
      '3: "2001:db8::/32" is not a prefix of IPv4',
    ],
  ])("is %j", (text, first, elsewhere: unknown = `1: ${first}`) => {
    expect(problemsOf(text)).toEqual([elsewhere]);
  });

  it("is a value, whatever the text", () => {
    const words = [
      ...golden("statements.conf").split(/\s+/),
      "no",
      "/",
      "[",
      "...",
      "-1",
      "1e9",
      "::",
      "__proto__",
      "constructor",
    ];
    const line = fc.array(fc.constantFrom(...words), { maxLength: 6 }).map((parts) => parts.join(" "));
    const lines = golden("statements.conf").split("\n");
    const text = fc.array(fc.oneof(line, fc.constantFrom(...lines), fc.string()), { maxLength: 30 });
    fc.assert(
      fc.property(text, (all) => {
        const read = readFrrConfig(all.join("\n"));
        if ("config" in read) return;
        const places = read.problems.map((problem) => problem.line);
        expect(places).toEqual([...places].sort((a, b) => a - b));
        for (const { line: at } of read.problems) expect(at >= 1 && at <= all.join("\n").split("\n").length).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
