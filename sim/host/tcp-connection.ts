// RFC 9293 (TCP), RFC 5961 (what an attacker could send). There is no congestion control, no SACK and no delayed
// acknowledgement: the window is fixed, and what counts is how a connection fares under loss, partition and crash.
import { type Endpoint } from "../../impl/ports.ts";
import { type Tcp } from "../../impl/wire/tcp.ts";
import { MD5_OPTION_LENGTH } from "../../impl/wire/tcp-md5.ts";
import { type Micros, minus, seconds } from "../../impl/wire/time.ts";
import { Alarm, type Timers } from "./tcp-alarm.ts";
import { Keepalive, type KeepaliveOptions } from "./tcp-keepalive.ts";
import { type Segment, TcpOutput } from "./tcp-output.ts";
import { type CloseReason, type TcpHandler, TcpOwner } from "./tcp-owner.ts";
import { TcpReceiver } from "./tcp-receiver.ts";
import { Retransmission } from "./tcp-retransmission.ts";
import { RETRIES } from "./tcp-rto.ts";
import { SEND_BUFFER, TcpSender } from "./tcp-sender.ts";
import { advance, distance, isBefore } from "./tcp-sequence.ts";
import { type TcpPath, type TcpSocket } from "./tcp-socket.ts";
import { mayFollow, type TcpState } from "./tcp-state.ts";

/** What a connection needs from the stack that it belongs to. */
export interface TcpNetwork extends Timers {
  /** net.ipv4.tcp_syn_linear_timeouts. */
  readonly synLinearTimeouts: number;
  send(connection: TcpConnection, segment: Segment): void;
  moved(connection: TcpConnection, from: TcpState, because: string): void;
  /** Acknowledgements arrive: the way to the peer works. */
  confirm(connection: TcpConnection): void;
}

export interface TcpConnectionOptions {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly path: TcpPath;
  readonly initialSequence: number;
  /** The largest segment that the way out takes; the peer may ask for less. */
  readonly mss: number;
}

/** ICMP says so; while opening that is final, later it is only remembered (RFC 5927 section 6). */
export type Unreachable = Extract<CloseReason, "EHOSTUNREACH" | "ENETUNREACH" | "EACCES" | "ECONNREFUSED">;

/** How long TIME_WAIT lasts (TCP_TIMEWAIT_LEN), and FIN_WAIT_2 without an owner (net.ipv4.tcp_fin_timeout). */
const LINGER = seconds(60);
/** RFC 9293 section 3.7.1: what a peer takes that does not say. */
const DEFAULT_MSS = 536;

/** Linux sk_stream_is_writeable: a third of the buffer must be free again. */
const WORTH_TELLING = SEND_BUFFER / 3;

export class TcpConnection implements TcpSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #network: TcpNetwork;
  readonly #initialSequence: number;
  readonly #openedAt: Micros;
  readonly #retransmission: Retransmission;
  readonly #linger: Alarm;
  readonly #sender: TcpSender;
  readonly #receiver = new TcpReceiver();
  readonly #output: TcpOutput;
  #owner = new TcpOwner();
  #path: TcpPath;
  /** The owner was left no room, and was not told of any since. */
  #full = false;
  #keepalive: Keepalive | undefined;
  #state: TcpState = "closed";
  /** The owner ended its side before the handshake was done. */
  #shutdownDue = false;
  #softError: Unreachable | undefined;

  constructor(network: TcpNetwork, options: TcpConnectionOptions) {
    this.#network = network;
    this.local = options.local;
    this.remote = options.remote;
    this.#path = options.path;
    this.#initialSequence = options.initialSequence;
    this.#openedAt = network.now;
    this.#sender = new TcpSender(advance(options.initialSequence, 1));
    this.#output = new TcpOutput({
      clock: network,
      sender: this.#sender,
      receiver: this.#receiver,
      initialSequence: options.initialSequence,
      mss: options.mss,
      optionsLength: options.path.md5Key === undefined ? 0 : MD5_OPTION_LENGTH,
      transmit: (segment) => network.send(this, segment),
    });
    this.#retransmission = new Retransmission(network, () => this.#retry());
    this.#linger = new Alarm(network, () => this.#moveTo("closed", "lingered"));
  }

  get state(): TcpState {
    return this.#state;
  }

  get path(): TcpPath {
    return this.#path;
  }

  get device(): string | undefined {
    return this.#path.device;
  }

  get room(): number {
    return Math.max(0, this.#sender.room);
  }

  // What the owner does (RFC 9293 section 3.9.1).

  open(handler: TcpHandler): void {
    this.#owner = new TcpOwner(handler);
    this.#moveTo("synSent", "connect");
    this.#sendSyn();
  }

  /** Bytes that come after `shutdown` or after the end are lost, as with EPIPE. */
  write(bytes: Uint8Array): void {
    if (this.#state === "closed" || this.#owner.released || this.#shutdownDue || this.#sender.finished) return;
    this.#sender.write(bytes);
    this.#full = this.#sender.room <= 0;
    this.#flush();
  }

  setHops(hops: Pick<TcpPath, "ttl" | "minTtl">): void {
    this.#path = { ...this.#path, ...hops };
  }

  /** Sends FIN after what was written; reading goes on. */
  shutdown(): void {
    if (this.#state === "synSent" || this.#state === "synReceived") this.#shutdownDue = true;
    else if (this.#state === "established") this.#finish("finWait1");
    else if (this.#state === "closeWait") this.#finish("lastAck");
  }

  /** Gives the connection up: FIN after what was written, or RST where something was not read (RFC 9293 section 3.10.4). */
  close(): void {
    if (this.#owner.released) return;
    this.#owner.release();
    if (this.#state === "synSent") this.#moveTo("closed", "close");
    else if (this.#isOpen && this.#receiver.unread > 0) this.#reset("close with unread data");
    else if (this.#state === "finWait2") this.#linger.set(LINGER);
    else this.shutdown();
  }

  /** RST at once. */
  abort(): void {
    this.#owner.release();
    if (this.#state === "synSent" || this.#state === "timeWait") this.#moveTo("closed", "abort");
    else if (this.#isOpen) this.#reset("abort");
  }

  /** The owner stops reading; the kernel goes on acknowledging until the window is full. */
  pause(): void {
    this.#owner.reading = false;
  }

  resume(): void {
    this.#owner.reading = true;
    this.#deliver();
    if (this.#isOpen && this.#receiver.windowIsWorthTelling) this.#output.acknowledge();
  }

  keepAlive(options: KeepaliveOptions): void {
    this.#keepalive?.stop();
    this.#keepalive = new Keepalive(this.#network, options, {
      isQuiet: () => this.#state !== "synSent" && this.#sender.inFlight === 0 && this.#sender.waiting === 0,
      probe: () => this.#output.probe(),
      giveUp: () => {
        this.#output.reset();
        this.#fail("ETIMEDOUT");
      },
    });
  }

  // What the stack does.

  /** Answers the SYN that a listener got; `accept` names the owner once the handshake is done, unless there is none any more. */
  answer(syn: Tcp, accept: () => TcpHandler | undefined): void {
    const adopt = (): void => {
      const owner = accept();
      if (owner === undefined) return this.abort();
      this.#owner.adopt(owner);
      this.#owner.opened();
    };
    this.#owner = new TcpOwner({ opened: adopt });
    this.#synchronise(syn);
    this.#moveTo("synReceived", "SYN");
    this.#sendSyn();
  }

  receive(segment: Tcp): void {
    this.#keepalive?.heard();
    if (this.#state === "synSent") this.#receiveInSynSent(segment);
    else if (this.#isOpen) this.#receiveSynchronised(segment);
    this.#output.acknowledgeIfDue();
  }

  /** RFC 9293 section 3.10.7.4: a SYN beyond everything received may open the same pair of endpoints anew. */
  mayBeReplacedBy(segment: Tcp): boolean {
    const { syn, ack, rst } = segment.flags;
    return this.#state === "timeWait" && syn && !ack && !rst && isBefore(this.#receiver.next, segment.sequence);
  }

  /** `sequence` is that of the segment that ICMP quotes: another one than ours is not believed (RFC 5927 section 4.1). */
  unreachable(because: Unreachable, sequence: number): void {
    if (distance(sequence, this.#initialSequence) < 0 || isBefore(this.#sender.next, sequence)) return;
    this.#softError = because;
    if (this.#state === "synSent") this.#fail(because);
  }

  /** Forgets everything without a word: the kernel around it is gone, or a new connection takes its place. */
  vanish(): void {
    this.#owner.release();
    this.#rest();
    this.#state = "closed";
  }

  // Arriving segments (RFC 9293 section 3.10.7).

  /** Section 3.10.7.3. */
  #receiveInSynSent(segment: Tcp): void {
    const { flags } = segment;
    if (flags.ack && segment.acknowledgement !== this.#sender.next) {
      if (!flags.rst) this.#output.refuse(segment.acknowledgement);
      return;
    }
    if (flags.rst) {
      if (flags.ack) this.#fail("ECONNREFUSED");
      return;
    }
    if (!flags.syn) return;
    this.#synchronise(segment);
    if (flags.ack) {
      this.#output.oweAcknowledgement();
      this.#establish(segment, "SYN-ACK");
    } else {
      this.#moveTo("synReceived", "SYN");
      this.#sendSyn();
    }
  }

  /** Section 3.10.7.4. */
  #receiveSynchronised(segment: Tcp): void {
    const { flags, sequence, payload } = segment;
    const length = payload.length + (flags.syn ? 1 : 0) + (flags.fin ? 1 : 0);
    if (!this.#receiver.accepts(sequence, length)) return this.#receiveUnacceptable(segment);
    if (flags.rst) return this.#receiveReset(sequence);
    // RFC 5961 section 4.2: a SYN is challenged, not believed.
    if (flags.syn) return this.#output.acknowledge();
    if (!flags.ack || !this.#receiveAcknowledgement(segment)) return;
    const takesData = this.#state === "established" || this.#state === "finWait1" || this.#state === "finWait2";
    if (takesData && length > 0) this.#receiveData(segment);
    this.#flush();
  }

  #receiveUnacceptable(segment: Tcp): void {
    if (segment.flags.rst) return;
    // Linux repeats the SYN-ACK rather than acknowledge the repeated SYN (tcp_check_req).
    const { syn, ack } = segment.flags;
    if (this.#state === "synReceived" && syn && !ack) return this.#sendSyn();
    if (this.#state === "timeWait") this.#linger.set(LINGER);
    this.#output.acknowledge();
  }

  #receiveReset(sequence: number): void {
    // RFC 5961 section 3.2: only the exact number resets; another one in the window is challenged.
    if (sequence !== this.#receiver.next) this.#output.acknowledge();
    else if (this.#state === "timeWait") this.#moveTo("closed", "RST");
    else this.#fail(this.#state === "synReceived" ? "ECONNREFUSED" : "ECONNRESET");
  }

  /** False where the segment goes no further. */
  #receiveAcknowledgement(segment: Tcp): boolean {
    const sender = this.#sender;
    const { acknowledgement, sequence, window } = segment;
    if (this.#state === "synReceived") {
      if (acknowledgement === sender.next) this.#establish(segment, "ACK");
      else this.#output.refuse(acknowledgement);
      return this.#state !== "synReceived" && this.#isOpen;
    }
    if (isBefore(sender.next, acknowledgement)) {
      this.#output.acknowledge();
      return false;
    }
    const pure = segment.payload.length === 0 && !segment.flags.fin && window === sender.window;
    const progress = sender.acknowledge(acknowledgement, pure, this.#network.now);
    if (sender.inFlight === 0) this.#retransmission.answered();
    if (sender.updateWindow(window, sequence, acknowledgement)) this.#windowOpened();
    if (progress.roundTrip !== undefined) this.#retransmission.measure(progress.roundTrip);
    if (progress.acknowledged > 0) {
      this.#progress();
      this.#tellRoom();
    }
    if (progress.repair) this.#output.repeat();
    if (sender.finAcknowledged) this.#receiveFinAcknowledgement();
    return this.#isOpen;
  }

  #receiveFinAcknowledgement(): void {
    if (this.#state === "finWait1") {
      this.#moveTo("finWait2", "ACK of FIN");
      if (this.#owner.released) this.#linger.set(LINGER);
    } else if (this.#state === "closing") {
      this.#wait("ACK of FIN");
    } else if (this.#state === "lastAck") {
      this.#moveTo("closed", "ACK of FIN");
      this.#owner.end("end", this.#receiver);
    }
  }

  #receiveData({ sequence, payload, flags }: Tcp): void {
    // RFC 9293 section 3.10.4: nobody will ever read this, and the peer must know.
    if (this.#owner.released && isBefore(this.#receiver.next, advance(sequence, payload.length))) {
      return this.#reset("data after close");
    }
    this.#output.oweAcknowledgement();
    this.#receiver.take(sequence, payload, flags.fin);
    if (this.#receiver.ended) this.#receiveFin();
    this.#deliver();
  }

  #receiveFin(): void {
    if (this.#state === "established") this.#moveTo("closeWait", "FIN");
    else if (this.#state === "finWait1") this.#moveTo("closing", "FIN");
    else if (this.#state === "finWait2") this.#wait("FIN");
  }

  /** The last acknowledgement may be lost, so the peer's FIN may come again. */
  #wait(because: string): void {
    this.#moveTo("timeWait", because);
    this.#retransmission.stop();
    this.#linger.set(LINGER);
    this.#owner.end("end", this.#receiver);
  }

  #synchronise(segment: Tcp): void {
    this.#receiver.start(advance(segment.sequence, 1));
    this.#output.limitSegments(segment.options.mss ?? DEFAULT_MSS);
  }

  #establish(segment: Tcp, because: string): void {
    if (this.#retransmission.count === 0) {
      this.#retransmission.measure(minus(this.#network.now, this.#openedAt));
    }
    this.#sender.openWindow(segment.window, segment.sequence, segment.acknowledgement);
    this.#moveTo("established", because);
    this.#progress();
    this.#owner.opened();
    if (this.#shutdownDue) this.shutdown();
    else this.#flush();
  }

  #progress(): void {
    this.#softError = undefined;
    this.#retransmission.progress();
    this.#rearm();
    this.#network.confirm(this);
  }

  #tellRoom(): void {
    if (!this.#full || this.#sender.room < WORTH_TELLING) return;
    this.#full = false;
    this.#owner.writable();
  }

  #windowOpened(): void {
    this.#retransmission.progress();
    if (this.#sender.inFlight === 0) this.#retransmission.stop();
  }

  #deliver(): void {
    if (this.#owner.deliver(this.#receiver)) this.shutdown();
  }

  // What is sent.

  get #isOpen(): boolean {
    return this.#state !== "closed";
  }

  #finish(next: TcpState): void {
    this.#sender.finish();
    this.#moveTo(next, "shutdown");
    this.#flush();
  }

  #flush(): void {
    if (this.#state === "synSent" || this.#state === "synReceived" || !this.#isOpen) return;
    const wasIdle = this.#sender.inFlight === 0;
    this.#output.flush();
    const isBusy = this.#sender.inFlight > 0;
    // RFC 6298 section 5, rule 5.1; a probe timer that is running gives way.
    if (!this.#retransmission.armed || (wasIdle && isBusy)) this.#rearm();
  }

  #sendSyn(): void {
    this.#output.syn(this.#state === "synReceived");
    if (!this.#retransmission.armed) this.#retransmission.start();
  }

  #reset(because: string): void {
    this.#output.reset();
    this.#moveTo("closed", because);
  }

  // Timers and the end.

  #rearm(): void {
    if (this.#sender.inFlight > 0 || this.#sender.waiting > 0) this.#retransmission.start();
    else this.#retransmission.stop();
  }

  #retry(): void {
    if (this.#retriedEnough) return this.#fail(this.#softError ?? "ETIMEDOUT");
    const { synLinearTimeouts } = this.#network;
    this.#retransmission.again(this.#state !== "synSent" || this.#retransmission.count >= synLinearTimeouts);
    if (this.#state === "synSent" || this.#state === "synReceived") this.#sendSyn();
    else if (this.#sender.inFlight > 0) this.#output.repeat();
    else this.#output.probe();
  }

  get #retriedEnough(): boolean {
    const { count } = this.#retransmission;
    if (this.#state === "synSent") return count >= RETRIES.syn + this.#network.synLinearTimeouts;
    if (this.#state === "synReceived") return count >= RETRIES.synAck;
    if (this.#sender.inFlight === 0) return count >= RETRIES.data;
    return this.#retransmission.lastedFor(this.#owner.released ? RETRIES.orphan : RETRIES.data);
  }

  #fail(because: CloseReason): void {
    this.#moveTo("closed", because);
    this.#owner.end(because, this.#receiver);
  }

  /** Nothing is sent any more. */
  #rest(): void {
    this.#retransmission.stop();
    this.#linger.clear();
    this.#keepalive?.stop();
    this.#output.forgetAcknowledgement();
  }

  #moveTo(state: TcpState, because: string): void {
    const from = this.#state;
    if (!mayFollow(from, state)) throw new Error(`TCP does not go from ${from} to ${state}`);
    this.#state = state;
    if (state === "closed") this.#rest();
    this.#network.moved(this, from, because);
  }
}
