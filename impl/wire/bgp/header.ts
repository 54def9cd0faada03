// RFC 4271 sections 4.1 (header) and 6.1 (its errors), RFC 2918 (ROUTE-REFRESH), RFC 8654 (longer messages).
import { Writer } from "../writer.ts";
import { BgpError } from "./bgp-error.ts";
import { ERRORS } from "./error-codes.ts";

/** IANA "BGP Message Types". */
export const MESSAGE_TYPES = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 } as const;
export type MessageType = keyof typeof MESSAGE_TYPES;

export const HEADER_LENGTH = 19;
/** RFC 4271 section 4.1. RFC 8654 allows 65,535 to peers that both say so; that is not offered. */
export const MAX_MESSAGE_LENGTH = 4096;

const MARKER_LENGTH = 16;

/** RFC 4271 section 4: the fixed fields of each type, header included. RFC 7313 section 5 has its own answer for ROUTE-REFRESH. */
const LEAST_LENGTHS: Readonly<Record<MessageType, number>> = {
  open: 29,
  update: 23,
  notification: 21,
  keepalive: HEADER_LENGTH,
  routeRefresh: HEADER_LENGTH,
};

/**
 * The frame of every message.
 *
 *   marker  16  all ones
 *   length  2   of the message, this header included
 *   type    1
 */
export interface Header {
  readonly type: MessageType;
  readonly length: number;
}

/** Writes a message with this body. */
export function frame(type: MessageType, write: (body: Writer) => void): Uint8Array {
  const writer = new Writer(128);
  for (let count = 0; count < MARKER_LENGTH; count++) writer.u8(0xff);
  writer.u16(0).u8(MESSAGE_TYPES[type]);
  write(writer);
  return writer.patchU16(MARKER_LENGTH, writer.length).finish();
}

/** Judges the 19 bytes at `offset`, which the caller has checked to be there. Throws BgpError. */
export function readHeader(bytes: Uint8Array, offset = 0, maxLength: number = MAX_MESSAGE_LENGTH): Header {
  for (let index = offset; index < offset + MARKER_LENGTH; index++) {
    if (bytes[index] !== 0xff) {
      throw new BgpError("bgp.marker", "is not all ones", ERRORS.connectionNotSynchronized);
    }
  }
  const high = bytes[offset + MARKER_LENGTH] ?? 0;
  const low = bytes[offset + MARKER_LENGTH + 1] ?? 0;
  const code = bytes[offset + MARKER_LENGTH + 2] ?? 0;
  const length = high * 0x100 + low;
  const type = typeOf(code);
  const least = type === undefined ? HEADER_LENGTH : LEAST_LENGTHS[type];
  const most = type === "keepalive" ? HEADER_LENGTH : type === "open" ? MAX_MESSAGE_LENGTH : maxLength;
  if (length < least || length > most) {
    const problem = `is ${length}${type === undefined ? "" : ` in a message of type ${type}`}`;
    throw new BgpError("bgp.length", problem, ERRORS.badMessageLength, Uint8Array.of(high, low));
  }
  if (type === undefined) throw new BgpError("bgp.type", `is ${code}`, ERRORS.badMessageType, Uint8Array.of(code));
  return { type, length };
}

function typeOf(code: number): MessageType | undefined {
  switch (code) {
    case MESSAGE_TYPES.open:
      return "open";
    case MESSAGE_TYPES.update:
      return "update";
    case MESSAGE_TYPES.notification:
      return "notification";
    case MESSAGE_TYPES.keepalive:
      return "keepalive";
    case MESSAGE_TYPES.routeRefresh:
      return "routeRefresh";
    default:
      return undefined;
  }
}
