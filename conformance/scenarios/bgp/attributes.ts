// What a BGPAdvertisement says about a route: communities, preference, aggregation.
import { type Family, familyOf } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import {
  announcedBy,
  BGP_RANGES,
  bgpService,
  bgpServing,
  bothFamilies,
  established,
  familiesOf,
  nameNodes,
  nextHops,
  noSessionLost,
  oneAs,
  pathsBecome,
  pathsFrom,
  routerPeers,
  vipsOf,
  withCommunities,
  withdrawn,
  workload,
} from "../../bgp-steps.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { bgpAdvertisement, communityNames, pool, ROUTER_ASN } from "../../objects.ts";
import { BOTH_FAMILIES, speakerWarning } from "../../steps.ts";
import { type BgpPath, type Scenario, type World } from "../../world.ts";

const GOLD = "64500:123";
const SILVER = "64500:456";
const LARGE = "64500:1:2";
const PREFERENCE = 300;

/** The router becomes one of the nodes' own AS. */
const INTERNAL = { peer: { myASN: ROUTER_ASN } } as const;
async function makeInternal(world: World): Promise<void> {
  await world.router().configure(...oneAs());
}

/** The same from each node. */
const fromAll = (world: World, words: string): readonly string[] =>
  world.nodes.map((node) => `${node} ${words}`.trimEnd());

const withPreference = ({ node = "", localPref }: BgpPath): string => `${node} ${localPref ?? "none"}`;

const aggregateOf = (family: Family): string => (family === "ipv4" ? "203.0.113.0/24" : "2001:db8:0:113::/124");

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp/communities",
    title: "Routes carry the communities of their advertisement, however they are written",
    cites: ["BGP 48", "BGP 50", "BGP 51", "BGP 53", "BGP 54", "BGP 57", "users B14"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "value-ipv4", family: "ipv4", written: GOLD, expected: GOLD },
      { name: "value-ipv6", family: "ipv6", written: GOLD, expected: GOLD },
      { name: "name-ipv4", family: "ipv4", written: "gold", expected: GOLD },
      { name: "name-ipv6", family: "ipv6", written: "gold", expected: GOLD },
      { name: "large-ipv4", family: "ipv4", written: `large:${LARGE}`, expected: LARGE },
      { name: "large-ipv6", family: "ipv6", written: `large:${LARGE}`, expected: LARGE },
      { name: "large-name", family: "ipv4", written: "large-gold", expected: LARGE },
      { name: "no-advertise", family: "ipv4", written: "65535:65282", expected: "65535:65282" },
    ],
    async run(world, { family = "ipv4", written, expected }) {
      await world.kubernetes.apply(communityNames("names", { gold: GOLD, "large-gold": `large:${LARGE}` }));
      const advertisement = { communities: [String(written)] };
      const { vip } = await bgpServing(world, "web", { families: [family], advertisement });
      await pathsBecome(world, vip, withCommunities, fromAll(world, String(expected)));
    },
  },
  {
    name: "bgp/attributes-of-a-pool",
    title: "What one pool's advertisement says is not said of another pool's addresses",
    cites: ["BGP 47", "BGP 52"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "by-name", selected: "name" },
      { name: "by-labels", selected: "labels" },
    ],
    async run(world, { selected }) {
      const gold =
        selected === "name"
          ? { ipAddressPools: ["gold"] }
          : { ipAddressPoolSelectors: [{ matchLabels: { tier: "gold" } }] };
      const inGold = { annotations: { "metallb.io/address-pool": "gold" } };
      await world.kubernetes.apply(
        pool("gold", ["203.0.113.10-203.0.113.19"], { labels: { tier: "gold" } }),
        pool("other", ["203.0.113.20-203.0.113.29"]),
        bgpAdvertisement("gold", { ...gold, communities: [GOLD] }),
        bgpAdvertisement("other", { ipAddressPools: ["other"] }),
        ...routerPeers(["ipv4"]),
        ...workload("web", inGold),
        ...workload("other", { annotations: { "metallb.io/address-pool": "other" } }),
      );
      const [vip = ""] = await vipsOf(world, "default/web", 1);
      const [other = ""] = await vipsOf(world, "default/other", 1);
      await pathsBecome(world, vip, withCommunities, fromAll(world, GOLD));
      await pathsBecome(world, other, withCommunities, fromAll(world, ""));
    },
  },
  {
    name: "bgp/local-preference",
    title: "Internal peers hear the preference of the advertisement, with its communities",
    cites: ["BGP 47", "BGP 48", "BGP 49", "BGP 55", "BGP 56", "BGP 57"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await makeInternal(world);
      const advertisement = { localPref: PREFERENCE, communities: [GOLD, `large:${LARGE}`] };
      const { vip } = await bgpServing(world, "web", { families: [family], advertisement, ...INTERNAL });
      await pathsBecome(world, vip, withPreference, fromAll(world, String(PREFERENCE)));
      await pathsBecome(world, vip, withCommunities, fromAll(world, `${GOLD} ${LARGE}`));
    },
  },
  {
    name: "bgp/preference-stays-inside",
    title: "Routers of another AS do not hear a preference",
    cites: ["BGP 49"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const advertisement = { localPref: PREFERENCE };
      const { vip } = await bgpServing(world, "web", { families: [family], advertisement });
      for (const { localPref } of await pathsFrom(world, vip)) {
        expectTrue(`the preference is the router's own, not ${localPref}`, localPref !== PREFERENCE);
      }
    },
  },
  {
    name: "bgp/union-of-communities",
    title: "Where several advertisements cover a Service, its route has the communities of all",
    cites: ["BGP 58"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await bgpServing(world, "web", { families: [family], advertisement: { communities: [SILVER] } });
      await world.kubernetes.apply(bgpAdvertisement("second", { communities: [GOLD, SILVER, `large:${LARGE}`] }));
      await pathsBecome(world, vip, withCommunities, fromAll(world, `${GOLD} ${SILVER} ${LARGE}`));
      await world.kubernetes.remove("BGPAdvertisement", "metallb-system/main");
      await world.kubernetes.apply(bgpAdvertisement("second", { communities: [GOLD] }));
      await pathsBecome(world, vip, withCommunities, fromAll(world, GOLD));
      await noSessionLost(world);
    },
  },
  {
    name: "bgp/conflicting-preferences",
    title:
      "A Service for which two advertisements give a peer different preferences is not announced, and an event says so",
    cites: ["BGP 47", "users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      await makeInternal(world);
      // What every Service would suffer from is refused beforehand; this is about one.
      const gold = [{ matchLabels: { tier: "gold" } }];
      const advertisement = { localPref: PREFERENCE };
      const { vip } = await bgpServing(world, "web", { labels: { tier: "gold" }, advertisement, ...INTERNAL });
      await world.kubernetes.apply(bgpAdvertisement("second", { localPref: 100, serviceSelectors: gold }));
      await withdrawn(world, vip);
      await speakerWarning(world, "default/web");
      await world.kubernetes.apply(bgpAdvertisement("second", { localPref: PREFERENCE, serviceSelectors: gold }));
      await announcedBy(world, vip);
    },
  },
  {
    name: "bgp/attributes-change",
    title: "Changed communities, names, preferences and lengths reach the router, and the session stays",
    cites: ["BGP 43", "BGP 44", "BGP 59", "BGP 60"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      await makeInternal(world);
      await world.kubernetes.apply(communityNames("names", { gold: GOLD }));
      const advertisement = { communities: ["gold"], localPref: PREFERENCE };
      const { vip } = await bgpServing(world, "web", { families: [family], advertisement, ...INTERNAL });
      await pathsBecome(world, vip, withCommunities, fromAll(world, GOLD));

      await world.kubernetes.apply(communityNames("names", { gold: SILVER }));
      await pathsBecome(world, vip, withCommunities, fromAll(world, SILVER));

      await world.kubernetes.apply(bgpAdvertisement("main", { communities: ["gold"], localPref: 50 }));
      await pathsBecome(world, vip, withPreference, fromAll(world, "50"));

      const lengths = { aggregationLength: 24, aggregationLengthV6: 124 };
      await world.kubernetes.apply(bgpAdvertisement("main", { communities: ["gold"], localPref: 50, ...lengths }));
      await withdrawn(world, vip);
      const aggregate = aggregateOf(family);
      await pathsBecome(world, aggregate, withCommunities, fromAll(world, SILVER));

      await world.kubernetes.apply(bgpAdvertisement("main"));
      await pathsBecome(world, vip, withPreference, fromAll(world, "100"));
      await withdrawn(world, aggregate);
      await noSessionLost(world);
    },
  },
  {
    name: "bgp/aggregation",
    title: "An aggregate is announced while one of its Services is, and reaches all of them",
    cites: ["BGP 59", "BGP 60", "users B14"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const families = [family];
      const aggregate = aggregateOf(family);
      await world.kubernetes.apply(
        pool("main", [BGP_RANGES[family]]),
        bgpAdvertisement("main", { aggregationLength: 24, aggregationLengthV6: 124 }),
        ...routerPeers(families),
        ...workload("web", { families }),
        ...workload("other", { families }),
      );
      const vips = [...(await vipsOf(world, "default/web", 1)), ...(await vipsOf(world, "default/other", 1))];
      await announcedBy(world, aggregate);
      for (const vip of vips) {
        expectEqual("next hops of the address alone", await nextHops(world.router(), vip), []);
        const { outcome } = await world.client().request({ vip });
        expectEqual("a request", outcome, "ok");
      }
      await world.kubernetes.remove("Service", "default/web");
      await world.holds(
        "the aggregate stays",
        async () => (await nextHops(world.router(), aggregate)).length === world.nodes.length,
        seconds(5),
      );
      await world.kubernetes.remove("Service", "default/other");
      await withdrawn(world, aggregate);
    },
  },
  {
    name: "bgp/aggregate-and-address",
    title: "Two advertisements may announce an aggregate to attract traffic, and the addresses beside it",
    cites: ["BGP 59", "users B14"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await bgpServing(world, "web", { advertisement: { communities: [GOLD] } });
      await world.kubernetes.apply(bgpAdvertisement("aggregate", { aggregationLength: 24, communities: [SILVER] }));
      await pathsBecome(world, "203.0.113.0/24", withCommunities, fromAll(world, SILVER));
      await pathsBecome(world, vip, withCommunities, fromAll(world, GOLD));
    },
  },
  {
    name: "bgp/annotated-attributes",
    title:
      "Annotations of an advertisement add a MED, a longer path and graceful shutdown, and a change is told at once",
    cites: ["users B14"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      await nameNodes(world);
      const { vip } = await bgpServing(world, "web", { families: [family] });
      const words = ({ node = "", asPath, med, communities }: BgpPath): string =>
        `${node} ${asPath.length} ${med ?? "none"} ${communities.join()}`.trimEnd();
      await pathsBecome(world, vip, words, fromAll(world, "1 none "));
      const annotated = (annotations: Readonly<Record<string, string>>): Promise<void> =>
        world.kubernetes.apply(bgpAdvertisement("main", {}, annotations));
      await annotated({ "assay.dev/med": "50", "assay.dev/as-path-prepend": "2" });
      await pathsBecome(world, vip, words, fromAll(world, "3 50 "));
      await annotated({
        "assay.dev/med": "0",
        "assay.dev/as-path-prepend": "0",
        "assay.dev/graceful-shutdown": "true",
      });
      await pathsBecome(world, vip, words, fromAll(world, "1 0 65535:0"));
      await noSessionLost(world);
    },
  },
  {
    name: "bgp/unknown-community",
    title: "With a community name that nobody defined the last good configuration stays in force",
    cites: ["BGP 50"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    async run(world) {
      const { vip } = await bgpServing(world, "web", { advertisement: { communities: [SILVER] } });
      await world.kubernetes.apply(bgpAdvertisement("main", { communities: ["gold"] }));
      await world.holds(
        "the route stays as it was",
        async () => (await pathsFrom(world, vip)).map(withCommunities).join() === fromAll(world, SILVER).join(),
        seconds(20),
      );
      await world.kubernetes.apply(communityNames("names", { gold: GOLD }));
      await pathsBecome(world, vip, withCommunities, fromAll(world, GOLD));
    },
  },
  {
    name: "bgp/dual-session",
    title: "One session carries the routes of both families where the peer says so",
    cites: ["BGP 82", "BGP 83", "BGP 84", "BGP 85", "BGP 86", "BGP 87"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      { name: "via-ipv4", family: "ipv4" },
      { name: "via-ipv6", family: "ipv6" },
    ],
    async run(world, { family = "ipv4" }) {
      await world.router().configure(...oneAs(), ...bothFamilies());
      const families = familiesOf({ name: "", dual: true });
      const spec = { dualStackAddressFamily: true, myASN: ROUTER_ASN };
      const { vips } = await bgpServing(world, "web", {
        families,
        peers: routerPeers([family], spec),
        advertisement: { localPref: PREFERENCE, communities: [GOLD] },
      });
      for (const session of await established(world)) {
        expectEqual("over", session.address.includes(":") ? "ipv6" : "ipv4", family);
      }
      for (const vip of vips) {
        await pathsBecome(world, vip, withPreference, fromAll(world, String(PREFERENCE)));
        await pathsBecome(world, vip, withCommunities, fromAll(world, GOLD));
        // RFC 2545 section 3: the global address of a node is there, whatever family the session has.
        const hops = (await pathsFrom(world, vip)).map(({ nextHop }) => nextHop);
        const prefix = familyOf(vip) === "ipv4" ? "192.0.2.1" : "2001:db8:0:2::1";
        expectEqual(
          "next hops",
          hops,
          world.nodes.map((_, index) => `${prefix}${index + 1}`),
        );
      }
    },
  },
  {
    name: "bgp/one-family-of-both",
    title: "Over sessions of both families only the addresses of the advertised pool are told",
    cites: ["BGP 84", "BGP 85"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const families = familiesOf({ name: "", dual: true });
      const objects = bgpService("web", { families, advertisement: { ipAddressPools: [family] } });
      await world.kubernetes.apply(
        pool("ipv4", [BGP_RANGES.ipv4]),
        pool("ipv6", [BGP_RANGES.ipv6]),
        ...objects.filter(({ kind }) => kind !== "IPAddressPool" && kind !== "Service" && kind !== "Deployment"),
        ...workload("four", { families: ["ipv4"] }),
        ...workload("six", { families: ["ipv6"] }),
      );
      await established(world, world.nodes, { family: "ipv4" });
      await established(world, world.nodes, { family: "ipv6" });
      const [four = ""] = await vipsOf(world, "default/four", 1);
      const [six = ""] = await vipsOf(world, "default/six", 1);
      const [told, untold] = family === "ipv4" ? [four, six] : [six, four];
      await announcedBy(world, told);
      expectEqual("next hops of the other", await nextHops(world.router(), untold), []);
    },
  },
];
