// RFC 8200 (IPv6), RFC 2711 (Router Alert).
import { type Ipv6 } from "./ip.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** RFC 8200 section 4: the extension headers that are not payload. */
const EXTENSIONS = { hopByHop: 0, routing: 43, fragment: 44, destinationOptions: 60 } as const;
/** RFC 2711 section 2.1. */
const ROUTER_ALERT = 5;
const PAD1 = 0;
const HEADER_LENGTH = 40;
/** RFC 8200 section 4.1 names five kinds in a sensible packet; more than eight headers are an attack. */
const MAX_EXTENSIONS = 8;

/**
 *   version        4 bits   6
 *   trafficClass   8 bits
 *   flowLabel      20 bits
 *   payloadLength  2        with the extension headers
 *   nextHeader     1
 *   hopLimit       1
 *   source         16
 *   destination    16
 *   extensions     …        hop-by-hop with Router Alert is read and written, others are skipped
 *   payload        …
 */
export interface Ipv6Packet {
  readonly source: Ipv6;
  readonly destination: Ipv6;
  /** Of the payload, not of an extension header. */
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly trafficClass: number;
  readonly flowLabel: number;
  /** The value of the Router Alert option; 0 is MLD. */
  readonly routerAlert?: number | undefined;
  readonly payload: Uint8Array;
}

export function encodeIpv6(packet: Ipv6Packet): Uint8Array {
  const { routerAlert, payload } = packet;
  const payloadLength = payload.length + (routerAlert === undefined ? 0 : 8);
  const writer = new Writer(HEADER_LENGTH + payloadLength)
    .u16(0x6000 | (packet.trafficClass << 4) | (packet.flowLabel >>> 16))
    .u16(packet.flowLabel & 0xffff)
    .u16(payloadLength)
    .u8(routerAlert === undefined ? packet.nextHeader : EXTENSIONS.hopByHop)
    .u8(packet.hopLimit)
    .ip(packet.source)
    .ip(packet.destination);
  if (routerAlert !== undefined) {
    // Next header, length 0 (8 bytes), Router Alert of two bytes, PadN of none.
    writer.u8(packet.nextHeader).u8(0).u8(ROUTER_ALERT).u8(2).u16(routerAlert).u8(1).u8(0);
  }
  return writer.bytes(payload).finish();
}

export function decodeIpv6(bytes: Uint8Array): Ipv6Packet {
  const reader = new Reader(bytes, "ipv6");
  const first = reader.u16("version");
  if (first >> 12 !== 6) reader.fail("version", `is ${first >> 12}`);
  const trafficClass = (first >> 4) & 0xff;
  const flowLabel = (first & 0xf) * 0x10000 + reader.u16("flowLabel");
  const payloadLength = reader.u16("payloadLength");
  const firstHeader = reader.u8("nextHeader");
  const hopLimit = reader.u8("hopLimit");
  const source = reader.ipv6("source");
  const destination = reader.ipv6("destination");
  const body = reader.part(payloadLength, "payload");
  const { nextHeader, routerAlert } = readExtensions(body, firstHeader);
  const packet = { source, destination, nextHeader, hopLimit, trafficClass, flowLabel, payload: body.rest() };
  return routerAlert === undefined ? packet : { ...packet, routerAlert };
}

function readExtensions(body: Reader, first: number): Pick<Ipv6Packet, "nextHeader" | "routerAlert"> {
  let header = first;
  let routerAlert: number | undefined;
  for (let count = 0; ; count++) {
    if (header === EXTENSIONS.fragment) body.fail("fragment", "is of a fragment");
    const { hopByHop, routing, destinationOptions } = EXTENSIONS;
    if (header !== hopByHop && header !== routing && header !== destinationOptions) break;
    if (count === MAX_EXTENSIONS) body.fail("extensions", `are more than ${MAX_EXTENSIONS}`);
    // RFC 8200 section 4.1: hop-by-hop options stand right after the IPv6 header or nowhere.
    if (header === hopByHop && count > 0) body.fail("hopByHop", "is not the first header");
    const next = body.u8("nextHeader");
    const options = body.part(body.u8("extensionLength") * 8 + 6, "extension");
    if (header === hopByHop) routerAlert = readRouterAlert(options);
    header = next;
  }
  return { nextHeader: header, routerAlert };
}

/** RFC 8200 section 4.2: options are type, length, value, but Pad1 is one byte. */
function readRouterAlert(options: Reader): number | undefined {
  let alert: number | undefined;
  while (options.remaining > 0) {
    const type = options.u8("type");
    if (type === PAD1) continue;
    const value = options.part(options.u8("length"), "value");
    if (type === ROUTER_ALERT) alert = value.u16("routerAlert");
  }
  return alert;
}
