// RFC 4271 sections 4.2 and 6.2, RFC 5492, RFC 4760 section 8, RFC 4724 section 3, RFC 6286, RFC 6793, RFC 8538, RFC 8950:
// what both OPEN messages together mean.
import { type AsSize } from "../../../wire/bgp/as-path.ts";
import {
  type Capability,
  findCapability,
  type GracefulRestart,
  offersFamily,
  writeCapability,
} from "../../../wire/bgp/capabilities.ts";
import { type ErrorCode, ERRORS } from "../../../wire/bgp/error-codes.ts";
import { AFIS, unicast } from "../../../wire/bgp/families.ts";
import { type Open } from "../../../wire/bgp/open.ts";
import { type Family, type Ipv4 } from "../../../wire/ip.ts";
import { type Micros, micros, seconds, times } from "../../../wire/time.ts";
import { Writer } from "../../../wire/writer.ts";
import { type SessionConfig } from "./config.ts";

/** How long routes of a speaker that restarts are kept for it; FRR's default. */
const RESTART_TIME = seconds(120);

/** What holds between both sides for as long as the session does. */
export interface Negotiated {
  readonly peerAsn: number;
  readonly peerId: Ipv4;
  readonly internal: boolean;
  readonly asSize: AsSize;
  readonly families: readonly Family[];
  /** RFC 8950: IPv4 routes may carry an IPv6 next hop. */
  readonly extendedNextHop: boolean;
  /** 0: no hold timer and no keepalives. */
  readonly holdTime: Micros;
  readonly keepaliveTime: Micros;
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  /** Both sides keep what the other announced while it restarts. */
  readonly gracefulRestart: GracefulRestart | undefined;
  /** RFC 8538: they do so after a NOTIFICATION as well. */
  readonly notificationKeepsRoutes: boolean;
}

/** `restarting`: this process has no session yet, so the peer may still hold routes of the one before. */
export function openFor(config: SessionConfig, restarting: boolean): Open {
  const { localAsn, holdTime, routerId } = config;
  return { kind: "open", asn: localAsn, holdTime, bgpIdentifier: routerId, capabilities: offer(config, restarting) };
}

function offer(config: SessionConfig, restarting: boolean): readonly Capability[] {
  const { families, localAsn, hostName } = config;
  const offered: Capability[] = families.map((family) => ({ kind: "multiprotocol", ...unicast(family) }));
  offered.push({ kind: "routeRefresh" }, { kind: "enhancedRouteRefresh" }, { kind: "fourOctetAs", asn: localAsn });
  if (config.extendedNextHop) {
    offered.push({ kind: "extendedNextHop", encodings: [{ ...unicast("ipv4"), nextHopAfi: AFIS.ipv6 }] });
  }
  if (config.gracefulRestart) {
    offered.push({
      kind: "gracefulRestart",
      restarting,
      notification: true,
      restartTime: RESTART_TIME,
      // The node forwards, and goes on while the speaker is away.
      families: families.map((family) => ({ ...unicast(family), forwardingPreserved: true })),
    });
  }
  if (hostName !== "") offered.push({ kind: "fqdn", hostName, domainName: "" });
  return offered;
}

export type Negotiation =
  | { readonly agreed: true; readonly negotiated: Negotiated }
  | { readonly agreed: false; readonly answer: ErrorCode; readonly data: Uint8Array; readonly problem: string };

const refuse = (answer: ErrorCode, problem: string, data: Uint8Array = new Uint8Array()): Negotiation => ({
  agreed: false,
  answer,
  data,
  problem,
});

/** Version, hold time and the form of the OPEN were judged when it was decoded. */
export function negotiate(config: SessionConfig, open: Open): Negotiation {
  const internal = open.asn === config.localAsn;
  if (!isExpected(config, open.asn)) return refuse(ERRORS.badPeerAs, `AS ${open.asn} instead of ${expectedOf(config)}`);
  // RFC 6286 section 2.2: within an AS identifiers are unique.
  if (internal && open.bgpIdentifier === config.routerId) {
    return refuse(ERRORS.badBgpIdentifier, `identifier ${open.bgpIdentifier} is our own`);
  }
  const families = config.families.filter((family) => carries(open, family));
  if (families.length === 0) {
    const problem = `no address family in common with ${config.families.join(" and ")}`;
    return refuse(ERRORS.unsupportedCapability, problem, encodeFamilies(config.families));
  }
  return { agreed: true, negotiated: agree(config, open, families) };
}

function isExpected({ peerAsn, localAsn }: SessionConfig, asn: number): boolean {
  if (typeof peerAsn === "number") return asn === peerAsn;
  return (asn === localAsn) === (peerAsn === "internal");
}

function expectedOf({ peerAsn, localAsn }: SessionConfig): string {
  if (typeof peerAsn === "number") return `${peerAsn}`;
  return peerAsn === "internal" ? `${localAsn}` : `any but ${localAsn}`;
}

/** RFC 4760 section 8: who speaks of no family speaks IPv4. */
function carries({ capabilities }: Open, family: Family): boolean {
  const silent = !capabilities.some(({ kind }) => kind === "multiprotocol");
  return silent ? family === "ipv4" : offersFamily(capabilities, unicast(family));
}

/** RFC 5492 section 5: the data of the NOTIFICATION lists the capabilities that are missed. */
function encodeFamilies(families: readonly Family[]): Uint8Array {
  const writer = new Writer();
  for (const family of families) writeCapability(writer, { kind: "multiprotocol", ...unicast(family) });
  return writer.finish();
}

function agree(config: SessionConfig, open: Open, families: readonly Family[]): Negotiated {
  const { capabilities } = open;
  const peerRestart = findCapability(capabilities, "gracefulRestart");
  const gracefulRestart = config.gracefulRestart ? peerRestart : undefined;
  // RFC 4271 section 4.2: the smaller of both offers counts.
  const holdTime = open.holdTime < config.holdTime ? open.holdTime : config.holdTime;
  return {
    peerAsn: open.asn,
    peerId: open.bgpIdentifier,
    internal: open.asn === config.localAsn,
    asSize: findCapability(capabilities, "fourOctetAs") === undefined ? 2 : 4,
    families,
    extendedNextHop: config.extendedNextHop && acceptsIpv6NextHop(capabilities),
    holdTime,
    keepaliveTime: keepaliveFor(holdTime, config.keepaliveTime),
    routeRefresh: findCapability(capabilities, "routeRefresh") !== undefined,
    enhancedRouteRefresh: findCapability(capabilities, "enhancedRouteRefresh") !== undefined,
    gracefulRestart,
    notificationKeepsRoutes: gracefulRestart?.notification === true,
  };
}

function acceptsIpv6NextHop(capabilities: readonly Capability[]): boolean {
  const { afi, safi } = unicast("ipv4");
  const accepted = findCapability(capabilities, "extendedNextHop")?.encodings ?? [];
  return accepted.some((each) => each.afi === afi && each.safi === safi && each.nextHopAfi === AFIS.ipv6);
}

/** RFC 4271 section 4.4: a third of the hold time is the reasonable maximum; an explicit 0 must not starve the peer. */
function keepaliveFor(holdTime: Micros, wish: Micros): Micros {
  if (holdTime === 0) return micros(0);
  const third = times(holdTime, 1 / 3);
  return wish > 0 && wish < third ? wish : third;
}
