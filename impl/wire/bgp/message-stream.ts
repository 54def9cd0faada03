// RFC 4271 section 4.1: messages follow each other in the TCP stream; nothing but the length separates them.
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH, readHeader } from "./header.ts";

/** Cuts a TCP stream into messages. It holds less than one message, however the stream was cut into segments. */
export class MessageStream {
  readonly #maxLength: number;
  /** A message that has begun: as long as the message, or as a header while that is not complete. */
  #begun: Uint8Array | undefined;
  #filled = 0;

  constructor(maxLength: number = MAX_MESSAGE_LENGTH) {
    this.#maxLength = maxLength;
  }

  /** Bytes that wait for the rest of their message. */
  get held(): number {
    return this.#begun === undefined ? 0 : this.#filled;
  }

  /**
   * Hands over every message that is complete, header included; a message is a view of the chunk or a buffer of its own,
   * never one that is used again. Throws BgpError at a header that is wrong: after that the stream has no meaning.
   */
  feed(chunk: Uint8Array, deliver: (message: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#begun === undefined) {
        const rest = chunk.length - at;
        const length = rest < HEADER_LENGTH ? HEADER_LENGTH : readHeader(chunk, at, this.#maxLength).length;
        if (length <= rest) {
          deliver(chunk.subarray(at, at + length));
          at += length;
          continue;
        }
        this.#begun = new Uint8Array(length);
        this.#filled = 0;
      }
      at += this.#fill(this.#begun, chunk, at);
      const message = this.#completed(this.#begun);
      if (message !== undefined) deliver(message);
    }
  }

  #fill(begun: Uint8Array, chunk: Uint8Array, at: number): number {
    const count = Math.min(begun.length - this.#filled, chunk.length - at);
    begun.set(chunk.subarray(at, at + count), this.#filled);
    this.#filled += count;
    return count;
  }

  /** The message, where its last byte has come; a header that has just become complete makes room for the rest. */
  #completed(begun: Uint8Array): Uint8Array | undefined {
    if (this.#filled < begun.length) return undefined;
    const { length } = readHeader(begun, 0, this.#maxLength);
    if (length === begun.length) {
      this.#begun = undefined;
      return begun;
    }
    this.#begun = new Uint8Array(length);
    this.#begun.set(begun);
    return undefined;
  }
}
