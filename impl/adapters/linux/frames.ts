// Frames of one interface through packet(7): ARP, Neighbor Discovery (RFC 4861) but redirects, and BFD Echo over IPv4.
import { type Link } from "../../ports.ts";
import { configure, type NativeSockets, type Poller, receiveFrom, Slab } from "./native.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ETH_P_ALL = 0x0003;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const SLOT = 2048;

// Classic BPF (include/uapi/linux/filter.h): absolute loads of 32, 16 and 8 bits, jump if equal, if greater,
// if any bit, return.
const LOAD32 = 0x20;
const LOAD16 = 0x28;
const LOAD8 = 0x30;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x25;
const JUMP_SET = 0x45;
const RETURN = 0x06;
/** SKF_AD_OFF + SKF_AD_VLAN_TAG: the tag that the kernel has taken out of the frame; 0 where there was none. */
const VLAN_TAG = 0xfffff02c;
const VLAN_ID = 0x0fff;

function instruction(code: number, ifTrue: number, ifFalse: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}

/**
 * ARP, ICMPv6 types 133 to 136 straight behind the IPv6 header, and what a BFD Echo packet over IPv4 is (RFC 5881 section
 * 4): its source is this host itself, so no socket gets it. A socket also sees the frames of VLANs, without their tags,
 * that belong to a sub-interface or to nobody: they are left out, but for those whose tag holds only a priority.
 */
export const NEIGHBOUR_FRAMES: Buffer = Buffer.concat([
  instruction(LOAD32, 0, 0, VLAN_TAG),
  instruction(JUMP_SET, 14, 0, VLAN_ID),
  instruction(LOAD16, 0, 0, 12),
  instruction(JUMP_EQUAL, 11, 0, 0x0806),
  instruction(JUMP_EQUAL, 0, 5, 0x86dd),
  instruction(LOAD8, 0, 0, 20),
  instruction(JUMP_EQUAL, 0, 9, 58),
  instruction(LOAD8, 0, 0, 54),
  instruction(JUMP_GREATER, 0, 7, 132),
  instruction(JUMP_GREATER, 6, 5, 136),
  instruction(JUMP_EQUAL, 0, 5, 0x0800),
  instruction(LOAD8, 0, 0, 23),
  instruction(JUMP_EQUAL, 0, 3, 17),
  instruction(LOAD16, 0, 0, 36),
  instruction(JUMP_EQUAL, 0, 1, 3785),
  instruction(RETURN, 0, 0, SLOT),
  instruction(RETURN, 0, 0, 0),
]);

/** Everything, for whoever watches a network. */
export const ALL_FRAMES: Buffer = instruction(RETURN, 0, 0, SLOT);

function linkLayerAddress(index: number): Buffer {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(ETH_P_ALL, 2);
  address.writeInt32LE(index, 4);
  return address;
}

/** Sends and receives on one interface. Opening needs CAP_NET_RAW. */
export class FrameSocket implements Disposable {
  readonly #native: NativeSockets;
  readonly #fd: number;
  readonly #poller: Poller;

  /** `filter` is a classic BPF program. */
  constructor(
    native: NativeSockets,
    link: Pick<Link, "index">,
    receive: (bytes: Uint8Array) => void,
    filter: Buffer = NEIGHBOUR_FRAMES,
  ) {
    this.#native = native;
    // Protocol 0 until the filter is in place: nothing unfiltered gets in before.
    this.#fd = native.socket(AF_PACKET, SOCK_RAW, 0);
    configure(native, this.#fd, () => {
      native.attachFilter(this.#fd, filter);
      native.setsockopt(this.#fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
      native.bind(this.#fd, linkLayerAddress(link.index));
    });
    this.#poller = receiveFrom(
      native,
      this.#fd,
      new Slab(SLOT),
      (bytes) => receive(Uint8Array.from(bytes)),
      () => {},
    );
  }

  /** False where the kernel had no room (ENOBUFS) or the interface is down: the next round sends again. */
  send(bytes: Uint8Array): boolean {
    try {
      return this.#native.send(this.#fd, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) >= 0;
    } catch {
      return false;
    }
  }

  [Symbol.dispose](): void {
    this.#native.unpoll(this.#poller);
  }
}
