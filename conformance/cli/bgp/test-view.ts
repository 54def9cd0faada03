// What a speaker could tell, for tests.
import { type PeerView } from "../../../impl/speaker/bgp/peer-view.ts";
import { parseIp, parseIpv4 } from "../../../impl/wire/ip.ts";
import { parsePrefix } from "../../../impl/wire/prefix.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { type NodeView } from "../show/node-view.ts";

const UNSET = {
  interface: undefined,
  vrf: undefined,
  since: undefined,
  local: undefined,
  negotiated: undefined,
  lastError: undefined,
  lastSent: undefined,
  lastReceived: undefined,
  nextAttempt: undefined,
  counters: undefined,
  bfd: undefined,
} as const;

/** BGPPeer `tor`, that is dialled. */
export const testPeer = (changes: Partial<PeerView> = {}): PeerView => ({
  ...UNSET,
  name: "tor",
  port: 179,
  localAsn: 64500,
  address: parseIp("192.0.2.1"),
  state: "connect",
  routes: [],
  pending: 0,
  ...changes,
});

/** The same with a session over which IPv4 routes go, since the fourth second. */
export const testSession = (changes: Partial<PeerView> = {}): PeerView =>
  testPeer({
    state: "established",
    since: seconds(4),
    local: { address: parseIp("192.0.2.12"), routerId: parseIpv4("192.0.2.12") },
    negotiated: {
      peerAsn: 64501,
      peerId: parseIpv4("192.0.2.1"),
      internal: false,
      asSize: 4,
      families: ["ipv4"],
      extendedNextHop: false,
      holdTime: seconds(9),
      keepaliveTime: seconds(3),
      routeRefresh: true,
      enhancedRouteRefresh: false,
      gracefulRestart: undefined,
      notificationKeepsRoutes: false,
    },
    ...changes,
  });

export const testRoute = (prefix: string): PeerView["routes"][number] => ({
  prefix: parsePrefix(prefix),
  nextHop: parseIp("192.0.2.12"),
  attributes: {
    origin: "incomplete",
    asPath: [{ kind: "sequence", asns: [64500] }],
    multiExitDisc: 50,
  },
});

/** At its tenth second. */
export const testNode = (changes: Partial<NodeView> = {}): NodeView => ({
  node: "k8s-worker",
  now: seconds(10),
  peers: [],
  services: [],
  bfd: [],
  addresses: [],
  members: [],
  ...changes,
});
