// RFC 4861 section 7.2 (address resolution), RFC 4862 section 5.4 (duplicate address detection).
import { type Ethernet, ETHER_TYPES, encodeEthernet } from "../../wire/ethernet.ts";
import { decodeIcmp6, encodeIcmp6 } from "../../wire/icmp6.ts";
import { ALL_NODES, type Ipv6, solicitedNodeGroup, UNSPECIFIED_V6 } from "../../wire/ip.ts";
import { IP_PROTOCOLS } from "../../wire/ipv4.ts";
import { decodeIpv6, encodeIpv6 } from "../../wire/ipv6.ts";
import { isMulticastMac, type Mac, multicastMac } from "../../wire/mac.ts";
import { type NeighborSolicitation, NDP_HOP_LIMIT, type Ndp } from "../../wire/ndp.ts";
import { type Heard } from "./heard.ts";
import { type Responder } from "./links.ts";

export function hearNdp(frame: Ethernet, responder: Responder): Heard {
  const packet = decodeIpv6(frame.payload);
  if (packet.nextHeader !== IP_PROTOCOLS.icmp6) return { asks: undefined, because: "otherProtocol" };
  const message = decodeIcmp6(packet.payload, packet.source, packet.destination);
  if (message.kind !== "neighborSolicitation" && message.kind !== "neighborAdvertisement") {
    return { asks: undefined, because: "messageType" };
  }
  // RFC 4861 sections 7.1.1 and 7.1.2.
  if (packet.hopLimit !== NDP_HOP_LIMIT) return { asks: undefined, because: "hopLimit" };
  if (message.kind === "neighborAdvertisement") {
    const mac = message.targetLinkLayer ?? frame.source;
    return { claims: { ip: message.target, mac }, asks: undefined, because: "messageType" };
  }
  if (frame.destination !== responder.mac && !isMulticastMac(frame.destination)) {
    return { asks: undefined, because: "ethernetDestination" };
  }
  const requester = { ip: packet.source, mac: message.sourceLinkLayer ?? frame.source };
  return {
    claims: packet.source === UNSPECIFIED_V6 ? undefined : requester,
    asks: { ip: message.target, answer: () => ndpAnswer(message, requester, responder) },
  };
}

/** RFC 4861 section 7.2.4. The address is this node's own as far as the segment can tell, so Override is set. */
function ndpAnswer(asked: NeighborSolicitation, to: { readonly ip: Ipv6; readonly mac: Mac }, responder: Responder) {
  // RFC 4862 section 5.4.3: a station that probes for the address has none itself; every node must hear the answer.
  const probe = to.ip === UNSPECIFIED_V6;
  const answer = advertisement(asked.target, responder.mac, !probe);
  const source = responder.linkLocal ?? asked.target;
  return probe
    ? ndpFrame(multicastMac(ALL_NODES), responder.mac, source, ALL_NODES, answer)
    : ndpFrame(to.mac, responder.mac, source, to.ip, answer);
}

/** RFC 4861 section 7.2.6: unsolicited, to all nodes, and Override so that they forget the old link-layer address. */
export function ndpAnnouncement(ip: Ipv6, mac: Mac, linkLocal: Ipv6): Uint8Array {
  return ndpFrame(multicastMac(ALL_NODES), mac, linkLocal, ALL_NODES, advertisement(ip, mac, false));
}

/** RFC 4862 section 5.4.2. */
export function ndpProbe(ip: Ipv6, mac: Mac): Uint8Array {
  const group = solicitedNodeGroup(ip);
  return ndpFrame(multicastMac(group), mac, UNSPECIFIED_V6, group, { kind: "neighborSolicitation", target: ip });
}

const advertisement = (target: Ipv6, targetLinkLayer: Mac, solicited: boolean): Ndp => ({
  kind: "neighborAdvertisement",
  target,
  router: false,
  solicited,
  override: true,
  targetLinkLayer,
});

function ndpFrame(destination: Mac, source: Mac, from: Ipv6, to: Ipv6, message: Ndp): Uint8Array {
  const packet = {
    source: from,
    destination: to,
    nextHeader: IP_PROTOCOLS.icmp6,
    hopLimit: NDP_HOP_LIMIT,
    trafficClass: 0,
    flowLabel: 0,
    payload: encodeIcmp6(message, from, to),
  };
  return encodeEthernet({ destination, source, etherType: ETHER_TYPES.ipv6, payload: encodeIpv6(packet) });
}
