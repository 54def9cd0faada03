import { type Socket } from "node:net";

/** Node counts what it was given as waiting until all of it has gone, so it is given little at once. */
const PIECE = 16 * 1024;

/** Gives bytes to a stream as the kernel takes them, and tells how many wait. */
export class Outbox {
  readonly #socket: Socket;
  readonly #waits: (bytes: number) => void;
  readonly #pieces: Uint8Array[] = [];
  #waiting = 0;
  #told = 0;
  #busy = false;
  #ending = false;
  #queued = false;

  /** `waits` gets the number of bytes whenever it has changed, and 0 at last. */
  constructor(socket: Socket, waits: (bytes: number) => void) {
    this.#socket = socket;
    this.#waits = waits;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE) this.#pieces.push(bytes.subarray(at, at + PIECE));
    this.#waiting += bytes.length;
    this.#tellSoon();
    this.#pump();
  }

  /** FIN, after everything that was written. */
  end(): void {
    this.#ending = true;
    this.#pump();
  }

  #pump(): void {
    if (this.#busy) return;
    const piece = this.#pieces.shift();
    if (piece === undefined) {
      if (this.#ending) this.#socket.end();
      return;
    }
    this.#busy = true;
    // Called soon where the kernel took it at once, and never where the stream is lost.
    this.#socket.write(piece, () => {
      this.#busy = false;
      this.#waiting -= piece.length;
      this.#tellSoon();
      this.#pump();
    });
  }

  /** When everything that the kernel takes at once has gone. */
  #tellSoon(): void {
    if (this.#queued) return;
    this.#queued = true;
    setImmediate(() => {
      this.#queued = false;
      if (this.#waiting === this.#told || this.#socket.connecting || this.#socket.destroyed) return;
      this.#told = this.#waiting;
      this.#waits(this.#waiting);
    });
  }
}
