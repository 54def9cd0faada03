// RFC 4861 section 4.6 (the options of neighbour discovery), RFC 3971 section 5.3.2 (nonce).
import { type Mac } from "./mac.ts";
import { addressOf, lengthOf, maskTo, type Prefix } from "./prefix.ts";
import { type Reader } from "./reader.ts";
import { inSeconds, type Micros, seconds } from "./time.ts";
import { type Writer } from "./writer.ts";

/** IANA "IPv6 Neighbor Discovery Option Formats". */
export const OPTION_TYPES = { sourceLinkLayer: 1, targetLinkLayer: 2, prefix: 3, mtu: 5, nonce: 14 } as const;

/** RFC 4861 section 4.6.2: a lifetime of all ones. */
export const INFINITE_LIFETIME: Micros = seconds(0xffffffff);

/**
 *   type    1
 *   length  1  in units of eight bytes, with these two
 *   value   …
 */
export interface NdpOption {
  readonly type: number;
  readonly value: Uint8Array;
}

/**
 * RFC 4861 section 4.6.2, after type 3 and length 4.
 *
 *   prefixLength       1
 *   onLink             1 bit
 *   autonomous         1 bit
 *   reserved           6 bits
 *   validLifetime      4      seconds
 *   preferredLifetime  4      seconds
 *   reserved           4
 *   prefix             16
 */
export interface PrefixInformation {
  readonly prefix: Prefix;
  readonly onLink: boolean;
  readonly autonomous: boolean;
  readonly validLifetime: Micros;
  readonly preferredLifetime: Micros;
}

interface RawOption {
  readonly type: number;
  readonly value: Reader;
}

/** The options at the end of a message; each is taken once, and what nobody took is `others`. */
export class NdpOptions {
  readonly #options: RawOption[] = [];

  constructor(reader: Reader) {
    for (let index = 0; reader.remaining > 0; index++) {
      const type = reader.u8("options.type");
      const units = reader.u8("options.length");
      // RFC 4861 section 4.6: a packet with an option of length zero is discarded.
      if (units === 0) reader.fail("options.length", "is 0");
      this.#options.push({ type, value: reader.part(units * 8 - 2, "options") });
    }
  }

  #next(type: number): Reader | undefined {
    const index = this.#options.findIndex((option) => option.type === type);
    return index === -1 ? undefined : this.#options.splice(index, 1).at(0)?.value;
  }

  /** RFC 2464 section 6: the address fills the option. */
  linkLayer(type: number): Mac | undefined {
    const option = this.#next(type);
    if (option === undefined) return undefined;
    const mac = option.mac("linkLayer");
    if (option.remaining > 0) option.fail("linkLayer", `has ${option.remaining} bytes too many`);
    return mac;
  }

  nonce(): Uint8Array | undefined {
    return this.#next(OPTION_TYPES.nonce)?.rest();
  }

  /** RFC 4861 section 4.6.4. */
  mtu(): number | undefined {
    const option = this.#next(OPTION_TYPES.mtu);
    option?.u16("reserved");
    return option?.u32("mtu");
  }

  prefixes(): readonly PrefixInformation[] {
    const prefixes: PrefixInformation[] = [];
    for (let option = this.#next(OPTION_TYPES.prefix); option !== undefined; option = this.#next(OPTION_TYPES.prefix)) {
      prefixes.push(readPrefixInformation(option));
    }
    return prefixes;
  }

  others(): readonly NdpOption[] | undefined {
    if (this.#options.length === 0) return undefined;
    return this.#options.map(({ type, value }) => ({ type, value: value.rest() }));
  }
}

function readPrefixInformation(option: Reader): PrefixInformation {
  const length = option.u8("prefixLength");
  if (length > 128) option.fail("prefixLength", `is ${length}`);
  const flags = option.u8("flags");
  const validLifetime = seconds(option.u32("validLifetime"));
  const preferredLifetime = seconds(option.u32("preferredLifetime"));
  option.u32("reserved");
  const prefix = maskTo(option.ipv6("prefix"), length);
  const onLink = (flags & 0x80) !== 0;
  const autonomous = (flags & 0x40) !== 0;
  return { prefix, onLink, autonomous, validLifetime, preferredLifetime };
}

/** `value` has six bytes, or more in steps of eight. */
export function writeOption(writer: Writer, type: number, value: Uint8Array): void {
  if (value.length % 8 !== 6) throw new Error(`an option of ${value.length} bytes does not fill its units`);
  writer
    .u8(type)
    .u8((value.length + 2) / 8)
    .bytes(value);
}

export function writeLinkLayer(writer: Writer, type: number, mac: Mac | undefined): void {
  if (mac !== undefined) writer.u8(type).u8(1).mac(mac);
}

/** RFC 4861 section 4.6.4. */
export function writeMtu(writer: Writer, mtu: number): void {
  writer.u8(OPTION_TYPES.mtu).u8(1).u16(0).u32(mtu);
}

export function writePrefixInformation(writer: Writer, information: PrefixInformation): void {
  writer
    .u8(OPTION_TYPES.prefix)
    .u8(4)
    .u8(lengthOf(information.prefix))
    .u8((information.onLink ? 0x80 : 0) | (information.autonomous ? 0x40 : 0))
    .u32(inSeconds(information.validLifetime))
    .u32(inSeconds(information.preferredLifetime))
    .u32(0)
    .ip(addressOf(information.prefix));
}
