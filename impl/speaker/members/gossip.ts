// How news spreads: memberlist state.go, gossip; net.go, sendMsg.
import { type Endpoint } from "../../ports.ts";
import { COMPOUND_LIMIT, COMPOUND_OVERHEAD, encodeCompound } from "../../wire/members.ts";
import { type Micros, minus, plus } from "../../wire/time.ts";
import { type MembersConfig } from "./config.ts";
import { isLive, type Member, type Roster } from "./roster.ts";
import { retransmitLimit } from "./timing.ts";

export interface Packet {
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

/** News goes out at once when none did lately, then in the rhythm of the gossip interval; without news nothing goes out. */
export class Gossip {
  readonly #config: MembersConfig;
  readonly #roster: Roster;
  #nextAt: Micros;

  constructor(config: MembersConfig, roster: Roster, now: Micros) {
    this.#config = config;
    this.#roster = roster;
    this.#nextAt = now;
  }

  wake(now: Micros): readonly Packet[] {
    if (this.#roster.broadcasts.size === 0 || now < this.#nextAt) return [];
    return this.tell(this.#config.gossipNodes, now);
  }

  deadline(): Micros | undefined {
    return this.#roster.broadcasts.size === 0 ? undefined : this.#nextAt;
  }

  /** Tells the news to `count` others at once. */
  tell(count: number, now: Micros): readonly Packet[] {
    this.#nextAt = plus(now, this.#config.gossipInterval);
    const others = this.#roster.sample(count, (member) => this.#hears(member, now));
    // Nobody to tell; whoever comes later gets the whole state.
    if (others.length === 0) this.#roster.broadcasts.clear();
    return others.flatMap(({ address: ip, port }) => {
      const bytes = this.pack([]);
      return bytes === undefined ? [] : [{ to: { ip, port }, bytes }];
    });
  }

  /** The lately dead hear the news too, so that one who is not dead can say so. */
  #hears(member: Member, now: Micros): boolean {
    const { gossipToTheDeadTime } = this.#config;
    return isLive(member) || (member.state === "dead" && minus(now, member.since) <= gossipToTheDeadTime);
  }

  /** One packet of these encoded messages and of as much news as fits; undefined where there is neither. */
  pack(messages: readonly Uint8Array[]): Uint8Array | undefined {
    const { once, each } = COMPOUND_OVERHEAD;
    const used = messages.reduce<number>((sum, message) => sum + message.length + each, once);
    const limit = retransmitLimit(this.#config.retransmitMult, this.#roster.size);
    const news = this.#roster.broadcasts.take(this.#config.udpBufferSize - used, each, limit);
    const [only, ...more] = [...messages, ...news].slice(0, COMPOUND_LIMIT);
    return only === undefined || more.length === 0 ? only : encodeCompound([only, ...more]);
  }
}
