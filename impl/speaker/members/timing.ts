// How memberlist's times and counts grow with the cluster (util.go), and Lifeguard's local health (awareness.go).
// "Lifeguard: Local Health Awareness for More Accurate Failure Detection", Dadgar, Phillips, Currey, 2017.
import { type Micros, micros, times } from "../../wire/time.ts";
import { type MembersConfig } from "./config.ts";

/** How long a suspicion that others confirm lasts: the least time before a silent member is declared dead. */
export function suspicionTimeout(config: MembersConfig, members: number): Micros {
  const scale = Math.max(1, Math.log10(Math.max(1, members)));
  return micros((config.suspicionMult * Math.floor(scale * 1000) * config.probeInterval) / 1000);
}

/** How much of a suspicion is left after `confirmations` of the `expected` ones. */
export function remainingSuspicion(
  confirmations: number,
  expected: number,
  elapsed: Micros,
  least: Micros,
  most: Micros,
): Micros {
  const fraction = Math.log(confirmations + 1) / Math.log(expected + 1);
  const raw = (most - fraction * (most - least)) / 1e6;
  return micros(Math.max(Math.floor(raw * 1000) * 1000, least) - elapsed);
}

/** How often one piece of news is sent on. */
export function retransmitLimit(mult: number, members: number): number {
  return mult * Math.ceil(Math.log10(members + 1));
}

/** Beyond 32 members the full exchange of state slows down, so that its total stays bearable. */
export function pushPullScale(interval: Micros, members: number): Micros {
  return members <= 32 ? interval : times(interval, Math.ceil(Math.log2(members) - Math.log2(32)) + 1);
}

/** How well this node itself does: one that misses answers, or is suspected, gives others more time. */
export class Awareness {
  readonly #most: number;
  #score = 0;

  constructor(most: number) {
    this.#most = Math.max(most, 1);
  }

  /** 0 is healthy. */
  get score(): number {
    return this.#score;
  }

  apply(delta: number): void {
    this.#score = Math.min(Math.max(this.#score + delta, 0), this.#most - 1);
  }

  scale(timeout: Micros): Micros {
    return times(timeout, this.#score + 1);
  }
}
