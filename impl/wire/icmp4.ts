// RFC 792 (ICMP), RFC 1191 section 4 (the next-hop MTU of "fragmentation needed").
import { unreachable } from "./brand.ts";
import { internetChecksum } from "./checksum.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** IANA "ICMP Type Numbers". */
const TYPES = { echoReply: 0, unreachable: 3, echoRequest: 8 } as const;

/** RFC 792, codes of "destination unreachable"; 13 is RFC 1812 section 5.2.7.1. */
export const UNREACHABLE_CODES = {
  network: 0,
  host: 1,
  protocol: 2,
  port: 3,
  fragmentationNeeded: 4,
  prohibited: 13,
} as const;

/**
 *   identifier  2
 *   sequence    2
 *   payload     …
 */
export interface Icmp4Echo {
  readonly kind: "echoRequest" | "echoReply";
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/**
 *   unused      2
 *   nextHopMtu  2  with code 4
 *   original    …  the header and at least eight bytes of the datagram that could not be delivered
 */
export interface Icmp4Unreachable {
  readonly kind: "unreachable";
  readonly code: number;
  readonly nextHopMtu?: number | undefined;
  readonly original: Uint8Array;
}

export interface Icmp4Unknown {
  readonly kind: "unknown";
  readonly type: number;
  readonly code: number;
  readonly body: Uint8Array;
}

/** A message begins with type 1, code 1, checksum 2. */
export type Icmp4 = Icmp4Echo | Icmp4Unreachable | Icmp4Unknown;

export function encodeIcmp4(message: Icmp4): Uint8Array {
  const writer = new Writer(64);
  switch (message.kind) {
    case "echoRequest":
    case "echoReply":
      writer.u8(TYPES[message.kind]).u8(0).u16(0).u16(message.identifier).u16(message.sequence).bytes(message.payload);
      break;
    case "unreachable":
      writer.u8(TYPES.unreachable).u8(message.code).u16(0);
      writer
        .u16(0)
        .u16(message.nextHopMtu ?? 0)
        .bytes(message.original);
      break;
    case "unknown":
      writer.u8(message.type).u8(message.code).u16(0).bytes(message.body);
      break;
    default:
      unreachable(message);
  }
  return writer.patchU16(2, internetChecksum(writer.view())).finish();
}

export function decodeIcmp4(bytes: Uint8Array): Icmp4 {
  const reader = new Reader(bytes, "icmp4");
  const type = reader.u8("type");
  const code = reader.u8("code");
  reader.u16("checksum");
  // RFC 1122 section 3.2.2: the checksum is of the whole message.
  if (internetChecksum(bytes) !== 0) reader.fail("checksum", "is wrong");
  switch (type) {
    case TYPES.echoRequest:
      return readEcho(reader, "echoRequest", code);
    case TYPES.echoReply:
      return readEcho(reader, "echoReply", code);
    case TYPES.unreachable:
      return readUnreachable(reader, code);
    default:
      return { kind: "unknown", type, code, body: reader.rest() };
  }
}

function readEcho(reader: Reader, kind: Icmp4Echo["kind"], code: number): Icmp4Echo {
  if (code !== 0) reader.fail("code", `is ${code} in an echo`);
  return { kind, identifier: reader.u16("identifier"), sequence: reader.u16("sequence"), payload: reader.rest() };
}

function readUnreachable(reader: Reader, code: number): Icmp4Unreachable {
  reader.u16("unused");
  const nextHopMtu = reader.u16("nextHopMtu");
  const original = reader.rest();
  return code === UNREACHABLE_CODES.fragmentationNeeded
    ? { kind: "unreachable", code, nextHopMtu, original }
    : { kind: "unreachable", code, original };
}
