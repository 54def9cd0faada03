// What one session is told of its BGPPeer: the values that go into its OPEN and its timers.
import { type Peer } from "../../../api/config.ts";
import { type Family, familyOf, type Ipv4 } from "../../../wire/ip.ts";
import { inSeconds, type Micros, seconds } from "../../../wire/time.ts";

export interface SessionConfig {
  /** The AS that the peer sees. */
  readonly localAsn: number;
  /** A number, or any that makes the session internal or external. */
  readonly peerAsn: number | "internal" | "external";
  readonly routerId: Ipv4;
  /** As the OPEN says it, so that both sides count alike. 0: neither side needs to hear anything. */
  readonly holdTime: Micros;
  readonly keepaliveTime: Micros;
  /** The most that lies between two attempts; undefined: a few seconds. */
  readonly connectTime: Micros | undefined;
  readonly families: readonly Family[];
  /** RFC 8950: the peer may give IPv4 routes an IPv6 next hop, and so may we. */
  readonly extendedNextHop: boolean;
  readonly gracefulRestart: boolean;
  readonly hostName: string;
}

/** FRR's defaults, which are those of MetalLB's default backend. */
const HOLD_TIME = seconds(180);
const KEEPALIVE_TIME = seconds(60);

export function sessionConfig(peer: Peer, routerId: Ipv4, hostName: string): SessionConfig {
  const unnumbered = peer.peer.kind === "interface";
  return {
    localAsn: peer.localAsn ?? peer.myAsn,
    peerAsn: peer.peerAsn,
    routerId,
    holdTime: offeredHoldTime(peer.holdTime ?? HOLD_TIME),
    keepaliveTime: peer.keepaliveTime ?? KEEPALIVE_TIME,
    connectTime: peer.connectTime,
    families: familiesOf(peer),
    extendedNextHop: unnumbered,
    gracefulRestart: peer.gracefulRestart,
    hostName,
  };
}

/** RFC 4271 section 4.2: whole seconds in two bytes. */
function offeredHoldTime(wish: Micros): Micros {
  return seconds(Math.min(Math.trunc(inSeconds(wish)), 0xffff));
}

function familiesOf({ peer, dualStackAddressFamily }: Peer): readonly Family[] {
  if (peer.kind === "interface" || dualStackAddressFamily) return ["ipv4", "ipv6"];
  return [familyOf(peer.ip)];
}
