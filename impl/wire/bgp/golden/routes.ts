import { parseIp, parseIpv4, parseIpv6 } from "../../ip.ts";
import { type Prefix, parsePrefix } from "../../prefix.ts";
import { pathOf } from "../as-path.ts";
import { largeCommunity, parseCommunity, WELL_KNOWN_COMMUNITIES } from "../communities.ts";
import { type Announcement } from "../path-attributes.ts";

const prefixes = (...texts: readonly string[]): readonly Prefix[] => texts.map((text) => parsePrefix(text));

/** Routes with everything that we write; ours.hex holds what other programs read in them. */
export const ROUTES: readonly Announcement[] = [
  {
    prefixes: prefixes("198.51.100.10/32", "198.51.100.11/32", "10.0.0.0/8", "0.0.0.0/0"),
    nextHop: parseIp("192.0.2.2"),
    attributes: {
      origin: "igp",
      asPath: pathOf(64512, 64512, 4200000001),
      multiExitDisc: 4294967295,
      localPref: 0,
      atomicAggregate: true,
      aggregator: { asn: 4200000001, address: parseIpv4("192.0.2.2") },
      communities: [
        parseCommunity("64512:100"),
        WELL_KNOWN_COMMUNITIES.gracefulShutdown,
        WELL_KNOWN_COMMUNITIES.noExport,
      ],
      largeCommunities: [largeCommunity(4294967295, 0, 1), largeCommunity(64512, 1, 2)],
    },
  },
  {
    prefixes: prefixes("198.51.100.12/32"),
    nextHop: parseIp("2001:db8::2"),
    linkLocal: parseIpv6("fe80::ff:fe00:2"),
    attributes: { origin: "igp", asPath: pathOf(4200000001), localPref: 100 },
  },
  {
    prefixes: prefixes("2001:db8:1::/48", "2001:db8:8000::/33", "2001:db8::1/128"),
    nextHop: parseIp("2001:db8::2"),
    attributes: { origin: "egp", asPath: [], localPref: 100 },
  },
  {
    prefixes: prefixes("198.51.100.13/32"),
    nextHop: parseIp("192.0.2.2"),
    attributes: {
      origin: "incomplete",
      asPath: [
        { kind: "sequence", asns: [1, 2] },
        { kind: "set", asns: [3, 4] },
      ],
      localPref: 7,
    },
  },
];
