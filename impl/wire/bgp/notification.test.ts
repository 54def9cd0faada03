import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "../golden/hex.ts";
import { BgpError } from "./bgp-error.ts";
import { describeError, ERRORS } from "./error-codes.ts";
import {
  decodeNotification,
  describeNotification,
  encodeNotification,
  hardReset,
  hardResetReason,
  type Notification,
  notification,
  notificationOf,
  notificationWithText,
  shutdownText,
} from "./notification.ts";

const MARKER = "ff".repeat(16);

/** Sent by `neighbor … shutdown message Wartung bis 14 Uhr – router é`. */
const FRR = hex(`
  ${MARKER} 0036 03
  06 02               # Cease, Administrative Shutdown
  20                  # 32 bytes of text
  57617274756e67206269732031342055687220e2809320726f7574657220c3a9`);
/** Sent by `disable p6 "moving racks"`. */
const BIRD = hex(`${MARKER} 0022 03 06 02 0c 6d6f76696e67207261636b73`);
/** Sent by `clear bgp`. */
const RESET = hex(`${MARKER} 0015 03 06 04`);

/** IANA "BGP Error (Notification) Codes" and its subcode registries, without what is deprecated. */
const REGISTRY = `
  1/0 Message Header Error/Unspecific
  1/1 Message Header Error/Connection Not Synchronized
  1/2 Message Header Error/Bad Message Length
  1/3 Message Header Error/Bad Message Type
  2/0 OPEN Message Error/Unspecific
  2/1 OPEN Message Error/Unsupported Version Number
  2/2 OPEN Message Error/Bad Peer AS
  2/3 OPEN Message Error/Bad BGP Identifier
  2/4 OPEN Message Error/Unsupported Optional Parameter
  2/6 OPEN Message Error/Unacceptable Hold Time
  2/7 OPEN Message Error/Unsupported Capability
  2/11 OPEN Message Error/Role Mismatch
  3/0 UPDATE Message Error/Unspecific
  3/1 UPDATE Message Error/Malformed Attribute List
  3/2 UPDATE Message Error/Unrecognized Well-known Attribute
  3/3 UPDATE Message Error/Missing Well-known Attribute
  3/4 UPDATE Message Error/Attribute Flags Error
  3/5 UPDATE Message Error/Attribute Length Error
  3/6 UPDATE Message Error/Invalid ORIGIN Attribute
  3/8 UPDATE Message Error/Invalid NEXT_HOP Attribute
  3/9 UPDATE Message Error/Optional Attribute Error
  3/10 UPDATE Message Error/Invalid Network Field
  3/11 UPDATE Message Error/Malformed AS_PATH
  4/0 Hold Timer Expired
  5/0 Finite State Machine Error/Unspecified Error
  5/1 Finite State Machine Error/Receive Unexpected Message in OpenSent State
  5/2 Finite State Machine Error/Receive Unexpected Message in OpenConfirm State
  5/3 Finite State Machine Error/Receive Unexpected Message in Established State
  6/0 Cease/Reserved
  6/1 Cease/Maximum Number of Prefixes Reached
  6/2 Cease/Administrative Shutdown
  6/3 Cease/Peer De-configured
  6/4 Cease/Administrative Reset
  6/5 Cease/Connection Rejected
  6/6 Cease/Other Configuration Change
  6/7 Cease/Connection Collision Resolution
  6/8 Cease/Out of Resources
  6/9 Cease/Hard Reset
  6/10 Cease/BFD Down
  7/0 ROUTE-REFRESH Message Error/Reserved
  7/1 ROUTE-REFRESH Message Error/Invalid Message Length
  8/0 Send Hold Timer Expired
  9/0 Loss of LSDB Synchronization`
  .trim()
  .split(/\n\s*/);

const said = (digits: string): Notification => decodeNotification(hex(`${MARKER} 0000 03 ${digits}`));

describe("NOTIFICATION", () => {
  it("names every code as its registry does", () => {
    const names = Object.values(ERRORS).map(
      ({ code, subcode }) => `${code}/${subcode} ${describeError(code, subcode)}`,
    );
    expect(names).toEqual(REGISTRY);
  });

  it("shows the numbers of what has no name", () => {
    expect(describeError(6, 77)).toBe("Cease/subcode 77");
    expect(describeError(99, 0)).toBe("Error 99/subcode 0");
    expect(describeError(4, 1)).toBe("Hold Timer Expired/subcode 1");
  });

  it("reads what FRR and BIRD say when they close", () => {
    expect([FRR, BIRD, RESET].map((bytes) => describeNotification(decodeNotification(bytes)))).toEqual([
      "Cease/Administrative Shutdown: Wartung bis 14 Uhr – router é",
      "Cease/Administrative Shutdown: moving racks",
      "Cease/Administrative Reset",
    ]);
  });

  it("writes what FRR and BIRD write", () => {
    const text = (words: string): Uint8Array =>
      encodeNotification(notificationWithText(ERRORS.administrativeShutdown, words));
    expect(text("Wartung bis 14 Uhr – router é")).toEqual(FRR);
    expect(text("moving racks")).toEqual(BIRD);
    expect(encodeNotification(notification(ERRORS.administrativeReset))).toEqual(RESET);
  });

  it("answers an error with its code, subcode and data", () => {
    const error = new BgpError("bgp.open.version", "is 3", ERRORS.unsupportedVersionNumber, hex("0004"));
    expect(encodeNotification(notificationOf(error))).toEqual(hex(`${MARKER} 0017 03 02 01 0004`));
  });

  it("cuts a text at 255 bytes, and never within a character", () => {
    const cut = (words: string): number => notificationWithText(ERRORS.administrativeReset, words).data.length - 1;
    expect(cut("x".repeat(255))).toBe(255);
    expect(cut("x".repeat(256))).toBe(255);
    // RFC 9003 section 2: the text is UTF-8, and é is two bytes of it.
    expect(cut("é".repeat(200))).toBe(254);
    expect(cut("€".repeat(85))).toBe(255);
    expect(cut(`x${"€".repeat(85)}`)).toBe(253);
    const { data } = notificationWithText(ERRORS.administrativeReset, `${"x".repeat(254)}é`);
    expect(data).toEqual(Uint8Array.of(254, ...Array<number>(254).fill(0x78)));
  });

  const texts: readonly (readonly [string, string, string | undefined])[] = [
    ["is not there", "06 02", undefined],
    ["is empty", "06 02 00", undefined],
    ["is longer than its message", "06 02 05 68", undefined],
    ["is shorter than its message", "06 02 01 6869", "h"],
    ["stands in a reset", "06 04 02 6869", "hi"],
    ["stands where none belongs", "06 03 02 6869", undefined],
    ["stands in another code", "04 02 02 6869", undefined],
    ["would steer a terminal", "06 02 06 1b5b324a0a7f", "\ufffd[2J\ufffd\ufffd"],
    ["would turn the direction of the line", "06 02 04 e280ae61", "\ufffda"],
    ["is 255 bytes of no UTF-8", `06 02 ff ${"ff".repeat(255)}`, "\ufffd".repeat(255)],
  ];
  it.each(texts)("has a text that %s", (_name, digits, text) => {
    expect(shutdownText(said(digits))).toBe(text);
  });

  it("wraps the reason of a Hard Reset (RFC 8538 section 3.1)", () => {
    const wrapped = hardReset(notificationWithText(ERRORS.administrativeShutdown, "hi"));
    expect(encodeNotification(wrapped)).toEqual(hex(`${MARKER} 001a 03 06 09 06 02 02 6869`));
    expect(hardResetReason(wrapped)).toEqual(said("06 02 02 6869"));
    expect(describeNotification(wrapped)).toBe("Cease/Hard Reset: Cease/Administrative Shutdown");
    expect(hardResetReason(said("06 09 06"))).toBe(undefined);
    expect(hardResetReason(said("06 02 06 02"))).toBe(undefined);
    expect(describeNotification(said("06 09"))).toBe("Cease/Hard Reset");
  });

  it("reads back what it wrote", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const any = fc.record({
      kind: fc.constant("notification" as const),
      code: byte,
      subcode: byte,
      data: fc.uint8Array(),
    });
    fc.assert(
      fc.property(any, (value) => {
        const decoded = decodeNotification(encodeNotification(value));
        expect(decoded).toEqual(value);
        expect(describeNotification(decoded)).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
