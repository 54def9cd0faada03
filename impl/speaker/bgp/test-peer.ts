// The other end of a session, for the tests of this folder: what was agreed with it, and how it reads what we send.
import { decodeMessage } from "../../wire/bgp/message.ts";
import { type Family, parseIp, parseIpv4 } from "../../wire/ip.ts";
import { seconds } from "../../wire/time.ts";
import { type OutSession } from "./rib-out.ts";
import { type Negotiated } from "./session/negotiation.ts";

const NEGOTIATED: Negotiated = {
  peerAsn: 64513,
  peerId: parseIpv4("192.0.2.2"),
  internal: false,
  asSize: 4,
  families: ["ipv4"],
  extendedNextHop: false,
  holdTime: seconds(90),
  keepaliveTime: seconds(30),
  routeRefresh: true,
  enhancedRouteRefresh: false,
  gracefulRestart: undefined,
  notificationKeepsRoutes: false,
};

export function outSession(negotiated: Partial<Negotiated> = {}, nextHops: OutSession["nextHops"] = V4): OutSession {
  return { localAsn: 64512, negotiated: { ...NEGOTIATED, ...negotiated }, nextHops };
}

const V4 = { ipv4: { nextHop: parseIp("192.0.2.1") } };
export const DUAL = { ...V4, ipv6: { nextHop: parseIp("2001:db8::1") } };
export const BOTH: readonly Family[] = ["ipv4", "ipv6"];
/** What a router reads in one message: `announce 198.51.100.1/32 via 192.0.2.1 path 64512`. */
export function inWords(bytes: Uint8Array, internal = false): string {
  if (bytes.length > 4096) throw new Error(`a message of ${bytes.length} bytes`);
  const message = decodeMessage(bytes, { asSize: 4, internal, families: BOTH });
  if (message.kind === "endOfRib") return `end ${message.afi}`;
  if (message.kind === "routeRefresh") return `${message.subtype} ${message.afi}`;
  if (message.kind !== "update") throw new Error(message.kind);
  if (message.faults.length > 0) throw new Error(JSON.stringify(message.faults));
  const words = message.withdrawn.length > 0 ? [`withdraw ${message.withdrawn.join(" ")}`] : [];
  for (const { prefixes, nextHop, linkLocal, attributes } of message.announced) {
    const { asPath, localPref, communities = [], largeCommunities = [], multiExitDisc } = attributes;
    words.push(`announce ${prefixes.join(" ")} via ${nextHop}${linkLocal === undefined ? "" : ` and ${linkLocal}`}`);
    words.push(`path ${asPath.flatMap(({ asns }) => asns).join(" ")}`);
    if (localPref !== undefined) words.push(`pref ${localPref}`);
    if (multiExitDisc !== undefined) words.push(`med ${multiExitDisc}`);
    if (communities.length + largeCommunities.length > 0) words.push([...communities, ...largeCommunities].join(" "));
  }
  return words.join(", ");
}
