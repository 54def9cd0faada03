// What MD5 (RFC 1321 section 3) and SHA-256 (FIPS 180-4 sections 5 and 6) do alike: a message is cut into blocks of 64 bytes, the
// last of which ends with the length of all in bits.

const BLOCK = 64;
const LENGTH_AT = BLOCK - 8;

/** Bytes that come in pieces, as whole blocks. `compress` takes the block that begins at an offset. */
export class DigestBlocks {
  readonly #compress: (bytes: Uint8Array, offset: number) => void;
  readonly #block = new Uint8Array(BLOCK);
  #filled = 0;
  #total = 0;

  constructor(compress: (bytes: Uint8Array, offset: number) => void) {
    this.#compress = compress;
  }

  update(bytes: Uint8Array): void {
    this.#total += bytes.length;
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(BLOCK - this.#filled, bytes.length);
      this.#block.set(bytes.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < BLOCK) return;
      this.#compress(this.#block, 0);
      this.#filled = 0;
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#compress(bytes, at);
    this.#block.set(at === 0 ? bytes : bytes.subarray(at));
    this.#filled = bytes.length - at;
  }

  /** A one bit, zeros, and the length as the digest writes it: `high` and `low` are the halves of its 64 bits. */
  finish(writeLength: (block: Uint8Array, at: number, high: number, low: number) => void): void {
    const block = this.#block;
    block[this.#filled] = 0x80;
    block.fill(0, this.#filled + 1);
    if (this.#filled >= LENGTH_AT) {
      this.#compress(block, 0);
      block.fill(0);
    }
    writeLength(block, LENGTH_AT, Math.floor(this.#total / 0x20000000), this.#total << 3);
    this.#compress(block, 0);
  }
}
