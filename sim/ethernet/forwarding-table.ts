// IEEE 802.1Q section 8.8: the filtering database of a bridge.
import { type Mac } from "../../impl/wire/mac.ts";
import { type Micros, minus, plus } from "../../impl/wire/time.ts";

export interface ForwardingEntry {
  readonly vlan: number;
  readonly mac: Mac;
  readonly port: string;
  /** When a frame from `mac` last came in. Frames to it do not count: a host that only listens is forgotten. */
  readonly lastSeen: Micros;
}

/** A station that moves more than `most` times `within` a while keeps its port for `frozenFor`. */
export interface MoveDampening {
  readonly most: number;
  readonly within: Micros;
  readonly frozenFor: Micros;
}

export type Learned = "learned" | "refreshed" | "moved" | "frozen";

interface Row {
  readonly vlan: number;
  readonly mac: Mac;
  port: string;
  lastSeen: Micros;
  moves: Micros[];
  frozenUntil: Micros;
}

/** Which station is behind which port, in each VLAN. An entry serves until it is swept, be it older than the ageing time. */
export class ForwardingTable {
  readonly #vlans = new Map<number, Map<Mac, Row>>();
  readonly #dampening: MoveDampening | undefined;

  constructor(dampening?: MoveDampening) {
    this.#dampening = dampening;
  }

  learn(vlan: number, mac: Mac, port: string, now: Micros): Learned {
    const stations = this.#stations(vlan);
    const row = stations.get(mac);
    if (row === undefined) {
      stations.set(mac, { vlan, mac, port, lastSeen: now, moves: [], frozenUntil: now });
      return "learned";
    }
    if (row.port !== port && this.#isFrozen(row, now)) return "frozen";
    const moved = row.port !== port;
    row.port = port;
    row.lastSeen = now;
    return moved ? "moved" : "refreshed";
  }

  portOf(vlan: number, mac: Mac): string | undefined {
    return this.#vlans.get(vlan)?.get(mac)?.port;
  }

  /** Forgets the stations behind `port`. */
  flush(port: string): readonly ForwardingEntry[] {
    return this.#removeIf((row) => row.port === port);
  }

  /** Forgets the stations that have been silent since `before`. */
  sweep(before: Micros): readonly ForwardingEntry[] {
    return this.#removeIf((row) => row.lastSeen <= before);
  }

  /** When the station that has been silent for longest was last seen. */
  oldest(): Micros | undefined {
    let oldest: Micros | undefined;
    for (const { lastSeen } of this.#rows()) if (oldest === undefined || lastSeen < oldest) oldest = lastSeen;
    return oldest;
  }

  /** By VLAN and address. */
  entries(): readonly ForwardingEntry[] {
    return [...this.#rows()].map(toEntry).sort(compareEntries);
  }

  #isFrozen(row: Row, now: Micros): boolean {
    const dampening = this.#dampening;
    if (dampening === undefined) return false;
    if (now < row.frozenUntil) return true;
    row.moves = row.moves.filter((time) => minus(now, time) < dampening.within);
    row.moves.push(now);
    if (row.moves.length <= dampening.most) return false;
    row.moves = [];
    row.frozenUntil = plus(now, dampening.frozenFor);
    return true;
  }

  #stations(vlan: number): Map<Mac, Row> {
    const known = this.#vlans.get(vlan);
    if (known !== undefined) return known;
    const fresh = new Map<Mac, Row>();
    this.#vlans.set(vlan, fresh);
    return fresh;
  }

  *#rows(): Iterable<Row> {
    for (const stations of this.#vlans.values()) yield* stations.values();
  }

  #removeIf(unwanted: (row: Row) => boolean): readonly ForwardingEntry[] {
    const removed = [...this.#rows()].filter(unwanted);
    for (const { vlan, mac } of removed) this.#vlans.get(vlan)?.delete(mac);
    return removed.map(toEntry).sort(compareEntries);
  }
}

function toEntry({ vlan, mac, port, lastSeen }: Row): ForwardingEntry {
  return { vlan, mac, port, lastSeen };
}

function compareEntries(one: ForwardingEntry, other: ForwardingEntry): number {
  if (one.vlan !== other.vlan) return one.vlan - other.vlan;
  return one.mac < other.mac ? -1 : Number(one.mac > other.mac);
}
