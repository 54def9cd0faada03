// Titles in quotes are those of MetalLB's webhook suite.
import { describe, expect, it } from "vitest";
import { type AdmissionVerdict, type AdmittedObject, type Operation, validateOnAdmission } from "./admission.ts";
import { bfdProfile, bgpAdvertisement, bgpPeer, community, l2Advertisement, node, pool } from "./sample-objects.ts";
import { type ConfigResources, NO_RESOURCES } from "./parse-config.ts";

const NAMESPACE = "metallb-system";

function judge(operation: Operation, object: AdmittedObject, others: Partial<ConfigResources> = {}): AdmissionVerdict {
  return validateOnAdmission({ operation, object }, { ...NO_RESOURCES, ...others }, NAMESPACE);
}

const create = (object: AdmittedObject, others: Partial<ConfigResources> = {}): AdmissionVerdict =>
  judge("CREATE", object, others);

const refused = (message: string): AdmissionVerdict => ({ allowed: false, message, warnings: [] });
const ALLOWED: AdmissionVerdict = { allowed: true, warnings: [] };

describe("For IPAddressPool", () => {
  it("Should recognize overlapping addresses in two AddressPools", () => {
    const verdict = create(pool("webhooks-test2", ["1.1.1.15-1.1.1.20"]), {
      pools: [pool("webhooks-test1", ["1.1.1.1-1.1.1.20"])],
    });
    expect(verdict).toEqual(
      refused(
        'spec.addresses[0]: CIDR "1.1.1.15/32" in pool "webhooks-test2" overlaps with already defined CIDR "1.1.1.8/29"',
      ),
    );
  });

  it("accepts an update that keeps its own addresses", () => {
    const others = { pools: [pool("a", ["1.1.1.0/24"])] };
    expect(judge("UPDATE", pool("a", ["1.1.1.0/25"]), others)).toEqual(ALLOWED);
  });

  it.each([
    [
      "reversed",
      "10.0.0.9-10.0.0.1",
      /^spec\.addresses\[0\]: .*start IP "10\.0\.0\.9" is after the end IP "10\.0\.0\.1"$/,
    ],
    ["everything", "0.0.0.0/0", /^spec\.addresses\[0\]: .*a pool cannot hold every address there is$/],
    [
      "everything as a range",
      "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      /^spec\.addresses\[0\]: .*every address there is$/,
    ],
    ["IPv4-mapped", "::ffff:10.0.0.0/120", /^spec\.addresses\[0\]: .*IPv4-mapped IPv6 addresses are not usable/],
    ["trailing comma", "10.0.0.0/24,", /^spec\.addresses\[0\]: .*invalid CIDR "10\.0\.0\.0\/24,"$/],
    ["two families", "10.0.0.1-fc00::1", /^spec\.addresses\[0\]: .*start and end are of different families$/],
  ])("names the field of a malformed entry: %s", (_what, entry, message) => {
    expect(create(pool("a", [entry]))).toEqual({
      allowed: false,
      message: expect.stringMatching(message),
      warnings: [],
    });
  });
});

describe("for BGPAdvertisement", () => {
  it("Should recognize invalid AggregationLength", () => {
    const verdict = create(bgpAdvertisement("adv", { aggregationLength: 26, ipAddressPools: ["p"] }), {
      pools: [pool("p", ["1.1.1.1-1.1.1.100", "2.2.2.0/28"])],
    });
    expect(verdict).toEqual(
      refused(
        "spec.aggregationLength: invalid aggregation length 26: prefix 27 in this pool is more specific than the aggregation length for addresses 1.1.1.1-1.1.1.100",
      ),
    );
  });

  it("Should reject serviceSelectors with non-default aggregationLength", () => {
    const spec = { aggregationLength: 24, serviceSelectors: [{ matchLabels: { app: "web" } }] };
    expect(create(bgpAdvertisement("adv", spec))).toEqual(
      refused(
        "spec.aggregationLength: serviceSelectors and aggregationLength are mutually exclusive, both cannot be set in adv",
      ),
    );
  });

  it("does not look for the names of communities, which may come later", () => {
    expect(create(bgpAdvertisement("adv", { communities: ["later"] }))).toEqual(ALLOWED);
    expect(create(bgpAdvertisement("adv", { communities: ["1:2:3"] }))).toEqual(
      refused('spec.communities[0]: invalid community format: 1:2:3: invalid community "1:2:3" in BGP advertisement'),
    );
  });
});

describe("For BGPPeer", () => {
  it("Should reject invalid BGPPeer IP address", () => {
    expect(create(bgpPeer("p", { peerAddress: "1.1.1" }))).toEqual(
      refused('spec.peerAddress: parsing peer p invalid BGPPeer address "1.1.1"'),
    );
  });

  const nodes = [node("a", { zone: "a" }), node("b", { zone: "b" })];
  const inZone = (name: string, zone: string) =>
    bgpPeer(name, { peerAddress: "10.0.0.1", nodeSelectors: [{ matchLabels: { zone } }] });

  it("FRR - Should reject two BGPPeers with the same address and overlapping nodeSelectors", () => {
    expect(create(inZone("p2", "a"), { nodes, bgpPeers: [bgpPeer("p1", { peerAddress: "10.0.0.1" })] })).toEqual(
      refused(
        "spec.peerAddress: peer 10.0.0.1 already exists, Assay doesn't support duplicate BGPPeers selecting the same node",
      ),
    );
  });

  it("FRR - Should allow two BGPPeers with the same address when nodeSelectors are disjoint", () => {
    expect(create(inZone("p2", "b"), { nodes, bgpPeers: [inZone("p1", "a")] })).toEqual(ALLOWED);
  });

  it("does not look for BFD profiles and secrets, which may come later", () => {
    expect(create(bgpPeer("p", { bfdProfile: "later", passwordSecret: { name: "later" } }))).toEqual(ALLOWED);
  });

  it("warns of disableMP and still validates", () => {
    const warnings = ["spec.disableMP has no effect, use spec.dualStackAddressFamily"];
    expect(create(bgpPeer("p", { disableMP: true }))).toEqual({ allowed: true, warnings });
    expect(create(bgpPeer("p", { disableMP: true, peerAddress: "x" }))).toMatchObject({ allowed: false, warnings });
  });
});

describe("For Community", () => {
  const LEGACY = ["99999999:1", /invalid community value: invalid section/] as const;
  const LARGE = ["lar:123:9999:123", /expected community to be of format large/] as const;

  it.each([
    ["reject a new invalid Community", "in legacy format", "CREATE", ...LEGACY],
    ["reject a new invalid Community", "in large format", "CREATE", ...LARGE],
    ["reject an update to an invalid Community", "in legacy format", "UPDATE", ...LEGACY],
    ["reject an update to an invalid Community", "in large format", "UPDATE", ...LARGE],
  ] as const)("%s %s", (_title, _format, operation, value, message) => {
    expect(judge(operation, community("c", { vpn: value }))).toEqual({
      allowed: false,
      message: expect.stringMatching(message),
      warnings: [],
    });
  });

  it.each([
    ["in legacy format", "1111:2222"],
    ["FRR - in large format", "large:123:9999:123"],
  ])("reject Community duplications %s", (_format, value) => {
    expect(create(community("b", { vpn: value }), { communities: [community("a", { vpn: value })] })).toEqual(
      refused('spec.communities[0].name: duplicate definition of community "vpn"'),
    );
  });
});

describe("For BFDProfile", () => {
  it("Should produce an error when deleting a profile used by a BGPPeer", () => {
    const bgpPeers = [bgpPeer("p", { bfdProfile: "fast" })];
    expect(judge("DELETE", bfdProfile("fast"), { bgpPeers })).toEqual(
      refused("failed to delete BFDProfile fast, used by BGPPeer p"),
    );
    expect(judge("DELETE", bfdProfile("slow"), { bgpPeers })).toEqual(ALLOWED);
  });
});

describe("Webhooks namespace validation", () => {
  it.each([
    bfdProfile("x"),
    pool("x", ["10.0.0.0/24"]),
    bgpPeer("x"),
    bgpAdvertisement("x"),
    l2Advertisement("x"),
    community("x", {}),
  ] as const)("Should reject creating $kind in a different namespace", (object) => {
    const elsewhere = { ...object, metadata: { ...object.metadata, namespace: "default" } } as AdmittedObject;
    expect(create(elsewhere)).toEqual(refused("resource must be created in metallb-system namespace"));
    expect(create(object)).toEqual(ALLOWED);
  });
});
