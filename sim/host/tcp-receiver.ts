// RFC 9293 section 3.8.6 (windows) and 3.10.7.4 (arriving segments): the half of a connection that receives.
import { ByteQueue } from "./tcp-buffer.ts";
import { advance, distance, isBefore } from "./tcp-sequence.ts";

/** 44 segments of 1460 bytes, as Linux offers in its SYN; it is not scaled. */
export const RECEIVE_BUFFER = 64_240;

interface Piece {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export class TcpReceiver {
  /** RCV.NXT. */
  #next: number;
  #unread = new ByteQueue();
  /** Out of order: sorted, and beyond `next`. */
  #pieces: Piece[] = [];
  #finAt: number | undefined;
  #ended = false;
  /** The window of the last acknowledgement. */
  #offered = RECEIVE_BUFFER;

  constructor(next = 0) {
    this.#next = next;
  }

  /** The peer's SYN came: its first byte has the number `next`. */
  start(next: number): void {
    this.#next = next;
  }

  get next(): number {
    return this.#next;
  }

  get unread(): number {
    return this.#unread.length;
  }

  /** The peer's FIN and everything before it has come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** RCV.WND, which the next segment carries. */
  offerWindow(): number {
    this.#offered = RECEIVE_BUFFER - this.#unread.length;
    return this.#offered;
  }

  /** RFC 9293 section 3.8.6.2.2: the window opens in steps worth telling, or else tiny segments come. */
  get windowIsWorthTelling(): boolean {
    const room = RECEIVE_BUFFER - this.#unread.length;
    return room - this.#offered >= RECEIVE_BUFFER / 2;
  }

  /** RFC 9293 section 3.10.7.4, the four cases of the first check; `length` counts SYN and FIN. */
  accepts(sequence: number, length: number): boolean {
    const window = RECEIVE_BUFFER - this.#unread.length;
    const offset = distance(sequence, this.#next);
    if (length === 0) return window === 0 ? offset === 0 : offset >= 0 && offset < window;
    const last = offset + length - 1;
    return window > 0 && ((offset >= 0 && offset < window) || (last >= 0 && last < window));
  }

  /** Takes in what an accepted segment carries; bytes that are in order can then be read. */
  take(sequence: number, payload: Uint8Array, fin: boolean): void {
    if (fin) this.#finAt = advance(sequence, payload.length);
    if (payload.length > 0) {
      if (isBefore(this.#next, sequence)) this.#keep({ sequence, bytes: payload.slice() });
      else this.#append(sequence, payload);
    }
    this.#joinPieces();
    if (!this.#ended && this.#finAt === this.#next) {
      this.#ended = true;
      this.#next = advance(this.#next, 1);
    }
  }

  /** Everything that is in order and was not read yet. */
  read(): Uint8Array {
    const bytes = this.#unread.slice(0, this.#unread.length);
    this.#unread.drop(bytes.length);
    return bytes;
  }

  /** Drops what came before and what lies beyond the window. */
  #append(sequence: number, bytes: Uint8Array): void {
    const fresh = bytes.subarray(distance(this.#next, sequence)).subarray(0, RECEIVE_BUFFER - this.#unread.length);
    this.#unread.append(fresh);
    this.#next = advance(this.#next, fresh.length);
  }

  #keep(piece: Piece): void {
    let index = this.#pieces.length;
    for (; index > 0; index--) {
      const before = this.#pieces[index - 1];
      if (before === undefined || isBefore(before.sequence, piece.sequence)) break;
      if (before.sequence === piece.sequence && before.bytes.length >= piece.bytes.length) return;
    }
    this.#pieces.splice(index, 0, piece);
  }

  #joinPieces(): void {
    for (let first = this.#pieces[0]; first !== undefined; first = this.#pieces[0]) {
      if (isBefore(this.#next, first.sequence)) return;
      this.#pieces.shift();
      this.#append(first.sequence, first.bytes);
    }
  }
}
