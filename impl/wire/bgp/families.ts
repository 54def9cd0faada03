// RFC 4760 section 6; IANA "Address Family Numbers" and "Subsequent Address Family Identifiers (SAFI) Parameters".
import { type Family } from "../ip.ts";

/** Numbers, since a peer may name families that we do not know. */
export interface AddressFamily {
  readonly afi: number;
  readonly safi: number;
}

export const AFIS = { ipv4: 1, ipv6: 2 } as const satisfies Readonly<Record<Family, number>>;
const SAFI_UNICAST = 1;

export const unicast = (family: Family): AddressFamily => ({ afi: AFIS[family], safi: SAFI_UNICAST });

/** The family of a unicast address family; undefined for every other one. */
export function unicastFamily({ afi, safi }: AddressFamily): Family | undefined {
  if (safi !== SAFI_UNICAST) return undefined;
  return afi === AFIS.ipv4 ? "ipv4" : afi === AFIS.ipv6 ? "ipv6" : undefined;
}
