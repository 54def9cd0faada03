// RFC 5880 sections 4.1 (control packet), 5 (echo) and 6.8.6 (what makes a packet worth nothing).
import { Reader } from "./reader.ts";
import { micros, type Micros } from "./time.ts";
import { Writer } from "./writer.ts";

const VERSION = 1;
const LENGTH = 24;

/** IANA "BFD Diagnostic Codes", from 0; the last is of RFC 6428. */
const DIAGNOSTICS = [
  "none",
  "controlDetectionTimeExpired",
  "echoFunctionFailed",
  "neighborSignaledSessionDown",
  "forwardingPlaneReset",
  "pathDown",
  "concatenatedPathDown",
  "administrativelyDown",
  "reverseConcatenatedPathDown",
  "misConnectivityDefect",
] as const;
export type BfdDiagnostic = (typeof DIAGNOSTICS)[number];

/** RFC 5880 section 4.1, from 0. */
const STATES = ["adminDown", "down", "init", "up"] as const;
export type BfdState = (typeof STATES)[number];

const FLAGS = {
  poll: 0x20,
  final: 0x10,
  controlPlaneIndependent: 0x08,
  authentication: 0x04,
  demand: 0x02,
  multipoint: 0x01,
} as const;

/** RFC 5880 section 4.1, as it came: no session here uses authentication. */
export interface BfdAuthentication {
  readonly type: number;
  readonly data: Uint8Array;
}

/**
 *   version                  3 bits  1
 *   diagnostic               5 bits  why the sender last left Up
 *   state                    2 bits
 *   poll                     1 bit   (P)
 *   final                    1 bit   (F)
 *   controlPlaneIndependent  1 bit   (C)
 *   authentication           1 bit   (A) a section follows
 *   demand                   1 bit   (D)
 *   multipoint               1 bit   (M) 0
 *   detectMultiplier         1
 *   length                   1       of all this, the authentication section included
 *   myDiscriminator          4
 *   yourDiscriminator        4
 *   desiredMinTx             4       microseconds, as the two that follow
 *   requiredMinRx            4
 *   requiredMinEchoRx        4       0: no echo packets
 *   authentication           …       type 1, length 1 (of the section), data
 */
export interface BfdControl {
  /** A number is a code that nobody defined. */
  readonly diagnostic: BfdDiagnostic | number;
  readonly state: BfdState;
  readonly poll: boolean;
  readonly final: boolean;
  readonly controlPlaneIndependent: boolean;
  readonly demand: boolean;
  readonly multipoint: boolean;
  readonly detectMultiplier: number;
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  readonly desiredMinTx: Micros;
  readonly requiredMinRx: Micros;
  readonly requiredMinEchoRx: Micros;
  readonly authentication?: BfdAuthentication | undefined;
}

export function encodeBfd(packet: BfdControl): Uint8Array {
  const { diagnostic, authentication } = packet;
  const section = authentication === undefined ? 0 : authentication.data.length + 2;
  const writer = new Writer(LENGTH + section)
    .u8((VERSION << 5) | (typeof diagnostic === "number" ? diagnostic & 0x1f : DIAGNOSTICS.indexOf(diagnostic)))
    .u8((STATES.indexOf(packet.state) << 6) | flagsOf(packet))
    .u8(packet.detectMultiplier)
    .u8(LENGTH + section)
    .u32(packet.myDiscriminator)
    .u32(packet.yourDiscriminator)
    .u32(packet.desiredMinTx)
    .u32(packet.requiredMinRx)
    .u32(packet.requiredMinEchoRx);
  if (authentication !== undefined) writer.u8(authentication.type).u8(section).bytes(authentication.data);
  return writer.finish();
}

function flagsOf({ poll, final, controlPlaneIndependent, authentication, demand, multipoint }: BfdControl): number {
  return (
    (poll ? FLAGS.poll : 0) |
    (final ? FLAGS.final : 0) |
    (controlPlaneIndependent ? FLAGS.controlPlaneIndependent : 0) |
    (authentication === undefined ? 0 : FLAGS.authentication) |
    (demand ? FLAGS.demand : 0) |
    (multipoint ? FLAGS.multipoint : 0)
  );
}

/** Reads what the lengths and the version allow to be read; whether the values make sense is refusalOf's question. */
export function decodeBfd(payload: Uint8Array): BfdControl {
  const reader = new Reader(payload, "bfd");
  const first = reader.u8("version");
  if (first >> 5 !== VERSION) reader.fail("version", `is ${first >> 5}`);
  const second = reader.u8("flags");
  const detectMultiplier = reader.u8("detectMultiplier");
  const length = reader.u8("length");
  const isAuthenticated = (second & FLAGS.authentication) !== 0;
  if (length < (isAuthenticated ? LENGTH + 2 : LENGTH)) reader.fail("length", `is ${length}`);
  if (length > payload.length) reader.fail("length", `is ${length} in a payload of ${payload.length} bytes`);
  return {
    diagnostic: DIAGNOSTICS[first & 0x1f] ?? first & 0x1f,
    state: STATES[second >> 6] ?? reader.fail("state", `is ${second >> 6}`),
    poll: (second & FLAGS.poll) !== 0,
    final: (second & FLAGS.final) !== 0,
    controlPlaneIndependent: (second & FLAGS.controlPlaneIndependent) !== 0,
    demand: (second & FLAGS.demand) !== 0,
    multipoint: (second & FLAGS.multipoint) !== 0,
    detectMultiplier,
    myDiscriminator: reader.u32("myDiscriminator"),
    yourDiscriminator: reader.u32("yourDiscriminator"),
    desiredMinTx: micros(reader.u32("desiredMinTx")),
    requiredMinRx: micros(reader.u32("requiredMinRx")),
    requiredMinEchoRx: micros(reader.u32("requiredMinEchoRx")),
    authentication: isAuthenticated ? readAuthentication(reader, length - LENGTH) : undefined,
  };
}

/** The section fills what the length of the packet leaves for it. */
function readAuthentication(reader: Reader, room: number): BfdAuthentication {
  const type = reader.u8("authentication.type");
  const length = reader.u8("authentication.length");
  if (length !== room) reader.fail("authentication.length", `is ${length} where ${room} bytes are left`);
  return { type, data: reader.bytes(length - 2, "authentication.data") };
}

export type BfdRefusal = "detectMultiplierZero" | "multipoint" | "myDiscriminatorZero" | "yourDiscriminatorZero";

/** RFC 5880 section 6.8.6, in its order: why a packet is discarded before any session is looked for. */
export function refusalOf(packet: BfdControl): BfdRefusal | undefined {
  if (packet.detectMultiplier === 0) return "detectMultiplierZero";
  if (packet.multipoint) return "multipoint";
  if (packet.myDiscriminator === 0) return "myDiscriminatorZero";
  // A packet that names no session may only begin one, or say that its sender has lost it.
  const isBeginning = packet.state === "down" || packet.state === "adminDown";
  return packet.yourDiscriminator === 0 && !isBeginning ? "yourDiscriminatorZero" : undefined;
}

/**
 * What an echo packet of ours carries. RFC 5880 section 5 leaves it to the sender, who alone reads it again.
 *
 *   marker         4  tells our own packets from others on the port
 *   discriminator  4  ours
 *   padding        16 FRR returns nothing that is shorter than its own, of 24 bytes
 */
export interface BfdEcho {
  readonly discriminator: number;
}

/** "Echo" in ASCII. */
const ECHO_MARKER = 0x4563_686f;
const ECHO_PADDING = 16;

export function encodeBfdEcho({ discriminator }: BfdEcho): Uint8Array {
  return new Writer(24).u32(ECHO_MARKER).u32(discriminator).zeros(ECHO_PADDING).finish();
}

export function decodeBfdEcho(payload: Uint8Array): BfdEcho {
  const reader = new Reader(payload, "bfdEcho");
  const marker = reader.u32("marker");
  if (marker !== ECHO_MARKER) reader.fail("marker", `is 0x${marker.toString(16)}`);
  const discriminator = reader.u32("discriminator");
  reader.bytes(ECHO_PADDING, "padding");
  return { discriminator };
}
