// What upstream's end-to-end suites test, in their order: scenarios cite it as `L2 1` or `BGP 1`, numbered by file and place.
// Each entry of a table there is a behaviour of its own here, in the order IPv4, IPv6, both, where it says no more.

export interface Suite {
  /** `BGP`. */
  readonly name: string;
  readonly about: string;
  readonly behaviours: number;
}

/** Titles of e2etest/bgptests, file by file, and how many entries each has. */
export const BGP_TITLES: readonly (readonly [title: string, entries: number])[] = [
  ["A service of protocol load balancer should work with ETP=cluster", 5],
  ["GracefulRestart, when speakers restart: dataplane should keep working", 3],
  ["GracefulRestart, when speakers restart: dataplane should have a downtime", 3],
  ["IPV4 - should not be announced from a node with a NetworkUnavailable condition", 1],
  ["A service of protocol load balancer should work with ETP=local", 3],
  ["FRR must be deployed when enabled", 2],
  ["A load balancer service should work with overlapping IPs", 2],
  ["set different AddressPools ranges modes", 6],
  ["configure peers with routerid and validate external containers are paired with nodes", 2],
  ["FRR configure peers with GracefulRestart and validate external containers are paired with nodes", 2],
  ["FRR configure peers with localASN and validate session uses the local-as override", 2],
  ["validate external containers are paired with nodes", 2],
  ["ServiceBGPStatus", 3],
  ["BFD should work with the given bfd profile", 6],
  ["should work after subsequent configuration updates", 2],
  ["configure peers one by one and validate FRR paired with nodes", 2],
  ["configure bgp advertisement and verify it gets propagated", 11],
  ["IPV4 - overlapping bgp advertisements union communities for the same prefix", 1],
  ["BGP advertisement updates of communities and localpref and aggregation length", 2],
  ["MetalLB FRR rejects any routes advertised by any neighbor", 2],
  ["MetalLB allows adding extra FRR configuration to accept any routes advertised by any neighbor", 8],
  ["FRR-MODE FRR validate reload feedback", 1],
  ["Full BFD profile", 1],
  ["BGP Peer parameters", 1],
  ["IPV4 BGP Timer Update", 1],
  ["IPV4 retry timer reconnects to neighbor within connect time after BGP reset", 1],
  ["A service of protocol load balancer should work with two protocols", 2],
  ["FRR establishes connections with dynamic ASN", 2],
  ["FRR does not establish connections with wrong dynamic ASN mode", 2],
  ["should advertise both ipv4 and ipv6 addresses with", 4],
  ["should propagate the localpreference and the communities to both ipv4 and ipv6 addresses", 2],
  ["A service IP will not be advertised to peers outside the BGPAdvertisement peers list", 4],
  ["A service advertised through two different bgpadvertisements to two different peers", 4],
  ["should collect BGP metrics in FRR mode", 2],
  ["should be exposed by the controller", 2],
  ["BFD metrics from FRR", 4],
  ["FRR metrics related to config should be exposed", 1],
  ["Two services, two distinct advertisements with different node selectors", 4],
  ["Single service, two advertisement with different node selectors FRR", 4],
  ["One service, one advertisement with node selector, labeling node", 2],
  ["Two advertisements - updating one nodeSelector to non-matching withdraws its service", 2],
  ["IPV4 Should work with a limited set of nodes", 3],
  ["IPV4 - should establish sessions when each node has a different MyASN", 1],
  ["Pool and service selectors together", 2],
  ["Multiple service selectors", 2],
  ["Service selector updates propagate to BGP routes by updating BGPAdvertisement ServiceSelectors", 2],
  ["Service selector updates propagate to BGP routes by updating Service labels", 2],
  ["Service selectors with split aggregation length advertisements", 2],
  ["Overlapping BGP advertisements where selected service gets all communities and staged gets shared only", 2],
  ["Non-overlapping BGP advertisements apply distinct communities by service selector", 2],
  ["FRR Unnumbered BGP: Session is established and route is advertised", 6],
];

export const SUITES: readonly Suite[] = [
  { name: "L2", about: "Layer 2", behaviours: 59 },
  { name: "BGP", about: "BGP", behaviours: BGP_TITLES.reduce((sum, [, entries]) => sum + entries, 0) },
];

/** The title of `BGP 13`, with which of its entries it is; undefined for what is not of that suite. */
export function bgpTitle(behaviour: string): string | undefined {
  let number = Number(/^BGP (?<number>\d+)$/.exec(behaviour)?.groups?.["number"]);
  for (const [title, entries] of BGP_TITLES) {
    if (number <= entries) return entries === 1 ? title : `${title}, ${number} of ${entries}`;
    number -= entries;
  }
  return undefined;
}
