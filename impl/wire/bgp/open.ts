// RFC 4271 sections 4.2 (OPEN) and 6.2 (its errors), RFC 6286 (identifiers), RFC 6793 (AS numbers of four bytes),
// RFC 7607 (AS 0), RFC 9072 (more than 255 bytes of parameters).
import { type Ipv4, UNSPECIFIED_V4 } from "../ip.ts";
import { Reader } from "../reader.ts";
import { inSeconds, type Micros, seconds } from "../time.ts";
import { Writer } from "../writer.ts";
import { answering, BgpError } from "./bgp-error.ts";
import { type Capability, findCapability, readCapabilities, writeCapability } from "./capabilities.ts";
import { ERRORS } from "./error-codes.ts";
import { frame, HEADER_LENGTH } from "./header.ts";

const VERSION = 4;
/** RFC 6793 section 9: stands for a number that does not fit two bytes. */
export const AS_TRANS = 23456;
export const MAX_TWO_OCTET_AS = 0xffff;

/** IANA "BGP OPEN Optional Parameter Types". */
const PARAMETERS = { capabilities: 2, extendedLength: 255 } as const;

/**
 * The AS number is the one of the four-octet capability where there is one.
 *
 *   version           1  4
 *   myAs              2  AS_TRANS where the number is longer
 *   holdTime          2  seconds; 0: no keepalives, else at least 3
 *   bgpIdentifier     4  not 0
 *   parametersLength  1
 *   parameters        …  type 1, length 1, value; capabilities are type 2
 *
 * RFC 9072 section 2: where the first type is 255, a length of two bytes follows it, and lengths of two bytes in each parameter.
 */
export interface Open {
  readonly kind: "open";
  readonly asn: number;
  readonly holdTime: Micros;
  readonly bgpIdentifier: Ipv4;
  /** In the order of the message, however many parameters they were spread over. */
  readonly capabilities: readonly Capability[];
}

export function encodeOpen(open: Open): Uint8Array {
  const capabilities = new Writer();
  for (const capability of open.capabilities) writeCapability(capabilities, capability);
  return frame("open", (body) => {
    body
      .u8(VERSION)
      .u16(open.asn > MAX_TWO_OCTET_AS ? AS_TRANS : open.asn)
      .u16(inSeconds(open.holdTime))
      .ip(open.bgpIdentifier);
    writeParameters(body, capabilities.view());
  });
}

function writeParameters(body: Writer, capabilities: Uint8Array): void {
  const length = capabilities.length;
  if (length === 0) body.u8(0);
  else if (length + 2 <= 0xff) {
    body
      .u8(length + 2)
      .u8(PARAMETERS.capabilities)
      .u8(length);
  } else {
    body.u8(0xff).u8(PARAMETERS.extendedLength);
    body
      .u16(length + 3)
      .u8(PARAMETERS.capabilities)
      .u16(length);
  }
  body.bytes(capabilities);
}

/** Reads a whole message. Throws BgpError, whose answer is that of RFC 4271 section 6.2. */
export function decodeOpen(message: Uint8Array): Open {
  return answering(ERRORS.openUnspecific, () => {
    const reader = new Reader(message.subarray(HEADER_LENGTH), "bgp.open");
    const version = reader.u8("version");
    if (version !== VERSION) {
      const supported = Uint8Array.of(0, VERSION);
      throw new BgpError("bgp.open.version", `is ${version}`, ERRORS.unsupportedVersionNumber, supported);
    }
    const myAs = reader.u16("myAs");
    const holdTime = reader.u16("holdTime");
    const bgpIdentifier = reader.ipv4("bgpIdentifier");
    const capabilities = readParameters(reader);
    const asn = judgeAs(myAs, findCapability(capabilities, "fourOctetAs")?.asn);
    // RFC 6286 section 2.1.
    if (bgpIdentifier === UNSPECIFIED_V4) {
      throw new BgpError("bgp.open.bgpIdentifier", "is 0.0.0.0", ERRORS.badBgpIdentifier);
    }
    if (holdTime === 1 || holdTime === 2) {
      throw new BgpError("bgp.open.holdTime", `is ${holdTime} s`, ERRORS.unacceptableHoldTime);
    }
    return { kind: "open", asn, holdTime: seconds(holdTime), bgpIdentifier, capabilities };
  });
}

function judgeAs(myAs: number, capability: number | undefined): number {
  const refuse = (problem: string): never => {
    throw new BgpError("bgp.open.myAs", problem, ERRORS.badPeerAs);
  };
  if (capability === undefined) {
    // AS_TRANS belongs to nobody, so the number behind it is missing.
    if (myAs === AS_TRANS) refuse("is AS_TRANS without a four-octet number");
    // RFC 7607 section 2.
    return myAs === 0 ? refuse("is 0") : myAs;
  }
  if (capability === 0 || capability === AS_TRANS) refuse(`is ${capability} in four octets`);
  if (myAs !== AS_TRANS && myAs !== capability) refuse(`is ${myAs}, and ${capability} in four octets`);
  return capability;
}

function readParameters(reader: Reader): readonly Capability[] {
  const length = reader.u8("parametersLength");
  if (length === 0) {
    if (reader.remaining > 0) reader.fail("parametersLength", `is 0 before ${reader.remaining} bytes`);
    return [];
  }
  const first = reader.u8("parameterType");
  // RFC 9072 section 2: the type says which form it is; the length of one byte then says nothing.
  const extended = first === PARAMETERS.extendedLength;
  const total = extended ? reader.u16("extendedLength") : length - 1;
  if (total !== reader.remaining)
    reader.fail("parametersLength", `differs from the ${reader.remaining} bytes that follow`);
  const capabilities: Capability[] = [];
  let type = extended ? undefined : first;
  while (type !== undefined || reader.remaining > 0) {
    type ??= reader.u8("parameterType");
    const size = extended ? reader.u16("parameterLength") : reader.u8("parameterLength");
    const value = reader.part(size, "parameter");
    if (type !== PARAMETERS.capabilities) {
      throw new BgpError("bgp.open.parameterType", `is ${type}`, ERRORS.unsupportedOptionalParameter);
    }
    capabilities.push(...readCapabilities(value));
    type = undefined;
  }
  return capabilities;
}
