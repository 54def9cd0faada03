// RFC 4861 sections 4.1 and 4.2: the frames that find and show routers.
import { DecodeError } from "../../../wire/errors.ts";
import { decodeEthernet, ETHER_TYPES, encodeEthernet } from "../../../wire/ethernet.ts";
import { decodeIcmp6, encodeIcmp6 } from "../../../wire/icmp6.ts";
import { ALL_NODES, ALL_ROUTERS, type Ipv6, isLinkLocal } from "../../../wire/ip.ts";
import { IP_PROTOCOLS } from "../../../wire/ipv4.ts";
import { decodeIpv6, encodeIpv6 } from "../../../wire/ipv6.ts";
import { multicastMac } from "../../../wire/mac.ts";
import { NDP_HOP_LIMIT, type Ndp } from "../../../wire/ndp.ts";
import { micros } from "../../../wire/time.ts";
import { type PeerInterface } from "./peer-interface.ts";

export interface RouterMessage {
  readonly kind: "routerSolicitation" | "routerAdvertisement";
  readonly source: Ipv6;
}

/** Undefined for any other frame, and for what RFC 4861 sections 6.1.1 and 6.1.2 discard. */
export function hearRouter(bytes: Uint8Array): RouterMessage | undefined {
  try {
    const frame = decodeEthernet(bytes);
    // A tag with an identifier is of a VLAN interface above this one.
    if (frame.etherType !== ETHER_TYPES.ipv6 || (frame.vlan !== undefined && frame.vlan.id !== 0)) return undefined;
    const { source, destination, nextHeader, hopLimit, payload } = decodeIpv6(frame.payload);
    if (nextHeader !== IP_PROTOCOLS.icmp6 || hopLimit !== NDP_HOP_LIMIT) return undefined;
    const { kind } = decodeIcmp6(payload, source, destination);
    if (kind === "routerSolicitation") return { kind, source };
    return kind === "routerAdvertisement" && isLinkLocal(source) ? { kind, source } : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** Of a router with Router Lifetime 0: nobody shall send it what is not for it (RFC 4861 section 4.2). */
export function advertisementOf(on: PeerInterface): Uint8Array {
  const message: Ndp = {
    kind: "routerAdvertisement",
    hopLimit: 0,
    managed: false,
    other: false,
    lifetime: micros(0),
    reachable: micros(0),
    retransmit: micros(0),
    sourceLinkLayer: on.mac,
    prefixes: [],
  };
  return frameOf(on, ALL_NODES, message);
}

export function solicitationOf(on: PeerInterface): Uint8Array {
  return frameOf(on, ALL_ROUTERS, { kind: "routerSolicitation", sourceLinkLayer: on.mac });
}

function frameOf({ mac, linkLocal }: PeerInterface, group: Ipv6, message: Ndp): Uint8Array {
  const packet = encodeIpv6({
    source: linkLocal,
    destination: group,
    nextHeader: IP_PROTOCOLS.icmp6,
    hopLimit: NDP_HOP_LIMIT,
    trafficClass: 0,
    flowLabel: 0,
    payload: encodeIcmp6(message, linkLocal, group),
  });
  return encodeEthernet({
    destination: multicastMac(group),
    source: mac,
    etherType: ETHER_TYPES.ipv6,
    payload: packet,
  });
}
