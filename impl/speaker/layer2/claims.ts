import { type Ip } from "../../wire/ip.ts";
import { type Mac } from "../../wire/mac.ts";
import { earliest, type Micros, seconds } from "../../wire/time.ts";
import { DelayQueue } from "../delay-queue.ts";

/** A handover between two speakers is over by then, and what the last owner still said has been heard. */
const GRACE = seconds(2);
/** How long a claim that is repeated counts as the same one. */
const MEMORY = seconds(10);
/** RFC 5227 section 2.4: DEFEND_INTERVAL. */
const DEFEND_INTERVAL = seconds(10);

/** Another station says that it has an address that is announced here. */
export interface Claim {
  readonly ip: Ip;
  readonly mac: Mac;
  readonly link: string;
}

/**
 * Claims of other stations on our addresses. One claim may be the last word of the owner before; who makes another one
 * after the grace, perhaps because it was asked, is a stranger or a split brain. It is reported, and then not again for a
 * while.
 */
export class Claims {
  readonly #grace = new DelayQueue<Ip>(GRACE);
  readonly #doubted = new DelayQueue<Ip>(MEMORY);
  readonly #quiet = new DelayQueue<Ip>(DEFEND_INTERVAL);

  /** True where the claim is to be reported and to be defended against. */
  note({ ip }: Claim, now: Micros): boolean {
    if (this.#quiet.has(ip) || this.#grace.has(ip)) return false;
    if (!this.#doubted.has(ip)) {
      this.#grace.restart(ip, now);
      return false;
    }
    this.#doubted.delete(ip);
    this.#quiet.restart(ip, now);
    return true;
  }

  /** The address is no longer ours: who else has it is none of our business. */
  forget(ip: Ip): void {
    this.#grace.delete(ip);
    this.#doubted.delete(ip);
    this.#quiet.delete(ip);
  }

  /** The addresses whose grace is over: it is time to ask whether anybody else still has them. */
  due(now: Micros): readonly Ip[] {
    this.#quiet.due(now);
    this.#doubted.due(now);
    const ips = this.#grace.due(now);
    for (const ip of ips) this.#doubted.restart(ip, now);
    return ips;
  }

  deadline(): Micros | undefined {
    return earliest(this.#grace.deadline(), this.#doubted.deadline(), this.#quiet.deadline());
  }
}
