import { type Tcp, type TcpFlags, type TcpOptions } from "../../impl/wire/tcp.ts";
import { type Timers } from "./tcp-alarm.ts";
import { type TcpReceiver } from "./tcp-receiver.ts";
import { type Piece, type TcpSender } from "./tcp-sender.ts";
import { advance } from "./tcp-sequence.ts";

/** A segment without the ports, which the stack adds. */
export type Segment = Omit<Tcp, "sourcePort" | "destinationPort">;

export interface TcpOutputOptions {
  readonly clock: Pick<Timers, "now">;
  readonly sender: TcpSender;
  readonly receiver: TcpReceiver;
  readonly initialSequence: number;
  /** The largest segment that the way out takes. */
  readonly mss: number;
  /** What options take of each segment; RFC 6691 section 2: the MSS that is told does not account for them. */
  readonly optionsLength: number;
  transmit(segment: Segment): void;
}

const EMPTY = new Uint8Array(0);
const NO_FLAGS: TcpFlags = { syn: false, ack: false, fin: false, rst: false, psh: false };
const ACK: TcpFlags = { ...NO_FLAGS, ack: true };

/** The segments that a connection sends: each tells what both of its halves have to say. */
export class TcpOutput {
  readonly #options: TcpOutputOptions;
  readonly #sender: TcpSender;
  readonly #receiver: TcpReceiver;
  #mss: number;
  #acknowledgementDue = false;

  constructor(options: TcpOutputOptions) {
    this.#options = options;
    this.#sender = options.sender;
    this.#receiver = options.receiver;
    this.#mss = options.mss;
  }

  get #largest(): number {
    return this.#mss - this.#options.optionsLength;
  }

  /** What the peer takes. */
  limitSegments(mss: number): void {
    this.#mss = Math.min(this.#mss, mss);
  }

  syn(acknowledges: boolean): void {
    const flags = { ...NO_FLAGS, syn: true, ack: acknowledges };
    this.#send(this.#options.initialSequence, flags, EMPTY, { mss: this.#mss });
  }

  /** Sends all that was not sent and that the peer's window has room for. */
  flush(): void {
    for (;;) {
      const piece = this.#sender.sendNext(this.#largest, this.#options.clock.now);
      if (piece === undefined) return;
      this.#sendPiece(piece);
    }
  }

  /** The oldest unacknowledged segment again. */
  repeat(): void {
    const piece = this.#sender.repeatFirst(this.#largest);
    if (piece !== undefined) this.#sendPiece(piece);
  }

  /** With a number that was acknowledged long ago: the peer must answer (RFC 9293 section 3.8.4; Linux probes windows so too). */
  probe(): void {
    this.#send(advance(this.#sender.unacknowledged, -1), ACK);
  }

  acknowledge(): void {
    this.#send(this.#sender.next, ACK);
  }

  /** Until `acknowledgeIfDue` any segment that is sent may carry the acknowledgement. */
  oweAcknowledgement(): void {
    this.#acknowledgementDue = true;
  }

  acknowledgeIfDue(): void {
    if (this.#acknowledgementDue) this.acknowledge();
  }

  reset(): void {
    this.#send(this.#sender.next, { ...ACK, rst: true });
  }

  /** Answers a segment that acknowledges what was never sent. */
  refuse(acknowledgement: number): void {
    this.#send(acknowledgement, { ...NO_FLAGS, rst: true });
  }

  forgetAcknowledgement(): void {
    this.#acknowledgementDue = false;
  }

  #sendPiece({ sequence, payload, fin, push }: Piece): void {
    this.#send(sequence, { ...ACK, fin, psh: push }, payload);
  }

  #send(sequence: number, flags: TcpFlags, payload: Uint8Array = EMPTY, options: TcpOptions = {}): void {
    if (flags.ack) this.#acknowledgementDue = false;
    const acknowledgement = flags.ack ? this.#receiver.next : 0;
    const window = flags.rst ? 0 : this.#receiver.offerWindow();
    this.#options.transmit({ sequence, acknowledgement, flags, window, options, payload });
  }
}
