import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "./golden/hex.ts";
import { Sha256, sha256 } from "./sha256.ts";
import { encodeUtf8 } from "./text.ts";

/** NIST, "Examples with Intermediate Values", SHA-256; the byte-oriented short messages of SHA256ShortMsg.rsp. */
const VECTORS = [
  { message: hex(""), digest: hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") },
  { message: encodeUtf8("abc"), digest: hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") },
  {
    message: encodeUtf8("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
    digest: hex("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
  },
  {
    message: encodeUtf8(
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    ),
    digest: hex("cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
  },
  { message: hex("d3"), digest: hex("28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1") },
  { message: hex("11af"), digest: hex("5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98") },
];

describe("SHA-256", () => {
  it.each(VECTORS)("agrees with NIST on $message.length bytes", ({ message, digest }) => {
    expect(sha256(message)).toEqual(digest);
  });

  it("agrees with NIST on a million times the letter a", () => {
    const thousand = encodeUtf8("a".repeat(1000));
    const digest = new Sha256();
    for (let count = 0; count < 1000; count++) digest.update(thousand);
    expect(digest.digest()).toEqual(hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
  });

  it("agrees with OpenSSL at every length around the ends of two blocks", () => {
    for (let length = 0; length <= 130; length++) {
      const message = Uint8Array.from({ length }, (_, index) => index * 7);
      expect(sha256(message)).toEqual(Uint8Array.from(createHash("sha256").update(message).digest()));
    }
  });

  it("is the same of bytes that come in pieces", () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 5 });
    fc.assert(
      fc.property(pieces, (parts) => {
        const digest = new Sha256();
        const openssl = createHash("sha256");
        for (const part of parts) {
          digest.update(part);
          openssl.update(part);
        }
        expect(digest.digest()).toEqual(Uint8Array.from(openssl.digest()));
      }),
    );
  });
});
