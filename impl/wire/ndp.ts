// RFC 4861 (neighbour discovery), RFC 4862 section 5.4 (duplicate address detection), RFC 7527 (the nonce in its probes).
import { unreachable } from "./brand.ts";
import { type Ip, type Ipv6, isMulticast, solicitedNodeGroup, UNSPECIFIED_V6 } from "./ip.ts";
import { type Mac } from "./mac.ts";
import {
  type NdpOption,
  NdpOptions,
  OPTION_TYPES,
  type PrefixInformation,
  writeLinkLayer,
  writeMtu,
  writeOption,
  writePrefixInformation,
} from "./ndp-options.ts";
import { type Reader } from "./reader.ts";
import { inMillis, inSeconds, type Micros, millis, seconds } from "./time.ts";
import { type Writer } from "./writer.ts";

/** IANA "ICMPv6 Parameters", types. */
export const NDP_TYPES = {
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
} as const;

/** RFC 4861 sections 6.1 and 7.1: a message that came through a router, with a lower hop limit, is discarded. */
export const NDP_HOP_LIMIT = 255;

interface WithOptions {
  /** Options that this message does not define. */
  readonly otherOptions?: readonly NdpOption[] | undefined;
}

/**
 * RFC 4861 section 4.3.
 *
 *   reserved  4
 *   target    16
 *   options   …   source link-layer address, nonce
 */
export interface NeighborSolicitation extends WithOptions {
  readonly kind: "neighborSolicitation";
  readonly target: Ipv6;
  readonly sourceLinkLayer?: Mac | undefined;
  /** Six bytes, or more in steps of eight. */
  readonly nonce?: Uint8Array | undefined;
}

/**
 * RFC 4861 section 4.4.
 *
 *   router     1 bit
 *   solicited  1 bit
 *   override   1 bit
 *   reserved   29 bits
 *   target     16
 *   options    …       target link-layer address
 */
export interface NeighborAdvertisement extends WithOptions {
  readonly kind: "neighborAdvertisement";
  readonly target: Ipv6;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  readonly targetLinkLayer?: Mac | undefined;
}

/**
 * RFC 4861 section 4.1.
 *
 *   reserved  4
 *   options   …  source link-layer address
 */
export interface RouterSolicitation extends WithOptions {
  readonly kind: "routerSolicitation";
  readonly sourceLinkLayer?: Mac | undefined;
}

/**
 * RFC 4861 section 4.2.
 *
 *   hopLimit    1      0: unspecified
 *   managed     1 bit
 *   other       1 bit
 *   reserved    6 bits
 *   lifetime    2      seconds; 0: not a default router
 *   reachable   4      milliseconds; 0: unspecified
 *   retransmit  4      milliseconds; 0: unspecified
 *   options     …      source link-layer address, MTU, prefixes
 */
export interface RouterAdvertisement extends WithOptions {
  readonly kind: "routerAdvertisement";
  readonly hopLimit: number;
  readonly managed: boolean;
  readonly other: boolean;
  readonly lifetime: Micros;
  readonly reachable: Micros;
  readonly retransmit: Micros;
  readonly sourceLinkLayer?: Mac | undefined;
  readonly mtu?: number | undefined;
  readonly prefixes: readonly PrefixInformation[];
}

export type Ndp = NeighborSolicitation | NeighborAdvertisement | RouterSolicitation | RouterAdvertisement;

/** Writes what follows the ICMPv6 checksum. */
export function writeNdp(writer: Writer, message: Ndp): void {
  switch (message.kind) {
    case "neighborSolicitation":
      writer.u32(0).ip(message.target);
      writeLinkLayer(writer, OPTION_TYPES.sourceLinkLayer, message.sourceLinkLayer);
      if (message.nonce !== undefined) writeOption(writer, OPTION_TYPES.nonce, message.nonce);
      break;
    case "neighborAdvertisement": {
      const { router, solicited, override, target, targetLinkLayer } = message;
      writer
        .u8((router ? 0x80 : 0) | (solicited ? 0x40 : 0) | (override ? 0x20 : 0))
        .zeros(3)
        .ip(target);
      writeLinkLayer(writer, OPTION_TYPES.targetLinkLayer, targetLinkLayer);
      break;
    }
    case "routerSolicitation":
      writer.u32(0);
      writeLinkLayer(writer, OPTION_TYPES.sourceLinkLayer, message.sourceLinkLayer);
      break;
    case "routerAdvertisement":
      writeRouterAdvertisement(writer, message);
      break;
    default:
      unreachable(message);
  }
  for (const { type, value } of message.otherOptions ?? []) writeOption(writer, type, value);
}

/** Reads what follows the ICMPv6 checksum of a message of one of NDP_TYPES. */
export function readNdp(reader: Reader, kind: Ndp["kind"], source: Ip, destination: Ip): Ndp {
  switch (kind) {
    case "neighborSolicitation":
      return readSolicitation(reader, source, destination);
    case "neighborAdvertisement":
      return readAdvertisement(reader, destination);
    case "routerSolicitation":
      return readRouterSolicitation(reader, source);
    case "routerAdvertisement":
      return readRouterAdvertisement(reader);
    default:
      return unreachable(kind);
  }
}

function readSolicitation(reader: Reader, source: Ip, destination: Ip): NeighborSolicitation {
  reader.u32("reserved");
  const target = readTarget(reader);
  const options = new NdpOptions(reader);
  const sourceLinkLayer = options.linkLayer(OPTION_TYPES.sourceLinkLayer);
  if (source === UNSPECIFIED_V6) {
    // RFC 4861 section 7.1.1: duplicate address detection asks a group, and has no address to speak of.
    if (destination !== solicitedNodeGroup(target)) reader.fail("target", `is probed for at ${destination}`);
    if (sourceLinkLayer !== undefined) reader.fail("sourceLinkLayer", "is of an unspecified source");
  }
  const nonce = options.nonce();
  return { kind: "neighborSolicitation", target, sourceLinkLayer, nonce, otherOptions: options.others() };
}

function readAdvertisement(reader: Reader, destination: Ip): NeighborAdvertisement {
  const flags = reader.u8("flags");
  reader.bytes(3, "reserved");
  const target = readTarget(reader);
  const solicited = (flags & 0x40) !== 0;
  // RFC 4861 section 7.1.2.
  if (solicited && isMulticast(destination)) reader.fail("solicited", `is set in a message to ${destination}`);
  const options = new NdpOptions(reader);
  return {
    kind: "neighborAdvertisement",
    target,
    router: (flags & 0x80) !== 0,
    solicited,
    override: (flags & 0x20) !== 0,
    targetLinkLayer: options.linkLayer(OPTION_TYPES.targetLinkLayer),
    otherOptions: options.others(),
  };
}

/** RFC 4861 sections 7.1.1 and 7.1.2. */
function readTarget(reader: Reader): Ipv6 {
  const target = reader.ipv6("target");
  if (isMulticast(target)) reader.fail("target", `is the group ${target}`);
  return target;
}

function readRouterSolicitation(reader: Reader, source: Ip): RouterSolicitation {
  reader.u32("reserved");
  const options = new NdpOptions(reader);
  const sourceLinkLayer = options.linkLayer(OPTION_TYPES.sourceLinkLayer);
  // RFC 4861 section 6.1.1.
  if (source === UNSPECIFIED_V6 && sourceLinkLayer !== undefined) {
    reader.fail("sourceLinkLayer", "is of an unspecified source");
  }
  return { kind: "routerSolicitation", sourceLinkLayer, otherOptions: options.others() };
}

function writeRouterAdvertisement(writer: Writer, message: RouterAdvertisement): void {
  writer
    .u8(message.hopLimit)
    .u8((message.managed ? 0x80 : 0) | (message.other ? 0x40 : 0))
    .u16(inSeconds(message.lifetime))
    .u32(inMillis(message.reachable))
    .u32(inMillis(message.retransmit));
  writeLinkLayer(writer, OPTION_TYPES.sourceLinkLayer, message.sourceLinkLayer);
  if (message.mtu !== undefined) writeMtu(writer, message.mtu);
  for (const information of message.prefixes) writePrefixInformation(writer, information);
}

function readRouterAdvertisement(reader: Reader): RouterAdvertisement {
  const hopLimit = reader.u8("hopLimit");
  const flags = reader.u8("flags");
  const lifetime = seconds(reader.u16("lifetime"));
  const reachable = millis(reader.u32("reachable"));
  const retransmit = millis(reader.u32("retransmit"));
  const options = new NdpOptions(reader);
  return {
    kind: "routerAdvertisement",
    hopLimit,
    managed: (flags & 0x80) !== 0,
    other: (flags & 0x40) !== 0,
    lifetime,
    reachable,
    retransmit,
    sourceLinkLayer: options.linkLayer(OPTION_TYPES.sourceLinkLayer),
    mtu: options.mtu(),
    prefixes: options.prefixes(),
    otherOptions: options.others(),
  };
}
