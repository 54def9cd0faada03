// RFC 826 (ARP), RFC 5227 (probes, announcements and conflicts).
import { type Arp, decodeArp, encodeArp } from "../../wire/arp.ts";
import { type Ethernet, ETHER_TYPES, encodeEthernet } from "../../wire/ethernet.ts";
import { type Ipv4, UNSPECIFIED_V4 } from "../../wire/ip.ts";
import { BROADCAST, type Mac, ZERO_MAC } from "../../wire/mac.ts";
import { type Heard } from "./heard.ts";
import { type Responder } from "./links.ts";

export function hearArp(frame: Ethernet, responder: Responder): Heard {
  const arp = decodeArp(frame.payload);
  const { senderIp, senderMac, targetIp } = arp;
  // RFC 5227 section 1.1: a probe has no sender address yet; it asks, and claims nothing.
  const claims = senderIp === UNSPECIFIED_V4 ? undefined : { ip: senderIp, mac: senderMac };
  if (arp.operation === "reply") return { claims, asks: undefined, because: "arpReply" };
  if (senderIp === targetIp) return { claims, asks: undefined, because: "announcement" };
  if (frame.destination !== BROADCAST && frame.destination !== responder.mac) {
    return { claims, asks: undefined, because: "ethernetDestination" };
  }
  return { claims, asks: { ip: targetIp, answer: () => arpAnswer(arp, responder.mac) } };
}

/** RFC 826, "Packet Reception": a reply goes to the station that asked, also when it asked with a probe. */
function arpAnswer(request: Arp, mac: Mac): Uint8Array {
  return arpFrame(request.senderMac, {
    operation: "reply",
    senderMac: mac,
    senderIp: request.targetIp,
    targetMac: request.senderMac,
    targetIp: request.senderIp,
  });
}

/**
 * RFC 5227 section 2.3 announces with a request. Some stations believe only replies; Linux ignores a reply within a
 * second of the last update unless its target is its sender.
 */
export function arpAnnouncements(ip: Ipv4, mac: Mac): readonly Uint8Array[] {
  const sender = { senderMac: mac, senderIp: ip, targetIp: ip };
  return [
    arpFrame(BROADCAST, { operation: "request", ...sender, targetMac: ZERO_MAC }),
    arpFrame(BROADCAST, { operation: "reply", ...sender, targetMac: mac }),
  ];
}

/** RFC 5227 section 2.1.1. */
export function arpProbe(ip: Ipv4, mac: Mac): Uint8Array {
  return arpFrame(BROADCAST, {
    operation: "request",
    senderMac: mac,
    senderIp: UNSPECIFIED_V4,
    targetMac: ZERO_MAC,
    targetIp: ip,
  });
}

function arpFrame(destination: Mac, arp: Arp): Uint8Array {
  return encodeEthernet({
    destination,
    source: arp.senderMac,
    etherType: ETHER_TYPES.arp,
    payload: encodeArp(arp),
  });
}
