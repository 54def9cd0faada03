// RFC 4760 sections 3 and 4 (MP_REACH_NLRI, MP_UNREACH_NLRI), RFC 2545 section 3 (IPv6 next hops), RFC 8950 (IPv6 next
// hops of IPv4 routes), RFC 7606 sections 7.11 and 7.12.
import { type Family, type Ip, type Ipv6, isLinkLocal, isUnspecified } from "../ip.ts";
import { type Prefix } from "../prefix.ts";
import { type Reader } from "../reader.ts";
import { type Writer } from "../writer.ts";
import { type AddressFamily, unicast } from "./families.ts";
import { readPrefixes } from "./nlri.ts";

/** The first fields of both attributes. */
export function readFamily(value: Reader): AddressFamily {
  return { afi: value.u16("afi"), safi: value.u8("safi") };
}

export interface NextHop {
  readonly nextHop: Ip;
  readonly linkLocal?: Ipv6 | undefined;
}

export interface Reach extends NextHop {
  readonly prefixes: readonly Prefix[];
}

/**
 * What follows the family in MP_REACH_NLRI.
 *
 *   nextHopLength  1
 *   nextHop        4, 16 or 32  32: with the link-local address behind the global one
 *   reserved       1
 *   prefixes       …
 */
export function readReach(value: Reader, family: Family, path: string): Reach {
  const length = value.u8("nextHopLength");
  const nextHop = readNextHop(value.part(length, "nextHop"), family);
  value.u8("reserved");
  return { ...nextHop, prefixes: readPrefixes(value.rest(), family, `${path}.prefixes`) };
}

/** What follows the family in MP_UNREACH_NLRI. */
export function readUnreach(value: Reader, family: Family, path: string): readonly Prefix[] {
  return readPrefixes(value.rest(), family, `${path}.prefixes`);
}

function readNextHop(bytes: Reader, family: Family): NextHop {
  if (bytes.remaining === 4 && family === "ipv4") return { nextHop: bytes.ipv4("address") };
  if (bytes.remaining === 16) return { nextHop: bytes.ipv6("address") };
  if (bytes.remaining !== 32) bytes.fail("length", `is ${bytes.remaining}`);
  const nextHop = bytes.ipv6("address");
  const second = bytes.ipv6("linkLocal");
  // RFC 2545 section 3 has a link-local address second. Where it is not one, FRR takes the first alone, and so do we.
  if (!isLinkLocal(second)) return { nextHop };
  // Speakers without a global address send "::" in its place.
  return isUnspecified(nextHop) ? { nextHop: second } : { nextHop, linkLocal: second };
}

/** Writes MP_REACH_NLRI up to its prefixes. */
export function writeReachHead(writer: Writer, family: Family, { nextHop, linkLocal }: NextHop): void {
  const { afi, safi } = unicast(family);
  const length = linkLocal === undefined ? (nextHop.includes(":") ? 16 : 4) : 32;
  writer.u16(afi).u8(safi).u8(length).ip(nextHop);
  if (linkLocal !== undefined) writer.ip(linkLocal);
  writer.u8(0);
}

/** Writes MP_UNREACH_NLRI up to its prefixes. */
export function writeUnreachHead(writer: Writer, family: Family): void {
  const { afi, safi } = unicast(family);
  writer.u16(afi).u8(safi);
}
