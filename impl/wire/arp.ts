// RFC 826 (ARP), RFC 5227 (probes and announcements of an address).
import { ETHER_TYPES } from "./ethernet.ts";
import { type Ipv4 } from "./ip.ts";
import { type Mac } from "./mac.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** IANA "Address Resolution Protocol Parameters", operation codes. */
const OPERATIONS = { request: 1, reply: 2 } as const;
export type ArpOperation = keyof typeof OPERATIONS;

/** IANA hardware type 1. */
const ETHERNET = 1;
const MAC_LENGTH = 6;
const IPV4_LENGTH = 4;

/**
 * A request asks who has `targetIp`; both operations say that `senderIp` is at `senderMac`.
 *
 *   hardwareType    2  1: Ethernet
 *   protocolType    2  0x0800: IPv4
 *   hardwareLength  1  6
 *   protocolLength  1  4
 *   operation       2  1: request, 2: reply
 *   senderMac       6
 *   senderIp        4  0.0.0.0 in a probe (RFC 5227 section 1.1)
 *   targetMac       6  without meaning in a request
 *   targetIp        4  equal to senderIp in an announcement (RFC 5227 section 1.1)
 */
export interface Arp {
  readonly operation: ArpOperation;
  readonly senderMac: Mac;
  readonly senderIp: Ipv4;
  readonly targetMac: Mac;
  readonly targetIp: Ipv4;
}

export function encodeArp(arp: Arp): Uint8Array {
  return new Writer(28)
    .u16(ETHERNET)
    .u16(ETHER_TYPES.ipv4)
    .u8(MAC_LENGTH)
    .u8(IPV4_LENGTH)
    .u16(OPERATIONS[arp.operation])
    .mac(arp.senderMac)
    .ip(arp.senderIp)
    .mac(arp.targetMac)
    .ip(arp.targetIp)
    .finish();
}

/** Reads the 28 bytes of a packet; what follows them is the padding of a short frame. */
export function decodeArp(bytes: Uint8Array): Arp {
  const reader = new Reader(bytes, "arp");
  // RFC 826, "Packet Reception": whatever does not speak of IPv4 on Ethernet is not for us.
  reader.expectU16("hardwareType", ETHERNET);
  reader.expectU16("protocolType", ETHER_TYPES.ipv4);
  reader.expectU8("hardwareLength", MAC_LENGTH);
  reader.expectU8("protocolLength", IPV4_LENGTH);
  return {
    operation: readOperation(reader),
    senderMac: reader.mac("senderMac"),
    senderIp: reader.ipv4("senderIp"),
    targetMac: reader.mac("targetMac"),
    targetIp: reader.ipv4("targetIp"),
  };
}

function readOperation(reader: Reader): ArpOperation {
  const code = reader.u16("operation");
  if (code === OPERATIONS.request) return "request";
  if (code === OPERATIONS.reply) return "reply";
  return reader.fail("operation", `is ${code}`);
}
