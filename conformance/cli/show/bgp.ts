// What `show bgp summary` and `show bgp neighbors` of FRR would tell of a speaker.
import { type PeerError } from "../../../impl/speaker/bgp/peer-view.ts";
import { stateName } from "../bgp/announcements.ts";
import { table } from "../output.ts";
import { attributeWords, peerWords } from "../words.ts";
import { agoWords, fieldLines, secondsWords } from "./layout.ts";
import { type NodeView } from "./node-view.ts";

type PeerView = NodeView["peers"][number];

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

export function bgpSummary(views: readonly NodeView[]): string {
  const rows = views.flatMap(({ node, now, peers }) =>
    peers.map((peer) => [
      node,
      peerWords(peer),
      peer.negotiated === undefined ? "-" : String(peer.negotiated.peerAsn),
      stateName(peer.state),
      peer.since === undefined ? "-" : secondsWords(now - peer.since),
      String(peer.counters === undefined ? 0 : sum(peer.counters.received)),
      String(peer.counters === undefined ? 0 : sum(peer.counters.sent)),
      String(peer.routes.length),
      peer.bfd?.state ?? "-",
      peer.lastError === undefined ? "" : errorWords(peer.lastError, now),
    ]),
  );
  if (rows.length === 0) return "no node has a BGP peer";
  return table([["NODE", "PEER", "AS", "STATE", "UP FOR", "IN", "OUT", "PREFIXES", "BFD", "LAST ERROR"], ...rows]);
}

const errorWords = ({ text, at }: PeerError, now: number): string => `${agoWords(now - at)}: ${text}`;

/** Every peer of a node. */
export function bgpDetails(view: NodeView): string {
  if (view.peers.length === 0) return `${view.node}: no BGP peer`;
  return view.peers.map((peer) => peerDetails(view, peer)).join("\n\n");
}

function peerDetails({ node, now }: NodeView, peer: PeerView): string {
  const { state, since, local, negotiated, nextAttempt, bfd, vrf, pending, routes } = peer;
  const isInternal = negotiated?.internal === true ? "iBGP" : "eBGP";
  const waits = nextAttempt === undefined ? undefined : `in ${secondsWords(Math.max(0, nextAttempt - now))}`;
  const head = `${node}: BGPPeer ${peerWords(peer)}`;
  const told = routes.map(({ prefix, nextHop, linkLocal, attributes }) => {
    const { asPath, localPref, multiExitDisc: med, communities = [], largeCommunities = [] } = attributes;
    const path = asPath.flatMap(({ asns }) => asns);
    const via = linkLocal === undefined ? nextHop : `${nextHop} (${linkLocal})`;
    return `${prefix} next hop ${via}, ${attributeWords({ asPath: path, localPref, med, communities, largeCommunities })}`;
  });
  return fieldLines(head, [
    ["state", `${stateName(state)}${since === undefined ? "" : ` for ${secondsWords(now - since)}`}`],
    ["next attempt", waits],
    [
      "AS",
      negotiated === undefined
        ? `${peer.localAsn} here`
        : `${peer.localAsn} here, ${negotiated.peerAsn} there (${isInternal})`,
    ],
    ["address here", local?.address],
    ["router id", routerIds(peer)],
    ["VRF", vrf],
    ["timers", timerWords(peer)],
    ["families", negotiated?.families.join(", ")],
    ["capabilities", capabilityWords(peer)],
    ["sent", countWords(peer.counters?.sent)],
    ["received", countWords(peer.counters?.received)],
    ["wrong UPDATEs", countWords(peer.counters?.faults)],
    ["last error", peer.lastError === undefined ? undefined : errorWords(peer.lastError, now)],
    ["NOTIFICATION sent", peer.lastSent === undefined ? undefined : errorWords(peer.lastSent, now)],
    ["NOTIFICATION received", peer.lastReceived === undefined ? undefined : errorWords(peer.lastReceived, now)],
    ["BFD", bfd?.state],
    ["not told yet", pending === 0 ? undefined : `${pending}`],
    ["told", told.length === 0 ? "nothing" : told],
  ]);
}

function routerIds({ local, negotiated }: PeerView): string | undefined {
  const here = local === undefined ? [] : [`${local.routerId} here`];
  const there = negotiated === undefined ? [] : [`${negotiated.peerId} there`];
  return [...here, ...there].join(", ") || undefined;
}

function timerWords({ negotiated }: PeerView): string | undefined {
  if (negotiated === undefined) return undefined;
  const { holdTime, keepaliveTime } = negotiated;
  if (holdTime === 0) return "no hold timer, no keepalives";
  return `hold time ${secondsWords(holdTime)}, keepalive every ${secondsWords(keepaliveTime)}`;
}

function capabilityWords({ negotiated }: PeerView): string | undefined {
  if (negotiated === undefined) return undefined;
  const { asSize, extendedNextHop, routeRefresh, enhancedRouteRefresh, gracefulRestart } = negotiated;
  const names = [
    asSize === 4 && "4-octet AS",
    routeRefresh && "route refresh",
    enhancedRouteRefresh && "enhanced route refresh",
    extendedNextHop && "IPv6 next hops for IPv4",
    gracefulRestart !== undefined && `graceful restart within ${secondsWords(gracefulRestart.restartTime)}`,
    negotiated.notificationKeepsRoutes && "also after a NOTIFICATION",
  ].filter((name) => name !== false);
  return names.join(", ") || "none";
}

/** `open 1, update 2, keepalive 20`; what never happened is left out. */
function countWords(counts: Readonly<Record<string, number>> | undefined): string | undefined {
  const words = Object.entries(counts ?? {}).flatMap(([name, count]) => (count === 0 ? [] : `${name} ${count}`));
  return words.join(", ") || undefined;
}
