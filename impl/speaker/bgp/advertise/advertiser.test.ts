import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BgpAdvertisement, type Peer } from "../../../api/config.ts";
import { parseIp } from "../../../wire/ip.ts";
import { endpointsOn, labels, node, onNodes, selector } from "../../test-cluster.ts";
import { peersFor } from "./advertiser.ts";
import { OfferTable } from "./offer-table.ts";
import { offersFor } from "./offers.ts";
import { bgpPeer } from "../test-bgp-peer.ts";
import { bgpAdvertisement, type SubjectParts, TestAdvertiser } from "./test-advertiser.ts";

describe("a Service through its life", () => {
  it("is told and taken back as endpoints, advertisements, peers and Services come and go", () => {
    const world = new TestAdvertiser({ peers: [] });
    const plain = [bgpAdvertisement()];
    const play: readonly (readonly [step: string, heard: readonly string[]])[] = [
      ["no peer", world.judge(plain)],
      ["a peer", world.setPeers("tor1")],
      ["ETP Local, endpoint here", world.judge(plain, { local: true })],
      ["ETP Local, endpoint elsewhere", world.judge(plain, { local: true, endpoints: endpointsOn("iris2") })],
      ["ETP Local, endpoints on both", world.judge(plain, { local: true, endpoints: endpointsOn("iris2", "iris1") })],
      ["no endpoint", world.judge(plain, { endpoints: endpointsOn() })],
      ["ETP Cluster, endpoint elsewhere", world.judge(plain, { endpoints: endpointsOn("iris2") })],
      ["an advertisement with communities", world.judge([bgpAdvertisement({ communities: ["1234:5678"] })])],
      ["two, one of them an aggregate", world.judge(twoLengths())],
      ["without the aggregate", world.judge(plain)],
      ["for another node", world.judge([bgpAdvertisement({ nodeSelectors: onNodes("iris2") })])],
      ["for this node", world.judge([bgpAdvertisement({ nodeSelectors: onNodes("iris1") })])],
      ["for a peer that is not there", world.judge([bgpAdvertisement({ peers: ["tor2"] })])],
      ["that peer comes", world.setPeers("tor1", "tor2")],
      ["for all peers", world.judge(plain)],
      [
        "a community for one of them",
        world.judge([...plain, bgpAdvertisement({ name: "c", communities: ["1:1"], peers: ["tor2"] })]),
      ],
      ["another Service with the address", world.judge(plain, { name: "twin" })],
      ["another Service", world.judge(plain, { name: "other", ips: ["10.20.30.5"] })],
      ["the first one goes", world.withdraw()],
      ["its twin goes", world.withdraw("twin")],
      ["one peer goes", world.setPeers("tor1")],
      ["the other Service goes", world.withdraw("other")],
      ["it goes again", world.withdraw("other")],
    ];
    expect(play).toEqual([
      ["no peer", []],
      ["a peer", ["tor1: announce 10.20.30.1/32 via 192.0.2.1"]],
      ["ETP Local, endpoint here", []],
      ["ETP Local, endpoint elsewhere", ["noLocalEndpoints", "tor1: withdraw 10.20.30.1/32"]],
      ["ETP Local, endpoints on both", ["tor1: announce 10.20.30.1/32 via 192.0.2.1"]],
      ["no endpoint", ["noEndpoints", "tor1: withdraw 10.20.30.1/32"]],
      ["ETP Cluster, endpoint elsewhere", ["tor1: announce 10.20.30.1/32 via 192.0.2.1"]],
      ["an advertisement with communities", ["tor1: announce 10.20.30.1/32 via 192.0.2.1, 1234:5678"]],
      [
        "two, one of them an aggregate",
        ["tor1: announce 10.20.30.1/32 via 192.0.2.1", "tor1: announce 10.20.30.0/24 via 192.0.2.1, 65535:65282"],
      ],
      ["without the aggregate", ["tor1: withdraw 10.20.30.0/24"]],
      ["for another node", ["notOwner", "tor1: withdraw 10.20.30.1/32"]],
      ["for this node", ["tor1: announce 10.20.30.1/32 via 192.0.2.1"]],
      ["for a peer that is not there", ["tor1: withdraw 10.20.30.1/32"]],
      ["that peer comes", ["tor2: announce 10.20.30.1/32 via 192.0.2.1"]],
      ["for all peers", ["tor1: announce 10.20.30.1/32 via 192.0.2.1"]],
      ["a community for one of them", ["tor2: announce 10.20.30.1/32 via 192.0.2.1, 1:1"]],
      ["another Service with the address", []],
      ["another Service", ["tor1: announce 10.20.30.5/32 via 192.0.2.1", "tor2: announce 10.20.30.5/32 via 192.0.2.1"]],
      ["the first one goes", ["tor2: announce 10.20.30.1/32 via 192.0.2.1"]],
      ["its twin goes", ["tor1: withdraw 10.20.30.1/32", "tor2: withdraw 10.20.30.1/32"]],
      ["one peer goes", []],
      ["the other Service goes", ["tor1: withdraw 10.20.30.5/32"]],
      ["it goes again", []],
    ]);
  });

  const twoLengths = (): readonly BgpAdvertisement[] => [
    bgpAdvertisement({ name: "a" }),
    bgpAdvertisement({ name: "b", aggregationLength: 24, communities: ["65535:65282"], localPref: 100 }),
  ];
});

describe("the prefixes of a Service", () => {
  const offered = (ips: readonly string[], ...ads: readonly BgpAdvertisement[]): readonly string[] =>
    offersFor(
      ips.map((ip) => parseIp(ip)),
      ads,
    ).map(({ prefix, route, peers }) => {
      const { localPref, communities, largeCommunities } = route;
      return [prefix, localPref, ...communities, ...largeCommunities, ...peers].join(" ");
    });
  it.each([
    ["one address", ["10.20.30.1"], [bgpAdvertisement()], ["10.20.30.1/32 0"]],
    [
      "both families",
      ["10.20.30.1", "2001:db8:1::1"],
      [bgpAdvertisement()],
      ["10.20.30.1/32 0", "2001:db8:1::1/128 0"],
    ],
    [
      "aggregated, each family by its own length",
      ["10.20.30.77", "2001:db8:1::77"],
      [bgpAdvertisement({ aggregationLength: 26, aggregationLengthV6: 64 })],
      ["10.20.30.64/26 0", "2001:db8:1::/64 0"],
    ],
    [
      "several addresses of one aggregate",
      ["10.20.30.1", "10.20.30.2"],
      [bgpAdvertisement({ aggregationLength: 24 })],
      ["10.20.30.0/24 0"],
    ],
    [
      "with everything",
      ["10.20.30.1"],
      [bgpAdvertisement({ localPref: 300, communities: ["1:2", "large:1:2:3"], peers: ["tor1"] })],
      ["10.20.30.1/32 300 1:2 1:2:3 tor1"],
    ],
    [
      "by two advertisements",
      ["10.20.30.1"],
      [bgpAdvertisement({ name: "a" }), bgpAdvertisement({ name: "b", aggregationLength: 24, localPref: 5 })],
      ["10.20.30.1/32 0", "10.20.30.0/24 5"],
    ],
  ])("%s", (_, ips, ads, expected) => {
    expect(offered(ips, ...ads)).toEqual(expected);
  });
});

describe("one prefix of several advertisements", () => {
  const merged = (...parts: readonly Partial<BgpAdvertisement>[]): string => {
    const table = new OfferTable();
    const ads = parts.map((each, at) => bgpAdvertisement({ name: `ad${at}`, ...each }));
    table.set("default/web", offersFor([parseIp("10.20.30.1")], ads));
    const [prefix] = [...table.prefixes()];
    const route = prefix === undefined ? undefined : table.routeFor(prefix, "tor1");
    return route === undefined ? "none" : [route.localPref, ...route.communities, ...route.largeCommunities].join(" ");
  };
  it.each([
    [
      "the union of communities, sorted as numbers",
      [{ communities: ["10:1", "9:1"] }, { communities: ["9:1", "9:2"] }],
      "0 9:1 9:2 10:1",
    ],
    [
      "large ones as well",
      [{ communities: ["large:1:10:1"] }, { communities: ["large:1:9:1", "2:2"] }],
      "0 2:2 1:9:1 1:10:1",
    ],
    ["the preference that there is", [{}, { localPref: 50 }], "50"],
    ["only what is for the peer", [{ communities: ["1:1"] }, { communities: ["2:2"], peers: ["tor2"] }], "0 1:1"],
    ["nothing for the peer", [{ peers: ["tor2"] }], "none"],
  ] as const)("%s", (_, parts, expected) => {
    expect(merged(...parts)).toBe(expected);
  });
});

describe("peers to whom a Service goes (ServiceBGPStatus)", () => {
  const status = (ads: readonly BgpAdvertisement[], parts: SubjectParts = {}): readonly string[] => {
    const world = new TestAdvertiser({ peers: ["tor2", "tor1"] });
    world.judge(ads, parts);
    return world.advertiser.peersOf("default/web");
  };
  it.each([
    ["all of them, sorted", [bgpAdvertisement()], {}, ["tor1", "tor2"]],
    ["those that are listed", [bgpAdvertisement({ peers: ["tor2"] })], {}, ["tor2"]],
    ["nobody that does not exist", [bgpAdvertisement({ peers: ["tor2", "dummy"] })], {}, ["tor2"]],
    [
      "the union",
      [bgpAdvertisement({ peers: ["tor2"] }), bgpAdvertisement({ name: "b", peers: ["tor1"] })],
      {},
      ["tor1", "tor2"],
    ],
    ["nobody while it is refused", [bgpAdvertisement()], { endpoints: endpointsOn() }, []],
    ["nobody of another node's", [bgpAdvertisement({ nodeSelectors: onNodes("iris2") })], {}, []],
  ])("%s", (_, ads, parts, expected) => {
    expect(status(ads, parts)).toEqual(expected);
  });

  it("follows the peers", () => {
    const world = new TestAdvertiser({ peers: ["tor1", "tor2"] });
    world.judge([bgpAdvertisement()]);
    world.setPeers("tor2", "tor3");
    expect(world.advertiser.peersOf("default/web")).toEqual(["tor2", "tor3"]);
  });
});

describe("peers of a node", () => {
  const peer = (name: string, ...nodeSelectors: readonly string[]): Peer =>
    bgpPeer({ name, nodeSelectors: nodeSelectors.map((text) => selector(text)) });
  const peers = [
    peer("everywhere"),
    peer("rack1", "rack=1"),
    peer("either", "rack=2", "gpu=yes"),
    peer("both", "rack=1,gpu=yes"),
  ];
  it.each([
    ["", "everywhere"],
    ["rack=1", "everywhere rack1"],
    ["rack=2", "everywhere either"],
    ["rack=1,gpu=yes", "everywhere rack1 either both"],
    ["gpu=no", "everywhere"],
  ])("labels %s: %s", (text, expected) => {
    expect(
      peersFor(peers, labels(text))
        .map(({ name }) => name)
        .join(" "),
    ).toBe(expected);
  });
});

describe("the condition of the node", () => {
  it("takes routes back and gives them again", () => {
    const world = new TestAdvertiser();
    const trace: (readonly string[])[] = [world.judge([bgpAdvertisement()])];
    for (const condition of [{ unavailable: true }, {}, { excluded: true }, {}]) {
      world.me = node("iris1", condition);
      trace.push(world.judge([bgpAdvertisement()]));
    }
    const announced = ["tor1: announce 10.20.30.1/32 via 192.0.2.1"];
    const withdrawn = "tor1: withdraw 10.20.30.1/32";
    expect(trace).toEqual([
      announced,
      ["nodeNetworkUnavailable", withdrawn],
      announced,
      ["nodeLabeledExcludeBalancers", withdrawn],
      announced,
    ]);
  });
});

describe("many Services", () => {
  it("in one aggregate are one route, until the last of them goes", () => {
    const world = new TestAdvertiser();
    const ads = [bgpAdvertisement({ aggregationLength: 24 })];
    const name = (at: number): SubjectParts => ({ name: `s${at}`, ips: [`10.20.30.${at}`] });
    const first = world.judge(ads, name(0));
    const rest = Array.from({ length: 200 }, (_, at) => world.judge(ads, name(at + 1))).flat();
    const gone = Array.from({ length: 200 }, (_, at) => world.withdraw(`s${at}`)).flat();
    expect([first, rest, gone, world.withdraw("s200")]).toEqual([
      ["tor1: announce 10.20.30.0/24 via 192.0.2.1"],
      [],
      [],
      ["tor1: withdraw 10.20.30.0/24"],
    ]);
  });

  it("are forgotten without a trace, in whatever order", () => {
    const change = fc.record({ at: fc.nat({ max: 3 }), ad: fc.constantFrom(undefined, 24, 32) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const table = new OfferTable();
        for (const { at, ad } of changes) {
          const ads = ad === undefined ? [] : [bgpAdvertisement({ aggregationLength: ad })];
          table.set(`s${at}`, offersFor([parseIp(`10.20.30.${at & 1}`)], ads));
        }
        for (let at = 0; at <= 3; at++) table.set(`s${at}`, []);
        expect([...table.prefixes()]).toEqual([]);
      }),
    );
  });
});
