// RFC 9293 (TCP), RFC 7323 (window scale and timestamps), RFC 2018 (selective acknowledgement), RFC 2385 (MD5 signature).
import { internetChecksum, pseudoHeaderSum } from "./checksum.ts";
import { type Ip } from "./ip.ts";
import { IP_PROTOCOLS } from "./ipv4.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

const HEADER_LENGTH = 20;

/** RFC 9293 section 3.1, control bits; the ones that are not here (CWR, ECE, URG) are neither sent nor kept. */
const FLAGS = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;
export type TcpFlags = Readonly<Record<keyof typeof FLAGS, boolean>>;

/** IANA "TCP Option Kind Numbers". */
const OPTION_KINDS = {
  end: 0,
  noOperation: 1,
  maximumSegmentSize: 2,
  windowScale: 3,
  sackPermitted: 4,
  sack: 5,
  timestamps: 8,
  md5: 19,
} as const;

export interface TcpOptions {
  /** Maximum segment size. */
  readonly mss?: number | undefined;
  /** Shift count. */
  readonly windowScale?: number | undefined;
  readonly sackPermitted?: boolean | undefined;
  readonly sack?: readonly { readonly left: number; readonly right: number }[] | undefined;
  readonly timestamps?: { readonly value: number; readonly echo: number } | undefined;
  /** The digest, 16 bytes. */
  readonly md5?: Uint8Array | undefined;
  /** Other kinds, and known kinds of a length that they do not have. */
  readonly unknown?: readonly { readonly kind: number; readonly value: Uint8Array }[] | undefined;
}

/**
 *   sourcePort       2
 *   destinationPort  2
 *   sequence         4
 *   acknowledgement  4
 *   dataOffset       4 bits  header length in words of 32 bits
 *   reserved         4 bits
 *   flags            8 bits
 *   window           2
 *   checksum         2       with the pseudo-header
 *   urgentPointer    2       0
 *   options          …       padded to a whole word
 *   payload          …
 */
export interface Tcp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: TcpFlags;
  readonly window: number;
  readonly options: TcpOptions;
  readonly payload: Uint8Array;
}

export function encodeTcp(segment: Tcp, source: Ip, destination: Ip): Uint8Array {
  const { flags, payload } = segment;
  const options = encodeOptions(segment.options);
  const headerLength = HEADER_LENGTH + options.length;
  if (headerLength > 60) throw new Error(`TCP options of ${options.length} bytes do not fit`);
  let bits = 0;
  if (flags.fin) bits |= FLAGS.fin;
  if (flags.syn) bits |= FLAGS.syn;
  if (flags.rst) bits |= FLAGS.rst;
  if (flags.psh) bits |= FLAGS.psh;
  if (flags.ack) bits |= FLAGS.ack;
  const writer = new Writer(headerLength + payload.length)
    .u16(segment.sourcePort)
    .u16(segment.destinationPort)
    .u32(segment.sequence)
    .u32(segment.acknowledgement)
    .u8((headerLength / 4) << 4)
    .u8(bits)
    .u16(segment.window)
    .u16(0)
    .u16(0)
    .bytes(options)
    .bytes(payload);
  const pseudo = pseudoHeaderSum(source, destination, IP_PROTOCOLS.tcp, writer.length);
  return writer.patchU16(16, internetChecksum(writer.view(), pseudo)).finish();
}

export function decodeTcp(bytes: Uint8Array, source: Ip, destination: Ip): Tcp {
  const reader = new Reader(bytes, "tcp");
  const sourcePort = reader.u16("sourcePort");
  const destinationPort = reader.u16("destinationPort");
  const sequence = reader.u32("sequence");
  const acknowledgement = reader.u32("acknowledgement");
  const headerLength = (reader.u8("dataOffset") >> 4) * 4;
  const bits = reader.u8("flags");
  const window = reader.u16("window");
  reader.u16("checksum");
  reader.u16("urgentPointer");
  if (headerLength < HEADER_LENGTH) reader.fail("dataOffset", `is ${headerLength} bytes`);
  // RFC 9293 section 3.1: the checksum MUST be checked.
  const pseudo = pseudoHeaderSum(source, destination, IP_PROTOCOLS.tcp, bytes.length);
  if (internetChecksum(bytes, pseudo) !== 0) reader.fail("checksum", "is wrong");
  const flags = {
    fin: (bits & FLAGS.fin) !== 0,
    syn: (bits & FLAGS.syn) !== 0,
    rst: (bits & FLAGS.rst) !== 0,
    psh: (bits & FLAGS.psh) !== 0,
    ack: (bits & FLAGS.ack) !== 0,
  };
  const options = readOptions(reader.part(headerLength - HEADER_LENGTH, "options"));
  const payload = reader.rest();
  return { sourcePort, destinationPort, sequence, acknowledgement, flags, window, options, payload };
}

/** In the order and with the padding of Linux: every group of options ends on a word. */
function encodeOptions(options: TcpOptions): Uint8Array {
  const { mss, windowScale, sackPermitted, sack, timestamps, md5, unknown } = options;
  const writer = new Writer(40);
  const pad = (count: number): Writer => {
    for (let index = 0; index < count; index++) writer.u8(OPTION_KINDS.noOperation);
    return writer;
  };
  if (md5 !== undefined) pad(2).u8(OPTION_KINDS.md5).u8(18).bytes(md5);
  if (mss !== undefined) writer.u8(OPTION_KINDS.maximumSegmentSize).u8(4).u16(mss);
  if (sackPermitted === true)
    pad(timestamps === undefined ? 2 : 0)
      .u8(OPTION_KINDS.sackPermitted)
      .u8(2);
  if (timestamps !== undefined) {
    pad(sackPermitted === true ? 0 : 2)
      .u8(OPTION_KINDS.timestamps)
      .u8(10)
      .u32(timestamps.value)
      .u32(timestamps.echo);
  }
  if (windowScale !== undefined) pad(1).u8(OPTION_KINDS.windowScale).u8(3).u8(windowScale);
  if (sack !== undefined) {
    pad(2)
      .u8(OPTION_KINDS.sack)
      .u8(2 + sack.length * 8);
    for (const { left, right } of sack) writer.u32(left).u32(right);
  }
  for (const { kind, value } of unknown ?? [])
    writer
      .u8(kind)
      .u8(2 + value.length)
      .bytes(value);
  return writer.zeros(-writer.length & 3).finish();
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function readOptions(reader: Reader): TcpOptions {
  const options: Writable<TcpOptions> = {};
  while (reader.remaining > 0) {
    const kind = reader.u8("kind");
    if (kind === OPTION_KINDS.end) break;
    if (kind === OPTION_KINDS.noOperation) continue;
    const length = reader.u8("length");
    if (length < 2) reader.fail("length", `is ${length}`);
    const value = reader.part(length - 2, "value");
    if (!readOption(options, kind, value)) {
      options.unknown = [...(options.unknown ?? []), { kind, value: value.rest() }];
    }
  }
  return options;
}

/** False, and nothing read, where the kind is not known or has another length than it should. */
function readOption(options: Writable<TcpOptions>, kind: number, value: Reader): boolean {
  const length = value.remaining;
  if (kind === OPTION_KINDS.maximumSegmentSize && length === 2) {
    options.mss = value.u16("mss");
  } else if (kind === OPTION_KINDS.windowScale && length === 1) {
    options.windowScale = value.u8("windowScale");
  } else if (kind === OPTION_KINDS.sackPermitted && length === 0) {
    options.sackPermitted = true;
  } else if (kind === OPTION_KINDS.sack && length > 0 && length % 8 === 0) {
    const blocks = [];
    while (value.remaining > 0) blocks.push({ left: value.u32("left"), right: value.u32("right") });
    options.sack = blocks;
  } else if (kind === OPTION_KINDS.timestamps && length === 8) {
    options.timestamps = { value: value.u32("value"), echo: value.u32("echo") };
  } else if (kind === OPTION_KINDS.md5 && length === 16) {
    options.md5 = value.rest();
  } else {
    return false;
  }
  return true;
}
