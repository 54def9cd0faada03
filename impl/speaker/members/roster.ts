// What this node believes of every member, and how news changes it: SWIM's rules by incarnation, as memberlist has them
// (state.go: aliveNode, suspectNode, deadNode, mergeState).
// "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership Protocol", Das, Gupta, Motivala, 2002.
import { type Endpoint, type Random } from "../../ports.ts";
import { encodeMembers, type MembersAccusation, type MembersAlive, type MembersNode } from "../../wire/members.ts";
import { earliest, type Micros, minus } from "../../wire/time.ts";
import { Broadcasts } from "./broadcasts.ts";
import { type MembersConfig } from "./config.ts";
import { Suspicion } from "./suspicion.ts";
import { Awareness } from "./timing.ts";

/** Protocol minimum, maximum and current version, then the same of the delegate, which is not used: as memberlist 0.5. */
const VERSIONS = [1, 5, 2, 0, 0, 0];
const NO_BYTES = new Uint8Array(0);
/** A Node's name is a DNS subdomain (RFC 1123). */
const LONGEST_NAME = 253;
/** memberlist config.go: MetaMaxSize. News that fits into no packet would wait for ever. */
const LONGEST_META = 512;
/** Four times as many as Kubernetes supports. */
const MOST_MEMBERS = 20_000;

export interface Member extends MembersNode {
  /** When its state changed last. */
  readonly since: Micros;
}

export type RosterEvent =
  | { readonly kind: "joined"; readonly name: string }
  | { readonly kind: "left"; readonly name: string; readonly because: "left" | "declaredDead" }
  | { readonly kind: "suspected"; readonly name: string; readonly from: string }
  | { readonly kind: "refuted"; readonly incarnation: number }
  /** Two nodes go by one name; the first one is believed. */
  | { readonly kind: "nameConflict"; readonly name: string; readonly address: string };

export const isLive = (member: MembersNode): boolean => member.state === "alive" || member.state === "suspect";

export class Roster {
  readonly awareness: Awareness;
  readonly broadcasts = new Broadcasts();
  readonly #name: string;
  readonly #config: MembersConfig;
  readonly #random: Random;
  readonly #members = new Map<string, Member>();
  readonly #suspicions = new Map<string, Suspicion>();
  /** Everybody, in the order in which they are probed. */
  #order: string[] = [];
  #next = 0;
  #incarnation = 1;
  #leaving = false;
  #events: RosterEvent[] = [];

  constructor(name: string, endpoint: Endpoint, config: MembersConfig, random: Random, now: Micros) {
    this.#name = name;
    this.#config = config;
    this.#random = random;
    this.awareness = new Awareness(config.awarenessMaxMultiplier);
    const self = {
      name,
      address: endpoint.ip,
      port: endpoint.port,
      incarnation: 1,
      meta: NO_BYTES,
      versions: VERSIONS,
    };
    this.#members.set(name, { ...self, state: "alive", since: now });
    this.#order.push(name);
    this.#announceSelf();
  }

  /** Everybody that is known, the dead of the last while among them. */
  get size(): number {
    return this.#members.size;
  }

  get(name: string): Member | undefined {
    return this.#members.get(name);
  }

  members(): IterableIterator<Member> {
    return this.#members.values();
  }

  /** What happened since the last call. */
  takeEvents(): readonly RosterEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  hearAlive(alive: MembersAlive, now: Micros): void {
    const { node: name, incarnation } = alive;
    const known = this.#members.get(name);
    if (name.length > LONGEST_NAME || alive.meta.length > LONGEST_META) return;
    if (known === undefined && this.size >= MOST_MEMBERS) return;
    if (name === this.#name) {
      if (known !== undefined && !this.#leaving && this.#isImpostor(alive, known)) this.#refute(incarnation);
      return;
    }
    const moved = known !== undefined && (known.address !== alive.address || known.port !== alive.port);
    if (moved && known.state !== "left" && !this.#isPast(known, now)) {
      this.#events.push({ kind: "nameConflict", name, address: alive.address });
      return;
    }
    if (known !== undefined && incarnation <= known.incarnation && !moved) return;
    this.#suspicions.delete(name);
    const { address, port, meta, versions } = alive;
    const since = known?.state === "alive" ? known.since : now;
    this.#members.set(name, { name, address, port, meta, versions, incarnation, state: "alive", since });
    if (known === undefined) this.#insertIntoOrder(name);
    this.broadcasts.queue(name, encodeMembers(alive));
    if (known === undefined || !isLive(known)) this.#events.push({ kind: "joined", name });
  }

  /** News of ourselves that we did not send: of an earlier life, or of another node with our name. */
  #isImpostor(alive: MembersAlive, self: Member): boolean {
    if (alive.incarnation !== self.incarnation) return alive.incarnation > self.incarnation;
    return alive.meta.length > 0 || String(alive.versions) !== String(VERSIONS);
  }

  hearSuspect(accusation: MembersAccusation, now: Micros): void {
    const { node: name, from, incarnation } = accusation;
    const known = this.#members.get(name);
    if (known === undefined || incarnation < known.incarnation) return;
    const suspicion = this.#suspicions.get(name);
    if (suspicion !== undefined) {
      if (suspicion.confirm(from, now)) this.broadcasts.queue(name, encodeMembers(accusation));
      return;
    }
    if (known.state !== "alive") return;
    if (name === this.#name) {
      this.#refute(incarnation);
      return;
    }
    this.broadcasts.queue(name, encodeMembers(accusation));
    this.#members.set(name, { ...known, incarnation, state: "suspect", since: now });
    this.#suspicions.set(name, new Suspicion(from, this.#config, this.size, now));
    this.#events.push({ kind: "suspected", name, from });
  }

  hearDead(accusation: MembersAccusation, now: Micros): void {
    const { node: name, from, incarnation } = accusation;
    const known = this.#members.get(name);
    if (known === undefined || incarnation < known.incarnation || !isLive(known)) return;
    if (name === this.#name && !this.#leaving) {
      this.#refute(incarnation);
      return;
    }
    this.#suspicions.delete(name);
    this.broadcasts.queue(name, encodeMembers(accusation));
    const left = name === from;
    this.#members.set(name, { ...known, incarnation, state: left ? "left" : "dead", since: now });
    this.#events.push({ kind: "left", name, because: left ? "left" : "declaredDead" });
  }

  /** What another node believes. Its dead are only suspects here: they shall have a chance to refute. */
  merge(nodes: readonly MembersNode[], now: Micros): void {
    for (const { name, state, incarnation, address, port, meta, versions } of nodes) {
      if (state === "alive")
        this.hearAlive({ kind: "alive", node: name, incarnation, address, port, meta, versions }, now);
      else if (state === "left") this.hearDead({ kind: "dead", node: name, from: name, incarnation }, now);
      else this.hearSuspect({ kind: "suspect", node: name, from: this.#name, incarnation }, now);
    }
  }

  /** Tells everybody that this node goes. */
  leave(now: Micros): void {
    this.#leaving = true;
    const accusation = { node: this.#name, from: this.#name, incarnation: this.#incarnation };
    this.hearDead({ kind: "dead", ...accusation }, now);
  }

  #refute(accused: number): void {
    this.#incarnation = Math.max(this.#incarnation, accused) + 1;
    const self = this.#members.get(this.#name);
    if (self !== undefined) this.#members.set(this.#name, { ...self, incarnation: this.#incarnation });
    this.awareness.apply(1);
    this.#announceSelf();
    this.#events.push({ kind: "refuted", incarnation: this.#incarnation });
  }

  #announceSelf(): void {
    this.broadcasts.queue(this.#name, this.encodeSelf());
  }

  /** What this node says of itself. */
  encodeSelf(): Uint8Array {
    const self = this.#members.get(this.#name);
    if (self === undefined) throw new Error("a roster always has its own node");
    const { name: node, incarnation, address, port, meta, versions } = self;
    return encodeMembers({ kind: "alive", node, incarnation, address, port, meta, versions });
  }

  /** Declares dead whom nobody defended in time. */
  expire(now: Micros): void {
    for (const [name, suspicion] of this.#suspicions) {
      const known = this.#members.get(name);
      if (suspicion.expiresAt > now || known === undefined) continue;
      this.hearDead({ kind: "dead", node: name, from: this.#name, incarnation: known.incarnation }, now);
    }
  }

  postpone(by: Micros): void {
    for (const suspicion of this.#suspicions.values()) suspicion.postpone(by);
  }

  deadline(): Micros | undefined {
    let first: Micros | undefined;
    for (const suspicion of this.#suspicions.values()) first = earliest(first, suspicion.expiresAt);
    return first;
  }

  /** Whom to probe: round robin in an order that is shuffled after each round, so that the wait is bounded. */
  nextToProbe(now: Micros): Member | undefined {
    for (let skipped = 0; skipped <= this.#order.length; skipped++) {
      if (this.#next >= this.#order.length) this.#beginRound(now);
      const name = this.#order[this.#next++];
      const member = name === undefined ? undefined : this.#members.get(name);
      if (member !== undefined && name !== this.#name && isLive(member)) return member;
    }
    return undefined;
  }

  #beginRound(now: Micros): void {
    this.#next = 0;
    this.#order = this.#order.filter((name) => {
      const member = this.#members.get(name);
      if (member === undefined || name === this.#name || !this.#isPast(member, now)) return true;
      this.#members.delete(name);
      return false;
    });
    for (let index = this.#order.length - 1; index > 0; index--) this.#swap(index, this.#draw(index + 1));
  }

  /** It died or left so long ago that nobody tells it anything any more: who comes by its name is somebody new. */
  #isPast(member: Member, now: Micros): boolean {
    return !isLive(member) && minus(now, member.since) > this.#config.gossipToTheDeadTime;
  }

  #insertIntoOrder(name: string): void {
    this.#order.push(name);
    this.#swap(this.#order.length - 1, this.#draw(this.#order.length));
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#order[a], this.#order[b]];
    if (first === undefined || second === undefined) return;
    this.#order[a] = second;
    this.#order[b] = first;
  }

  #draw(count: number): number {
    return Math.floor(this.#random.next() * count);
  }

  /** Up to `count` others that satisfy `wanted`. As memberlist: random draws, three for each member at most. */
  sample(count: number, wanted: (member: Member) => boolean): readonly Member[] {
    const chosen = new Map<string, Member>();
    for (let draw = 0; draw < 3 * this.#order.length && chosen.size < count; draw++) {
      const name = this.#order[this.#draw(this.#order.length)];
      const member = name === undefined || name === this.#name ? undefined : this.#members.get(name);
      if (member !== undefined && wanted(member)) chosen.set(member.name, member);
    }
    return [...chosen.values()];
  }
}
