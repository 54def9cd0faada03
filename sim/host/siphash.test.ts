import { expect, it } from "vitest";
import { type SipKey, sipHash } from "./siphash.ts";

/** The key 00 01 … 0f, as in the paper's appendix and the vectors of the reference implementation (vectors.h). */
const KEY: SipKey = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c];

it.each([
  [0, "726fdb47dd0e0e31"],
  [1, "74f839c593dc67fd"],
  [7, "ab0200f58b01d137"],
  [8, "93f5f5799a932462"],
  // The paper's appendix A.
  [15, "a129ca6149be45e5"],
])("hashes %i bytes as the reference implementation does", (length, expected) => {
  const { low, high } = sipHash(
    Uint8Array.from({ length }, (_, index) => index),
    KEY,
  );
  expect(high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0")).toBe(expected);
});
