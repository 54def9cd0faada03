// IEEE 802.3 section 3 (frame), IEEE 802.1Q section 9 (tag), RFC 894 and RFC 2464 (IP over Ethernet).
import { type Mac } from "./mac.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

/** IANA "IEEE 802 Numbers". */
export const ETHER_TYPES = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;

/** IEEE 802.1Q tag control information. */
export interface VlanTag {
  /** PCP, 0 to 7. */
  readonly priority: number;
  /** VID, 0 to 4095; 0 carries a priority and no VLAN. */
  readonly id: number;
  /** DEI. */
  readonly dropEligible?: boolean | undefined;
}

/**
 * A frame as a socket sees it: without preamble and frame check sequence, and not padded when sent.
 *
 *   destination  6
 *   source       6
 *   vlan         4  0x8100, then priority 3 bits, drop eligible 1, id 12; only in a tagged frame
 *   etherType    2  below 0x0600 it is the length of an 802.3 frame
 *   payload      …  with the padding of short frames, which the payload's own length tells apart
 */
export interface Ethernet {
  readonly destination: Mac;
  readonly source: Mac;
  readonly vlan?: VlanTag | undefined;
  readonly etherType: number;
  readonly payload: Uint8Array;
}

export function encodeEthernet(frame: Ethernet): Uint8Array {
  const { vlan, payload } = frame;
  const writer = new Writer(payload.length + (vlan === undefined ? 14 : 18)).mac(frame.destination).mac(frame.source);
  if (vlan !== undefined) {
    const dropEligible = vlan.dropEligible === true ? 0x1000 : 0;
    writer.u16(ETHER_TYPES.vlan).u16((vlan.priority << 13) | dropEligible | vlan.id);
  }
  return writer.u16(frame.etherType).bytes(payload).finish();
}

/** Reads one tag; in a frame with two, the payload begins with the inner one. */
export function decodeEthernet(bytes: Uint8Array): Ethernet {
  const reader = new Reader(bytes, "ethernet");
  const destination = reader.mac("destination");
  const source = reader.mac("source");
  const etherType = reader.u16("etherType");
  if (etherType !== ETHER_TYPES.vlan) return { destination, source, etherType, payload: reader.rest() };
  const control = reader.u16("vlan");
  const tag = { priority: control >> 13, id: control & 0xfff };
  const vlan = (control & 0x1000) === 0 ? tag : { ...tag, dropEligible: true };
  return { destination, source, vlan, etherType: reader.u16("etherType"), payload: reader.rest() };
}
