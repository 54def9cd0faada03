import { describe, expect, it } from "vitest";
import { type BGPAdvertisement, type L2Advertisement } from "./metallb.ts";
import { type ConfigResources } from "./parse-config.ts";
import {
  bfdProfile,
  bgpAdvertisement,
  bgpPeer,
  community,
  configOf,
  firstError,
  l2Advertisement,
  node,
  pool,
} from "./sample-objects.ts";

type BgpSpec = NonNullable<BGPAdvertisement["spec"]>;
type L2Spec = NonNullable<L2Advertisement["spec"]>;

const label = (key: string, value: string) => ({ matchLabels: { [key]: value } });
const web = label("app", "web");
const unlike = { matchExpressions: [{ key: "app", operator: "Unlike", values: ["web"] }] };
const pools = [pool("p", ["10.0.0.0/24"], {}, { tier: "a" }), pool("q", ["fc00::/120"], {}, { tier: "b" })];

describe("lists of both kinds of advertisement", () => {
  it.each<readonly [string, L2Spec & BgpSpec, string]>([
    ["a pool twice", { ipAddressPools: ["p", "p"] }, 'duplicate definition of ipAddressPools "p"'],
    [
      "a pool selector twice",
      { ipAddressPoolSelectors: [web, web] },
      'duplicate definition of ipAddressPoolSelectors "app=web"',
    ],
    ["a node selector twice", { nodeSelectors: [web, web] }, 'duplicate definition of nodeSelectors "app=web"'],
    [
      "a service selector twice",
      { serviceSelectors: [web, web] },
      'duplicate definition of serviceSelectors "app=web"',
    ],
    [
      "an invalid pool selector",
      { ipAddressPoolSelectors: [unlike] },
      '"Unlike" is not a valid label selector operator\ninvalid label selector',
    ],
    [
      "an invalid node selector",
      { nodeSelectors: [unlike] },
      '"Unlike" is not a valid label selector operator\nfailed to parse node selector for x',
    ],
    [
      "an invalid service selector",
      { serviceSelectors: [unlike] },
      '"Unlike" is not a valid label selector operator\nfailed to parse service selector for x',
    ],
    ["nothing", {}, "ok"],
    ["a pool that does not exist", { ipAddressPools: ["nowhere"] }, "ok"],
  ])("may not have %s", (_what, spec, expected) => {
    expect(firstError({ pools, l2Advertisements: [l2Advertisement("x", spec)] })).toBe(expected);
    expect(firstError({ pools, bgpAdvertisements: [bgpAdvertisement("x", spec)] })).toBe(expected);
  });
});

describe("a BGP advertisement", () => {
  it.each<readonly [string, BgpSpec, string]>([
    ["a community twice", { communities: ["1:2", "1:2"] }, 'duplicate definition of community "1:2"'],
    ["a peer twice", { peers: ["a", "a"] }, 'duplicate definition of peers "a"'],
    ["prefixes of 33 bits", { aggregationLength: 33 }, "invalid aggregation length 33 for IPv4"],
    ["IPv6 prefixes of 129 bits", { aggregationLengthV6: 129 }, "invalid aggregation length 129 for IPv6"],
    [
      "prefixes wider than the pool",
      { aggregationLength: 16, ipAddressPools: ["p"] },
      "invalid aggregation length 16: prefix 24 in this pool is more specific than the aggregation length for addresses 10.0.0.0/24",
    ],
    [
      "IPv6 prefixes wider than the pool",
      { aggregationLengthV6: 64, ipAddressPools: ["q"] },
      "invalid aggregation length 64: prefix 120 in this pool is more specific than the aggregation length for addresses fc00::/120",
    ],
    ["prefixes as wide as the pool", { aggregationLength: 24, aggregationLengthV6: 120 }, "ok"],
    [
      "aggregates of some Services",
      { aggregationLength: 26, serviceSelectors: [web] },
      "serviceSelectors and aggregationLength are mutually exclusive, both cannot be set in x",
    ],
    [
      "IPv6 aggregates of some Services",
      { aggregationLengthV6: 126, serviceSelectors: [web] },
      "serviceSelectors and aggregationLengthV6 are mutually exclusive, both cannot be set in x",
    ],
    [
      "no aggregates of some Services",
      { aggregationLength: 32, aggregationLengthV6: 128, serviceSelectors: [web] },
      "ok",
    ],
    [
      "an unknown community",
      { communities: ["flood"] },
      'invalid community format: flood\ninvalid community "flood" in BGP advertisement',
    ],
    [
      "a community that is too large",
      { communities: ["65536:1"] },
      'invalid community value: invalid section "65536" of community "65536:1", must be a number from 0 to 65535\ninvalid community "65536:1" in BGP advertisement',
    ],
  ])("may not have %s", (_what, spec, expected) => {
    expect(firstError({ pools, bgpAdvertisements: [bgpAdvertisement("x", spec)] })).toBe(expected);
  });

  it("judges a range by its widest prefix", () => {
    const ranged = [pool("p", ["10.0.0.100-10.0.0.200"])];
    const spec = (aggregationLength: number) => ({
      pools: ranged,
      bgpAdvertisements: [bgpAdvertisement("x", { aggregationLength })],
    });
    expect(firstError(spec(26))).toBe("ok");
    expect(firstError(spec(25))).toBe(
      "invalid aggregation length 25: prefix 26 in this pool is more specific than the aggregation length for addresses 10.0.0.100-10.0.0.200",
    );
  });

  it("is complete, with its communities in order and each once", () => {
    const communities = ["large:1:2:3", "vpn", "65535:65282", "0:7"];
    const spec: BgpSpec = {
      communities,
      localPref: 100,
      peers: ["a"],
      serviceSelectors: [label("b", "2"), label("a", "1")],
      nodeSelectors: [label("zone", "a")],
    };
    const resources = {
      pools,
      bgpAdvertisements: [
        bgpAdvertisement("x", { ...spec, ipAddressPools: ["p"], ipAddressPoolSelectors: [label("tier", "a")] }),
      ],
      communities: [community("c", { vpn: "0:7" })],
    };
    const config = configOf(resources);
    const [advertisement] = config.pools.get("p")?.bgpAdvertisements ?? [];
    expect(config.pools.get("p")?.bgpAdvertisements).toHaveLength(1);
    expect(config.pools.get("q")?.bgpAdvertisements).toEqual([]);
    expect({
      ...advertisement,
      serviceSelectors: advertisement?.serviceSelectors.map((selector) => selector.text),
      nodeSelectors: advertisement?.nodeSelectors.map((selector) => selector.text),
    }).toEqual({
      name: "x",
      aggregationLength: 32,
      aggregationLengthV6: 128,
      localPref: 100,
      communities: ["large:1:2:3", "0:7", "65535:65282"],
      multiExitDisc: undefined,
      prepend: 0,
      gracefulShutdown: false,
      nodeSelectors: ["zone=a"],
      serviceSelectors: ["a=1", "b=2"],
      peers: ["a"],
    });
  });

  it("may stand there only once", () => {
    expect(firstError({ bgpAdvertisements: [bgpAdvertisement("x"), bgpAdvertisement("x")] })).toBe(
      "duplicate definition of bgpadvertisements. advertisement 1 and 2 are equal",
    );
  });
});

describe("local preferences of one pool", () => {
  const nodes = [node("n1", { zone: "a" }), node("n2", { zone: "b" })];
  const dual = pool("p", ["10.0.0.0/24", "fc00::/120"]);
  const conflict =
    "invalid local preference 200: local preference 100 was already set for the same type of BGP update. Check existing BGP advertisements with common pools and aggregation lengths";
  const [inA, inB] = [label("zone", "a"), label("zone", "b")];

  it.each<readonly [string, BgpSpec, BgpSpec, string]>([
    ["two values", {}, {}, conflict],
    ["one value", { localPref: 200 }, {}, "ok"],
    ["to peers that both have", { peers: ["a", "b"] }, { peers: ["b", "c"] }, conflict],
    ["to all peers and to one", {}, { peers: ["b"] }, conflict],
    ["to other peers", { peers: ["a"] }, { peers: ["b"] }, "ok"],
    ["from nodes that both have", { nodeSelectors: [inA, inB] }, { nodeSelectors: [inB] }, conflict],
    ["from other nodes", { nodeSelectors: [inA] }, { nodeSelectors: [inB] }, "ok"],
    ["for lengths of one family", { aggregationLength: 26 }, {}, conflict],
    ["for lengths of both families", { aggregationLength: 26, aggregationLengthV6: 124 }, {}, "ok"],
    ["where Services decide", { serviceSelectors: [web] }, {}, "ok"],
  ])("%s", (_what, a, b, expected) => {
    const bgpAdvertisements = [
      bgpAdvertisement("a", { localPref: 100, ...a }),
      bgpAdvertisement("b", { localPref: 200, ...b }),
    ];
    expect(firstError({ pools: [dual], nodes, bgpAdvertisements })).toBe(expected);
  });

  it.each([
    ["10.0.0.0/24", { aggregationLength: 26 }, "ok"],
    ["10.0.0.0/24", { aggregationLengthV6: 124 }, conflict],
    ["fc00::/120", { aggregationLengthV6: 124 }, "ok"],
    ["fc00::/120", { aggregationLength: 26 }, conflict],
  ])("of %s alone, with %o", (addresses, spec, expected) => {
    const bgpAdvertisements = [
      bgpAdvertisement("a", { localPref: 100, ...spec }),
      bgpAdvertisement("b", { localPref: 200 }),
    ];
    expect(firstError({ pools: [pool("p", [addresses])], nodes, bgpAdvertisements })).toBe(expected);
  });

  it("are no matter between pools", () => {
    const bgpAdvertisements = [
      bgpAdvertisement("a", { localPref: 100, ipAddressPools: ["p"] }),
      bgpAdvertisement("b", { localPref: 200, ipAddressPools: ["q"] }),
    ];
    expect(firstError({ pools, nodes, bgpAdvertisements })).toBe("ok");
  });
});

describe("communities", () => {
  it.each<readonly [string, Partial<ConfigResources>, string]>([
    [
      "a value of no form",
      { communities: [community("c", { vpn: "12345" })] },
      'parsing community "vpn": invalid community format: 12345',
    ],
    [
      "a part that is too large",
      { communities: [community("c", { vpn: "99999999:1" })] },
      'parsing community "vpn": invalid community value: invalid section "99999999" of community "99999999:1", must be a number from 0 to 65535',
    ],
    [
      "one name twice",
      { communities: [community("b", { vpn: "1:1" }), community("a", { vpn: "1:2" })] },
      'duplicate definition of community "vpn"',
    ],
    ["another name for one value", { communities: [community("a", { x: "1:1", y: "1:1" })] }, "ok"],
  ])("%s", (_what, resources, expected) => {
    expect(firstError(resources)).toBe(expected);
    expect(firstError(resources, { component: "controller" })).toBe(expected);
  });
});

describe("BFD echo", () => {
  const bfdProfiles = [bfdProfile("echo", { echoMode: true })];
  const bgpPeers = [bgpPeer("plain", { peerAddress: "10.0.0.9" }), bgpPeer("watched", { bfdProfile: "echo" })];
  const refusal =
    "pool q has bgpadvertisement x which references peer watched which has bfd echo enabled, which is not possible";

  it.each<readonly [BgpSpec, string]>([
    [{}, refusal],
    [{ peers: ["watched"] }, refusal],
    [{ peers: ["plain"] }, "ok"],
    [{ ipAddressPools: ["p"] }, "ok"],
  ])("and IPv6 prefixes: %o", (spec, expected) => {
    expect(firstError({ pools, bgpPeers, bfdProfiles, bgpAdvertisements: [bgpAdvertisement("x", spec)] })).toBe(
      expected,
    );
  });
});

describe("Layer 2 advertisements of a pool", () => {
  const attached = (...specs: readonly L2Spec[]) => {
    const l2Advertisements = specs.map((spec, index) => l2Advertisement(`l${index}`, spec));
    const config = configOf({ pools, l2Advertisements });
    return ["p", "q"].map((name) =>
      config.pools.get(name)?.l2Advertisements.map((advertisement) => advertisement.name),
    );
  };
  const preference = { weight: 10, preference: label("zone", "a") };

  it.each<readonly [string, readonly L2Spec[], readonly (readonly string[])[]]>([
    ["for all pools", [{}], [["l0"], ["l0"]]],
    ["for a pool by name", [{ ipAddressPools: ["p"] }], [["l0"], []]],
    ["for a pool by label", [{ ipAddressPoolSelectors: [label("tier", "b")] }], [[], ["l0"]]],
    [
      "by name or label, once",
      [{ ipAddressPools: ["p"], ipAddressPoolSelectors: [label("tier", "a"), label("tier", "b")] }],
      [["l0"], ["l0"]],
    ],
    ["the same twice", [{}, {}], [["l0"], ["l0"]]],
    [
      "the same interfaces in another order",
      [{ interfaces: ["a", "b"] }, { interfaces: ["b", "a"] }],
      [["l0"], ["l0"]],
    ],
    [
      "other interfaces",
      [{ interfaces: ["a"] }, {}],
      [
        ["l0", "l1"],
        ["l0", "l1"],
      ],
    ],
    [
      "other nodes",
      [{ nodeSelectors: [label("zone", "a")] }, {}],
      [
        ["l0", "l1"],
        ["l0", "l1"],
      ],
    ],
    [
      "other Services",
      [{ serviceSelectors: [web] }, {}],
      [
        ["l0", "l1"],
        ["l0", "l1"],
      ],
    ],
    [
      "the same with preferences, which add up",
      [{ preferredNodeSelectors: [preference] }, { preferredNodeSelectors: [preference] }],
      [
        ["l0", "l1"],
        ["l0", "l1"],
      ],
    ],
    [
      "the same with and without preferences",
      [{ preferredNodeSelectors: [preference] }, {}],
      [
        ["l0", "l1"],
        ["l0", "l1"],
      ],
    ],
  ])("%s", (_what, specs, expected) => {
    expect(attached(...specs)).toEqual(expected);
  });

  it("keep their preferences", () => {
    const config = configOf({
      pools,
      l2Advertisements: [l2Advertisement("x", { preferredNodeSelectors: [preference, { weight: 5, preference: {} }] })],
    });
    const [advertisement] = config.pools.get("p")?.l2Advertisements ?? [];
    expect(advertisement?.preferredNodeSelectors.map(({ weight, preference: { text } }) => [weight, text])).toEqual([
      [10, "zone=a"],
      [5, ""],
    ]);
  });

  it("name an invalid preference", () => {
    const preferredNodeSelectors = [preference, { weight: 5, preference: unlike }];
    expect(firstError({ l2Advertisements: [l2Advertisement("x", { preferredNodeSelectors })] })).toBe(
      '"Unlike" is not a valid label selector operator\nfailed to parse preferred node selectors for x',
    );
  });

  it("stay on every speaker, whatever nodes they select, while BGP advertisements do not", () => {
    const nodes = [node("n1", { zone: "a" })];
    const nodeSelectors = [label("zone", "b")];
    const config = configOf(
      {
        pools,
        nodes,
        l2Advertisements: [l2Advertisement("x", { nodeSelectors })],
        bgpAdvertisements: [bgpAdvertisement("x", { nodeSelectors })],
      },
      { nodeName: "n1" },
    );
    expect(config.pools.get("p")?.l2Advertisements).toHaveLength(1);
    expect(config.pools.get("p")?.bgpAdvertisements).toEqual([]);
    expect(config.pools.get("p")?.foreignBgpAdvertisements).toHaveLength(1);
  });
});

describe("the annotations of a BGPAdvertisement", () => {
  const annotated = (annotations: Readonly<Record<string, string>>) => {
    const object = bgpAdvertisement("x");
    return { ...object, metadata: { ...object.metadata, annotations } };
  };

  it("are MED, prepends and graceful shutdown; others are not ours", () => {
    const annotations = {
      "assay.dev/med": "4294967295",
      "assay.dev/as-path-prepend": "2",
      "assay.dev/graceful-shutdown": "true",
      "example.com/med": "no number",
    };
    const config = configOf({ pools: [pool("p", ["10.0.0.0/24"])], bgpAdvertisements: [annotated(annotations)] });
    const route = { multiExitDisc: 4_294_967_295, prepend: 2, gracefulShutdown: true };
    expect(config.pools.get("p")?.bgpAdvertisements).toMatchObject([route]);
  });

  it.each([
    ["med", "-1", 'invalid value "-1": must be a number from 0 to 4294967295'],
    ["med", "4294967296", 'invalid value "4294967296": must be a number from 0 to 4294967295'],
    ["med", "", 'invalid value "": must be a number from 0 to 4294967295'],
    ["as-path-prepend", "17", 'invalid value "17": must be a number from 0 to 16'],
    ["graceful-shutdown", "yes", 'invalid value "yes": must be "true" or "false"'],
    [
      "MED",
      "1",
      "is no annotation of a BGPAdvertisement: these are assay.dev/med, assay.dev/as-path-prepend, assay.dev/graceful-shutdown",
    ],
  ])("%s with %j is refused", (name, value, problem) => {
    expect(firstError({ bgpAdvertisements: [annotated({ [`assay.dev/${name}`]: value })] })).toBe(problem);
  });
});
