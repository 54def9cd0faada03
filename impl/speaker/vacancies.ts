import { type Ip } from "../wire/ip.ts";
import { type Micros, seconds } from "../wire/time.ts";
import { DelayQueue } from "./delay-queue.ts";
import { Election } from "./layer2/election.ts";

/** Rollouts and restarts are over by then, most of the time. */
const PATIENCE = seconds(5);

/**
 * Services that have an address but no node that announces it. One speaker explains each, so that a cluster of a thousand
 * does not say it a thousand times: the one that would win if nothing were asked of it but to run.
 */
export class Vacancies {
  readonly #speakers: Election;
  readonly #waiting = new DelayQueue<string>(PATIENCE);
  readonly #told = new Map<string, string>();

  constructor(node: string) {
    this.#speakers = new Election(node);
  }

  /** `key` is vacant, for what reason ever; asking again does not restart the wait. */
  open(key: string, ip: Ip, now: Micros): void {
    this.#speakers.open(key, { ip, preference: () => 0 });
    this.#await([key], now);
  }

  close(key: string): void {
    this.#speakers.close(key);
    this.#waiting.delete(key);
    this.#told.delete(key);
  }

  enter(speaker: string, now: Micros): void {
    this.#await(this.#speakers.enter({ name: speaker, labels: {} }), now);
  }

  leave(speaker: string, now: Micros): void {
    this.#await(this.#speakers.leave(speaker), now);
  }

  #await(keys: readonly string[], now: Micros): void {
    for (const key of keys) {
      if (this.#speakers.standing(key) !== "owner") this.#waiting.delete(key);
      else if (!this.#waiting.has(key)) this.#waiting.restart(key, now);
    }
  }

  /** What this node has to explain now. */
  due(now: Micros): readonly string[] {
    return this.#waiting.due(now);
  }

  /** True unless the same was said last. */
  isNews(key: string, explanation: string): boolean {
    if (this.#told.get(key) === explanation) return false;
    this.#told.set(key, explanation);
    return true;
  }

  deadline(): Micros | undefined {
    return this.#waiting.deadline();
  }
}
