// Whole frames of Linux through every layer: what is read must be written back to the very same bytes.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeArp, encodeArp } from "./arp.ts";
import { decodeEthernet, ETHER_TYPES, encodeEthernet } from "./ethernet.ts";
import { hex } from "./golden/hex.ts";
import { decodeIcmp4, encodeIcmp4 } from "./icmp4.ts";
import { decodeIcmp6, encodeIcmp6 } from "./icmp6.ts";
import { type Ip } from "./ip.ts";
import { decodeIpv4, encodeIpv4, IP_PROTOCOLS } from "./ipv4.ts";
import { decodeIpv6, encodeIpv6 } from "./ipv6.ts";
import { decodeTcp, encodeTcp } from "./tcp.ts";
import { decodeUdp, encodeUdp } from "./udp.ts";

const FRAMES = readFileSync(new URL("./golden/linux.hex", import.meta.url), "utf8")
  .matchAll(/^# (.+)\n([0-9a-f]+)$/gm)
  .map(([, says = "", digits = ""]) => ({ says, bytes: hex(digits), expected: hex(withPadN(digits)) }))
  .toArray();

/** A Linux bridge pads the Router Alert of a query with two Pad1; Linux hosts, and we, with one PadN (RFC 8200 section 4.2). */
function withPadN(digits: string): string {
  return digits.replace("3a00050200000000", "3a00050200000100");
}

function again(frame: Uint8Array): Uint8Array {
  const ethernet = decodeEthernet(frame);
  return encodeEthernet({ ...ethernet, payload: againPacket(ethernet.etherType, ethernet.payload) });
}

function againPacket(etherType: number, bytes: Uint8Array): Uint8Array {
  switch (etherType) {
    case ETHER_TYPES.arp:
      return encodeArp(decodeArp(bytes));
    case ETHER_TYPES.ipv4: {
      const packet = decodeIpv4(bytes);
      const payload = againTransport(packet.protocol, packet.payload, packet.source, packet.destination);
      return encodeIpv4({ ...packet, payload });
    }
    case ETHER_TYPES.ipv6: {
      const packet = decodeIpv6(bytes);
      const { source, destination, nextHeader } = packet;
      const payload =
        nextHeader === IP_PROTOCOLS.icmp6
          ? encodeIcmp6(decodeIcmp6(packet.payload, source, destination), source, destination)
          : againTransport(nextHeader, packet.payload, source, destination);
      return encodeIpv6({ ...packet, payload });
    }
    default:
      throw new Error(`EtherType ${etherType}`);
  }
}

function againTransport(protocol: number, bytes: Uint8Array, source: Ip, destination: Ip): Uint8Array {
  switch (protocol) {
    case IP_PROTOCOLS.icmp:
      return encodeIcmp4(decodeIcmp4(bytes));
    case IP_PROTOCOLS.tcp:
      return encodeTcp(decodeTcp(bytes, source, destination), source, destination);
    case IP_PROTOCOLS.udp:
      return encodeUdp(decodeUdp(bytes, source, destination), source, destination);
    default:
      throw new Error(`protocol ${protocol}`);
  }
}

describe("Frames of Linux", () => {
  it("are all there", () => {
    expect(FRAMES.length).toBe(60);
  });

  it.each(FRAMES)("come out as they went in: $says", ({ bytes, expected }) => {
    expect(again(bytes)).toEqual(expected);
  });
});
