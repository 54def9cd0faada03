/** News about one member, and how often it was sent. */
interface Broadcast {
  readonly about: string;
  readonly bytes: Uint8Array;
  sent: number;
}

/** No message is shorter, so a smaller rest of a packet is not worth a search. */
const SMALLEST = 16;

/** News that waits for a packet to ride on. What was sent least goes first. */
export class Broadcasts {
  readonly #byMember = new Map<string, Broadcast>();
  /** By the number of times sent; each in order of arrival. */
  readonly #tiers: Set<Broadcast>[] = [];

  get size(): number {
    return this.#byMember.size;
  }

  /** Replaces older news about the same member. */
  queue(about: string, bytes: Uint8Array): void {
    const old = this.#byMember.get(about);
    if (old !== undefined) this.#tiers[old.sent]?.delete(old);
    const broadcast = { about, bytes, sent: 0 };
    this.#byMember.set(about, broadcast);
    this.#tier(0).add(broadcast);
  }

  /** Takes what fits into `room` bytes, counting `overhead` for each; news that was sent `limit` times is dropped. */
  take(room: number, overhead: number, limit: number): readonly Uint8Array[] {
    if (this.#byMember.size === 0) return [];
    const taken: Broadcast[] = [];
    let left = room;
    for (const tier of this.#tiers) {
      for (const broadcast of tier) {
        if (left < SMALLEST + overhead) break;
        if (broadcast.bytes.length + overhead > left) continue;
        left -= broadcast.bytes.length + overhead;
        taken.push(broadcast);
      }
    }
    for (const broadcast of taken) this.#count(broadcast, limit);
    return taken.map(({ bytes }) => bytes);
  }

  clear(): void {
    this.#byMember.clear();
    for (const tier of this.#tiers) tier.clear();
  }

  #count(broadcast: Broadcast, limit: number): void {
    this.#tiers[broadcast.sent]?.delete(broadcast);
    broadcast.sent++;
    if (broadcast.sent < limit) this.#tier(broadcast.sent).add(broadcast);
    else this.#byMember.delete(broadcast.about);
  }

  #tier(sent: number): Set<Broadcast> {
    const tier = this.#tiers[sent] ?? new Set<Broadcast>();
    this.#tiers[sent] = tier;
    return tier;
  }
}
