import { type Ip } from "../../wire/ip.ts";
import { type Micros, millis, plus, seconds } from "../../wire/time.ts";

const ROUND_INTERVAL = millis(1100);
const WINDOW = seconds(5);
/** As many as fit into the window. */
const ROUNDS = 5;

/**
 * When the addresses that this node took over are announced: one round at once, then one every 1.1 s until five seconds
 * after the last reason to announce. One ticker serves all, so that a node with many addresses wakes up once a round.
 */
export class Bursts {
  readonly #until = new Map<Ip, Micros>();
  #nextRound: Micros | undefined;
  /** The first round is the caller's. */
  #round = 0;

  /** Starts a burst or prolongs the one that runs. True: the first round is due now. */
  start(ip: Ip, now: Micros): boolean {
    const fresh = !this.#until.has(ip);
    if (this.#until.size === 0) {
      this.#nextRound = plus(now, ROUND_INTERVAL);
      this.#round = 0;
    }
    this.#until.set(ip, plus(now, WINDOW));
    return fresh;
  }

  stop(ip: Ip): void {
    this.#until.delete(ip);
    if (this.#until.size === 0) this.#nextRound = undefined;
  }

  /**
   * The addresses whose round is due, beginning elsewhere each time: a switch that passes only so many announcements a
   * second shall not lose the same ones in every round. Rounds that were slept through are not made up for.
   */
  due(now: Micros): readonly Ip[] {
    if (this.#nextRound === undefined || this.#nextRound > now) return [];
    for (const [ip, until] of this.#until) {
      if (until < now) this.#until.delete(ip);
    }
    const onTime = plus(this.#nextRound, ROUND_INTERVAL);
    this.#nextRound = this.#until.size === 0 ? undefined : onTime > now ? onTime : plus(now, ROUND_INTERVAL);
    this.#round = (this.#round + 1) % ROUNDS;
    const ips = [...this.#until.keys()];
    const first = Math.floor((ips.length * this.#round) / ROUNDS);
    return [...ips.slice(first), ...ips.slice(0, first)];
  }

  deadline(): Micros | undefined {
    return this.#nextRound;
  }
}
