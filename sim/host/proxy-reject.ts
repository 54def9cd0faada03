// iptables -j REJECT --reject-with icmp-port-unreachable: RFC 792, RFC 4443 section 3.1.
import { encodeIcmp4, UNREACHABLE_CODES } from "../../impl/wire/icmp4.ts";
import { encodeIcmp6, UNREACHABLE6_CODES } from "../../impl/wire/icmp6.ts";
import { isIpv6 } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { type IpPacket, type IpStack } from "./hooks.ts";
import { encodeIp } from "./ip-codec.ts";

/** RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4: as much as fits in what every host takes. */
const QUOTED = { ipv4: 548, ipv6: 1232 } as const;

/** Tells the sender of `packet`, from an address of `host`, that nobody is there. */
export function rejectWithPortUnreachable(host: IpStack, packet: IpPacket): void {
  const destination = packet.source;
  const source = host.sourceFor(destination);
  if (source === undefined) return;
  const original = encodeIp(packet);
  if (isIpv6(source) && isIpv6(destination)) {
    const code = UNREACHABLE6_CODES.port;
    const message = { kind: "unreachable", code, original: original.subarray(0, QUOTED.ipv6) } as const;
    const payload = encodeIcmp6(message, source, destination);
    return host.sendIp({ source, destination, protocol: IP_PROTOCOLS.icmp6, payload });
  }
  const code = UNREACHABLE_CODES.port;
  const payload = encodeIcmp4({ kind: "unreachable", code, original: original.subarray(0, QUOTED.ipv4) });
  host.sendIp({ source, destination, protocol: IP_PROTOCOLS.icmp, payload });
}
