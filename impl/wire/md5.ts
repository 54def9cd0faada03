// RFC 1321 (MD5). It protects nothing any more; RFC 2385 signs TCP segments with it.
import { DigestBlocks } from "./digest-blocks.ts";

/** RFC 1321 section 3.4: 4294967296 times abs(sin(i)), written out because sin may differ in its last bit. */
const T = Int32Array.of(
  0xd76aa478,
  0xe8c7b756,
  0x242070db,
  0xc1bdceee,
  0xf57c0faf,
  0x4787c62a,
  0xa8304613,
  0xfd469501,
  0x698098d8,
  0x8b44f7af,
  0xffff5bb1,
  0x895cd7be,
  0x6b901122,
  0xfd987193,
  0xa679438e,
  0x49b40821,
  0xf61e2562,
  0xc040b340,
  0x265e5a51,
  0xe9b6c7aa,
  0xd62f105d,
  0x02441453,
  0xd8a1e681,
  0xe7d3fbc8,
  0x21e1cde6,
  0xc33707d6,
  0xf4d50d87,
  0x455a14ed,
  0xa9e3e905,
  0xfcefa3f8,
  0x676f02d9,
  0x8d2a4c8a,
  0xfffa3942,
  0x8771f681,
  0x6d9d6122,
  0xfde5380c,
  0xa4beea44,
  0x4bdecfa9,
  0xf6bb4b60,
  0xbebfbc70,
  0x289b7ec6,
  0xeaa127fa,
  0xd4ef3085,
  0x04881d05,
  0xd9d4d039,
  0xe6db99e5,
  0x1fa27cf8,
  0xc4ac5665,
  0xf4292244,
  0x432aff97,
  0xab9423a7,
  0xfc93a039,
  0x655b59c3,
  0x8f0ccc92,
  0xffeff47d,
  0x85845dd1,
  0x6fa87e4f,
  0xfe2ce6e0,
  0xa3014314,
  0x4e0811a1,
  0xf7537e82,
  0xbd3af235,
  0x2ad7d2bb,
  0xeb86d391,
);

/** RFC 1321 section 3.4: how far each of the four steps of a round rotates. */
const ROTATIONS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const;

const initialState = (): Int32Array => Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);

/** A digest over bytes that come in pieces. */
export class Md5 {
  readonly #state = initialState();
  readonly #words = new Int32Array(16);
  readonly #blocks = new DigestBlocks((bytes, offset) => this.#compress(bytes, offset));

  update(bytes: Uint8Array): this {
    this.#blocks.update(bytes);
    return this;
  }

  /** The 16 bytes of the digest; nothing may follow. */
  digest(): Uint8Array {
    this.#blocks.finish((block, at, high, low) => {
      writeWord(block, at, low);
      writeWord(block, at + 4, high);
    });
    const digest = new Uint8Array(16);
    for (let index = 0; index < 4; index++) writeWord(digest, index * 4, this.#state[index] ?? 0);
    return digest;
  }

  #compress(bytes: Uint8Array, offset: number): void {
    for (let index = 0, at = offset; index < 16; index++, at += 4) {
      this.#words[index] =
        (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    }
    compress(this.#state, this.#words);
  }
}

export function md5(bytes: Uint8Array): Uint8Array {
  return new Md5().update(bytes).digest();
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

/** RFC 1321 section 3.4: the four rounds over one block. */
function compress(state: Int32Array, words: Int32Array): void {
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  for (let step = 0; step < 64; step++) {
    const round = step >> 4;
    const word = words[wordOf(round, step)] ?? 0;
    const sum = (a + mix(round, b, c, d) + word + (T[step] ?? 0)) | 0;
    const rotation = ROTATIONS[round * 4 + (step & 3)] ?? 0;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << rotation) | (sum >>> (32 - rotation)))) | 0;
  }
  state[0] = (state[0] ?? 0) + a;
  state[1] = (state[1] ?? 0) + b;
  state[2] = (state[2] ?? 0) + c;
  state[3] = (state[3] ?? 0) + d;
}

/** F, G, H and I. */
function mix(round: number, x: number, y: number, z: number): number {
  if (round === 0) return (x & y) | (~x & z);
  if (round === 1) return (x & z) | (y & ~z);
  if (round === 2) return x ^ y ^ z;
  return y ^ (x | ~z);
}

/** The word of the block that a step takes. */
function wordOf(round: number, step: number): number {
  if (round === 0) return step;
  if (round === 1) return (5 * step + 1) & 15;
  if (round === 2) return (3 * step + 5) & 15;
  return (7 * step) & 15;
}
