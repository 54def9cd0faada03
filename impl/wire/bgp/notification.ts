// RFC 4271 sections 4.5 and 6, RFC 9003 (text of a shutdown), RFC 8538 section 3 (Hard Reset).
import { Reader } from "../reader.ts";
import { decodeUtf8, encodeUtf8 } from "../text.ts";
import { answering, type BgpError } from "./bgp-error.ts";
import { describeError, type ErrorCode, ERRORS } from "./error-codes.ts";
import { frame, HEADER_LENGTH } from "./header.ts";

/** RFC 9003 section 2. */
const MAX_TEXT_LENGTH = 255;

/**
 *   code     1
 *   subcode  1
 *   data     …
 */
export interface Notification {
  readonly kind: "notification";
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

export function encodeNotification({ code, subcode, data }: Notification): Uint8Array {
  return frame("notification", (body) => body.u8(code).u8(subcode).bytes(data));
}

/** Reads a whole message. RFC 4271 section 6.4: nothing is sent for one that is wrong, so none is beyond the header. */
export function decodeNotification(message: Uint8Array): Notification {
  return answering(ERRORS.headerUnspecific, () => {
    const reader = new Reader(message.subarray(HEADER_LENGTH), "bgp.notification");
    const code = reader.u8("code");
    const subcode = reader.u8("subcode");
    return { kind: "notification", code, subcode, data: reader.rest() };
  });
}

export function notification({ code, subcode }: ErrorCode, data: Uint8Array = new Uint8Array()): Notification {
  return { kind: "notification", code, subcode, data };
}

/** What a peer is told that sent these bytes. */
export function notificationOf({ code, subcode, data }: BgpError): Notification {
  return { kind: "notification", code, subcode, data };
}

/** RFC 9003 section 2: a shutdown or reset with a text for the other operator, cut to 255 bytes of whole characters. */
export function notificationWithText(reason: ErrorCode, text: string): Notification {
  let bytes = encodeUtf8(text);
  if (bytes.length > MAX_TEXT_LENGTH) {
    let length = MAX_TEXT_LENGTH;
    while (((bytes[length] ?? 0) & 0xc0) === 0x80) length--;
    bytes = bytes.subarray(0, length);
  }
  return notification(reason, Uint8Array.of(bytes.length, ...bytes));
}

/** RFC 8538 section 3.1: to a peer that set the N bit, only this ends a session without a graceful restart. */
export function hardReset({ code, subcode, data }: Notification): Notification {
  return notification(ERRORS.hardReset, Uint8Array.of(code, subcode, ...data));
}

const says = ({ code, subcode }: Notification, error: ErrorCode): boolean =>
  code === error.code && subcode === error.subcode;

/** The reason within a Hard Reset; undefined where there is none. */
export function hardResetReason(received: Notification): Notification | undefined {
  const [code, subcode, ...data] = received.data;
  if (!says(received, ERRORS.hardReset) || code === undefined || subcode === undefined) return undefined;
  return { kind: "notification", code, subcode, data: Uint8Array.from(data) };
}

/**
 * The text of a shutdown or reset, fit for a log: characters that would steer a terminal are replaced. Undefined where
 * there is none, or its length is wrong (RFC 9003 section 2: then it may be logged as bytes).
 */
export function shutdownText(received: Notification): string | undefined {
  if (!says(received, ERRORS.administrativeShutdown) && !says(received, ERRORS.administrativeReset)) return undefined;
  const [length = 0, ...text] = received.data;
  if (length === 0 || length > text.length) return undefined;
  return decodeUtf8(Uint8Array.from(text.slice(0, length))).replaceAll(/\p{Cc}|\p{Bidi_Control}/gu, "\ufffd");
}

/** One line: `Cease/Administrative Shutdown: moving racks`. */
export function describeNotification(received: Notification): string {
  const name = describeError(received.code, received.subcode);
  const inner = hardResetReason(received);
  if (inner !== undefined) return `${name}: ${describeError(inner.code, inner.subcode)}`;
  const text = shutdownText(received);
  return text === undefined ? name : `${name}: ${text}`;
}
