import { type Link } from "../../../ports.ts";
import { type Ipv6, isIpv6, isLinkLocal } from "../../../wire/ip.ts";
import { type Mac } from "../../../wire/mac.ts";

/** An interface that a router can advertise itself on. */
export interface PeerInterface {
  readonly name: string;
  /** One that was removed and made anew under its name has another. */
  readonly index: number;
  readonly mac: Mac;
  /** RFC 4861 section 4.2: the source of every advertisement. */
  readonly linkLocal: Ipv6;
}

/** Undefined while it is down, has no carrier, or has no link-local address (yet). */
export function interfaceOf({ name, index, mac, up, running, addresses }: Link): PeerInterface | undefined {
  if (!up || !running) return undefined;
  for (const { ip } of addresses) {
    if (isIpv6(ip) && isLinkLocal(ip)) return { name, index, mac, linkLocal: ip };
  }
  return undefined;
}

export function sameInterface(a: PeerInterface, b: PeerInterface): boolean {
  return a.name === b.name && a.index === b.index && a.mac === b.mac && a.linkLocal === b.linkLocal;
}
