import { type Ip } from "../../wire/ip.ts";
import { type Mac } from "../../wire/mac.ts";
import { earliest, type Micros, seconds } from "../../wire/time.ts";
import { DelayQueue } from "../delay-queue.ts";

/** A handover between two speakers is over by then; whoever still claims the address is a stranger or a split brain. */
const GRACE = seconds(2);
/** RFC 5227 section 2.4: DEFEND_INTERVAL. */
const DEFEND_INTERVAL = seconds(10);

/** Another station says that it has an address that is announced here. */
export interface Claim {
  readonly ip: Ip;
  readonly mac: Mac;
  readonly link: string;
}

/** Claims of other stations on our addresses, each reported once the grace is over, and then not again for a while. */
export class Claims {
  readonly #latest = new Map<Ip, Claim>();
  readonly #grace = new DelayQueue<Ip>(GRACE);
  readonly #quiet = new DelayQueue<Ip>(DEFEND_INTERVAL);

  note(claim: Claim, now: Micros): void {
    if (this.#quiet.has(claim.ip)) return;
    this.#latest.set(claim.ip, claim);
    if (!this.#grace.has(claim.ip)) this.#grace.restart(claim.ip, now);
  }

  /** The address is no longer ours: who else has it is none of our business. */
  forget(ip: Ip): void {
    this.#latest.delete(ip);
    this.#grace.delete(ip);
    this.#quiet.delete(ip);
  }

  /** The claims to report and to defend against now. */
  due(now: Micros): readonly Claim[] {
    this.#quiet.due(now);
    const claims: Claim[] = [];
    for (const ip of this.#grace.due(now)) {
      const claim = this.#latest.get(ip);
      this.#latest.delete(ip);
      this.#quiet.restart(ip, now);
      if (claim !== undefined) claims.push(claim);
    }
    return claims;
  }

  deadline(): Micros | undefined {
    return earliest(this.#grace.deadline(), this.#quiet.deadline());
  }
}
