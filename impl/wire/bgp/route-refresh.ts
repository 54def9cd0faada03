// RFC 2918 (ROUTE-REFRESH), RFC 7313 (its subtypes and errors).
import { Reader } from "../reader.ts";
import { BgpError } from "./bgp-error.ts";
import { ERRORS } from "./error-codes.ts";
import { type AddressFamily } from "./families.ts";
import { frame, HEADER_LENGTH, MAX_MESSAGE_LENGTH } from "./header.ts";

/** IANA "Route Refresh Subcodes". */
const SUBTYPES = { request: 0, beginningOfRefresh: 1, endOfRefresh: 2 } as const;
export type RouteRefreshSubtype = keyof typeof SUBTYPES;

const BODY_LENGTH = 4;
/** What a NOTIFICATION holds beside its header, code and subcode. */
const MAX_DATA_LENGTH = MAX_MESSAGE_LENGTH - HEADER_LENGTH - 2;

/**
 *   afi      2
 *   subtype  1  RFC 7313 section 3.2; RFC 2918 section 3 sends 0
 *   safi     1
 */
export interface RouteRefresh extends AddressFamily {
  readonly kind: "routeRefresh";
  /** A number is a subtype that nobody defined: RFC 7313 section 5 has it ignored. */
  readonly subtype: RouteRefreshSubtype | number;
}

export function encodeRouteRefresh({ afi, safi, subtype }: RouteRefresh): Uint8Array {
  return frame("routeRefresh", (body) => {
    body
      .u16(afi)
      .u8(typeof subtype === "number" ? subtype : SUBTYPES[subtype])
      .u8(safi);
  });
}

/** Reads a whole message. Throws BgpError. */
export function decodeRouteRefresh(message: Uint8Array): RouteRefresh {
  if (message.length !== HEADER_LENGTH + BODY_LENGTH) {
    // RFC 7313 section 5: the data is the message. Filters of RFC 5291, which make it longer, are never agreed on.
    const data = message.slice(0, MAX_DATA_LENGTH);
    throw new BgpError("bgp.routeRefresh", `has ${message.length} bytes`, ERRORS.invalidMessageLength, data);
  }
  const reader = new Reader(message.subarray(HEADER_LENGTH), "bgp.routeRefresh");
  const afi = reader.u16("afi");
  const subtype = reader.u8("subtype");
  return { kind: "routeRefresh", afi, subtype: nameOf(subtype), safi: reader.u8("safi") };
}

function nameOf(code: number): RouteRefreshSubtype | number {
  if (code === SUBTYPES.request) return "request";
  if (code === SUBTYPES.beginningOfRefresh) return "beginningOfRefresh";
  return code === SUBTYPES.endOfRefresh ? "endOfRefresh" : code;
}
