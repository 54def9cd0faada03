import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readFrrConfig } from "../../../sim/router/config/read.ts";
import { birdMissing } from "./bird.ts";
import { birdConfig } from "./bird-config.ts";

function translate(lines: readonly string[]): string {
  const read = readFrrConfig(lines.join("\n"));
  if ("problems" in read) throw new Error(JSON.stringify(read.problems));
  return birdConfig(read.config);
}

/** The lines of a block, without those that every session has. */
function blockIn(config: string, head: string): readonly string[] {
  const lines = config.split("\n");
  const start = lines.findIndex((line) => line.startsWith(head));
  const end = lines.findIndex((line, index) => index > start && line === "}");
  return lines
    .slice(start + 1, end)
    .map((line) => line.trim())
    .filter((line) => line !== "{"); // prettier-ignore
}

const ROUTER = ["interface eth1", " ip address 192.0.2.1/24", "router bgp 64501", " no bgp ebgp-requires-policy"];

const POLICY = [
  ...ROUTER,
  " neighbor 192.0.2.11 remote-as 64500",
  " address-family ipv4 unicast",
  "  network 198.51.100.0/24",
  "  neighbor 192.0.2.11 route-map in in",
  "  neighbor 192.0.2.11 prefix-list own out",
  "  maximum-paths 4",
  "ip route 198.51.100.0/24 192.0.2.77",
  "ip prefix-list own seq 5 deny 203.0.113.0/24 ge 25 le 32",
  "ip prefix-list own seq 10 permit any",
  "bgp community-list standard marked seq 5 permit 64500:1 64500:2",
  "route-map in permit 10",
  " match community marked",
  " match ip address prefix-list own",
  " set local-preference 300",
  " set community 64501:1 additive",
  " set as-path prepend 64501 64502",
  "route-map in deny 20",
];

describe("what BIRD is told of an frr.conf", () => {
  it("a neighbour", () => {
    const config = translate([
      ...ROUTER,
      " neighbor 192.0.2.11 remote-as 64500",
      " neighbor 192.0.2.11 password secret",
      " neighbor 192.0.2.11 timers 3 9",
      " neighbor 192.0.2.11 port 1179",
      " neighbor 192.0.2.11 passive",
      " neighbor 192.0.2.11 ttl-security hops 1",
      " address-family ipv4 unicast",
      "  neighbor 192.0.2.11 maximum-prefix 10 restart 1",
      "  neighbor 192.0.2.11 next-hop-self",
    ]);
    expect(blockIn(config, "protocol bgp")).toEqual([
      "neighbor 192.0.2.11 port 1179 as 64500;",
      "local as 64501;",
      "direct;",
      "hold time 9;",
      "keepalive time 3;",
      "connect retry time 120;",
      "error wait time 1, 5;",
      "default bgp_local_pref 100;",
      "graceful restart aware;",
      "ttl security on;",
      "passive on;",
      'password "secret";',
      "ipv4 {",
      "import all;",
      "export where (source = RTS_BGP);",
      "next hop self on;",
      "import limit 10 action restart;",
      "};",
    ]);
  });

  it("whoever dials from a subnet, and over several hops", () => {
    const config = translate([
      ...ROUTER,
      " neighbor nodes peer-group",
      " neighbor nodes remote-as external",
      " neighbor nodes ebgp-multihop 5",
      " bgp listen range 198.51.100.0/24 peer-group nodes",
    ]);
    const lines = blockIn(config, "protocol bgp");
    expect([lines[0], lines.find((line) => line.startsWith("multihop"))]).toEqual([
      "neighbor range 198.51.100.0/24 external;",
      "multihop 5;",
    ]);
  });

  it("routes and their policy", () => {
    const config = translate(POLICY);
    expect(blockIn(config, "function map_in()")).toEqual([
      "if ((((64500, 1) ~ bgp_community) && ((64500, 2) ~ bgp_community))) && prefixes_ipv4_own() then {",
      "bgp_local_pref = 300;",
      "bgp_community.add((64501, 1));",
      "bgp_path.prepend(64502);",
      "bgp_path.prepend(64501);",
      "return true;",
      "}",
      "if true then {",
      "return false;",
      "}",
      "return false;",
    ]);
  });

  it.skipIf(birdMissing() !== undefined)("is what BIRD takes", () => {
    const folder = mkdtempSync(join(tmpdir(), "assay-bird-"));
    const file = join(folder, "bird.conf");
    const unnumbered = [" neighbor eth2 interface remote-as external", " neighbor eth2 bfd"];
    writeFileSync(file, translate([...POLICY, "router bgp 64501", ...unnumbered]));
    try {
      expect(spawnSync("/usr/sbin/bird", ["-p", "-c", file], { encoding: "utf8" })).toMatchObject({
        status: 0,
        stderr: "",
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ["a VRF", ["router bgp 64501 vrf red"]],
    ["exact-match", [...ROUTER, "route-map m permit 10", " match community c exact-match"]],
    ["continue", [...ROUTER, "route-map m permit 10", " continue 20"]],
    ["set weight", [...ROUTER, "route-map m permit 10", " set weight 5"]],
  ])("nothing where it has %s", (what, lines) => {
    expect(() => translate(lines)).toThrow(`BIRD is not told what frr.conf says by ${what}`);
  });
});
