// Whatever the objects are: a configuration, or problems that say what and where.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { validateOnAdmission } from "./admission.ts";
import { type LabelSelector } from "./kubernetes.ts";
import { type ConfigResources, NO_RESOURCES, parseConfig } from "./parse-config.ts";
import {
  bfdProfile,
  bgpAdvertisement,
  bgpPeer,
  community,
  l2Advertisement,
  namespace,
  node,
  pool,
  secret,
} from "./sample-objects.ts";

const name = fc.constantFrom("a", "b", "c");
const anyText = fc.oneof(
  fc.string(),
  fc.constantFrom("10.0.0.0/24", "fc00::/120", "1:2", "large:1:2:3", "9s", "10.0.0.1"),
);
const address = fc.oneof(
  anyText,
  fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }))
    .map(([a, b]) => `10.0.0.${a}-10.0.0.${b}`),
  fc.tuple(fc.ipV6(), fc.ipV6()).map((bounds) => bounds.join("-")),
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 33 })).map((parts) => parts.join("/")),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  {
    matchLabels: fc.dictionary(fc.constantFrom("a", "b", "a b", ""), anyText, { maxKeys: 2 }),
    matchExpressions: fc.array(
      fc.record({
        key: fc.constantFrom("a", "b", "a b"),
        operator: fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist", "Gt"),
        values: fc.array(anyText, { maxLength: 2 }),
      }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
const names = fc.array(name, { maxLength: 3 });
const selectors = fc.array(selector, { maxLength: 2 });
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 3 });

const poolObject = fc
  .tuple(
    name,
    fc.array(address, { maxLength: 3 }),
    fc.record({ namespaces: names, namespaceSelectors: selectors, serviceSelectors: selectors }),
  )
  .map(([own, addresses, serviceAllocation]) => pool(own, addresses, { serviceAllocation }));
const lists = {
  ipAddressPools: names,
  ipAddressPoolSelectors: selectors,
  nodeSelectors: selectors,
  serviceSelectors: selectors,
};
const l2Object = fc
  .tuple(
    name,
    fc.record({
      ...lists,
      interfaces: names,
      preferredNodeSelectors: some(fc.record({ weight: fc.integer(), preference: selector })),
    }),
  )
  .map(([own, spec]) => l2Advertisement(own, spec));
const bgpObject = fc
  .tuple(
    name,
    fc.record({
      ...lists,
      aggregationLength: fc.integer({ min: -1, max: 40 }),
      aggregationLengthV6: fc.integer({ min: -1, max: 140 }),
      localPref: fc.integer({ min: 0, max: 2 }),
      communities: fc.array(anyText, { maxLength: 3 }),
      peers: names,
    }),
  )
  .map(([own, spec]) => bgpAdvertisement(own, spec));
const peerObject = fc
  .tuple(
    name,
    fc.record(
      {
        myASN: fc.nat(),
        peerASN: fc.nat(),
        dynamicASN: fc.constantFrom("internal" as const, "external" as const),
        peerAddress: anyText,
        interface: anyText,
        sourceAddress: anyText,
        routerID: anyText,
        holdTime: anyText,
        keepaliveTime: anyText,
        connectTime: anyText,
        password: anyText,
        passwordSecret: fc.record({ name }),
        bfdProfile: name,
        nodeSelectors: selectors,
        ebgpMultiHop: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([own, spec]) => bgpPeer(own, spec));
const bfdObject = fc
  .tuple(name, fc.record({ receiveInterval: fc.integer(), detectMultiplier: fc.integer(), echoMode: fc.boolean() }))
  .map(([own, spec]) => bfdProfile(own, spec));
const labels = fc.dictionary(name, name, { maxKeys: 2 });

const anyResources: fc.Arbitrary<ConfigResources> = fc.record({
  pools: some(poolObject),
  l2Advertisements: some(l2Object),
  bgpAdvertisements: some(bgpObject),
  bgpPeers: some(peerObject),
  bfdProfiles: some(bfdObject),
  communities: some(fc.tuple(name, fc.dictionary(name, anyText)).map(([own, aliases]) => community(own, aliases))),
  namespaces: some(fc.tuple(name, labels).map(([own, its]) => namespace(own, its))),
  nodes: some(fc.tuple(name, labels).map(([own, its]) => node(own, its))),
  secrets: some(
    fc.tuple(name, fc.dictionary(fc.constant("password"), anyText)).map(([own, data]) => secret(own, data)),
  ),
});

const SPEAKER = { namespace: "metallb-system", component: "speaker" } as const;

it.each([
  ["no spec", undefined, "spec is required"],
  ["an empty spec", {}, "spec.addresses is required"],
  ["a number for an address", { addresses: [5] }, "spec.addresses[0] must be a string, not the number 5"],
])("refuses a pool with %s, which an API server with other CRDs may hold", (_name, spec, what) => {
  const { spec: _, ...rest } = pool("a", []);
  const broken = { ...rest, ...(spec === undefined ? {} : { spec }) } as unknown as ReturnType<typeof pool>;
  const result = parseConfig({ ...NO_RESOURCES, pools: [broken] }, { namespace: "n", component: "controller" });
  expect("problems" in result && result.problems.map(({ path, what: found }) => [path, found])).toEqual([
    [what.split(" ")[0], what],
  ]);
});

it("answers with a configuration or with problems, and never throws", () => {
  fc.assert(
    fc.property(anyResources, fc.option(name, { nil: undefined }), (resources, nodeName) => {
      const options = nodeName === undefined ? SPEAKER : { ...SPEAKER, nodeName };
      const parsed = parseConfig(resources, options);
      if ("config" in parsed) return;
      expect(parsed.problems.length).toBeGreaterThan(0);
      for (const { object, path, what, message } of parsed.problems) {
        expect(object).toMatch(/^\w+ metallb-system\/[abc]$/);
        expect(path).not.toBe("");
        expect(what).not.toBe("");
        expect(message).not.toBe("");
      }
    }),
  );
});

it("gives the same answer whatever the order of the objects", () => {
  const reversed = (resources: ConfigResources): ConfigResources => ({
    pools: resources.pools.toReversed(),
    l2Advertisements: resources.l2Advertisements.toReversed(),
    bgpAdvertisements: resources.bgpAdvertisements.toReversed(),
    bgpPeers: resources.bgpPeers.toReversed(),
    bfdProfiles: resources.bfdProfiles.toReversed(),
    communities: resources.communities.toReversed(),
    namespaces: resources.namespaces.toReversed(),
    nodes: resources.nodes.toReversed(),
    secrets: resources.secrets.toReversed(),
  });
  const unique = <T extends { readonly metadata: { readonly name: string } }>(objects: readonly T[]) => [
    ...new Map(objects.map((object) => [object.metadata.name, object])).values(),
  ];
  const named = anyResources.map((resources) => ({
    ...resources,
    pools: unique(resources.pools),
    l2Advertisements: unique(resources.l2Advertisements),
    bgpAdvertisements: unique(resources.bgpAdvertisements),
    bgpPeers: unique(resources.bgpPeers),
    bfdProfiles: unique(resources.bfdProfiles),
    communities: unique(resources.communities),
    namespaces: unique(resources.namespaces),
    nodes: unique(resources.nodes),
    secrets: unique(resources.secrets),
  }));
  fc.assert(
    fc.property(named, (resources) => {
      expect(parseConfig(reversed(resources), SPEAKER)).toEqual(parseConfig(resources, SPEAKER));
    }),
  );
});

const anyPool = fc
  .tuple(
    name,
    fc.array(fc.constantFrom("10.0.0.0/24", "10.0.0.128-10.0.0.200", "10.1.0.0/16", "fc00::/64"), {
      minLength: 1,
      maxLength: 2,
    }),
  )
  .map(([own, addresses]) => pool(own, addresses));

it("judges a pool on admission as when it loads", () => {
  const verdicts = new Set<boolean>();
  fc.assert(
    fc.property(some(anyPool), anyPool, (existing, incoming) => {
      const others = [...new Map(existing.map((other) => [other.metadata.name, other])).values()];
      const rest = others.filter((other) => other.metadata.name !== incoming.metadata.name);
      const request = { operation: "UPDATE", object: incoming } as const;
      const { allowed } = validateOnAdmission(request, { ...NO_RESOURCES, pools: others }, "metallb-system");
      verdicts.add(allowed);
      expect(allowed).toBe("config" in parseConfig({ ...NO_RESOURCES, pools: [...rest, incoming] }, SPEAKER));
    }),
    { seed: 1 },
  );
  expect(verdicts).toEqual(new Set([true, false]));
});
