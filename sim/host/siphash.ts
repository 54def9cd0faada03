// SipHash-2-4 by Jean-Philippe Aumasson and Daniel J. Bernstein (https://www.aumasson.jp/siphash/siphash.pdf), which
// Linux hashes flows with (lib/siphash.c).

/** 128 bits, the low word of each half first. */
export type SipKey = readonly [number, number, number, number];

/** Of the 64 bits of the result; Linux uses the low ones. */
export interface SipHash {
  readonly low: number;
  readonly high: number;
}

export function sipHash(message: Uint8Array, [k0, k1, k2, k3]: SipKey): SipHash {
  // Section 2.1: v0 to v3 are "somepseudorandomlygeneratedbytes" and the key, here as low and high words.
  const state = Int32Array.of(
    0x70736575 ^ k0,
    0x736f6d65 ^ k1,
    0x6e646f6d ^ k2,
    0x646f7261 ^ k3,
    0x6e657261 ^ k0,
    0x6c796765 ^ k1,
    0x79746573 ^ k2,
    0x74656462 ^ k3,
  );
  const whole = message.length & ~7;
  for (let at = 0; at < whole; at += 8) absorb(state, wordAt(message, at), wordAt(message, at + 4));
  // Section 2.2: the last word holds what is left, and the length modulo 256 in its highest byte.
  const lastHigh = wordAt(message, whole + 4) | (message.length << 24);
  absorb(state, wordAt(message, whole), lastHigh);
  state[4] = (state[4] ?? 0) ^ 0xff;
  for (let count = 0; count < 4; count++) round(state);
  const fold = (from: 0 | 1): number =>
    ((state[from] ?? 0) ^ (state[from + 2] ?? 0) ^ (state[from + 4] ?? 0) ^ (state[from + 6] ?? 0)) >>> 0;
  return { low: fold(0), high: fold(1) };
}

/** Little-endian; what is beyond the end counts as zero. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

function absorb(state: Int32Array, low: number, high: number): void {
  state[6] = (state[6] ?? 0) ^ low;
  state[7] = (state[7] ?? 0) ^ high;
  round(state);
  round(state);
  state[0] = (state[0] ?? 0) ^ low;
  state[1] = (state[1] ?? 0) ^ high;
}

/** v[a] += v[b]; v[b] = rotated v[b], less than a word to the left, xor v[a]. Each is two words of the state. */
function mix(state: Int32Array, a: number, b: number, by: number): void {
  const low = (state[b] ?? 0) >>> 0;
  const high = (state[b + 1] ?? 0) >>> 0;
  const sum = ((state[a] ?? 0) >>> 0) + low;
  const sumHigh = (state[a + 1] ?? 0) + high + (sum > 0xffffffff ? 1 : 0);
  state[a] = sum;
  state[a + 1] = sumHigh;
  state[b] = ((low << by) | (high >>> (32 - by))) ^ sum;
  state[b + 1] = ((high << by) | (low >>> (32 - by))) ^ sumHigh;
}

/** Rotates by a word. */
function swap(state: Int32Array, at: number): void {
  const low = state[at] ?? 0;
  state[at] = state[at + 1] ?? 0;
  state[at + 1] = low;
}

/** Figure 2.1. */
function round(state: Int32Array): void {
  mix(state, 0, 2, 13);
  swap(state, 0);
  mix(state, 4, 6, 16);
  mix(state, 0, 6, 21);
  mix(state, 4, 2, 17);
  swap(state, 4);
}
