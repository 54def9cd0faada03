import { describe, expect, it } from "vitest";
import { type IPAddressPool } from "./metallb.ts";
import { configOf, firstError, namespace, pool } from "./sample-objects.ts";

const webSelector = { matchLabels: { app: "web" } };
const allocated = (allocation: IPAddressPool["spec"]["serviceAllocation"]) =>
  pool("p", ["10.0.0.0/24"], { serviceAllocation: allocation ?? {} });

describe("one pool", () => {
  it.each<readonly [string, readonly string[], string]>([
    ["no addresses", [], "parsing address pool p: pool has no prefixes defined"],
    ["an invalid prefix", ["100.200.300.400/24"], 'invalid CIDR "100.200.300.400/24"'],
    ["an invalid prefix length", ["1.2.3.0/33"], 'invalid CIDR "1.2.3.0/33"'],
    ["a single address", ["1.2.3.4"], 'invalid CIDR "1.2.3.4"'],
    [
      "an invalid start of a range",
      ["1.2.3.400-1.2.3.4"],
      'invalid IP range "1.2.3.400-1.2.3.4": invalid start IP "1.2.3.400"',
    ],
    ["an invalid end of a range", ["1.2.3.4-bogus"], 'invalid IP range "1.2.3.4-bogus": invalid end IP "bogus"'],
    [
      "two dashes",
      ["1.2.3.4-1.2.3.5-1.2.3.6"],
      'invalid IP range "1.2.3.4-1.2.3.5-1.2.3.6": invalid end IP "1.2.3.5-1.2.3.6"',
    ],
    [
      "a reversed range",
      ["10.0.0.9-10.0.0.1"],
      'invalid IP range "10.0.0.9-10.0.0.1": start IP "10.0.0.9" is after the end IP "10.0.0.1"',
    ],
    [
      "a reversed IPv6 range",
      ["fc00::9-fc00::1"],
      'invalid IP range "fc00::9-fc00::1": start IP "fc00::9" is after the end IP "fc00::1"',
    ],
    [
      "a range over two families",
      ["10.0.0.1-fc00::1"],
      'invalid IP range "10.0.0.1-fc00::1": start and end are of different families',
    ],
    ["a trailing comma", ["10.0.0.0/24,"], 'invalid CIDR "10.0.0.0/24,"'],
    ["leading zeros", ["010.0.0.0/24"], 'invalid CIDR "010.0.0.0/24"'],
    ["every IPv4 address", ["0.0.0.0/0"], 'invalid CIDR "0.0.0.0/0": a pool cannot hold every address there is'],
    ["every IPv6 address", ["::/0"], 'invalid CIDR "::/0": a pool cannot hold every address there is'],
    [
      "IPv4-mapped IPv6",
      ["::ffff:10.0.0.0/120"],
      'invalid CIDR "::ffff:10.0.0.0/120": IPv4-mapped IPv6 addresses are not usable, write the IPv4 address',
    ],
    [
      "a zone",
      ["fe80::1%eth0-fe80::2%eth0"],
      'invalid IP range "fe80::1%eth0-fe80::2%eth0": invalid start IP "fe80::1%eth0"',
    ],
    ["nothing between commas", [""], 'invalid CIDR ""'],
  ])("is refused for %s", (_what, addresses, expected) => {
    const [bad = ""] = addresses;
    const prefix =
      addresses.length === 0 ? "" : `parsing address pool p: invalid CIDR ${JSON.stringify(bad)} in pool "p": `;
    expect(firstError({ pools: [pool("p", addresses)] })).toBe(prefix + expected);
  });

  it.each<readonly [string, readonly string[]]>([
    ["10.0.0.10/24", ["10.0.0.0/24"]],
    ["10.0.0.1-10.0.0.1", ["10.0.0.1/32"]],
    ["40.0.0.210 - 40.0.0.240", ["40.0.0.210/31", "40.0.0.212/30", "40.0.0.216/29", "40.0.0.224/28", "40.0.0.240/32"]],
    ["40.0.0.150-40.0.0.200", ["40.0.0.150/31", "40.0.0.152/29", "40.0.0.160/27", "40.0.0.192/29", "40.0.0.200/32"]],
    ["FC00:0::5/124", ["fc00::/124"]],
    ["fc00::1-fc00::4", ["fc00::1/128", "fc00::2/127", "fc00::4/128"]],
    ["255.255.255.255/32", ["255.255.255.255/32"]],
  ])("reads %s", (entry, prefixes) => {
    expect(configOf({ pools: [pool("p", [entry])] }).pools.get("p")?.prefixes).toEqual(prefixes);
  });

  it("keeps the order of its entries and has MetalLB's defaults", () => {
    const config = configOf({ pools: [pool("p", ["10.2.0.0/24", "10.1.0.0/24"], {}, { zone: "a" })] });
    expect(config.pools.get("p")).toEqual({
      name: "p",
      labels: { zone: "a" },
      prefixes: ["10.2.0.0/24", "10.1.0.0/24"],
      autoAssign: true,
      avoidBuggyIPs: false,
      allocation: undefined,
      l2Advertisements: [],
      bgpAdvertisements: [],
      foreignBgpAdvertisements: [],
    });
  });

  it("takes a thousand ranges", () => {
    const ranges = Array.from(
      { length: 1000 },
      (_, index) => `10.${index >> 8}.${index & 255}.1-10.${index >> 8}.${index & 255}.254`,
    );
    expect(configOf({ pools: [pool("p", ranges)] }).pools.get("p")?.prefixes).toHaveLength(14_000);
    const overlapping = [...ranges, "10.1.1.7-10.1.1.9"];
    expect(firstError({ pools: [pool("p", overlapping)] })).toBe(
      'CIDR "10.1.1.7/32" in pool "p" overlaps with already defined CIDR "10.1.1.4/30"',
    );
  });

  it("cuts a text that fits no status", () => {
    const message = firstError({ pools: [pool("p", ["x".repeat(65_536)])] });
    expect(message).toHaveLength(1000);
    expect(message.startsWith('parsing address pool p: invalid CIDR "xxx')).toBe(true);
  });
});

describe("two pools", () => {
  it.each<readonly [string, readonly string[], readonly string[], string]>([
    [
      "equal",
      ["10.0.0.0/8"],
      ["10.0.0.0/8"],
      'CIDR "10.0.0.0/8" in pool "b" overlaps with already defined CIDR "10.0.0.0/8"',
    ],
    [
      "the second inside",
      ["10.0.0.0/8"],
      ["10.1.0.0/16"],
      'CIDR "10.1.0.0/16" in pool "b" overlaps with already defined CIDR "10.0.0.0/8"',
    ],
    [
      "the first inside",
      ["10.0.0.0/16"],
      ["10.0.0.0/8"],
      'CIDR "10.0.0.0/8" in pool "b" overlaps with already defined CIDR "10.0.0.0/16"',
    ],
    [
      "by one address",
      ["10.0.0.1-10.0.0.8"],
      ["10.0.0.8-10.0.0.9"],
      'CIDR "10.0.0.8/31" in pool "b" overlaps with already defined CIDR "10.0.0.8/32"',
    ],
    [
      "IPv6",
      ["fc00::/64"],
      ["fc00::1-fc00::2"],
      'CIDR "fc00::1/128" in pool "b" overlaps with already defined CIDR "fc00::/64"',
    ],
    ["side by side", ["10.0.0.0/25"], ["10.0.0.128/25"], "ok"],
    ["same bits, other family", ["0.0.0.1/32"], ["::1/128"], "ok"],
  ])("may not overlap: %s", (_what, a, b, expected) => {
    // Objects are taken by name, whatever order they come in.
    expect(firstError({ pools: [pool("b", b), pool("a", a)] })).toBe(expected);
  });

  it("may not overlap within one pool", () => {
    expect(firstError({ pools: [pool("p", ["10.0.0.0/24", "10.0.0.128-10.0.0.129"])] })).toBe(
      'CIDR "10.0.0.128/31" in pool "p" overlaps with already defined CIDR "10.0.0.0/24"',
    );
  });

  it("are told which entry came first", () => {
    const first = pool("a", ["10.0.0.128/25", "10.0.0.0/25"]);
    expect(firstError({ pools: [first, pool("b", ["10.0.0.0/24"])] })).toBe(
      'CIDR "10.0.0.0/24" in pool "b" overlaps with already defined CIDR "10.0.0.128/25"',
    );
  });

  it("may not have one name", () => {
    const other = { ...pool("p", ["10.1.0.0/24"]), metadata: { name: "p", namespace: "other" } };
    expect(firstError({ pools: [pool("p", ["10.0.0.0/24"]), other] })).toBe('duplicate definition of pool "p"');
  });
});

describe("a pool for some Services", () => {
  it.each<readonly [string, IPAddressPool["spec"]["serviceAllocation"], string]>([
    ["a namespace twice", { namespaces: ["a", "a"] }, 'parsing address pool p: duplicate definition of namespaces "a"'],
    [
      "a namespace selector twice",
      { namespaceSelectors: [webSelector, webSelector] },
      'parsing address pool p: duplicate definition of namespaceSelectors "app=web"',
    ],
    [
      "a service selector twice",
      { serviceSelectors: [webSelector, webSelector] },
      'parsing address pool p: duplicate definition of serviceSelectors "app=web"',
    ],
    [
      "a value twice",
      { serviceSelectors: [{ matchExpressions: [{ key: "foo", operator: "In", values: ["bar", "bar"] }] }] },
      'parsing address pool p: duplicate definition of match expression value in label selector "bar"',
    ],
    [
      "an expression twice",
      {
        namespaceSelectors: [
          {
            matchExpressions: [
              { key: "foo", operator: "In", values: ["a", "b"] },
              { key: "foo", operator: "In", values: ["b", "a"] },
            ],
          },
        ],
      },
      'parsing address pool p: duplicate definition of match expressions "foo In"',
    ],
    [
      "an operator that does not exist",
      { namespaceSelectors: [{ matchExpressions: [{ key: "foo", operator: "Like", values: ["bar"] }] }] },
      'parsing address pool p: "Like" is not a valid label selector operator\ninvalid namespace label selector in ip pool p',
    ],
    [
      "In without values",
      { serviceSelectors: [{ matchExpressions: [{ key: "foo", operator: "In", values: [] }] }] },
      "parsing address pool p: operator In needs at least one value\ninvalid service label selector in ip pool p",
    ],
    [
      "selectors that are written differently",
      { serviceSelectors: [webSelector, { matchExpressions: [{ key: "app", operator: "In", values: ["web"] }] }] },
      "ok",
    ],
  ])("is judged: %s", (_what, allocation, expected) => {
    expect(firstError({ pools: [allocated(allocation)] })).toBe(expected);
  });

  const namespaces = [namespace("red", { team: "a" }), namespace("blue", { team: "b" })];

  it("is for the namespaces that it names and those that its selectors match", () => {
    const namespaceSelectors = [{ matchLabels: { team: "b" } }];
    const pools = [allocated({ priority: 5, namespaces: ["green"], namespaceSelectors })];
    expect(configOf({ pools, namespaces }).pools.get("p")?.allocation).toEqual({
      priority: 5,
      namespaces: new Set(["green", "blue"]),
      serviceSelectors: [],
    });
  });

  it("is for no namespace in particular where its selectors match none", () => {
    const pools = [allocated({ namespaceSelectors: [{ matchLabels: { team: "c" } }] })];
    expect(configOf({ pools, namespaces }).pools.get("p")?.allocation?.namespaces).toEqual(new Set());
  });

  it("is for every Service where it has only a priority", () => {
    expect(configOf({ pools: [allocated({ priority: 7 })] }).pools.get("p")?.allocation).toEqual({
      priority: 7,
      namespaces: new Set(),
      serviceSelectors: [{ text: "", requirements: [] }],
    });
  });
});
