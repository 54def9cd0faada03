import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { settle, truncations } from "./golden/hostile.ts";
import { decompressLzw } from "./lzw.ts";
import { encodeUtf8 } from "./text.ts";

/** Compressed by Go's compress/lzw, least significant bits first, literals of eight bits. */
const GOLDEN = [
  { bytes: "000302", text: "" },
  { bytes: "00c30404", text: "a" },
  { bytes: "00a93c1152e48914274fa80824687061c183090302", text: "TOBEORNOTTOBEORTOBEORNOT" },
];

const read = (bytes: Uint8Array): Uint8Array => decompressLzw(bytes, 65536, "buf");

/** What golden/lzw.hex was made of: noise among repetition, from a linear congruential generator. */
function original(): Uint8Array {
  const bytes = [8];
  let state = 1;
  for (let index = 0; index < 9000; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.push(index % 3 === 0 ? state >>> 24 : index % 7);
  }
  return Uint8Array.from(bytes);
}

/** Codes as bits, the lowest first: nine of them, and one more each time that the dictionary outgrows a width, up to twelve. */
function packed(codes: readonly number[]): Uint8Array {
  const bits = codes.map((code, index) => {
    const width = Math.min(12, Math.max(9, Math.floor(Math.log2(256 + Math.max(index, 1))) + 1));
    return [...code.toString(2).padStart(width, "0")].reverse().join("");
  });
  return Uint8Array.from(bits.join("").match(/.{1,8}/g) ?? [], (byte) =>
    Number.parseInt([...byte].reverse().join(""), 2),
  );
}

describe("LZW", () => {
  it.each(GOLDEN)("reads what Go compressed: '$text'", ({ bytes, text }) => {
    expect(read(hex(bytes))).toEqual(encodeUtf8(text));
  });

  it("reads on where Go began a new dictionary", () => {
    // Type, map of two, "Algo" 0, "Buf" with a length of 16 bits: fifteen bytes before the codes.
    const packet = hex(readFileSync(new URL("./golden/lzw.hex", import.meta.url), "utf8"));
    const start = packet.length - ((packet[13] ?? 0) * 256 + (packet[14] ?? 0));
    expect({ start, text: read(packet.subarray(start)) }).toEqual({ start: 15, text: original() });
  });

  it("reads a code that is used while it is being defined", () => {
    // Clear, "a", 258 (a and its own first byte), 259 (so again), end.
    expect(read(packed([256, 97, 258, 259, 257]))).toEqual(encodeUtf8("aaaaaa"));
  });

  it("reads on with a dictionary that stays full, as Go's reader does", () => {
    const letters = Array.from({ length: 5000 }, (_, index) => 97 + (index % 26));
    expect(read(packed([256, ...letters, 4095, 257]))).toEqual(Uint8Array.of(...letters, 112, 113));
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        settle(read, bytes);
      }),
    );
  });

  it("refuses every truncation", () => {
    const whole = hex("00a93c1152e48914274fa80824687061c183090302");
    expect(new Set(truncations(whole).map((bytes) => settle(read, bytes)))).toEqual(new Set(["refused"]));
  });

  it("refuses a code that nothing defines", () => {
    // Nine bits each: clear, then 258, the first that a text defines, and 300.
    expect(() => read(hex("000502"))).toThrow(new DecodeError("buf", "has the code 258 before it is defined"));
    expect(() => read(hex("005902"))).toThrow(new DecodeError("buf", "has the code 300 before it is defined"));
  });

  it("refuses more than the limit", () => {
    const packet = hex(readFileSync(new URL("./golden/lzw.hex", import.meta.url), "utf8"));
    expect(() => decompressLzw(packet.subarray(15), 9000, "buf")).toThrow(
      new DecodeError("buf", "is more than 9000 bytes"),
    );
  });
});
