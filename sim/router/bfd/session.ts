// RFC 5880 section 6.8: one session in asynchronous mode.
import { type Random } from "../../../impl/ports.ts";
import { type BfdControl, type BfdDiagnostic, type BfdState } from "../../../impl/wire/bfd.ts";
import { type Micros, micros, millis, seconds, times } from "../../../impl/wire/time.ts";
import { type BfdSettings } from "../config/model.ts";
import { Alarm, type Daemon } from "../daemon.ts";
import { nextState } from "./transitions.ts";

/** RFC 5880 section 6.8.3: while the session is not up, nobody is sent more than that. */
const SLOW = seconds(1);
/** bfdd: what it takes of echo packets, whether or not it sends any. */
const ECHO_RECEIVE = millis(50);

export interface SessionOwner {
  send(packet: BfdControl): void;
  changed(from: BfdState, to: BfdState, because: BfdDiagnostic): void;
}

/** What the other side says of itself. */
export interface Remote {
  readonly state: BfdState;
  readonly discriminator: number;
  readonly minTransmit: Micros;
  readonly minReceive: Micros;
  readonly echoReceive: Micros;
  readonly detectMultiplier: number;
  readonly controlPlaneIndependent: boolean;
}

/** RFC 5880 section 6.8.1, before anything was heard. */
const UNHEARD: Remote = {
  state: "down",
  discriminator: 0,
  minTransmit: micros(0),
  minReceive: micros(1),
  echoReceive: micros(0),
  detectMultiplier: 0,
  controlPlaneIndependent: false,
};

export interface SessionParts {
  readonly daemon: Daemon;
  readonly random: Random;
  readonly owner: SessionOwner;
  readonly discriminator: number;
  readonly multihop: boolean;
}

export class BfdSession {
  readonly #parts: SessionParts;
  readonly #transmit: Alarm;
  readonly #detect: Alarm;
  #settings: BfdSettings;
  #state: BfdState = "down";
  #diagnostic: BfdDiagnostic = "none";
  #remote = UNHEARD;
  /** A Poll Sequence is under way. */
  #polling = false;
  /** What packets are sent by; a longer interval counts only when the other side knows of it. */
  #usedTransmit: Micros;
  #usedReceive: Micros;

  constructor(parts: SessionParts, settings: BfdSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#usedTransmit = this.#desiredTransmit;
    this.#usedReceive = settings.receiveInterval;
    this.#transmit = new Alarm(parts.daemon, () => this.#periodic());
    this.#detect = new Alarm(parts.daemon, () => this.#expired());
  }

  get state(): BfdState {
    return this.#state;
  }

  get remote(): Remote {
    return this.#remote;
  }

  get discriminator(): number {
    return this.#parts.discriminator;
  }

  get settings(): BfdSettings {
    return this.#settings;
  }

  /** RFC 5880 section 6.8.7. */
  get transmitInterval(): Micros {
    return micros(Math.max(this.#usedTransmit, this.#remote.minReceive));
  }

  get receiveInterval(): Micros {
    return micros(Math.max(this.#usedReceive, this.#remote.minTransmit));
  }

  start(): void {
    if (this.#settings.shutdown) this.#become("adminDown", "administrativelyDown");
    if (!this.#settings.passive) this.#periodic();
  }

  /** Tells the other side that this is no failure, and is silent from now on. */
  close(): void {
    if (this.#remote.discriminator !== 0) {
      this.#become("adminDown", "administrativelyDown");
      this.#send(false);
    }
    this.#transmit.clear();
    this.#detect.clear();
  }

  /** RFC 5880 section 6.8.3: changes are made known by a Poll Sequence. */
  configure(settings: BfdSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    if (before.shutdown !== settings.shutdown) {
      this.#become(settings.shutdown ? "adminDown" : "down", settings.shutdown ? "administrativelyDown" : "none");
    }
    const unchanged =
      before.transmitInterval === settings.transmitInterval && before.receiveInterval === settings.receiveInterval;
    if (!unchanged) this.#renegotiate();
  }

  get #desiredTransmit(): Micros {
    const { transmitInterval } = this.#settings;
    return this.#state === "up" ? transmitInterval : micros(Math.max(transmitInterval, SLOW));
  }

  #renegotiate(): void {
    const { receiveInterval } = this.#settings;
    // RFC 5880 section 6.8.3: slower sending and faster receiving wait until the other side has answered.
    if (this.#state !== "up" || this.#desiredTransmit < this.#usedTransmit) this.#usedTransmit = this.#desiredTransmit;
    if (this.#state !== "up" || receiveInterval > this.#usedReceive) this.#usedReceive = receiveInterval;
    this.#polling = this.#remote.discriminator !== 0;
    this.#send(false);
    this.#schedule();
  }

  /** A packet that names this session. RFC 5880 section 6.8.6, from where the session is found. */
  receive(packet: BfdControl): void {
    this.#remote = {
      state: packet.state,
      discriminator: packet.myDiscriminator,
      minTransmit: packet.desiredMinTx,
      minReceive: packet.requiredMinRx,
      echoReceive: packet.requiredMinEchoRx,
      detectMultiplier: packet.detectMultiplier,
      controlPlaneIndependent: packet.controlPlaneIndependent,
    };
    if (this.#polling && packet.final) {
      this.#polling = false;
      this.#usedTransmit = this.#desiredTransmit;
      this.#usedReceive = this.#settings.receiveInterval;
    }
    if (this.#state === "adminDown") return;
    this.#armDetection();
    const next = nextState(this.#state, packet.state);
    if (next !== this.#state) this.#become(next, next === "down" ? "neighborSignaledSessionDown" : "none");
    if (packet.poll) this.#send(true);
    this.#schedule();
  }

  /** RFC 5880 section 6.8.4. */
  #armDetection(): void {
    const { detectMultiplier } = this.#remote;
    this.#detect.set(times(this.receiveInterval, detectMultiplier));
  }

  #expired(): void {
    if (this.#state === "up" || this.#state === "init") this.#become("down", "controlDetectionTimeExpired");
    // RFC 5880 section 6.8.1: after a detection time without a packet nobody is known to be there.
    this.#remote = UNHEARD;
    this.#schedule();
  }

  #become(to: BfdState, because: BfdDiagnostic): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.#diagnostic = because;
    this.#parts.owner.changed(from, to, because);
    this.#renegotiate();
  }

  #periodic(): void {
    this.#send(false);
    this.#schedule(true);
  }

  /** The next packet comes after an interval from the last one, or sooner where the interval has become shorter. */
  #schedule(sentNow = false): void {
    const { passive } = this.#settings;
    const { discriminator, minReceive } = this.#remote;
    if ((passive && discriminator === 0) || minReceive === 0) return this.#transmit.clear();
    if (sentNow || !this.#transmit.isSet || this.#scheduledBy > this.transmitInterval) {
      this.#scheduledBy = this.transmitInterval;
      this.#transmit.set(this.#jittered(this.transmitInterval));
    }
  }

  #scheduledBy = micros(0);

  /** RFC 5880 section 6.8.7: 75 to 100 %, with a multiplier of 1 at most 90 %. */
  #jittered(interval: Micros): Micros {
    const most = this.#settings.detectMultiplier === 1 ? 0.9 : 1;
    return micros(Math.floor(interval * (0.75 + (most - 0.75) * this.#parts.random.next())));
  }

  #send(final: boolean): void {
    const { receiveInterval, detectMultiplier, echo, passive } = this.#settings;
    if (passive && this.#remote.discriminator === 0) return;
    this.#parts.owner.send({
      diagnostic: this.#diagnostic,
      state: this.#state,
      poll: this.#polling && !final,
      final,
      controlPlaneIndependent: false,
      demand: false,
      multipoint: false,
      detectMultiplier,
      myDiscriminator: this.#parts.discriminator,
      yourDiscriminator: this.#remote.discriminator,
      desiredMinTx: this.#desiredTransmit,
      requiredMinRx: receiveInterval,
      requiredMinEchoRx: this.#parts.multihop ? micros(0) : (echo?.receiveInterval ?? ECHO_RECEIVE),
    });
  }
}
