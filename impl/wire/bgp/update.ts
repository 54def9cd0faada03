// RFC 4271 sections 4.3 (UPDATE) and 6.3 (its errors), RFC 4724 section 2 (End-of-RIB), RFC 7606 (what becomes of a wrong one).
import { type Ip, isMulticast, isUnspecified } from "../ip.ts";
import { type Prefix } from "../prefix.ts";
import { Reader } from "../reader.ts";
import { answering } from "./bgp-error.ts";
import { AttributeList, type ListContext } from "./attribute-list.ts";
import { ERRORS } from "./error-codes.ts";
import { type AddressFamily, unicast } from "./families.ts";
import { HEADER_LENGTH } from "./header.ts";
import { readPrefixes } from "./nlri.ts";
import { type Announcement } from "./path-attributes.ts";
import { type UpdateFault } from "./update-faults.ts";

/** RFC 4271 section 4.3: with both lengths, and nothing that they count. */
const LEAST_LENGTH = HEADER_LENGTH + 4;

/** What of the session decides how an UPDATE is read. */
export interface UpdateContext extends ListContext {
  /** RFC 4271 section 6.3: no next hop may be the address of its receiver. */
  readonly ownAddress?: Ip | undefined;
}

/**
 * The routes of one message, both families together.
 *
 *   withdrawnLength   2
 *   withdrawn         …  IPv4 prefixes
 *   attributesLength  2
 *   attributes        …  with prefixes of any family in MP_REACH_NLRI and MP_UNREACH_NLRI
 *   announced         …  IPv4 prefixes, to the end of the message
 */
export interface Update {
  readonly kind: "update";
  /** Also what a fault made withdrawn. */
  readonly withdrawn: readonly Prefix[];
  /** At most one of IPv4 prefixes and one of MP_REACH_NLRI. */
  readonly announced: readonly Announcement[];
  /** Everything that was wrong, in the order of the message. */
  readonly faults: readonly UpdateFault[];
}

/** RFC 4724 section 2: the peer has sent all routes of this family. */
export interface EndOfRib extends AddressFamily {
  readonly kind: "endOfRib";
}

/** Reads a whole message. Throws BgpError where RFC 7606 leaves nothing but a session reset; all else is in `faults`. */
export function decodeUpdate(message: Uint8Array, context: UpdateContext): Update | EndOfRib {
  const reader = new Reader(message.subarray(HEADER_LENGTH), "bgp.update");
  const [withdrawnBytes, attributeBytes] = answering(ERRORS.malformedAttributeList, () => [
    reader.bytes(reader.u16("withdrawnLength"), "withdrawn"),
    reader.bytes(reader.u16("attributesLength"), "attributes"),
  ]);
  const announcedBytes = reader.rest();
  if (message.length === LEAST_LENGTH) return { kind: "endOfRib", ...unicast("ipv4") };
  const attributes = new AttributeList(attributeBytes, context);
  if (attributes.endOfRib !== undefined && withdrawnBytes.length + announcedBytes.length === 0) {
    return { kind: "endOfRib", ...attributes.endOfRib };
  }
  // RFC 7606 section 5.3: prefixes that cannot be read cannot be withdrawn either.
  const [withdrawn, announced] = answering(ERRORS.invalidNetworkField, () => [
    readPrefixes(withdrawnBytes, "ipv4", "bgp.update.withdrawn"),
    readPrefixes(announcedBytes, "ipv4", "bgp.update.announced"),
  ]);
  return assemble(attributes, [...withdrawn, ...attributes.unreachable], announced, context);
}

function assemble(
  list: AttributeList,
  withdrawn: readonly Prefix[],
  announced: readonly Prefix[],
  context: UpdateContext,
): Update {
  const { reach, nextHop } = list;
  const reached = reach?.prefixes ?? [];
  if (announced.length > 0) {
    list.require("origin", "asPath", "nextHop");
    if (nextHop !== undefined) judgeNextHop(nextHop, "nextHop", list, context);
  } else if (reached.length > 0) list.require("origin", "asPath");
  if (reach !== undefined && reached.length > 0) judgeNextHop(reach.nextHop, "mpReachNlri.nextHop", list, context);

  const { refusal, faults } = list;
  const routes = [...announced, ...reached];
  if (refusal !== undefined) {
    // RFC 7606 section 5.2: where no route was found, there may be one that was lost.
    if (routes.length === 0 && list.expectsRoutes) throw refusal;
    return { kind: "update", withdrawn: [...withdrawn, ...routes], announced: [], faults };
  }
  const attributes = list.attributes();
  const announcements: Announcement[] = [];
  if (attributes !== undefined) {
    if (announced.length > 0 && nextHop !== undefined) announcements.push({ prefixes: announced, nextHop, attributes });
    if (reach !== undefined && reached.length > 0) announcements.push({ ...reach, attributes });
  }
  return { kind: "update", withdrawn, announced: announcements, faults };
}

/** RFC 4271 section 6.3: the address must be one that can be sent to, and not our own. */
function judgeNextHop(nextHop: Ip, name: string, list: AttributeList, { ownAddress }: UpdateContext): void {
  const unusable = isUnspecified(nextHop) || isMulticast(nextHop) || isReserved(nextHop) || nextHop === ownAddress;
  if (unusable) list.refuse(name, `is ${nextHop}`, ERRORS.invalidNextHopAttribute);
}

/** RFC 1122 section 3.2.1.3: "this network", loopback and class E; RFC 4291 section 2.5.3. */
function isReserved(ip: Ip): boolean {
  return ip === "::1" || /^(0|127|24\d|25[0-5])\./.test(ip);
}
