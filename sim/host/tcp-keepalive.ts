// RFC 9293 section 3.8.4.
import { type Micros, minus } from "../../impl/wire/time.ts";
import { Alarm, type Timers } from "./tcp-alarm.ts";

/** TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT. */
export interface KeepaliveOptions {
  readonly idle: Micros;
  readonly interval: Micros;
  readonly count: number;
}

export interface KeepaliveUse {
  /** Nothing is under way: else the retransmission timer looks after the peer. */
  isQuiet(): boolean;
  probe(): void;
  giveUp(): void;
}

export class Keepalive {
  readonly #timers: Timers;
  readonly #options: KeepaliveOptions;
  readonly #use: KeepaliveUse;
  readonly #alarm: Alarm;
  #lastHeard: Micros;
  #unanswered = 0;

  constructor(timers: Timers, options: KeepaliveOptions, use: KeepaliveUse) {
    this.#timers = timers;
    this.#options = options;
    this.#use = use;
    this.#alarm = new Alarm(timers, () => this.#ring());
    this.#lastHeard = timers.now;
    this.#alarm.set(options.idle);
  }

  heard(): void {
    this.#lastHeard = this.#timers.now;
    this.#unanswered = 0;
  }

  stop(): void {
    this.#alarm.clear();
  }

  #ring(): void {
    const { idle, interval, count } = this.#options;
    const silent = minus(this.#timers.now, this.#lastHeard);
    if (!this.#use.isQuiet()) return this.#alarm.set(idle);
    if (silent < idle) return this.#alarm.set(minus(idle, silent));
    if (this.#unanswered >= count) return this.#use.giveUp();
    this.#unanswered++;
    this.#use.probe();
    this.#alarm.set(interval);
  }
}
