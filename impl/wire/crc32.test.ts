import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32 } from "./crc32.ts";
import { encodeUtf8 } from "./text.ts";

describe("CRC-32", () => {
  it("has the check value of the catalogue of parametrised CRC algorithms", () => {
    expect(crc32(encodeUtf8("123456789"))).toBe(0xcbf43926);
  });

  it("agrees with zlib", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(crc32(bytes)).toBe(zlibCrc32(bytes));
      }),
    );
  });
});
