import { decodeArp, encodeArp } from "../../impl/wire/arp.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { decodeEthernet, encodeEthernet, ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { decodeIcmp6, encodeIcmp6 } from "../../impl/wire/icmp6.ts";
import {
  type Ip,
  type Ipv4,
  type Ipv6,
  isIpv4,
  isIpv6,
  solicitedNodeGroup,
  UNSPECIFIED_V4,
  UNSPECIFIED_V6,
} from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeIpv6, encodeIpv6 } from "../../impl/wire/ipv6.ts";
import { BROADCAST, type Mac, multicastMac, ZERO_MAC } from "../../impl/wire/mac.ts";

/** Who asks: the address and the MAC of one interface. */
export interface Asker {
  readonly mac: Mac;
  /** Undefined: a probe from the unspecified address (RFC 5227, RFC 4862). */
  readonly ip: Ip | undefined;
}

/** The frame that asks who has `vip`; `unicastTo` sends it to one station, as a cache that verifies its entry does. */
export function question(vip: Ip, asker: Asker, unicastTo?: Mac): Uint8Array {
  return isIpv4(vip) ? arpQuestion(vip, asker, unicastTo) : ndpQuestion(vip, asker, unicastTo);
}

function arpQuestion(vip: Ipv4, { mac, ip }: Asker, unicastTo: Mac | undefined): Uint8Array {
  const senderIp = ip === undefined || !isIpv4(ip) ? UNSPECIFIED_V4 : ip;
  return encodeEthernet({
    destination: unicastTo ?? BROADCAST,
    source: mac,
    etherType: ETHER_TYPES.arp,
    payload: encodeArp({ operation: "request", senderMac: mac, senderIp, targetMac: ZERO_MAC, targetIp: vip }),
  });
}

function ndpQuestion(vip: Ip, { mac, ip }: Asker, unicastTo: Mac | undefined): Uint8Array {
  if (!isIpv6(vip)) throw new Error(`not an IPv6 address: ${vip}`);
  const source: Ipv6 = ip !== undefined && isIpv6(ip) ? ip : UNSPECIFIED_V6;
  const group = solicitedNodeGroup(vip);
  const destination = unicastTo === undefined ? group : vip;
  // RFC 4861 section 4.3: the option must not be there when the source is unspecified.
  const sourceLinkLayer = source === UNSPECIFIED_V6 ? {} : { sourceLinkLayer: mac };
  const body = encodeIcmp6({ kind: "neighborSolicitation", target: vip, ...sourceLinkLayer }, source, destination);
  return encodeEthernet({
    destination: unicastTo ?? multicastMac(group),
    source: mac,
    etherType: ETHER_TYPES.ipv6,
    payload: encodeIpv6({
      source,
      destination,
      nextHeader: IP_PROTOCOLS.icmp6,
      hopLimit: 255,
      trafficClass: 0,
      flowLabel: 0,
      payload: body,
    }),
  });
}

/** The MAC that a frame gives for `vip` to who asked; undefined where it is no answer about it, but an announcement, say. */
export function answerIn(bytes: Uint8Array, vip: Ip, asker: Asker): Mac | undefined {
  try {
    const frame = decodeEthernet(bytes);
    if (frame.etherType === ETHER_TYPES.arp) {
      const arp = decodeArp(frame.payload);
      return arp.operation === "reply" && arp.senderIp === vip && arp.targetIp !== vip ? arp.senderMac : undefined;
    }
    if (frame.etherType !== ETHER_TYPES.ipv6) return undefined;
    const packet = decodeIpv6(frame.payload);
    if (packet.nextHeader !== IP_PROTOCOLS.icmp6) return undefined;
    const message = decodeIcmp6(packet.payload, packet.source, packet.destination);
    if (message.kind !== "neighborAdvertisement" || message.target !== vip) return undefined;
    // RFC 4861 section 7.2.4: who asks from the unspecified address is answered without the solicited flag.
    return message.solicited || asker.ip === undefined ? (message.targetLinkLayer ?? frame.source) : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
