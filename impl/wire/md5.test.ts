import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "./golden/hex.ts";
import { Md5, md5 } from "./md5.ts";
import { encodeUtf8 } from "./text.ts";

/** RFC 1321, appendix A.5. */
const VECTORS = [
  { message: "", digest: "d41d8cd98f00b204e9800998ecf8427e" },
  { message: "a", digest: "0cc175b9c0f1b6a831c399e269772661" },
  { message: "abc", digest: "900150983cd24fb0d6963f7d28e17f72" },
  { message: "message digest", digest: "f96b697d7cb7938d525a2f31aaf161d0" },
  { message: "abcdefghijklmnopqrstuvwxyz", digest: "c3fcd3d76192e4007dfb496cca67e13b" },
  {
    message: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    digest: "d174ab98d277d9f5a5611c2c9f419d9f",
  },
  {
    message: "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
    digest: "57edf4a22be3c955ac49da2e2107b67a",
  },
];

describe("MD5", () => {
  it.each(VECTORS)("agrees with RFC 1321 on $message", ({ message, digest }) => {
    expect(md5(encodeUtf8(message))).toEqual(hex(digest));
  });

  it("agrees with OpenSSL at every length around the ends of two blocks", () => {
    for (let length = 0; length <= 130; length++) {
      const message = Uint8Array.from({ length }, (_, index) => index * 7);
      expect(md5(message)).toEqual(Uint8Array.from(createHash("md5").update(message).digest()));
    }
  });

  it("is the same of bytes that come in pieces", () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 5 });
    fc.assert(
      fc.property(pieces, (parts) => {
        const digest = new Md5();
        const openssl = createHash("md5");
        for (const part of parts) {
          digest.update(part);
          openssl.update(part);
        }
        expect(digest.digest()).toEqual(Uint8Array.from(openssl.digest()));
      }),
    );
  });
});
