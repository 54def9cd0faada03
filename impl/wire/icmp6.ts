// RFC 4443 (ICMPv6). The bodies of neighbour discovery are in ndp.ts, those of multicast listener discovery in mld.ts.
import { unreachable } from "./brand.ts";
import { internetChecksum, pseudoHeaderSum } from "./checksum.ts";
import { type Ipv6 } from "./ip.ts";
import { IP_PROTOCOLS } from "./ipv4.ts";
import {
  MLD_TYPES,
  type MldQuery,
  type MldReport,
  readMldQuery,
  readMldReport,
  writeMldQuery,
  writeMldReport,
} from "./mld.ts";
import { NDP_TYPES, type Ndp, readNdp, writeNdp } from "./ndp.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** IANA "ICMPv6 Parameters", types. */
export const ICMP6_TYPES = { unreachable: 1, echoRequest: 128, echoReply: 129, ...MLD_TYPES, ...NDP_TYPES } as const;

/** RFC 4443 section 3.1. */
export const UNREACHABLE6_CODES = { noRoute: 0, prohibited: 1, beyondScope: 2, address: 3, port: 4 } as const;

/**
 *   identifier  2
 *   sequence    2
 *   payload     …
 */
export interface Icmp6Echo {
  readonly kind: "echoRequest" | "echoReply";
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/**
 *   unused    4
 *   original  …  as much of the packet as fits in the minimum MTU
 */
export interface Icmp6Unreachable {
  readonly kind: "unreachable";
  readonly code: number;
  readonly original: Uint8Array;
}

export interface Icmp6Unknown {
  readonly kind: "unknown";
  readonly type: number;
  readonly code: number;
  readonly body: Uint8Array;
}

/** A message begins with type 1, code 1, checksum 2. */
export type Icmp6 = Ndp | MldReport | MldQuery | Icmp6Echo | Icmp6Unreachable | Icmp6Unknown;

export function encodeIcmp6(message: Icmp6, source: Ipv6, destination: Ipv6): Uint8Array {
  const writer = new Writer(64);
  if (message.kind === "unknown") writer.u8(message.type).u8(message.code);
  else writer.u8(ICMP6_TYPES[message.kind]).u8(message.kind === "unreachable" ? message.code : 0);
  writer.u16(0);
  writeBody(writer, message);
  // RFC 4443 section 2.3.
  const pseudo = pseudoHeaderSum(source, destination, IP_PROTOCOLS.icmp6, writer.length);
  return writer.patchU16(2, internetChecksum(writer.view(), pseudo)).finish();
}

function writeBody(writer: Writer, message: Icmp6): void {
  switch (message.kind) {
    case "neighborSolicitation":
    case "neighborAdvertisement":
    case "routerSolicitation":
    case "routerAdvertisement":
      return writeNdp(writer, message);
    case "mldReport":
      return writeMldReport(writer, message);
    case "mldQuery":
      return writeMldQuery(writer, message);
    case "echoRequest":
    case "echoReply":
      writer.u16(message.identifier).u16(message.sequence).bytes(message.payload);
      return;
    case "unreachable":
      writer.u32(0).bytes(message.original);
      return;
    case "unknown":
      writer.bytes(message.body);
      return;
    default:
      unreachable(message);
  }
}

export function decodeIcmp6(bytes: Uint8Array, source: Ipv6, destination: Ipv6): Icmp6 {
  const reader = new Reader(bytes, "icmp6");
  const type = reader.u8("type");
  const code = reader.u8("code");
  reader.u16("checksum");
  const pseudo = pseudoHeaderSum(source, destination, IP_PROTOCOLS.icmp6, bytes.length);
  if (internetChecksum(bytes, pseudo) !== 0) reader.fail("checksum", "is wrong");
  const kind = kindOf(type);
  if (kind === "unknown") return { kind, type, code, body: reader.rest() };
  // RFC 4861 sections 6.1 and 7.1 discard another code, RFC 4443 section 4 knows none.
  if (kind !== "unreachable" && code !== 0) reader.fail("code", `is ${code}`);
  const body = new Reader(reader.rest(), kind);
  switch (kind) {
    case "unreachable":
      body.u32("unused");
      return { kind, code, original: body.rest() };
    case "echoRequest":
    case "echoReply":
      return { kind, identifier: body.u16("identifier"), sequence: body.u16("sequence"), payload: body.rest() };
    case "mldReport":
      return readMldReport(body);
    case "mldQuery":
      return readMldQuery(body);
    default:
      return readNdp(body, kind, source, destination);
  }
}

function kindOf(type: number): Icmp6["kind"] {
  switch (type) {
    case ICMP6_TYPES.neighborSolicitation:
      return "neighborSolicitation";
    case ICMP6_TYPES.neighborAdvertisement:
      return "neighborAdvertisement";
    case ICMP6_TYPES.routerSolicitation:
      return "routerSolicitation";
    case ICMP6_TYPES.routerAdvertisement:
      return "routerAdvertisement";
    case ICMP6_TYPES.mldReport:
      return "mldReport";
    case ICMP6_TYPES.mldQuery:
      return "mldQuery";
    case ICMP6_TYPES.echoRequest:
      return "echoRequest";
    case ICMP6_TYPES.echoReply:
      return "echoReply";
    case ICMP6_TYPES.unreachable:
      return "unreachable";
    default:
      return "unknown";
  }
}
