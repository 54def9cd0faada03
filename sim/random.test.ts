import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { micros } from "../impl/wire/time.ts";
import { durationBetween, random, xoshiro128ss } from "./random.ts";

const draws = (stream: { next(): number }, count: number): number[] =>
  Array.from({ length: count }, () => stream.next());

describe("xoshiro128ss", () => {
  it("gives the words that the authors' C code prints from state 1, 2, 3, 4", () => {
    const draw = xoshiro128ss([1, 2, 3, 4]);
    const words = Array.from({ length: 10 }, () => draw());
    expect(words).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it("gives the words of the test data of github.com/edorfaus/xoshiro-6502", () => {
    const draw = xoshiro128ss([0x964d4a0c, 0xd40ab895, 0xad7fdecb, 0x3006f0f0]);
    expect([draw(), draw()]).toEqual([0xf1391922, 0x6fe53806]);
  });
});

describe("random", () => {
  it("starts from the first 128 bits of SHA-256 over seed, newline, name", () => {
    const digest = createHash("sha256").update("42\nswitch/loss").digest();

    const word = (at: number): number => digest.readUInt32BE(at);
    const draw = xoshiro128ss([word(0), word(4), word(8), word(12)]);
    const bits = (BigInt(draw() >>> 5) << 26n) | BigInt(draw() >>> 6);
    expect(random("42", "switch/loss").next()).toBe(Number(bits) / 2 ** 53);
  });

  it("gives every name and every seed a stream of its own", () => {
    const streams = [random("1", "a"), random("1", "b"), random("2", "a")].map((stream) => draws(stream, 3).join());
    expect(new Set(streams).size).toBe(3);
  });

  it("fills [0, 1) evenly", () => {
    const buckets = new Array<number>(10).fill(0);
    for (const value of draws(random("seed", "even"), 100_000)) {
      const bucket = Math.floor(value * 10);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    // Chi-square with 9 degrees of freedom exceeds 27.88 once in a thousand.
    expect(buckets.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(27.88);
  });
});

describe("durationBetween", () => {
  it("stays in its half-open interval", () => {
    expect(durationBetween({ next: () => 0 }, micros(5), micros(8))).toBe(5);
    expect(durationBetween({ next: () => 1 - 2 ** -53 }, micros(5), micros(8))).toBe(7);
  });
});
