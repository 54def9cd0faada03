// One session with one peer: cuts the TCP stream into messages, moves the state machine and writes what it says.
import { type Random } from "../../../ports.ts";
import { BgpError } from "../../../wire/bgp/bgp-error.ts";
import { encodeKeepalive, type Keepalive } from "../../../wire/bgp/keepalive.ts";
import { type BgpMessage, decodeMessage } from "../../../wire/bgp/message.ts";
import { MessageStream } from "../../../wire/bgp/message-stream.ts";
import { encodeNotification, type Notification } from "../../../wire/bgp/notification.ts";
import { encodeOpen, type Open } from "../../../wire/bgp/open.ts";
import { type UpdateFault } from "../../../wire/bgp/update-faults.ts";
import { type UpdateContext } from "../../../wire/bgp/update.ts";
import { unreachable } from "../../../wire/brand.ts";
import { type Ip, type Ipv4 } from "../../../wire/ip.ts";
import { type Micros } from "../../../wire/time.ts";
import { type SessionConfig } from "./config.ts";
import { type Negotiated } from "./negotiation.ts";
import { INITIAL, type Intent, type SessionEffect, type SessionEvent, type SessionState } from "./state.ts";
import { deadlineOf, step } from "./step.ts";

/** A connection is named by a number that no other connection of the session has. */
export type BgpSessionEffect =
  | { readonly kind: "connect"; readonly connection: number }
  | { readonly kind: "write"; readonly connection: number; readonly bytes: Uint8Array }
  | { readonly kind: "close"; readonly connection: number; readonly abort: boolean }
  /** An UPDATE that is wrong, which does not cost the session. */
  | { readonly kind: "faulty"; readonly faults: readonly UpdateFault[]; readonly message: Uint8Array }
  | Extract<SessionEffect, { readonly kind: "changed" | "up" | "down" | "refresh" }>;

export interface SessionCounters {
  readonly sent: Readonly<Record<BgpMessage["kind"], number>>;
  readonly received: Readonly<Record<BgpMessage["kind"], number>>;
  /** RFC 7606: what became of UPDATEs that were wrong. */
  readonly faults: Readonly<Record<UpdateFault["action"], number>>;
}

type Counts<Key extends string> = Record<Key, number>;

const noMessages = (): Counts<BgpMessage["kind"]> => ({
  open: 0,
  update: 0,
  endOfRib: 0,
  notification: 0,
  keepalive: 0,
  routeRefresh: 0,
});

export class BgpSession {
  #config: SessionConfig;
  readonly #random: Random;
  readonly #sent = noMessages();
  readonly #received = noMessages();
  readonly #faults: Counts<UpdateFault["action"]> = {
    attributeDiscard: 0,
    treatAsWithdraw: 0,
    disableFamily: 0,
    familyIgnored: 0,
  };
  #state: SessionState = INITIAL;
  #connection = 0;
  /** Undefined while there is no connection to read from. */
  #stream: MessageStream | undefined;
  #localAddress: Ip | undefined;
  #lastFault: UpdateFault | undefined;

  constructor(config: SessionConfig, random: Random) {
    this.#config = config;
    this.#random = random;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The latest connection; what is heard of another one comes too late. */
  get connection(): number {
    return this.#connection;
  }

  get negotiated(): Negotiated | undefined {
    return this.#state.kind === "established" ? this.#state.negotiated : undefined;
  }

  /** This side of the connection: the next hop of what is announced over it. */
  get localAddress(): Ip | undefined {
    return this.#localAddress;
  }

  get counters(): SessionCounters {
    return { sent: this.#sent, received: this.#received, faults: this.#faults };
  }

  get lastFault(): UpdateFault | undefined {
    return this.#lastFault;
  }

  start(now: Micros): readonly BgpSessionEffect[] {
    return this.#step({ kind: "start" }, now);
  }

  stop(intent: Intent, now: Micros): readonly BgpSessionEffect[] {
    return this.#step({ kind: "stop", intent }, now);
  }

  /** Our BGP Identifier in connections from now on. */
  identify(routerId: Ipv4): void {
    this.#config = { ...this.#config, routerId };
  }

  connected(connection: number, localAddress: Ip, now: Micros): readonly BgpSessionEffect[] {
    if (connection !== this.#connection) return [];
    this.#stream = new MessageStream();
    this.#localAddress = localAddress;
    return this.#step({ kind: "tcpUp" }, now);
  }

  /** A connection that somebody else dialled; returns its name. */
  accept(
    localAddress: Ip,
    now: Micros,
  ): { readonly connection: number; readonly effects: readonly BgpSessionEffect[] } {
    this.#connection++;
    const connection = this.#connection;
    return { connection, effects: this.connected(connection, localAddress, now) };
  }

  /** The connection failed, or ended: then `error` is "end". */
  lost(connection: number, error: string, now: Micros): readonly BgpSessionEffect[] {
    return connection === this.#connection ? this.#step({ kind: "tcpLost", error }, now) : [];
  }

  receive(connection: number, bytes: Uint8Array, now: Micros): readonly BgpSessionEffect[] {
    const stream = this.#stream;
    if (stream === undefined || connection !== this.#connection) return [];
    const effects: BgpSessionEffect[] = [];
    try {
      stream.feed(bytes, (message) => {
        // A message before this one may have ended the connection.
        if (this.#stream !== stream) return;
        const { event, faults } = this.#read(message);
        effects.push(...this.#step(event, now));
        if (faults.length > 0) effects.push({ kind: "faulty", faults, message });
      });
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      if (this.#stream === stream) effects.push(...this.#step({ kind: "malformed", error }, now));
    }
    return effects;
  }

  /** How many of our bytes the socket still holds (RFC 9687). */
  backlog(connection: number, bytes: number, now: Micros): void {
    if (connection === this.#connection) this.#step({ kind: "backlog", bytes }, now);
  }

  bfdDown(now: Micros): readonly BgpSessionEffect[] {
    return this.#step({ kind: "bfdDown" }, now);
  }

  collide(now: Micros): readonly BgpSessionEffect[] {
    return this.#step({ kind: "collided" }, now);
  }

  /** Writes UPDATEs to the peer of an established session. */
  sendUpdates(messages: readonly Uint8Array[], now: Micros): readonly BgpSessionEffect[] {
    if (this.#state.kind !== "established" || messages.length === 0) return [];
    this.#sent.update += messages.length;
    this.#step({ kind: "updatesSent" }, now);
    return messages.map((bytes) => ({ kind: "write", connection: this.#connection, bytes }));
  }

  wake(now: Micros): readonly BgpSessionEffect[] {
    return this.#step({ kind: "wake" }, now);
  }

  deadline(): Micros | undefined {
    return deadlineOf(this.#state);
  }

  #read(bytes: Uint8Array): { readonly event: SessionEvent; readonly faults: readonly UpdateFault[] } {
    try {
      const message = decodeMessage(bytes, this.#context());
      this.#received[message.kind]++;
      const faults = message.kind === "update" ? message.faults : [];
      this.#count(faults);
      // Nothing that a peer announces is used here, so nothing of it is kept.
      const event = message.kind === "update" || message.kind === "endOfRib" ? ({ kind: "update" } as const) : message;
      return { event, faults };
    } catch (error) {
      if (error instanceof BgpError) return { event: { kind: "malformed", error }, faults: [] };
      throw error;
    }
  }

  #context(): UpdateContext {
    const { families, asSize, internal } = this.negotiated ?? { families: [], asSize: 4, internal: false };
    return { families, asSize, internal, ownAddress: this.#localAddress };
  }

  #count(faults: readonly UpdateFault[]): void {
    for (const fault of faults) {
      this.#faults[fault.action]++;
      this.#lastFault = fault;
    }
  }

  #step(event: SessionEvent, now: Micros): readonly BgpSessionEffect[] {
    const { state, effects } = step(this.#state, event, { config: this.#config, now, random: this.#random });
    this.#state = state;
    if (state.kind === "idle" || state.kind === "connect") this.#stream = undefined;
    return effects.map((effect) => this.#translate(effect));
  }

  #translate(effect: SessionEffect): BgpSessionEffect {
    switch (effect.kind) {
      case "connect":
        this.#connection++;
        return { kind: "connect", connection: this.#connection };
      case "send":
        this.#sent[effect.message.kind]++;
        return { kind: "write", connection: this.#connection, bytes: encode(effect.message) };
      case "close":
        return { ...effect, connection: this.#connection };
      case "changed":
      case "up":
      case "down":
      case "refresh":
        return effect;
      default:
        return unreachable(effect);
    }
  }
}

function encode(message: Open | Notification | Keepalive): Uint8Array {
  switch (message.kind) {
    case "open":
      return encodeOpen(message);
    case "notification":
      return encodeNotification(message);
    case "keepalive":
      return encodeKeepalive();
    default:
      return unreachable(message);
  }
}
