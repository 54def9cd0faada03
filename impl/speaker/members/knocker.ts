import { type Random } from "../../ports.ts";
import { type Ip } from "../../wire/ip.ts";
import { type Micros, minutes, plus } from "../../wire/time.ts";
import { type MembersConfig } from "./config.ts";
import { type RosterEvent } from "./roster.ts";

/** How many knocks a lost peer gets per probe interval, from all members together. */
const KNOCKS = 3;
const REJOIN_INTERVAL = minutes(1);
/** How many are asked for their state at a time. */
const REJOIN_AT_ONCE = 3;

export interface KnockerOutput {
  readonly knocks: readonly { readonly ip: Ip; readonly sequence: number }[];
  /** Whom to ask for the state whether it answers or not. */
  readonly joins: readonly Ip[];
}

/**
 * Looks for speakers that should be there but are no members, so that a partition heals within a probe interval or two.
 * (memberlist itself forgets the dead, and MetalLB tries again once a minute.) The rate at which a lost peer is pinged
 * does not grow with the cluster.
 */
export class Knocker {
  readonly #config: MembersConfig;
  readonly #random: Random;
  #peers: readonly Ip[] = [];
  readonly #lost = new Set<Ip>();
  /** Peers that are members by another address of theirs: asked again and again, they would only say so again. */
  readonly #elsewhere = new Set<Ip>();
  /** The knocks of the last round. */
  readonly #knocks = new Map<number, Ip>();
  /** Members that are alive or suspect, this node among them. */
  #live = 1;
  #nextAt: Micros;
  #rejoinAt: Micros;

  constructor(config: MembersConfig, random: Random, firstAt: Micros) {
    this.#config = config;
    this.#random = random;
    this.#nextAt = firstAt;
    this.#rejoinAt = plus(firstAt, REJOIN_INTERVAL);
  }

  /** Nobody that should be there is missing. */
  get complete(): boolean {
    return this.#lost.size === 0;
  }

  setPeers(peers: readonly Ip[], live: ReadonlySet<Ip>): void {
    this.#peers = peers;
    for (const ip of this.#elsewhere) if (!peers.includes(ip)) this.#elsewhere.delete(ip);
    this.#lost.clear();
    for (const ip of peers) if (!live.has(ip) && !this.#elsewhere.has(ip)) this.#lost.add(ip);
  }

  /** A peer answered, but knows nobody by the address at which it did. */
  isElsewhere(ip: Ip): void {
    if (this.#lost.delete(ip)) this.#elsewhere.add(ip);
  }

  note(event: RosterEvent, addressOf: (name: string) => Ip | undefined): void {
    if (event.kind !== "joined" && event.kind !== "left") return;
    this.#live += event.kind === "joined" ? 1 : -1;
    const ip = addressOf(event.name);
    if (event.kind === "left") this.#lookElsewhere();
    if (ip === undefined) return;
    if (event.kind === "joined") this.#lost.delete(ip);
    else if (this.#peers.includes(ip)) this.#lost.add(ip);
  }

  /** Who left may be one of those that are known by another address. */
  #lookElsewhere(): void {
    for (const ip of this.#elsewhere) this.#lost.add(ip);
    this.#elsewhere.clear();
  }

  wake(nextSequence: () => number, now: Micros): KnockerOutput {
    if (now < this.#nextAt) return { knocks: [], joins: [] };
    this.#nextAt = plus(now, this.#config.probeInterval);
    this.#knocks.clear();
    for (const ip of this.#lost) {
      if (this.#live <= KNOCKS || this.#random.next() < KNOCKS / this.#live) this.#knocks.set(nextSequence(), ip);
    }
    const knocks = [...this.#knocks].map(([sequence, ip]) => ({ sequence, ip }));
    if (now < this.#rejoinAt) return { knocks, joins: [] };
    this.#rejoinAt = plus(now, REJOIN_INTERVAL);
    return { knocks, joins: this.someLost() };
  }

  /** A few of those that are missing, to be asked for their state. */
  someLost(): readonly Ip[] {
    const lost = [...this.#lost];
    const start = Math.floor(this.#random.next() * lost.length);
    return [...lost.slice(start), ...lost.slice(0, start)].slice(0, REJOIN_AT_ONCE);
  }

  /** Who answered the knock, if `sequence` was one. */
  answered(sequence: number): Ip | undefined {
    const ip = this.#knocks.get(sequence);
    this.#knocks.delete(sequence);
    return ip;
  }

  deadline(): Micros | undefined {
    return this.#lost.size === 0 ? undefined : this.#nextAt;
  }
}
