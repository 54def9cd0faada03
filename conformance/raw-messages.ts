// BGP messages byte by byte, as RFC 4271 section 4 draws them. Scenarios that send wrong ones, or judge what a speaker says,
// must not do so with the codec of that speaker.

export type Octets = readonly number[];

export const u16 = (value: number): Octets => [value >> 8, value & 0xff];
export const u32 = (value: number): Octets => [...u16(Math.floor(value / 0x10000)), ...u16(value % 0x10000)];
/** As many bytes of one value. */
export const octets = (count: number, value = 0): Octets => Array.from({ length: count }, () => value);
export const hex = (text: string): Octets =>
  (text.match(/[0-9a-f]{2}/g) ?? []).map((pair) => Number.parseInt(pair, 16));
export const bytesOf = (...parts: readonly (Octets | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

const MARKER = octets(16, 0xff);
const HEADER_LENGTH = 19;

/** A message of any type and body. `length`: what the header says where that is a lie. */
export function message(type: number, body: Octets = [], length = HEADER_LENGTH + body.length): Uint8Array {
  return bytesOf(MARKER, u16(length), [type], body);
}

export interface OpenFields {
  readonly version?: number;
  readonly myAs?: number;
  /** Seconds. */
  readonly holdTime?: number;
  readonly identifier?: Octets;
  /** With the length before them, which is one byte (RFC 4271) or four (RFC 9072). */
  readonly parameters?: Octets;
}

/** The AS of the router in every topology, and the address of the first client. */
const ASN = 64_501;
const IDENTIFIER: Octets = [192, 0, 2, 201];

/** RFC 5492 section 4. */
export const capability = (code: number, ...value: Octets): Octets => [code, value.length, ...value];
export const IPV4_UNICAST = capability(1, 0, 1, 0, 1);
export const ROUTE_REFRESH = capability(2);
export const fourOctetAs = (asn: number): Octets => capability(65, ...u32(asn));

/** One parameter of capabilities behind the length of all. */
export function parameters(...capabilities: readonly Octets[]): Octets {
  const value = capabilities.flat();
  return value.length === 0 ? [0] : [value.length + 2, 2, value.length, ...value];
}

export const PARAMETERS = parameters(IPV4_UNICAST, ROUTE_REFRESH, fourOctetAs(ASN));

export function open(fields: OpenFields = {}): Uint8Array {
  const { version = 4, myAs = ASN, holdTime = 90, identifier = IDENTIFIER } = fields;
  const head = [version, ...u16(myAs), ...u16(holdTime), ...identifier];
  return message(1, [...head, ...(fields.parameters ?? PARAMETERS)]);
}

export interface UpdateFields {
  readonly withdrawn?: Octets;
  readonly attributes?: Octets;
  readonly announced?: Octets;
  /** In place of the true ones. */
  readonly withdrawnLength?: number;
  readonly attributesLength?: number;
}

export function update({ withdrawn = [], attributes = [], announced = [], ...lies }: UpdateFields): Uint8Array {
  const { withdrawnLength = withdrawn.length, attributesLength = attributes.length } = lies;
  const body = [...u16(withdrawnLength), ...withdrawn, ...u16(attributesLength), ...attributes, ...announced];
  return message(2, body);
}

/** RFC 4271 section 4.3; a value of more than 255 bytes has a length of two, which the flag 0x10 says. */
export function attribute(flags: number, type: number, ...value: Octets): Octets {
  return value.length > 0xff
    ? [flags | 0x10, type, ...u16(value.length), ...value]
    : [flags, type, value.length, ...value];
}

export const ORIGIN = attribute(0x40, 1, 0);
/** One AS_SEQUENCE of the router's AS, in four bytes. */
export const AS_PATH = attribute(0x40, 2, 2, 1, ...u32(ASN));
export const NEXT_HOP = attribute(0x40, 3, ...IDENTIFIER);
/** 198.18.7.0/24. */
export const PREFIX: Octets = [24, 198, 18, 7];

export const notification = (code: number, subcode: number, ...data: Octets): Uint8Array =>
  message(3, [code, subcode, ...data]);
export const KEEPALIVE = message(4);
/** RFC 7313 section 3.2: the byte between AFI and SAFI is the subtype. */
export const routeRefresh = (afi = 1, safi = 1, subtype = 0): Uint8Array => message(5, [...u16(afi), subtype, safi]);

const NAMES: readonly string[] = ["?", "open", "update", "notification", "keepalive", "routeRefresh"];

/** What a whole message is, and of a NOTIFICATION its code, subcode and data: `notification 2/1 0004`. */
export function nameOf(whole: Uint8Array): string {
  const name = NAMES[whole[18] ?? 0] ?? "?";
  // RFC 4724 section 2: an UPDATE with nothing in it, or with an MP_UNREACH_NLRI of a family alone.
  const isBare = whole.length === HEADER_LENGTH + 4 || (whole.length <= HEADER_LENGTH + 11 && whole[24] === 15);
  if (name === "update" && isBare) return "endOfRib";
  if (name !== "notification") return name;
  const data = Buffer.from(whole.subarray(21)).toString("hex");
  return `${name} ${whole[19] ?? 0}/${whole[20] ?? 0} ${data}`.trimEnd();
}
