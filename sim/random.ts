import { type Random } from "../impl/ports.ts";
import { sha256 } from "../impl/wire/sha256.ts";
import { encodeUtf8 } from "../impl/wire/text.ts";
import { type Micros, micros } from "../impl/wire/time.ts";

/** The stream called `name` among those of `seed`. Equal arguments give equal streams, others unrelated ones. */
export function random(seed: string, name: string): Random {
  const digest = sha256(encodeUtf8(`${seed}\n${name}`));
  const view = new DataView(digest.buffer, digest.byteOffset, 16);
  return doubles(xoshiro128ss([view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)]));
}

/** 53 random bits over 2^53: every multiple of 2^-53 below 1 is equally likely. */
function doubles(draw: () => number): Random {
  return { next: () => ((draw() >>> 5) * 2 ** 26 + (draw() >>> 6)) / 2 ** 53 };
}

/** xoshiro128** 1.1 by David Blackman and Sebastiano Vigna (https://prng.di.unimi.it/xoshiro128starstar.c). */
export function xoshiro128ss(state: readonly [number, number, number, number]): () => number {
  let [s0, s1, s2, s3] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = rotateLeft(s3, 11);
    return result;
  };
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** A duration in [low, high). */
export function durationBetween(stream: Random, low: Micros, high: Micros): Micros {
  return micros(low + Math.floor(stream.next() * (high - low)));
}
