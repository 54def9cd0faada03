// The BFD sessions of this node: finds the one that a packet is for (RFC 5880 section 6.8.6, RFC 5881 sections 3 to 5,
// RFC 5883 sections 4 and 5) and keeps one deadline for all.
import { type Random } from "../../ports.ts";
import {
  type BfdControl,
  type BfdRefusal,
  type BfdState,
  decodeBfd,
  decodeBfdEcho,
  encodeBfd,
  encodeBfdEcho,
  refusalOf,
} from "../../wire/bfd.ts";
import { DecodeError } from "../../wire/errors.ts";
import { type Ip } from "../../wire/ip.ts";
import { earliest, type Micros, plus } from "../../wire/time.ts";
import { type BfdConfig, type Hops } from "./config.ts";
import { type BfdSession, deadlineOf, farewellTime, newSession } from "./session.ts";
import { type BfdEffect, type BfdEvent, type BfdReason, step } from "./step.ts";

/** Between whom a session runs. */
export interface BfdPath {
  readonly hops: Hops;
  readonly peer: Ip;
  readonly local: Ip | undefined;
  /** The interface of a single hop; link-local addresses say nothing without it. */
  readonly link: string | undefined;
}

export interface BfdDatagram {
  /** From the port: 3784 is for single hops, 4784 for several. */
  readonly hops: Hops;
  readonly source: Ip;
  readonly destination: Ip;
  readonly link: string;
  readonly ttl: number;
  readonly bytes: Uint8Array;
}

/** Why a packet changed nothing, in the order in which the questions are asked. */
export type BfdDropReason =
  | "ttlTooLow"
  | "malformed"
  | BfdRefusal
  | "unknownDiscriminator"
  | "unknownPeer"
  | "otherHops"
  | "authentication";

export type BfdSessionsEffect =
  | { readonly kind: "sendControl"; readonly key: string; readonly path: BfdPath; readonly bytes: Uint8Array }
  | { readonly kind: "sendEcho"; readonly key: string; readonly path: BfdPath; readonly bytes: Uint8Array }
  | {
      readonly kind: "changed";
      readonly key: string;
      readonly from: BfdState;
      readonly to: BfdState;
      readonly because: BfdReason;
    };

const MAX_DISCRIMINATOR = 0xffffffff;

interface Row {
  readonly key: string;
  readonly path: BfdPath;
  session: BfdSession;
  /** It was closed and only tells its peer so, until then. */
  endsAt: Micros | undefined;
}

type Finding = { readonly row: Row } | { readonly drop: BfdDropReason };

export class BfdSessions {
  readonly #random: Random;
  readonly #rows = new Map<string, Row>();
  readonly #byDiscriminator = new Map<number, Row>();
  readonly #drops = new Map<BfdDropReason, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  get drops(): ReadonlyMap<BfdDropReason, number> {
    return this.#drops;
  }

  session(key: string): BfdSession | undefined {
    const row = this.#rows.get(key);
    return row?.endsAt === undefined ? row?.session : undefined;
  }

  /** Starts a session under `key`, or changes how the one that runs there does so; another path is another session. */
  open(key: string, path: BfdPath, config: BfdConfig, now: Micros): readonly BfdSessionsEffect[] {
    const known = this.#rows.get(key);
    if (known !== undefined && known.endsAt === undefined && samePath(known.path, path)) {
      return this.#step(known, { kind: "configure", config }, now);
    }
    if (known !== undefined) this.#remove(known);
    const row: Row = { key, path, session: newSession(config, this.#drawDiscriminator()), endsAt: undefined };
    this.#rows.set(key, row);
    this.#byDiscriminator.set(row.session.localDiscriminator, row);
    return this.#step(row, { kind: "enable" }, now);
  }

  /** Tells the peer that this is no failure, for as long as the peer may need to hear it, and forgets the session. */
  close(key: string, now: Micros): readonly BfdSessionsEffect[] {
    const row = this.#rows.get(key);
    if (row === undefined || row.endsAt !== undefined) return [];
    const effects = this.#step(row, { kind: "disable" }, now);
    // RFC 5880 section 6.8.16: AdminDown is sent for at least a Detection Time.
    row.endsAt = plus(now, farewellTime(row.session));
    return effects;
  }

  receive(datagram: BfdDatagram, now: Micros): readonly BfdSessionsEffect[] {
    // RFC 5881 section 5.
    if (datagram.hops === "single" && datagram.ttl !== 255) return this.#drop("ttlTooLow");
    const packet = this.#decode(() => decodeBfd(datagram.bytes));
    if (packet === undefined) return [];
    const finding = this.#find(packet, datagram);
    if ("drop" in finding) return this.#drop(finding.drop);
    return this.#step(finding.row, { kind: "received", packet }, now);
  }

  /** `bytes` came to the Echo port (3785): one of our packets, or something that does not concern us. */
  receiveEcho(bytes: Uint8Array, now: Micros): void {
    const echo = this.#decode(() => decodeBfdEcho(bytes));
    const row = echo === undefined ? undefined : this.#byDiscriminator.get(echo.discriminator);
    if (row !== undefined) this.#step(row, { kind: "echoReturned" }, now);
  }

  wake(now: Micros): readonly BfdSessionsEffect[] {
    const effects: BfdSessionsEffect[] = [];
    for (const row of this.#rows.values()) {
      const deadline = deadlineOf(row.session);
      if (deadline !== undefined && deadline <= now) effects.push(...this.#step(row, { kind: "wake" }, now));
      if (row.endsAt !== undefined && row.endsAt <= now) this.#remove(row);
    }
    return effects;
  }

  deadline(): Micros | undefined {
    let first: Micros | undefined;
    for (const { session, endsAt } of this.#rows.values()) first = earliest(first, deadlineOf(session), endsAt);
    return first;
  }

  #decode<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#drop("malformed");
      return undefined;
    }
  }

  /** RFC 5880 section 6.8.6, in its order; version and lengths are the decoder's. */
  #find(packet: BfdControl, datagram: BfdDatagram): Finding {
    const refusal = refusalOf(packet);
    if (refusal !== undefined) return { drop: refusal };
    const selected = packet.yourDiscriminator !== 0;
    const row = selected ? this.#byDiscriminator.get(packet.yourDiscriminator) : this.#findByPath(datagram);
    if (row === undefined) return { drop: selected ? "unknownDiscriminator" : "unknownPeer" };
    if (row.path.hops !== datagram.hops) return { drop: "otherHops" };
    if (datagram.ttl < row.session.config.minimumTtl) return { drop: "ttlTooLow" };
    // No session here uses authentication, so none may come in.
    if (packet.authentication !== undefined) return { drop: "authentication" };
    return { row };
  }

  #findByPath({ hops, source, destination, link }: BfdDatagram): Row | undefined {
    return this.#rows.values().find(({ path }) => {
      if (path.hops !== hops || path.peer !== source) return false;
      return hops === "single"
        ? path.link === undefined || path.link === link
        : path.local === undefined || path.local === destination;
    });
  }

  #drop(reason: BfdDropReason): readonly BfdSessionsEffect[] {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
    return [];
  }

  #step(row: Row, event: BfdEvent, now: Micros): readonly BfdSessionsEffect[] {
    const { session, effects } = step(row.session, event, now, this.#random);
    row.session = session;
    return effects.map((effect) => translate(row, effect));
  }

  #remove(row: Row): void {
    this.#rows.delete(row.key);
    this.#byDiscriminator.delete(row.session.localDiscriminator);
  }

  /** RFC 5880 section 10: hard to guess, and unique on this node. */
  #drawDiscriminator(): number {
    let discriminator = 1 + Math.floor(this.#random.next() * MAX_DISCRIMINATOR);
    while (this.#byDiscriminator.has(discriminator)) discriminator = 1 + (discriminator % MAX_DISCRIMINATOR);
    return discriminator;
  }
}

function samePath(a: BfdPath, b: BfdPath): boolean {
  return a.hops === b.hops && a.peer === b.peer && a.local === b.local && a.link === b.link;
}

function translate({ key, path, session }: Row, effect: BfdEffect): BfdSessionsEffect {
  switch (effect.kind) {
    case "send":
      return { kind: "sendControl", key, path, bytes: encodeBfd(effect.packet) };
    case "sendEcho":
      return { kind: "sendEcho", key, path, bytes: encodeBfdEcho({ discriminator: session.localDiscriminator }) };
    case "changed":
      return { ...effect, key };
  }
}
