// RFC 9293 section 3.8 (data communication): the half of a connection that sends. There is no congestion window; a loss
// is repaired one segment per acknowledgement, as RFC 6582 does, once the timer or three duplicates have told of it.
import { type Micros, minus } from "../../impl/wire/time.ts";
import { ByteQueue } from "./tcp-buffer.ts";
import { advance, distance, isBefore } from "./tcp-sequence.ts";

export interface Piece {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly fin: boolean;
  /** Nothing more is waiting behind it. */
  readonly push: boolean;
}

/** What an acknowledgement says. */
export interface Progress {
  /** How many sequence numbers are new in it. */
  readonly acknowledged: number;
  /** RFC 6298 section 3: measured on one segment at a time, never on a retransmitted one. */
  readonly roundTrip: Micros | undefined;
  /** The oldest unacknowledged segment shall be sent again at once. */
  readonly repair: boolean;
}

/**
 * Twenty segments of 1460 bytes: what tcp_sndbuf_expand of Linux gives a connection at its initial congestion window of
 * ten. It does not grow.
 */
export const SEND_BUFFER = 29_200;
/** RFC 5681 section 3.2. */
const DUPLICATES_THAT_TELL_OF_LOSS = 3;

export class TcpSender {
  /** SND.UNA, SND.NXT. The SYN is not counted: the connection's state says whether it was acknowledged. */
  #unacknowledged: number;
  #next: number;
  /** From SND.UNA on: bytes under way, then bytes that wait. */
  #queue = new ByteQueue();
  #window = 0;
  /** SND.WL1, SND.WL2: the segment of the last window update. */
  #windowFrom = { sequence: 0, acknowledgement: 0 };
  #finQueued = false;
  #finSent = false;
  /** While SND.UNA has not passed it, every partial acknowledgement is followed by a repair. */
  #recoverUntil: number | undefined;
  #duplicates = 0;
  #timed: { readonly end: number; readonly at: Micros } | undefined;

  constructor(first: number) {
    this.#unacknowledged = first;
    this.#next = first;
  }

  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  get next(): number {
    return this.#next;
  }

  get inFlight(): number {
    return distance(this.#next, this.#unacknowledged);
  }

  /** Bytes that were never sent, and a FIN that was not. */
  get waiting(): number {
    return this.#queue.length - this.#bytesInFlight + (this.#finQueued && !this.#finSent ? 1 : 0);
  }

  /** What the send buffer takes more; below 0 where more was written than it takes. */
  get room(): number {
    return SEND_BUFFER - this.#queue.length;
  }

  /** Nothing can be written any more. */
  get finished(): boolean {
    return this.#finQueued;
  }

  /** SND.WND. */
  get window(): number {
    return this.#window;
  }

  get finAcknowledged(): boolean {
    return this.#finSent && this.inFlight === 0;
  }

  /** Without the FIN, which is the last thing under way. */
  get #bytesInFlight(): number {
    const { inFlight } = this;
    return this.#finSent && inFlight > 0 ? inFlight - 1 : inFlight;
  }

  write(bytes: Uint8Array): void {
    this.#queue.append(bytes);
  }

  finish(): void {
    this.#finQueued = true;
  }

  openWindow(window: number, sequence: number, acknowledgement: number): void {
    this.#window = window;
    this.#windowFrom = { sequence, acknowledgement };
  }

  /** RFC 9293 section 3.10.7.4: an older segment does not change the window. True where a closed window has opened. */
  updateWindow(window: number, sequence: number, acknowledgement: number): boolean {
    const last = this.#windowFrom;
    const isNewer =
      isBefore(last.sequence, sequence) ||
      (last.sequence === sequence && !isBefore(acknowledgement, last.acknowledgement));
    if (!isNewer) return false;
    const wasClosed = this.#window === 0;
    this.openWindow(window, sequence, acknowledgement);
    return wasClosed && window > 0;
  }

  /** The next segment that the peer's window has room for, counted as sent from now on. */
  sendNext(largest: number, now: Micros): Piece | undefined {
    if (this.#finSent || this.waiting === 0) return undefined;
    const inFlight = this.inFlight;
    const rest = this.#queue.length - inFlight;
    const length = Math.min(largest, rest, this.#window - inFlight);
    if (length < 0 || (length === 0 && rest > 0)) return undefined;
    // RFC 9293 section 3.8.6.2.1: a window that has only crumbs left is waited for, if an acknowledgement is to come.
    if (length < Math.min(largest, rest) && inFlight > 0) return undefined;
    const fin = this.#finQueued && length === rest;
    const piece = this.#piece(inFlight, length, fin);
    this.#next = advance(this.#next, length + (fin ? 1 : 0));
    this.#finSent = fin;
    this.#timed ??= { end: this.#next, at: now };
    return piece;
  }

  /** The oldest unacknowledged segment, to be sent again. */
  repeatFirst(largest: number): Piece | undefined {
    if (this.inFlight === 0) return undefined;
    this.#timed = undefined;
    this.#recoverUntil ??= this.#next;
    const length = Math.min(largest, this.#bytesInFlight);
    return this.#piece(0, length, this.#finSent && length === this.#bytesInFlight);
  }

  /** `pure`: the segment carries nothing else, so that it may be a duplicate. Beyond SND.NXT is the caller's to refuse. */
  acknowledge(acknowledgement: number, pure: boolean, now: Micros): Progress {
    const acknowledged = distance(acknowledgement, this.#unacknowledged);
    if (acknowledged <= 0) return this.#duplicate(acknowledged === 0 && pure);
    this.#queue.drop(acknowledged);
    this.#unacknowledged = acknowledgement;
    this.#duplicates = 0;
    if (this.#recoverUntil !== undefined && !isBefore(acknowledgement, this.#recoverUntil))
      this.#recoverUntil = undefined;
    let roundTrip: Micros | undefined;
    if (this.#timed !== undefined && !isBefore(acknowledgement, this.#timed.end)) {
      roundTrip = minus(now, this.#timed.at);
      this.#timed = undefined;
    }
    return { acknowledged, roundTrip, repair: this.#recoverUntil !== undefined };
  }

  #duplicate(counts: boolean): Progress {
    if (counts && this.inFlight > 0) this.#duplicates++;
    const repair = counts && this.#duplicates === DUPLICATES_THAT_TELL_OF_LOSS && this.#recoverUntil === undefined;
    return { acknowledged: 0, roundTrip: undefined, repair };
  }

  #piece(offset: number, length: number, fin: boolean): Piece {
    const payload = this.#queue.slice(offset, length);
    const push = payload.length > 0 && offset + payload.length === this.#queue.length;
    return { sequence: advance(this.#unacknowledged, offset), payload, fin, push };
  }
}
