// LZW as Go's compress/lzw writes it: least significant bits first, literals of eight bits, codes of up to twelve.
import { DecodeError } from "./errors.ts";
import { Writer } from "./writer.ts";

const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const FIRST_WIDTH = 9;
const MAX_WIDTH = 12;

/** At most `limit` bytes, so that a few cannot fill the memory. Throws DecodeError at `path`. */
export function decompressLzw(bytes: Uint8Array, limit: number, path: string): Uint8Array {
  const output = new Writer(bytes.length * 4);
  const codes = new CodeReader(bytes, path);
  const dictionary = new Dictionary();
  let previous: number | undefined;
  for (;;) {
    const code = codes.next(dictionary.width);
    if (code === END) return output.finish();
    if (code === CLEAR) {
      dictionary.clear();
      previous = undefined;
      continue;
    }
    if (code > dictionary.next || (code >= FIRST_FREE && previous === undefined)) {
      throw new DecodeError(path, `has the code ${code} before it is defined`);
    }
    // A code may be used by the very text that defines it: the previous text with its own first byte behind it.
    if (previous !== undefined) dictionary.define(previous, code === dictionary.next ? previous : code);
    dictionary.expand(code, output);
    if (output.length > limit) throw new DecodeError(path, `is more than ${limit} bytes`);
    previous = code;
  }
}

/** Each code from FIRST_FREE on is the text of an earlier code and one more byte. */
class Dictionary {
  readonly #prefixes = new Uint16Array(1 << MAX_WIDTH);
  readonly #suffixes = new Uint8Array(1 << MAX_WIDTH);
  readonly #stack = new Uint8Array(1 << MAX_WIDTH);
  next = FIRST_FREE;
  width = FIRST_WIDTH;

  clear(): void {
    this.next = FIRST_FREE;
    this.width = FIRST_WIDTH;
  }

  /** The next code is the text of `prefix` and the first byte of the text of `other`. A full dictionary stays as it is. */
  define(prefix: number, other: number): void {
    if (this.next === 1 << MAX_WIDTH) return;
    let first = other;
    while (first >= FIRST_FREE) first = this.#prefixes[first] ?? 0;
    this.#prefixes[this.next] = prefix;
    this.#suffixes[this.next] = first;
    this.next++;
    if (this.next === 1 << this.width && this.width < MAX_WIDTH) this.width++;
  }

  expand(code: number, output: Writer): void {
    let depth = 0;
    let rest = code;
    for (; rest >= FIRST_FREE; rest = this.#prefixes[rest] ?? 0) this.#stack[depth++] = this.#suffixes[rest] ?? 0;
    output.u8(rest);
    while (depth > 0) output.u8(this.#stack[--depth] ?? 0);
  }
}

class CodeReader {
  readonly #bytes: Uint8Array;
  readonly #path: string;
  #at = 0;
  #bits = 0;
  #count = 0;

  constructor(bytes: Uint8Array, path: string) {
    this.#bytes = bytes;
    this.#path = path;
  }

  next(width: number): number {
    for (; this.#count < width; this.#count += 8) {
      if (this.#at === this.#bytes.length) throw new DecodeError(this.#path, "ends without the code that ends it");
      this.#bits |= (this.#bytes[this.#at++] ?? 0) << this.#count;
    }
    const code = this.#bits & ((1 << width) - 1);
    this.#bits >>>= width;
    this.#count -= width;
    return code;
  }
}
