const NOTHING = new Uint8Array(0);

/** Bytes in a row that are put in at the end and taken from the front, in constant time per byte. */
export class ByteQueue {
  #bytes: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#bytes.length) this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** A copy of up to `length` bytes from `offset` on. */
  slice(offset: number, length: number): Uint8Array {
    const from = this.#start + offset;
    return this.#bytes.slice(from, Math.min(from + length, this.#end));
  }

  drop(length: number): void {
    this.#start = Math.min(this.#start + length, this.#end);
    if (this.#start < this.#end) return;
    this.#bytes = NOTHING;
    this.#start = 0;
    this.#end = 0;
  }

  #makeRoom(more: number): void {
    const { length } = this;
    const roomy = new Uint8Array(2 * (length + more));
    roomy.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = roomy;
    this.#start = 0;
    this.#end = length;
  }
}
