// MessagePack (github.com/msgpack/msgpack, spec.md of 2013), written as hashicorp/go-msgpack writes it by default:
// the old format, in which texts and bytes are one type, "raw".
import { type Reader } from "./reader.ts";
import { decodeUtf8, encodeUtf8 } from "./text.ts";
import { type Writer } from "./writer.ts";

/** What can be written. A number is an unsigned integer of at most 32 bits. */
export type MsgpackInput = undefined | boolean | number | string | Uint8Array;

/** What can be read. Both raw and str are bytes; an integer beyond 2^53 is the nearest number. */
export type MsgpackValue = undefined | boolean | number | Uint8Array | readonly MsgpackValue[] | MsgpackMap;
export type MsgpackMap = ReadonlyMap<string, MsgpackValue>;

/** Deep enough for every message that we know; keeps the stack small. */
const MAX_DEPTH = 8;

/** Writes a struct: a map of field names, which are ASCII. */
export function writeMap(writer: Writer, fields: readonly (readonly [name: string, value: MsgpackInput])[]): void {
  writer.u8(0x80 | fields.length);
  for (const [name, value] of fields) {
    writeRawLength(writer, name.length);
    writer.ascii(name);
    writeValue(writer, value);
  }
}

function writeValue(writer: Writer, value: MsgpackInput): void {
  if (value === undefined) writer.u8(0xc0);
  else if (typeof value === "boolean") writer.u8(value ? 0xc3 : 0xc2);
  else if (typeof value === "number") writeUnsigned(writer, value);
  else writeRaw(writer, typeof value === "string" ? encodeUtf8(value) : value);
}

function writeUnsigned(writer: Writer, value: number): void {
  if (value < 0x80) writer.u8(value);
  else if (value < 0x100) writer.u8(0xcc).u8(value);
  else if (value < 0x10000) writer.u8(0xcd).u16(value);
  else writer.u8(0xce).u32(value);
}

function writeRaw(writer: Writer, bytes: Uint8Array): void {
  writeRawLength(writer, bytes.length);
  writer.bytes(bytes);
}

function writeRawLength(writer: Writer, length: number): void {
  if (length < 32) writer.u8(0xa0 | length);
  else if (length < 0x10000) writer.u8(0xda).u16(length);
  else writer.u8(0xdb).u32(length);
}

/** Reads one value; errors are at `field`. */
export function readValue(reader: Reader, field: string, depth = 0): MsgpackValue {
  if (depth > MAX_DEPTH) reader.fail(field, "is nested too deep");
  const tag = reader.u8(field);
  if (tag < 0x80) return tag;
  if (tag < 0x90) return readMapOf(reader, tag & 0x0f, field, depth);
  if (tag < 0xa0) return readList(reader, tag & 0x0f, field, depth);
  if (tag < 0xc0) return reader.bytes(tag & 0x1f, field);
  if (tag >= 0xe0) return tag - 0x100;
  switch (tag) {
    case 0xc0:
      return undefined;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return reader.bytes(reader.u8(field), field);
    case 0xc5: // bin 16
    case 0xda: // raw 16
      return reader.bytes(reader.u16(field), field);
    case 0xc6: // bin 32
    case 0xdb: // raw 32
      return reader.bytes(reader.u32(field), field);
    case 0xdc:
      return readList(reader, reader.u16(field), field, depth);
    case 0xdd:
      return readList(reader, reader.u32(field), field, depth);
    case 0xde:
      return readMapOf(reader, reader.u16(field), field, depth);
    case 0xdf:
      return readMapOf(reader, reader.u32(field), field, depth);
    default:
      return readNumber(reader, tag, field);
  }
}

function readNumber(reader: Reader, tag: number, field: string): number {
  switch (tag) {
    case 0xcc:
      return reader.u8(field);
    case 0xcd:
      return reader.u16(field);
    case 0xce:
      return reader.u32(field);
    case 0xcf:
      return reader.u32(field) * 2 ** 32 + reader.u32(field);
    case 0xd0:
      return (reader.u8(field) << 24) >> 24;
    case 0xd1:
      return (reader.u16(field) << 16) >> 16;
    case 0xd2:
      return reader.u32(field) | 0;
    case 0xd3:
      return (reader.u32(field) | 0) * 2 ** 32 + reader.u32(field);
    default:
      return reader.fail(field, `has the type 0x${tag.toString(16)}`);
  }
}

function readList(reader: Reader, count: number, field: string, depth: number): readonly MsgpackValue[] {
  const list: MsgpackValue[] = [];
  for (let index = 0; index < count; index++) list.push(readValue(reader, field, depth + 1));
  return list;
}

function readMapOf(reader: Reader, count: number, field: string, depth: number): MsgpackMap {
  const map = new Map<string, MsgpackValue>();
  for (let index = 0; index < count; index++) {
    const key = readValue(reader, field, depth + 1);
    if (!(key instanceof Uint8Array)) reader.fail(field, "has a key that is not a text");
    map.set(decodeUtf8(key), readValue(reader, field, depth + 1));
  }
  return map;
}
