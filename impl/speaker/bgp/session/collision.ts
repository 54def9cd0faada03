// RFC 4271 section 6.8, RFC 6286 section 2.3: two connections between the same speakers, and which of them stays.
import { ipToBigInt, type Ipv4 } from "../../../wire/ip.ts";

export interface Speaker {
  readonly id: Ipv4;
  readonly asn: number;
}

/**
 * To be asked as soon as both connections have their OPEN, also where one is established by then: that is the option
 * CollisionDetectEstablishedState of section 8.1.1. Without it each side can find another one established, and none stays.
 *
 * The connection that the speaker with the greater identifier dialled stays; between equals the greater AS decides.
 */
export function keepsOwnConnection(local: Speaker, peer: Speaker): boolean {
  const difference = ipToBigInt(local.id) - ipToBigInt(peer.id);
  return difference === 0n ? local.asn > peer.asn : difference > 0n;
}
