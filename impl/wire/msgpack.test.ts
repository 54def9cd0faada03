import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { settle, truncations } from "./golden/hostile.ts";
import { type MsgpackInput, type MsgpackValue, readValue, writeMap } from "./msgpack.ts";
import { Reader } from "./reader.ts";
import { encodeUtf8 } from "./text.ts";
import { Writer } from "./writer.ts";

const read = (bytes: Uint8Array): MsgpackValue => readValue(new Reader(bytes, "msgpack"), "value");

/** The formats of the specification, by its table of first bytes. */
const FORMATS: readonly { readonly name: string; readonly bytes: string; readonly value: MsgpackValue }[] = [
  { name: "positive fixint", bytes: "7f", value: 127 },
  {
    name: "fixmap",
    bytes: "82 a161 01 a162 02",
    value: new Map([
      ["a", 1],
      ["b", 2],
    ]),
  },
  { name: "fixarray", bytes: "92 01 c0", value: [1, undefined] },
  { name: "fixstr", bytes: "a3 616263", value: encodeUtf8("abc") },
  { name: "nil", bytes: "c0", value: undefined },
  { name: "false", bytes: "c2", value: false },
  { name: "true", bytes: "c3", value: true },
  { name: "bin 8", bytes: "c4 02 0102", value: hex("0102") },
  { name: "bin 16", bytes: "c5 0002 0102", value: hex("0102") },
  { name: "bin 32", bytes: "c6 00000002 0102", value: hex("0102") },
  { name: "uint 8", bytes: "cc ff", value: 255 },
  { name: "uint 16", bytes: "cd ffff", value: 65535 },
  { name: "uint 32", bytes: "ce ffffffff", value: 4294967295 },
  { name: "uint 64", bytes: "cf 001fffffffffffff", value: 9007199254740991 },
  { name: "int 8", bytes: "d0 80", value: -128 },
  { name: "int 16", bytes: "d1 8000", value: -32768 },
  { name: "int 32", bytes: "d2 80000000", value: -2147483648 },
  { name: "int 64", bytes: "d3 ffffffffffffffff", value: -1 },
  { name: "str 8", bytes: "d9 01 61", value: encodeUtf8("a") },
  { name: "str 16", bytes: "da 0001 61", value: encodeUtf8("a") },
  { name: "str 32", bytes: "db 00000001 61", value: encodeUtf8("a") },
  { name: "array 16", bytes: "dc 0001 01", value: [1] },
  { name: "array 32", bytes: "dd 00000001 01", value: [1] },
  { name: "map 16", bytes: "de 0001 a161 01", value: new Map([["a", 1]]) },
  { name: "map 32", bytes: "df 00000001 a161 01", value: new Map([["a", 1]]) },
  { name: "negative fixint", bytes: "e0", value: -32 },
];

const MALFORMED: readonly { readonly name: string; readonly bytes: string; readonly error: DecodeError }[] = [
  { name: "nothing", bytes: "", error: new DecodeError("msgpack.value", "needs 1 bytes and 0 are left", true) },
  { name: "a float", bytes: "cb 3ff0000000000000", error: new DecodeError("msgpack.value", "has the type 0xcb") },
  { name: "the byte never used", bytes: "c1", error: new DecodeError("msgpack.value", "has the type 0xc1") },
  {
    name: "a number as a key",
    bytes: "81 01 01",
    error: new DecodeError("msgpack.value", "has a key that is not a text"),
  },
  {
    name: "a long list of nothing",
    bytes: "dd ffffffff",
    error: new DecodeError("msgpack.value", "needs 1 bytes and 0 are left", true),
  },
  {
    name: "ten lists in each other",
    bytes: "91".repeat(10),
    error: new DecodeError("msgpack.value", "is nested too deep"),
  },
];

describe("MessagePack", () => {
  it.each(FORMATS)("reads $name", ({ bytes, value }) => {
    expect(read(hex(bytes))).toEqual(value);
  });

  it("reads eight lists in each other", () => {
    expect(read(hex("91".repeat(8) + "01"))).toEqual([[[[[[[[1]]]]]]]]);
    expect(read(hex("81a161".repeat(8) + "01"))).toBeInstanceOf(Map);
  });

  it("writes a struct in the old format, without str 8 and bin", () => {
    const writer = new Writer();
    writeMap(writer, [
      ["a", undefined],
      ["b", true],
      ["c", 128],
      ["d", "x".repeat(32)],
      ["e", hex("0102")],
    ]);
    expect(writer.finish()).toEqual(hex(`85 a161 c0  a162 c3  a163 cc80  a164 da0020 ${"78".repeat(32)}  a165 a20102`));
  });

  it("writes and reads more than 65535 bytes", () => {
    const writer = new Writer();
    writeMap(writer, [["a", new Uint8Array(65536)]]);
    const bytes = writer.finish();
    expect(bytes.subarray(0, 9)).toEqual(hex("81 a161 db00010000 00"));
    expect(read(bytes)).toEqual(new Map([["a", new Uint8Array(65536)]]));
  });

  it("reads back what it wrote", () => {
    const values: fc.Arbitrary<MsgpackInput> = fc.oneof(
      fc.constantFrom(undefined, true, false, 0, 127, 128, 255, 256, 65535, 65536, 0xffffffff),
      fc.nat(0xffffffff),
      fc.uint8Array({ maxLength: 40 }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 4 }), values, { maxKeys: 15 }), (fields) => {
        const entries = Object.entries(fields);
        const writer = new Writer();
        writeMap(writer, entries);
        expect(read(writer.finish())).toEqual(new Map(entries));
      }),
      { numRuns: 50 },
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        settle(read, bytes);
      }),
    );
  });

  it("refuses every truncation", () => {
    const whole = hex("83 a161 cd0001 a162 92 01 a3616263 a163 df 00000001 a164 ce00000001");
    expect(new Set(truncations(whole).map((bytes) => settle(read, bytes)))).toEqual(new Set(["refused"]));
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, error }) => {
    expect(() => read(hex(bytes))).toThrow(error);
  });
});
