// Membership of the speakers: SWIM with Lifeguard, as hashicorp/memberlist does it on the wire. It opens its own socket and
// listener through effects; all it knows of time and chance is passed in.
import { type Effect, type Endpoint, type Input, type Random } from "../../ports.ts";
import { unreachable } from "../../wire/brand.ts";
import { DecodeError } from "../../wire/errors.ts";
import { compareIp, type Ip } from "../../wire/ip.ts";
import { decodeMembers, encodeMembers, type MembersMessage, type MembersPing } from "../../wire/members.ts";
import { earliest, type Micros, plus, times } from "../../wire/time.ts";
import { type MembersConfig } from "./config.ts";
import { type ExchangeOutcome, Exchanges } from "./exchanges.ts";
import { Gossip, type Packet } from "./gossip.ts";
import { Joining } from "./joining.ts";
import { Knocker } from "./knocker.ts";
import { Prober } from "./prober.ts";
import { isLive, type Member, Roster, type RosterEvent } from "./roster.ts";
import { pushPullScale, suspicionTimeout } from "./timing.ts";

/** The name of the socket and of the listener. */
const SOCKET = "members";
/** How many hear of a departure at once; they pass it on. */
const FAREWELLS = 16;

export interface MembersOptions {
  readonly name: string;
  /** Where this node listens and is reached. */
  readonly endpoint: Endpoint;
  readonly config: MembersConfig;
  readonly random: Random;
}

export interface MembersOutput {
  readonly effects: readonly Effect[];
  readonly events: readonly RosterEvent[];
}

/** Why this node does not trust its own view. */
type Doubt =
  /** It slept, and nobody has told it yet what happened. */
  | { readonly kind: "unanswered" }
  /** It was cut off, and not everybody is back yet. */
  | { readonly kind: "incomplete"; readonly until: Micros };

export type MembersInput = Extract<
  Input,
  { readonly kind: "datagram" | "accepted" | "streamOpened" | "streamData" | "streamClosed" }
>;

export class Members {
  readonly #options: MembersOptions;
  readonly #roster: Roster;
  readonly #prober: Prober;
  readonly #exchanges: Exchanges;
  readonly #knocker: Knocker;
  readonly #joining: Joining;
  readonly #gossip: Gossip;
  /** Undefined: never. */
  #pushPullAt: Micros | undefined;
  #departAt: Micros | undefined;
  #departed = false;
  #doubt: Doubt | undefined;
  #effects: Effect[] = [];

  constructor(options: MembersOptions, now: Micros) {
    const { name, endpoint, config, random } = options;
    this.#options = options;
    this.#roster = new Roster(name, endpoint, config, random, now);
    this.#gossip = new Gossip(config, this.#roster, now);
    // Nodes that start together shall not probe together.
    const firstProbeAt = plus(now, times(config.probeInterval, random.next()));
    const pingOverTcp = (to: Endpoint, ping: MembersPing, deadline: Micros) => this.#exchanges.ping(to, ping, deadline);
    this.#prober = new Prober({ name, endpoint, config, roster: this.#roster, firstProbeAt, pingOverTcp });
    this.#exchanges = new Exchanges({ name, timeout: config.tcpTimeout, state: () => [...this.#roster.members()] });
    this.#knocker = new Knocker(config, random, plus(now, times(config.probeInterval, random.next())));
    this.#joining = new Joining(random, times(config.probeInterval, 2));
    if (config.pushPullInterval > 0) this.#pushPullAt = plus(now, times(config.pushPullInterval, random.next()));
  }

  /** This node has found the others, or knows that there are none to be found. */
  get ready(): boolean {
    return this.#joining.done;
  }

  /** False after `resync` or `reconnect`, until what this node believes of the others can be trusted again. */
  get inSync(): boolean {
    return this.#doubt === undefined;
  }

  /** The others have been told that this node goes. */
  get departed(): boolean {
    return this.#departed;
  }

  /** The others cannot have given this node up in less time than this. */
  get suspicionBound(): Micros {
    return suspicionTimeout(this.#options.config, this.#roster.size);
  }

  start(): MembersOutput {
    const { endpoint } = this.#options;
    this.#effects.push(
      { kind: "openDatagrams", socket: SOCKET, local: endpoint },
      { kind: "listen", listener: SOCKET, local: endpoint },
    );
    return this.#output();
  }

  /** Where speakers should be, this node among them or not. Those that are no members are looked for again and again. */
  setPeers(addresses: readonly Ip[], now: Micros): MembersOutput {
    const others = addresses.filter((ip) => ip !== this.#options.endpoint.ip).sort(compareIp);
    this.#knocker.setPeers(others, new Set(this.#liveAddresses()));
    this.#join(this.#joining.begin(others, now), now);
    return this.#finish(now);
  }

  /** Everybody that is known, the dead of the last while among them, by name. */
  views(): readonly Member[] {
    return [...this.#roster.members()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Who is alive or only suspected, this node among them. */
  *live(): Iterable<string> {
    for (const member of this.#roster.members()) if (isLive(member)) yield member.name;
  }

  *#liveAddresses(): Iterable<Ip> {
    for (const member of this.#roster.members()) if (isLive(member)) yield member.address;
  }

  handle(input: MembersInput, now: Micros): MembersOutput {
    switch (input.kind) {
      case "datagram":
        this.#hearPacket(input.bytes, input.from, now);
        break;
      case "accepted":
        if (input.listener === SOCKET) this.#exchanges.accepted(input.stream, input.from, now);
        break;
      case "streamOpened":
        this.#exchanges.opened(input.stream);
        break;
      case "streamData":
        this.#exchanges.received(input.stream, input.bytes);
        break;
      case "streamClosed":
        this.#exchanges.closed(input.stream, input.because);
        break;
    }
    return this.#finish(now);
  }

  wake(now: Micros): MembersOutput {
    this.#roster.expire(now);
    this.#prober.wake(now);
    this.#exchanges.wake(now);
    this.#joining.wake(now);
    const { knocks, joins } = this.#knocker.wake(() => this.#prober.nextSequence(), now);
    for (const { ip, sequence } of knocks) this.#send(this.#at(ip), [this.#prober.pingFor("", sequence)]);
    this.#join(joins, now);
    if (this.#pushPullAt !== undefined && this.#pushPullAt <= now) this.#pushPull(now);
    if (this.#departAt !== undefined && this.#departAt <= now) this.#departed = true;
    this.#settleDoubt(now);
    return this.#finish(now);
  }

  deadline(): Micros | undefined {
    return earliest(
      this.#roster.deadline(),
      this.#prober.deadline(),
      this.#exchanges.deadline(),
      this.#knocker.deadline(),
      this.#joining.deadline(),
      this.#pushPullAt,
      this.#gossip.deadline(),
      this.#departed ? undefined : this.#departAt,
      this.#doubt?.kind === "incomplete" ? this.#doubt.until : undefined,
    );
  }

  /** Says goodbye; `departed` tells when that has been heard. */
  leave(now: Micros): MembersOutput {
    if (this.#departAt !== undefined) return this.#output();
    this.#roster.leave(now);
    const { config } = this.#options;
    this.#departAt = plus(now, times(config.gossipInterval, 2));
    for (const packet of this.#gossip.tell(FAREWELLS, now)) this.#sendPacket(packet);
    return this.#finish(now);
  }

  /** This node slept: what it was waiting for says nothing about the others. */
  slept(by: Micros, now: Micros): void {
    this.#prober.restart(now);
    this.#roster.postpone(by);
  }

  /** Asks others what they believe now, and again until somebody answers or nobody is left to ask. */
  resync(now: Micros): MembersOutput {
    this.#doubt = { kind: "unanswered" };
    this.#settleDoubt(now);
    return this.#finish(now);
  }

  /** The network is back: whoever is missing may be there again, and have another view of who owns what. */
  reconnect(now: Micros): MembersOutput {
    if (this.#knocker.complete) return this.#output();
    this.#doubt = { kind: "incomplete", until: plus(now, times(this.#options.config.probeInterval, 2)) };
    this.#join(this.#knocker.someLost(), now);
    return this.#finish(now);
  }

  #settleDoubt(now: Micros): void {
    if (this.#doubt?.kind === "incomplete" && (this.#knocker.complete || this.#doubt.until <= now)) {
      this.#doubt = undefined;
    }
    if (this.#doubt?.kind !== "unanswered") return;
    const others = this.#roster.sample(this.#options.config.indirectChecks, isLive);
    if (others.length === 0) this.#doubt = undefined;
    for (const { address: ip, port } of others) {
      if (!this.#exchanges.isBusyWith({ ip, port })) this.#exchanges.pushPull({ ip, port }, false, now);
    }
  }

  /** All speakers of a cluster listen on the same port. */
  #at(ip: Ip): Endpoint {
    return { ip, port: this.#options.endpoint.port };
  }

  #join(addresses: readonly Ip[], now: Micros): void {
    for (const ip of addresses) {
      if (!this.#exchanges.isBusyWith(this.#at(ip))) this.#exchanges.pushPull(this.#at(ip), true, now);
    }
  }

  #pushPull(now: Micros): void {
    const { config } = this.#options;
    this.#pushPullAt = plus(now, pushPullScale(config.pushPullInterval, this.#roster.size));
    const [other] = this.#roster.sample(1, (member) => member.state === "alive");
    if (other !== undefined) this.#exchanges.pushPull({ ip: other.address, port: other.port }, false, now);
  }

  #hearPacket(bytes: Uint8Array, from: Endpoint, now: Micros): void {
    let messages: readonly MembersMessage[];
    try {
      messages = decodeMembers(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const fields = { from: from.ip, because: error.message };
      this.#effects.push({ kind: "log", level: "debug", event: "members.malformed", fields });
      return;
    }
    for (const message of messages) this.#hear(message, from, now);
  }

  #hear(message: MembersMessage, from: Endpoint, now: Micros): void {
    switch (message.kind) {
      case "ping":
        return this.#prober.hearPing(message, from);
      case "indirectPing":
        return this.#prober.hearIndirectPing(message, from, now);
      case "ack": {
        const found = this.#knocker.answered(message.sequence);
        if (found !== undefined) this.#join([found], now);
        else this.#prober.hearAck(message.sequence);
        return;
      }
      case "nack":
        return this.#prober.hearNack(message.sequence);
      case "alive":
        return this.#roster.hearAlive(message, now);
      case "suspect":
        return this.#roster.hearSuspect(message, now);
      case "dead":
        return this.#roster.hearDead(message, now);
      case "pushPull":
      case "user":
      case "error":
      case "unknown":
        return;
    }
  }

  #hearOutcome(outcome: ExchangeOutcome, now: Micros): readonly RosterEvent[] {
    switch (outcome.kind) {
      case "ack":
        this.#prober.hearAckOverTcp(outcome.sequence);
        return [];
      case "failed":
        this.#join(this.#joining.failed(), now);
        return [];
      case "state": {
        if (outcome.ours) this.#joining.succeeded();
        if (outcome.ours && this.#doubt?.kind === "unanswered") this.#doubt = undefined;
        const { ip } = outcome.peer;
        if (outcome.ours && outcome.nodes.every(({ address }) => address !== ip)) this.#knocker.isElsewhere(ip);
        this.#roster.merge(outcome.nodes, now);
        const events = this.#roster.takeEvents();
        // Who thought that we were dead does not gossip with us: it must hear the refutation from us directly.
        if (events.some((event) => event.kind === "refuted")) {
          this.#sendPacket({ to: this.#at(ip), bytes: this.#roster.encodeSelf() });
        }
        return events;
      }
      default:
        return unreachable(outcome);
    }
  }

  #send(to: Endpoint, messages: readonly MembersMessage[]): void {
    const bytes = this.#gossip.pack(messages.map((message) => encodeMembers(message)));
    if (bytes !== undefined) this.#sendPacket({ to, bytes });
  }

  #sendPacket({ to, bytes }: Packet): void {
    this.#effects.push({ kind: "sendDatagram", socket: SOCKET, to, bytes });
  }

  /** Carries out what the parts want, until nobody wants anything. */
  #finish(now: Micros): MembersOutput {
    const events = [...this.#roster.takeEvents()];
    for (
      let outcomes = this.#exchanges.takeOutcomes();
      outcomes.length > 0;
      outcomes = this.#exchanges.takeOutcomes()
    ) {
      for (const outcome of outcomes) events.push(...this.#hearOutcome(outcome, now));
    }
    for (const event of events) this.#knocker.note(event, (name) => this.#roster.get(name)?.address);
    if (this.#doubt?.kind === "incomplete") this.#settleDoubt(now);
    for (const packet of this.#gossip.wake(now)) this.#sendPacket(packet);
    for (const { to, messages } of this.#prober.takeSends()) this.#send(to, messages);
    return this.#output(events);
  }

  #output(events: readonly RosterEvent[] = []): MembersOutput {
    const effects = [...this.#exchanges.takeEffects(), ...this.#effects];
    this.#effects = [];
    return { effects, events };
  }
}
