import { describe, expect, it } from "vitest";
import { parseIp } from "../wire/ip.ts";
import { Allocator, Tenant } from "./allocator.ts";
import { type Claim, type FamilyWish } from "./claim.ts";
import { type PoolSpec, poolsOf } from "./test-objects.ts";
import { describeRefusal, type Refusal } from "./refusal.ts";

const WISHES = {
  v4: { family: "ipv4", prefer: false, primary: "ipv4" },
  v6: { family: "ipv6", prefer: false, primary: "ipv4" },
  both: { family: "dual", prefer: false, primary: "ipv4" },
  prefer: { family: "dual", prefer: true, primary: "ipv4" },
  prefer6: { family: "dual", prefer: true, primary: "ipv6" },
} as const satisfies Record<string, FamilyWish>;

interface Wants {
  readonly ports?: readonly string[];
  readonly sharing?: string;
  readonly backend?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An allocator whose answers are short texts. */
class Desk {
  readonly allocator = new Allocator();
  readonly #tenants = new Map<string, Tenant>();

  constructor(...pools: readonly PoolSpec[]) {
    this.pools(...pools);
  }

  pools(...pools: readonly PoolSpec[]): void {
    this.allocator.setPools(poolsOf(...pools));
  }

  assign(service: string, ips: string, wants: Wants = {}): string {
    const addresses = ips.split(" ").map((ip) => parseIp(ip));
    return this.#answer(service, this.allocator.assign(this.#tenant(service), claim(service, wants), addresses));
  }

  allocate(service: string, wish: keyof typeof WISHES = "v4", wants: Wants = {}): string {
    return this.#answer(service, this.allocator.allocate(this.#tenant(service), claim(service, wants), WISHES[wish]));
  }

  allocateFrom(pool: string, service: string, wish: keyof typeof WISHES = "v4", wants: Wants = {}): string {
    const tenant = this.#tenant(service);
    return this.#answer(service, this.allocator.allocateFrom(pool, tenant, claim(service, wants), WISHES[wish]));
  }

  release(service: string): string {
    this.allocator.release(this.#tenant(service));
    return "released";
  }

  holds(service: string): string {
    const { allocation } = this.#tenant(service);
    return allocation === undefined ? "-" : `${allocation.pool.name} ${allocation.ips.join(" ")}`;
  }

  /** IPv4 used/free, IPv6 used/free. */
  counters(pool: string): string {
    const counters = this.allocator.counters(pool);
    if (counters === undefined) return "unknown";
    const { assignedIPv4, availableIPv4, assignedIPv6, availableIPv6 } = counters;
    return `${assignedIPv4}/${availableIPv4} ${assignedIPv6}/${availableIPv6}`;
  }

  #tenant(service: string): Tenant {
    const tenant = this.#tenants.get(service) ?? new Tenant();
    this.#tenants.set(service, tenant);
    return tenant;
  }

  #answer(service: string, refusal: Refusal | undefined): string {
    return refusal === undefined ? this.holds(service) : refusal.because;
  }
}

function claim(
  service: string,
  { ports = ["TCP/80"], sharing = "", backend = "", namespace = "ns", labels = {} }: Wants,
): Claim {
  return { service, namespace, labels, ports, sharing, backend };
}

const share = (sharing: string, ...ports: readonly string[]): Wants => ({ sharing, ports });

describe("assigning given addresses", () => {
  it.each([
    ["1.2.3.4", "1.2.3.5", "1.2.4.0", "1.2.4.255", "4.5.6.7"],
    ["1000::4", "1000::5", "1001::", "1001::1", "4000::"],
  ])("keeps non-sharing Services apart (%s …)", (one, two, buggyLow, buggyHigh, outside) => {
    const desk = new Desk(
      { name: "a", addresses: ["1.2.3.4/30", "1000::4/126"] },
      { name: "b", addresses: ["1.2.4.0/24", "1001::/127"], avoidBuggyIPs: true },
    );
    const isV4 = one.includes(".");
    expect([
      desk.assign("s1", one),
      desk.assign("s1", one),
      desk.assign("s2", one),
      desk.assign("s2", two),
      desk.release("s1"),
      desk.assign("s2", one),
      desk.assign("s1", two),
      desk.assign("s3", outside),
      desk.assign("s3", buggyLow),
      desk.assign("s4", buggyHigh),
    ]).toEqual([
      `a ${one}`,
      `a ${one}`,
      "sharing",
      `a ${two}`,
      "released",
      `a ${one}`,
      `a ${two}`,
      "notInPools",
      isV4 ? "notInPools" : `b ${buggyLow}`,
      isV4 ? "notInPools" : `b ${buggyHigh}`,
    ]);
  });

  it.each(["1.2.3.4", "1000::4"])("lets Services share %s by key, backend and ports", (ip) => {
    const desk = new Desk({ name: "a", addresses: ["1.2.3.4/30", "1000::4/126"] });
    const backend = (name: string, ...ports: readonly string[]): Wants => ({ ...share("k", ...ports), backend: name });
    expect([
      desk.assign("s1", ip, share("k", "TCP/80")),
      desk.assign("s2", ip, share("k", "TCP/80")),
      desk.assign("s2", ip, share("other", "TCP/443")),
      desk.assign("s2", ip, { ports: ["TCP/443"] }),
      desk.assign("s2", ip, backend("app=b", "TCP/443")),
      desk.assign("s2", ip, share("k", "UDP/80")),
      desk.assign("s2", ip, share("k", "TCP/443", "UDP/80")),
      desk.assign("s1", ip, share("k", "TCP/443")),
      desk.assign("s1", ip, share("other", "TCP/80")),
      desk.assign("s1", ip, backend("app=b", "TCP/80")),
      desk.release("s2"),
      desk.assign("s1", ip, share("other", "TCP/80")),
      desk.assign("s2", ip, share("k", "TCP/443")),
      desk.assign("s2", ip, share("other", "TCP/443")),
      desk.release("s1"),
      desk.release("s2"),
      desk.assign("s3", ip, { ports: ["TCP/80"] }),
    ]).toEqual([
      `a ${ip}`,
      "portInUse",
      "sharing",
      "sharing",
      "sharing",
      `a ${ip}`,
      `a ${ip}`,
      "portInUse",
      "sharing",
      "sharing",
      "released",
      `a ${ip}`,
      "sharing",
      `a ${ip}`,
      "released",
      "released",
      `a ${ip}`,
    ]);
  });

  it("says with whom and why an address cannot be shared", () => {
    const { allocator } = new Desk({ name: "a", addresses: ["1.2.3.4/32"] });
    const ips = [parseIp("1.2.3.4")];
    const first = new Tenant();
    const because = (wants: Wants): string => {
      const refusal = allocator.check(claim("ns/b", wants), ips);
      return refusal === undefined ? "may" : describeRefusal(refusal);
    };
    const prefix = `can't change sharing key for "ns/b", address also in use by ns/a: `;
    allocator.assign(first, claim("ns/a", {}), ips);
    expect(because(share("k", "TCP/443"))).toBe(`${prefix}existing service does not allow sharing`);
    allocator.assign(first, claim("ns/a", share("k", "TCP/80")), ips);
    expect(because({ ports: ["TCP/443"] })).toBe(`${prefix}new service does not allow sharing`);
    expect(because(share("x", "TCP/443"))).toBe(`${prefix}sharing key "x" does not match existing sharing key "k"`);
    expect(because({ ...share("k", "TCP/443"), backend: "app=b" })).toBe(
      `${prefix}backend key "app=b" does not match existing backend key ""`,
    );
    expect(because(share("k", "TCP/80"))).toBe('port TCP/80 is already in use on "1.2.3.4" by ns/a');
    expect(because(share("k", "UDP/80"))).toBe("may");
  });

  it("takes two addresses only of two families in one pool", () => {
    const desk = new Desk(
      { name: "a", addresses: ["1.2.3.4/30", "1000::4/126"] },
      { name: "b", addresses: ["1.2.4.0/24", "1001::/127"] },
    );
    expect([
      desk.assign("s1", "1.2.3.4 1000::4"),
      desk.assign("s2", "1.2.3.4 1000::5"),
      desk.assign("s2", "1.2.3.5 1000::4"),
      desk.assign("s2", "1.2.3.5 1001::"),
      desk.assign("s2", "1.2.3.5 1.2.3.6"),
      desk.assign("s2", "1.2.3.5 1000::5 1.2.3.6"),
      desk.assign("s2", "1000::5 1.2.3.5"),
      desk.assign("s1", "1.2.4.0 1001::"),
      desk.assign("s2", "1.2.3.4"),
    ]).toEqual([
      "a 1.2.3.4 1000::4",
      "sharing",
      "sharing",
      "notInPools",
      "sameFamily",
      "tooManyAddresses",
      "a 1000::5 1.2.3.5",
      "b 1.2.4.0 1001::",
      "a 1.2.3.4",
    ]);
  });

  it.each<[PoolSpec["name"], Partial<PoolSpec>, Wants, string]>([
    ["own namespace", { namespaces: ["ns"] }, {}, "a 1.2.3.4"],
    ["another namespace", { namespaces: ["other"] }, {}, "poolNotCompatible"],
    ["own labels", { serviceLabels: [{ team: "x" }] }, { labels: { team: "x" } }, "a 1.2.3.4"],
    [
      "one of several labels",
      { serviceLabels: [{ team: "y" }, { team: "x" }] },
      { labels: { team: "x" } },
      "a 1.2.3.4",
    ],
    ["other labels", { serviceLabels: [{ team: "y" }] }, { labels: { team: "x" } }, "poolNotCompatible"],
    ["own namespace, other labels", { namespaces: ["ns"], serviceLabels: [{ team: "y" }] }, {}, "poolNotCompatible"],
    [
      "other namespace, own labels",
      { namespaces: ["other"], serviceLabels: [{ t: "x" }] },
      { labels: { t: "x" } },
      "poolNotCompatible",
    ],
    ["selectors that match no namespace", { namespaces: [] }, {}, "a 1.2.3.4"],
  ])("in a pool pinned to %s", (_, limits, wants, expected) => {
    expect(new Desk({ name: "a", addresses: ["1.2.3.4/32"], ...limits }).assign("s", "1.2.3.4", wants)).toBe(expected);
  });
});

describe("allocating from a pool by name", () => {
  it.each<[keyof typeof WISHES, readonly string[]]>([
    ["v4", ["a 1.2.3.4", "a 1.2.3.5", "a 1.2.3.10", "a 1.2.3.11"]],
    ["v6", ["a 1000::4", "a 1000::5", "a 1000::10", "a 1000::11"]],
    ["both", ["a 1.2.3.4 1000::4", "a 1.2.3.5 1000::5", "a 1.2.3.10 1000::10", "a 1.2.3.11 1000::11"]],
  ])("gives four addresses, refuses the fifth, and lets a sixth share (%s)", (wish, four) => {
    const desk = new Desk(
      { name: "other", addresses: ["10.20.30.0/24", "fc00::/64"] },
      { name: "a", addresses: ["1.2.3.4/31", "1.2.3.10/31", "1000::4/127", "1000::10/127"] },
    );
    const first = four.map((_, index) => desk.allocateFrom("a", `s${index + 1}`, wish));
    expect(first).toEqual(four);
    expect([desk.allocateFrom("a", "s5", wish), desk.allocateFrom("a", "s6", wish)]).toEqual([
      "poolExhausted",
      "poolExhausted",
    ]);
    desk.release("s3");
    expect([
      desk.allocateFrom("a", "s5", wish, share("k", "TCP/80")),
      desk.allocateFrom("a", "s6", wish, share("k", "TCP/80")),
      desk.allocateFrom("a", "s6", wish, share("k", "TCP/443")),
      desk.allocateFrom("a", "s7", wish, share("other", "TCP/8080")),
      desk.allocateFrom("nowhere", "s7", wish),
    ]).toEqual([four[2], "poolExhausted", four[2], "poolExhausted", "unknownPool"]);
  });

  it("mixes Services of one and of two families in a dual pool", () => {
    const desk = new Desk({ name: "a", addresses: ["1.2.3.4/31", "1000::4/127"] });
    expect([
      desk.allocateFrom("a", "s1", "both"),
      desk.allocateFrom("a", "s2", "v4"),
      desk.allocateFrom("a", "s3", "both"),
      desk.allocateFrom("a", "s3", "prefer"),
      desk.allocateFrom("a", "s4", "v6"),
      desk.counters("a"),
    ]).toEqual(["a 1.2.3.4 1000::4", "a 1.2.3.5", "poolExhausted", "a 1000::5", "poolExhausted", "2/0 2/0"]);
  });

  it("prefers the lowest usable address to the one that is shared already", () => {
    const desk = new Desk({ name: "a", addresses: ["1.2.3.0/29"] });
    expect([
      desk.assign("s1", "1.2.3.1", share("k", "TCP/80")),
      desk.allocate("s2", "v4", share("k", "TCP/443")),
      desk.allocate("s3", "v4", share("k", "TCP/443")),
      desk.allocate("s4", "v4", share("k", "TCP/443")),
    ]).toEqual(["a 1.2.3.1", "a 1.2.3.0", "a 1.2.3.1", "a 1.2.3.2"]);
  });

  it("comes back to a shared address as soon as a port is free there", () => {
    const desk = new Desk({ name: "a", addresses: ["1.2.3.0/29"] });
    desk.assign("s1", "1.2.3.0", share("k", "TCP/80"));
    desk.assign("s2", "1.2.3.0", share("k", "TCP/81"));
    expect([
      desk.allocate("s3", "v4", share("k", "TCP/80")),
      desk.allocate("s4", "v4", share("k", "TCP/80")),
      desk.release("s1"),
      desk.allocate("s5", "v4", share("k", "TCP/80")),
      desk.allocate("s6", "v4", share("k", "TCP/80")),
    ]).toEqual(["a 1.2.3.1", "a 1.2.3.2", "released", "a 1.2.3.0", "a 1.2.3.3"]);
  });

  it("skips .0 and .255 where asked to", () => {
    const desk = new Desk(
      { name: "a", addresses: ["1.2.3.0/31", "1.2.3.254/31"], avoidBuggyIPs: true },
      { name: "b", addresses: ["1.2.4.0/31"] },
    );
    expect([
      desk.allocate("s1"),
      desk.allocate("s2"),
      desk.allocate("s3"),
      desk.allocate("s4"),
      desk.allocate("s5"),
    ]).toEqual(["a 1.2.3.1", "a 1.2.3.254", "b 1.2.4.0", "b 1.2.4.1", "noneAvailable"]);
  });

  it("finds free addresses in pools that nobody can count", () => {
    const desk = new Desk({ name: "a", addresses: ["2001:db8::/64"] });
    expect([
      desk.allocate("s1", "v6"),
      desk.assign("s2", "2001:db8::1:2:3:4"),
      desk.assign("s3", "2001:db8::1:2:3:4"),
      desk.allocate("s3", "v6"),
      desk.counters("a"),
      desk.release("s2"),
      desk.assign("s3", "2001:db8::1:2:3:4"),
      desk.counters("a"),
    ]).toEqual([
      "a 2001:db8::",
      "a 2001:db8::1:2:3:4",
      "sharing",
      "a 2001:db8::1",
      "0/0 3/9223372036854775804",
      "released",
      "a 2001:db8::1:2:3:4",
      "0/0 2/9223372036854775805",
    ]);
  });
});

describe("allocating from any pool", () => {
  it("goes through the pools by name and through prefixes as written", () => {
    const desk = new Desk(
      { name: "b", addresses: ["1.2.3.0/32"] },
      { name: "a", addresses: ["1.2.5.0/32", "1.2.4.0/32"] },
      { name: "0", addresses: ["1.2.2.0/24"], autoAssign: false },
    );
    expect([1, 2, 3, 4].map((n) => desk.allocate(`s${n}`))).toEqual([
      "a 1.2.5.0",
      "a 1.2.4.0",
      "b 1.2.3.0",
      "noneAvailable",
    ]);
  });

  it("takes pinned pools first: by priority, those without one last, equals by name", () => {
    const pinned = { namespaces: ["ns"] };
    const desk = new Desk(
      { name: "general", addresses: ["1.2.0.0/32"] },
      { name: "z", addresses: ["1.2.1.0/32"], ...pinned },
      { name: "y", addresses: ["1.2.2.0/32"], ...pinned, priority: 20 },
      { name: "x", addresses: ["1.2.3.0/32"], ...pinned, priority: 10 },
      { name: "w", addresses: ["1.2.4.0/32"], serviceLabels: [{}], priority: 20 },
      { name: "v", addresses: ["1.2.5.0/32"], namespaces: ["other"], priority: 1 },
      { name: "u", addresses: ["1.2.6.0/32"], ...pinned, priority: 5, autoAssign: false },
      { name: "t", addresses: ["1.2.7.0/32"], namespaces: [], priority: 5 },
    );
    const given = Array.from({ length: 6 }, (_, index) => desk.allocate(`s${index}`).split(" ")[0]);
    expect(given).toEqual(["x", "w", "y", "z", "general", "noneAvailable"]);
  });

  it.each<[keyof typeof WISHES, readonly string[]]>([
    ["v4", ["a 1.2.3.0", "c 1.2.5.0", "noneAvailable"]],
    ["both", ["c 1.2.5.0 1002::", "noneAvailable"]],
    ["prefer", ["c 1.2.5.0 1002::", "a 1.2.3.0", "b 1001::", "noneAvailable"]],
    ["prefer6", ["c 1.2.5.0 1002::", "b 1001::", "a 1.2.3.0", "noneAvailable"]],
  ])("chooses among pools of one and of two families (%s)", (wish, expected) => {
    const desk = new Desk(
      { name: "a", addresses: ["1.2.3.0/32"] },
      { name: "b", addresses: ["1001::/128"] },
      { name: "c", addresses: ["1.2.5.0/32", "1002::/128"] },
    );
    expect(expected.map((_, index) => desk.allocate(`s${index}`, wish))).toEqual(expected);
  });

  it("gives a pinned pool of one family rather than a general pool of two", () => {
    const desk = new Desk(
      { name: "a", addresses: ["1.2.3.0/32", "1000::/128"] },
      { name: "b", addresses: ["1.2.4.0/32"], namespaces: ["ns"] },
    );
    expect([desk.allocate("s1", "prefer"), desk.allocate("s2", "prefer")]).toEqual(["b 1.2.4.0", "a 1.2.3.0 1000::"]);
  });
});

describe("new pools", () => {
  it.each<[string, readonly PoolSpec[], string]>([
    ["the same", [{ name: "a", addresses: ["1.2.3.0/30"] }], "a 1.2.3.0 | a 1.2.3.1"],
    ["a larger pool", [{ name: "a", addresses: ["1.2.3.0/24"] }], "a 1.2.3.0 | a 1.2.3.1"],
    ["a smaller pool", [{ name: "a", addresses: ["1.2.3.0/31"] }], "a 1.2.3.0 | a 1.2.3.1"],
    ["a pool without them", [{ name: "a", addresses: ["1.2.3.1/32"] }], "- | a 1.2.3.1"],
    ["another name", [{ name: "b", addresses: ["1.2.3.0/30"] }], "b 1.2.3.0 | b 1.2.3.1"],
    [
      "two of one",
      [
        { name: "b", addresses: ["1.2.3.0/32"] },
        { name: "c", addresses: ["1.2.3.1/32"] },
      ],
      "b 1.2.3.0 | c 1.2.3.1",
    ],
    ["no .0 any more", [{ name: "a", addresses: ["1.2.3.0/30"], avoidBuggyIPs: true }], "- | a 1.2.3.1"],
    ["no automatic use", [{ name: "a", addresses: ["1.2.3.0/30"], autoAssign: false }], "a 1.2.3.0 | a 1.2.3.1"],
    [
      "a better pool",
      [
        { name: "a", addresses: ["1.2.3.0/30"] },
        { name: "0", addresses: ["9.9.9.9/32"], priority: 1 },
      ],
      "a 1.2.3.0 | a 1.2.3.1",
    ],
    ["none", [], "- | -"],
  ])("%s: keep what still lies in one pool", (_, pools, expected) => {
    const desk = new Desk({ name: "a", addresses: ["1.2.3.0/30"] });
    desk.allocate("s1");
    desk.allocate("s2");
    desk.pools(...pools);
    expect(`${desk.holds("s1")} | ${desk.holds("s2")}`).toBe(expected);
  });

  it("a pool that loses one family takes both addresses of a dual-stack Service away", () => {
    const desk = new Desk({ name: "a", addresses: ["1.2.3.0/30", "1000::/127"] });
    desk.allocate("s1", "both");
    desk.pools({ name: "a", addresses: ["1.2.3.0/30"] }, { name: "b", addresses: ["1000::/127"] });
    expect([desk.holds("s1"), desk.counters("a"), desk.counters("b")]).toEqual(["-", "0/4 0/0", "0/0 0/2"]);
  });
});

describe("counters", () => {
  it.each<[Partial<PoolSpec>, string]>([
    [{ addresses: ["1.2.3.0/24"] }, "0/256 0/0"],
    [{ addresses: ["1.2.3.0/24", "2.3.4.128/25"] }, "0/384 0/0"],
    [{ addresses: ["1.2.3.0/24", "2.3.4.128/25"], avoidBuggyIPs: true }, "0/381 0/0"],
    [{ addresses: ["1.2.3.0/24", "1000::/48"] }, "0/256 0/9223372036854775807"],
    [{ addresses: ["1000::/48", "1001::/120"] }, "0/0 0/9223372036854775807"],
    [{ addresses: ["1.2.3.0/31", "1000::/127"], avoidBuggyIPs: true }, "0/1 0/2"],
    [{ addresses: ["1.2.3.0/32", "1.2.4.255/32"], avoidBuggyIPs: true }, "0/0 0/0"],
  ])("%o: %s", (spec, expected) => {
    expect(new Desk({ name: "a", addresses: [], ...spec }).counters("a")).toBe(expected);
  });

  it("follow what is given, count a shared address once, and forget vanished pools", () => {
    const desk = new Desk({ name: "a", addresses: ["1.2.3.0/30", "1000::/126"] });
    const seen = [desk.counters("a")];
    for (const step of [
      () => desk.assign("s1", "1.2.3.1", share("k", "TCP/1")),
      () => desk.assign("s2", "1.2.3.1", share("k", "TCP/2")),
      () => desk.assign("s3", "1.2.3.2 1000::"),
      () => desk.assign("s3", "1000::1"),
      () => desk.release("s1"),
      () => desk.release("s2"),
      () => desk.pools({ name: "b", addresses: ["1000::/126"] }),
    ]) {
      step();
      seen.push(desk.counters("a"));
    }
    expect([...seen, desk.counters("b")]).toEqual([
      "0/4 0/4",
      "1/3 0/4",
      "1/3 0/4",
      "2/2 1/3",
      "1/3 1/3",
      "1/3 1/3",
      "0/4 1/3",
      "unknown",
      "0/0 1/3",
    ]);
    expect(desk.allocator.takeChangedPools()).toEqual(["a", "b"]);
  });
});
