// Full state over TCP: memberlist net.go, handleConn, sendAndReceiveState; and pings where datagrams get lost.
import { type Effect, type Endpoint } from "../../ports.ts";
import { DecodeError } from "../../wire/errors.ts";
import {
  decodeMembersStream,
  encodeMembers,
  type MembersMessage,
  type MembersNode,
  type MembersPing,
  type PushPullProgress,
} from "../../wire/members.ts";
import { earliest, type Micros, plus } from "../../wire/time.ts";

/** A cluster of 5,000 members fits ten times; more is an attack. */
const MAX_STATE_BYTES = 8 << 20;
/** memberlist net.go: maxPushPullRequests. */
const MOST_SERVED = 128;
const NO_BYTES = new Uint8Array(0);

type Purpose =
  /** They connected. */
  | { readonly kind: "serve" }
  | { readonly kind: "pushPull"; readonly join: boolean }
  | { readonly kind: "ping"; readonly ping: MembersPing };

interface Exchange {
  readonly purpose: Purpose;
  readonly peer: Endpoint;
  readonly deadline: Micros;
  received: Uint8Array;
  readonly progress: PushPullProgress;
}

/** What came of an exchange. */
export type ExchangeOutcome =
  | { readonly kind: "state"; readonly peer: Endpoint; readonly nodes: readonly MembersNode[]; readonly ours: boolean }
  | { readonly kind: "ack"; readonly sequence: number }
  /** One that this node began came to nothing. */
  | { readonly kind: "failed"; readonly peer: Endpoint; readonly because: string };

export interface ExchangesOptions {
  readonly name: string;
  readonly timeout: Micros;
  /** What this node believes, to be sent. */
  readonly state: () => readonly MembersNode[];
}

export class Exchanges {
  readonly #options: ExchangesOptions;
  readonly #open = new Map<string, Exchange>();
  #count = 0;
  /** How many of the open ones others began. */
  #served = 0;
  #effects: Effect[] = [];
  #outcomes: ExchangeOutcome[] = [];

  constructor(options: ExchangesOptions) {
    this.#options = options;
  }

  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  takeOutcomes(): readonly ExchangeOutcome[] {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    return outcomes;
  }

  pushPull(peer: Endpoint, join: boolean, now: Micros): void {
    this.#connect(peer, { kind: "pushPull", join }, plus(now, this.#options.timeout));
  }

  /** Whether an exchange of state that this node began with `peer` is under way. */
  isBusyWith(peer: Endpoint): boolean {
    return [...this.#open.values()].some(
      ({ purpose, peer: other }) => purpose.kind === "pushPull" && other.ip === peer.ip,
    );
  }

  ping(peer: Endpoint, ping: MembersPing, deadline: Micros): void {
    this.#connect(peer, { kind: "ping", ping }, deadline);
  }

  #connect(peer: Endpoint, purpose: Purpose, deadline: Micros): void {
    const stream = `members-${++this.#count}`;
    this.#add(stream, purpose, peer, deadline);
    this.#effects.push({ kind: "connect", stream, to: peer });
  }

  accepted(stream: string, peer: Endpoint, now: Micros): void {
    if (this.#served >= MOST_SERVED) {
      this.#effects.push({ kind: "closeStream", stream, abort: true });
      return;
    }
    this.#served++;
    this.#add(stream, { kind: "serve" }, peer, plus(now, this.#options.timeout));
  }

  #add(stream: string, purpose: Purpose, peer: Endpoint, deadline: Micros): void {
    this.#open.set(stream, { purpose, peer, deadline, received: NO_BYTES, progress: { nodes: [], length: 0 } });
  }

  opened(stream: string): void {
    const purpose = this.#open.get(stream)?.purpose;
    if (purpose?.kind === "pushPull") this.#write(stream, this.#ourState(purpose.join));
    if (purpose?.kind === "ping") this.#write(stream, purpose.ping);
  }

  received(stream: string, bytes: Uint8Array): void {
    const exchange = this.#open.get(stream);
    if (exchange === undefined) return;
    exchange.received = concat(exchange.received, bytes);
    try {
      const decoded = decodeMembersStream(exchange.received, exchange.progress);
      if (decoded !== undefined) this.#heard(stream, exchange, decoded.message);
      else if (exchange.received.length > MAX_STATE_BYTES) this.#fail(stream, exchange, "the state is too long");
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#fail(stream, exchange, error.message);
    }
  }

  #heard(stream: string, { purpose, peer }: Exchange, message: MembersMessage): void {
    if (message.kind === "pushPull" && purpose.kind !== "ping") {
      const ours = purpose.kind === "pushPull";
      if (!ours) this.#write(stream, this.#ourState(false));
      this.#outcomes.push({ kind: "state", peer, nodes: message.nodes, ours });
    } else if (message.kind === "ping" && purpose.kind === "serve") {
      if (message.node === "" || message.node === this.#options.name) {
        this.#write(stream, { kind: "ack", sequence: message.sequence, payload: NO_BYTES });
      }
    } else if (message.kind === "ack" && purpose.kind === "ping" && message.sequence === purpose.ping.sequence) {
      this.#outcomes.push({ kind: "ack", sequence: message.sequence });
    }
    this.#close(stream, false);
  }

  closed(stream: string, because: string): void {
    const exchange = this.#open.get(stream);
    if (exchange === undefined) return;
    this.#forget(stream);
    this.#report(exchange, because);
  }

  wake(now: Micros): void {
    for (const [stream, exchange] of this.#open) {
      if (exchange.deadline <= now) this.#fail(stream, exchange, "timeout");
    }
  }

  deadline(): Micros | undefined {
    let first: Micros | undefined;
    for (const { deadline } of this.#open.values()) first = earliest(first, deadline);
    return first;
  }

  #fail(stream: string, exchange: Exchange, because: string): void {
    this.#close(stream, true);
    this.#report(exchange, because);
  }

  #report({ purpose, peer }: Exchange, because: string): void {
    if (purpose.kind === "pushPull") this.#outcomes.push({ kind: "failed", peer, because });
  }

  #forget(stream: string): void {
    if (this.#open.get(stream)?.purpose.kind === "serve") this.#served--;
    this.#open.delete(stream);
  }

  #close(stream: string, abort: boolean): void {
    this.#forget(stream);
    this.#effects.push({ kind: "closeStream", stream, abort });
  }

  #write(stream: string, message: MembersMessage): void {
    this.#effects.push({ kind: "write", stream, bytes: encodeMembers(message) });
  }

  #ourState(join: boolean): MembersMessage {
    return { kind: "pushPull", join, nodes: this.#options.state(), userState: NO_BYTES };
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
