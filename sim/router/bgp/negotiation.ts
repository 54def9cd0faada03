// RFC 4271 section 4.2, RFC 5492, and the RFCs of the capabilities: what is offered, and what both sides agree on.
import { type AsSize } from "../../../impl/wire/bgp/as-path.ts";
import { BgpError } from "../../../impl/wire/bgp/bgp-error.ts";
import {
  type Capability,
  findCapability,
  type GracefulRestart,
  offersFamily,
} from "../../../impl/wire/bgp/capabilities.ts";
import { ERRORS } from "../../../impl/wire/bgp/error-codes.ts";
import { AFIS, unicast } from "../../../impl/wire/bgp/families.ts";
import { MAX_TWO_OCTET_AS, AS_TRANS, type Open } from "../../../impl/wire/bgp/open.ts";
import { type Family, type Ipv4 } from "../../../impl/wire/ip.ts";
import { type Micros, micros } from "../../../impl/wire/time.ts";
import { type PeerSettings, type RemoteAs, type RestartTimes } from "../config/model.ts";

export const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];

/** What the router says of itself to one neighbour. */
export interface LocalSpeaker {
  readonly asn: number;
  readonly routerId: Ipv4;
  readonly hostName: string;
  readonly restart: RestartTimes;
  /** RFC 4724 section 3: it comes back from a restart. */
  readonly restarting: boolean;
}

/** What holds for a session once both OPENs are there. */
export interface Agreement {
  readonly peerAsn: number;
  readonly peerId: Ipv4;
  readonly internal: boolean;
  readonly holdTime: Micros;
  readonly keepalive: Micros;
  readonly asSize: AsSize;
  readonly families: readonly Family[];
  /** RFC 8950: IPv4 routes may have IPv6 next hops. */
  readonly extendedNextHop: boolean;
  readonly routeRefresh: boolean;
  readonly enhancedRefresh: boolean;
  /** What the neighbour says of its restarts; undefined where one side says nothing. */
  readonly gracefulRestart: GracefulRestart | undefined;
  /** RFC 8538 section 2: both sides set the N bit. */
  readonly restartsAfterNotification: boolean;
  readonly capabilities: readonly Capability[];
}

export const activeFamilies = ({ families }: PeerSettings): readonly Family[] =>
  FAMILIES.filter((family) => families[family] !== undefined);

export function openFor(speaker: LocalSpeaker, settings: PeerSettings): Open {
  const { asn, routerId, hostName } = speaker;
  return {
    kind: "open",
    asn,
    holdTime: settings.holdTime,
    bgpIdentifier: routerId,
    capabilities: [
      ...activeFamilies(settings).map((family): Capability => ({ kind: "multiprotocol", ...unicast(family) })),
      { kind: "routeRefresh" },
      { kind: "enhancedRouteRefresh" },
      { kind: "fourOctetAs", asn },
      ...extendedNextHopOffer(settings),
      ...(hostName === "" ? [] : [{ kind: "fqdn", hostName, domainName: "" } as const]),
      ...restartOffer(speaker, settings),
    ],
  };
}

function extendedNextHopOffer({ extendedNextHop, families }: PeerSettings): readonly Capability[] {
  if (!extendedNextHop || families.ipv4 === undefined) return [];
  return [{ kind: "extendedNextHop", encodings: [{ ...unicast("ipv4"), nextHopAfi: AFIS.ipv6 }] }];
}

/** RFC 4724 section 3: who only helps others names no families. */
function restartOffer({ restart, restarting }: LocalSpeaker, settings: PeerSettings): readonly Capability[] {
  const { gracefulRestart } = settings;
  if (gracefulRestart === "disabled") return [];
  const restarts = gracefulRestart === "restarter";
  const { restartTime, notification, preserveForwarding } = restart;
  const families = (restarts ? activeFamilies(settings) : []).map((family) => ({
    ...unicast(family),
    forwardingPreserved: preserveForwarding,
  }));
  return [{ kind: "gracefulRestart", restarting: restarting && restarts, notification, restartTime, families }];
}

/** Throws BgpError where the neighbour is not who it should be, or there is nothing to agree on. */
export function agree(ours: Open, theirs: Open, settings: PeerSettings): Agreement {
  judgeAs(ours.asn, theirs, settings.remoteAs);
  const families = commonFamilies(theirs, settings);
  if (families.length === 0) {
    const data = offeredCapabilities(settings);
    throw new BgpError("bgp.open.capabilities", "name no family of ours", ERRORS.unsupportedCapability, data);
  }
  const find = <Kind extends Capability["kind"]>(kind: Kind) => findCapability(theirs.capabilities, kind);
  const restart = settings.gracefulRestart === "disabled" ? undefined : find("gracefulRestart");
  const ownRestart = findCapability(ours.capabilities, "gracefulRestart");
  const holdTime = micros(Math.min(ours.holdTime, theirs.holdTime));
  return {
    peerAsn: theirs.asn,
    peerId: theirs.bgpIdentifier,
    internal: theirs.asn === ours.asn,
    holdTime,
    // RFC 4271 section 4.4: a third of the hold time is a reasonable maximum.
    keepalive: micros(Math.min(settings.keepalive, Math.floor(holdTime / 3))),
    asSize: find("fourOctetAs") === undefined ? 2 : 4,
    families,
    extendedNextHop: settings.extendedNextHop && acceptsExtendedNextHop(theirs),
    routeRefresh: find("routeRefresh") !== undefined,
    enhancedRefresh: find("enhancedRouteRefresh") !== undefined,
    gracefulRestart: restart,
    restartsAfterNotification: restart?.notification === true && ownRestart?.notification === true,
    capabilities: theirs.capabilities,
  };
}

/** RFC 4271 section 6.2; the data is that of FRR: the number that came, in two bytes. */
function judgeAs(own: number, { asn }: Open, wanted: RemoteAs): void {
  const fits = wanted === "internal" ? asn === own : wanted === "external" ? asn !== own : asn === wanted;
  if (fits) return;
  const said = asn > MAX_TWO_OCTET_AS ? AS_TRANS : asn;
  const data = Uint8Array.of(said >> 8, said & 0xff);
  throw new BgpError("bgp.open.myAs", `is ${asn} and not ${wanted}`, ERRORS.badPeerAs, data);
}

/** RFC 4760 section 8: who names no family has IPv4 alone. */
function commonFamilies({ capabilities }: Open, settings: PeerSettings): readonly Family[] {
  const named = capabilities.some(({ kind }) => kind === "multiprotocol");
  return activeFamilies(settings).filter((family) =>
    named ? offersFamily(capabilities, unicast(family)) : family === "ipv4",
  );
}

/** RFC 5492 section 5: the capabilities that are missed, as they would stand in an OPEN. */
function offeredCapabilities(settings: PeerSettings): Uint8Array {
  return Uint8Array.from(activeFamilies(settings).flatMap((family) => [1, 4, 0, AFIS[family], 0, 1]));
}

function acceptsExtendedNextHop({ capabilities }: Open): boolean {
  const { afi, safi } = unicast("ipv4");
  const encodings = findCapability(capabilities, "extendedNextHop")?.encodings ?? [];
  return encodings.some((each) => each.afi === afi && each.safi === safi && each.nextHopAfi === AFIS.ipv6);
}
