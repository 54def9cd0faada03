// RFC 4271 section 5.1.3, RFC 2545 section 3, RFC 4760 section 3, RFC 8950: which of our addresses the peer sends to.
import { type Family, familyOf, type Ip, isIpv4, isIpv6, isLinkLocal } from "../../wire/ip.ts";
import { type NextHop, type OutSession } from "./rib-out.ts";
import { type Negotiated } from "./session/negotiation.ts";

/** Our side of a connection. */
export interface LocalSide {
  readonly address: Ip;
  /** All addresses of the interface that has it, in its order. */
  readonly onInterface: readonly Ip[];
}

export function nextHopsFor(local: LocalSide, negotiated: Negotiated): OutSession["nextHops"] {
  const nextHops: Partial<Record<Family, NextHop>> = {};
  for (const family of negotiated.families) {
    const found = nextHopFor(family, local, negotiated.extendedNextHop);
    if (found !== undefined) nextHops[family] = found;
  }
  return nextHops;
}

function nextHopFor(family: Family, local: LocalSide, extendedNextHop: boolean): NextHop | undefined {
  const { address, onInterface } = local;
  if (isIpv6(address) && (family === "ipv6" || extendedNextHop)) {
    if (!isLinkLocal(address)) return { nextHop: address };
    // An unnumbered link has no other address: as FRR does, it then stands in both places.
    return { nextHop: onInterface.find(isGlobalIpv6) ?? address, linkLocal: address };
  }
  if (familyOf(address) === family) return { nextHop: address };
  // The session is of the other family, so the peer is sent to the same interface by an address of this one.
  const other = onInterface.find(family === "ipv4" ? isIpv4 : isGlobalIpv6);
  return other === undefined ? undefined : { nextHop: other };
}

const isGlobalIpv6 = (ip: Ip): boolean => isIpv6(ip) && !isLinkLocal(ip);
