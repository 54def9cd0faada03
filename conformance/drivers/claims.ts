// Who claims which address, read from frames: the one extractor for every world that can show its frames.
import { decodeArp } from "../../impl/wire/arp.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { decodeEthernet, ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { decodeIcmp6 } from "../../impl/wire/icmp6.ts";
import { type Ip } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeIpv6 } from "../../impl/wire/ipv6.ts";
import { type Mac } from "../../impl/wire/mac.ts";

/** A station said that an address is at a MAC. */
export interface Claim {
  readonly ip: Ip;
  readonly mac: Mac;
  /** `answer` to somebody, or unasked (`gratuitous`). */
  readonly how: "answer" | "gratuitous";
  /** The Ethernet source of the frame. */
  readonly source: Mac;
}

/** The claim in a frame: an ARP reply or announcement, a neighbour advertisement. Undefined for every other frame. */
export function claimOf(bytes: Uint8Array): Claim | undefined {
  const tagged = bytes[12] === 0x81 && bytes[13] === 0x00;
  const at = tagged ? 16 : 12;
  const etherType = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  if (etherType !== ETHER_TYPES.arp && etherType !== ETHER_TYPES.ipv6) return undefined;
  // A look at the next header and the ICMPv6 type before anything is decoded: nearly every IPv6 frame ends here.
  if (etherType === ETHER_TYPES.ipv6 && (bytes[at + 8] !== IP_PROTOCOLS.icmp6 || bytes[at + 42] !== 136))
    return undefined;
  try {
    const frame = decodeEthernet(bytes);
    return etherType === ETHER_TYPES.arp
      ? claimOfArp(frame.payload, frame.source)
      : claimOfNdp(frame.payload, frame.source);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function claimOfArp(payload: Uint8Array, source: Mac): Claim | undefined {
  const arp = decodeArp(payload);
  const announcement = arp.senderIp === arp.targetIp;
  if (arp.operation === "request" && !announcement) return undefined;
  return { ip: arp.senderIp, mac: arp.senderMac, how: announcement ? "gratuitous" : "answer", source };
}

function claimOfNdp(payload: Uint8Array, source: Mac): Claim | undefined {
  const packet = decodeIpv6(payload);
  const message = decodeIcmp6(packet.payload, packet.source, packet.destination);
  if (message.kind !== "neighborAdvertisement") return undefined;
  const how = message.solicited ? "answer" : "gratuitous";
  return { ip: message.target, mac: message.targetLinkLayer ?? source, how, source };
}
