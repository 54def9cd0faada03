import { DecodeError } from "../errors.ts";

/** Decodes what must give a value or a DecodeError; any other throw passes through and fails the test. */
export function settle(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): "value" | "refused" {
  try {
    decode(bytes);
    return "value";
  } catch (error) {
    if (error instanceof DecodeError) return "refused";
    throw error;
  }
}

/** Every beginning of the bytes, from none of them to all but one. */
export function truncations(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from(bytes, (_, length) => bytes.subarray(0, length));
}

/** The bytes with each single bit of theirs turned over. */
export function bitFlips(bytes: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: bytes.length * 8 }, (_, bit) =>
    bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte)),
  );
}

/** The bytes with one of them replaced. */
export function replaced(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  return bytes.with(at, byte);
}
