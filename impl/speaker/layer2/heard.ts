import { type Ip } from "../../wire/ip.ts";
import { type Mac } from "../../wire/mac.ts";

/** Why a frame was not answered. */
export type DropReason =
  /** Not a packet of ARP or NDP, or against their rules. */
  | "malformed"
  | "otherProtocol"
  /** The frame belongs to a VLAN interface above this one. */
  | "vlanTag"
  | "arpReply"
  /** Another station's gratuitous ARP. */
  | "announcement"
  /** Neither broadcast nor to this interface. */
  | "ethernetDestination"
  /** ICMPv6, but no neighbour solicitation. */
  | "messageType"
  /** RFC 4861 section 7.1: it came through a router. */
  | "hopLimit"
  /** Sent by this node, perhaps from another interface on the same segment. */
  | "ownFrame"
  /** It asks for an address that is not announced here. */
  | "announceIp"
  /** It asks for an address that is announced here, but not on this interface. */
  | "notMatchInterface"
  /** It asks for an address that is still being probed. */
  | "probing"
  /** This node slept and does not know yet whether it still owns anything. */
  | "held";

export interface Question {
  readonly ip: Ip;
  readonly answer: () => Uint8Array;
}

/** What a frame says (`claims`: I am that address) and what it wants (`asks`: who is that address). */
export type Heard = {
  readonly claims?: { readonly ip: Ip; readonly mac: Mac } | undefined;
} & ({ readonly asks: Question } | { readonly asks: undefined; readonly because: DropReason });
