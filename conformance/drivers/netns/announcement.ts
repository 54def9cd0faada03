// What a station sends that takes an address, as Linux does with arp_notify and ndisc_notify.
import { encodeArp } from "../../../impl/wire/arp.ts";
import { encodeEthernet, ETHER_TYPES } from "../../../impl/wire/ethernet.ts";
import { encodeIcmp6 } from "../../../impl/wire/icmp6.ts";
import { ALL_NODES, type Ip, isIpv4 } from "../../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../../impl/wire/ipv4.ts";
import { encodeIpv6 } from "../../../impl/wire/ipv6.ts";
import { BROADCAST, type Mac, multicastMac, ZERO_MAC } from "../../../impl/wire/mac.ts";

/** An ARP announcement (RFC 5227 section 3) or an unsolicited advertisement (RFC 4861 section 7.2.6). */
export function announcement(ip: Ip, mac: Mac): Uint8Array {
  if (isIpv4(ip)) {
    return encodeEthernet({
      destination: BROADCAST,
      source: mac,
      etherType: ETHER_TYPES.arp,
      payload: encodeArp({ operation: "request", senderMac: mac, senderIp: ip, targetMac: ZERO_MAC, targetIp: ip }),
    });
  }
  const body = encodeIcmp6(
    {
      kind: "neighborAdvertisement",
      target: ip,
      router: false,
      solicited: false,
      override: true,
      targetLinkLayer: mac,
    },
    ip,
    ALL_NODES,
  );
  return encodeEthernet({
    destination: multicastMac(ALL_NODES),
    source: mac,
    etherType: ETHER_TYPES.ipv6,
    payload: encodeIpv6({
      source: ip,
      destination: ALL_NODES,
      nextHeader: IP_PROTOCOLS.icmp6,
      hopLimit: 255,
      trafficClass: 0,
      flowLabel: 0,
      payload: body,
    }),
  });
}
