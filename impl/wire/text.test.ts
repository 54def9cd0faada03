import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "./golden/hex.ts";
import { decodeUtf8, encodeUtf8 } from "./text.ts";

/** RFC 3629 section 7. */
const EXAMPLES = [
  { text: "A\u2262\u0391\u002E", bytes: hex("41 e289a2 ce91 2e") },
  { text: "\uD55C\uAD6D\uC5B4", bytes: hex("ed959c eab5ad ec96b4") },
  { text: "\u65E5\u672C\u8A9E", bytes: hex("e697a5 e69cac e8aa9e") },
  { text: "\u{233B4}", bytes: hex("f0a38eb4") },
];

/** Unicode 16, section 3.9, tables 3-8 to 3-11: what a conversion puts for ill-formed bytes. */
const ILL_FORMED = [
  { name: "non-shortest forms", bytes: "c0af e080bf f08182 41", text: "\uFFFD".repeat(8) + "A" },
  { name: "surrogates", bytes: "eda080 edbfbf edaf 41", text: "\uFFFD".repeat(8) + "A" },
  { name: "what is just beyond each row", bytes: "c1bf e09fbf eda080 f08fbfbf f4908080", text: "\uFFFD".repeat(16) },
  { name: "other ill-formed sequences", bytes: "f4919293 ff 41 80bf 42", text: "\uFFFD".repeat(5) + "A\uFFFD\uFFFDB" },
  { name: "truncated sequences", bytes: "e180 e2 f09192 f1bf 41", text: "\uFFFD".repeat(4) + "A" },
];

/** The ends of each row of RFC 3629 section 4. */
const EDGES = [
  { bytes: hex("c280 dfbf"), text: "\u0080\u07ff" },
  { bytes: hex("e0a080 e0bfbf"), text: "\u0800\u0fff" },
  { bytes: hex("ed8080 ed9fbf"), text: "\ud000\ud7ff" },
  { bytes: hex("efbfbf ee8080"), text: "\uffff\ue000" },
  { bytes: hex("f0908080 f0bfbfbf"), text: "\u{10000}\u{3ffff}" },
  { bytes: hex("f4808080 f48fbfbf"), text: "\u{100000}\u{10ffff}" },
];

describe("UTF-8", () => {
  it.each([...EXAMPLES, ...EDGES])("writes '$text'", ({ text, bytes }) => {
    expect(encodeUtf8(text)).toEqual(bytes);
  });

  it.each([...EXAMPLES, ...EDGES])("reads '$text'", ({ text, bytes }) => {
    expect(decodeUtf8(bytes)).toBe(text);
  });

  it.each(ILL_FORMED)("replaces $name", ({ bytes, text }) => {
    expect(decodeUtf8(hex(bytes))).toBe(text);
  });

  it("replaces half a surrogate pair", () => {
    expect(encodeUtf8("a\uD800b\uDC00")).toEqual(hex("61 efbfbd 62 efbfbd"));
  });

  it("agrees with the platform on any text and any bytes", () => {
    const encoder = new TextEncoder();
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const lead = fc.constantFrom(0xc1, 0xc2, 0xe0, 0xed, 0xee, 0xf0, 0xf4, 0xf5);
    const texts = fc.array(fc.nat(0x10ffff), { maxLength: 6 }).map((points) => String.fromCodePoint(...points));
    const near = fc.array(fc.oneof(lead, fc.integer({ min: 0x7f, max: 0xc0 }), fc.nat(255)), { maxLength: 12 });
    fc.assert(
      fc.property(texts, near, (text, bytes) => {
        expect(encodeUtf8(text)).toEqual(encoder.encode(text));
        expect(decodeUtf8(Uint8Array.from(bytes))).toBe(decoder.decode(Uint8Array.from(bytes)));
      }),
      { numRuns: 500 },
    );
  });
});
