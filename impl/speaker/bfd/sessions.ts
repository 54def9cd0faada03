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
  /** The VRF that both addresses are of. */
  readonly vrf?: string | undefined;
}

export interface BfdDatagram {
  /** From the port: 3784 is for single hops, 4784 for several. */
  readonly hops: Hops;
  readonly source: Ip;
  readonly destination: Ip;
  readonly link: string;
  /** The VRF that it came through. */
  readonly vrf?: string | undefined;
  readonly ttl: number;
  readonly bytes: Uint8Array;
}

/** Of one session, since it was opened: packets, and how often it came up and went down. */
export type BfdCount = "controlIn" | "controlOut" | "echoIn" | "echoOut" | "ups" | "downs";
export type BfdCounters = Readonly<Record<BfdCount, number>>;

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
    }
  /** A closed session has told its peer for long enough: nothing of it is left. */
  | { readonly kind: "ended"; readonly key: string };

const MAX_DISCRIMINATOR = 0xffffffff;

interface Row {
  readonly key: string;
  readonly path: BfdPath;
  session: BfdSession;
  readonly counters: Record<BfdCount, number>;
  /** It was closed and only tells its peer so, until then. */
  endsAt: Micros | undefined;
}

type Finding = { readonly row: Row } | { readonly drop: BfdDropReason };

export class BfdSessions {
  readonly #random: Random;
  readonly #counted: (path: BfdPath, what: BfdCount) => void;
  readonly #dropped: (because: BfdDropReason) => void;
  readonly #rows = new Map<string, Row>();
  readonly #byDiscriminator = new Map<number, Row>();
  readonly #drops = new Map<BfdDropReason, number>();

  /** `counted` and `dropped` hear of everything that is counted. */
  constructor(
    random: Random,
    counted: (path: BfdPath, what: BfdCount) => void = () => {},
    dropped: (because: BfdDropReason) => void = () => {},
  ) {
    this.#random = random;
    this.#counted = counted;
    this.#dropped = dropped;
  }

  get drops(): ReadonlyMap<BfdDropReason, number> {
    return this.#drops;
  }

  session(key: string): BfdSession | undefined {
    const row = this.#rows.get(key);
    return row?.endsAt === undefined ? row?.session : undefined;
  }

  counters(key: string): BfdCounters | undefined {
    return this.#rows.get(key)?.counters;
  }

  /** Starts a session under `key`, or changes how the one that runs there does so; another path is another session. */
  open(key: string, path: BfdPath, config: BfdConfig, now: Micros): readonly BfdSessionsEffect[] {
    const known = this.#rows.get(key);
    if (known !== undefined && known.endsAt === undefined && samePath(known.path, path)) {
      return this.#step(known, { kind: "configure", config }, now);
    }
    if (known !== undefined) this.#remove(known);
    const counters = { controlIn: 0, controlOut: 0, echoIn: 0, echoOut: 0, ups: 0, downs: 0 };
    const session = newSession(config, this.#drawDiscriminator());
    const row: Row = { key, path, session, counters, endsAt: undefined };
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
    const packet = decoded(() => decodeBfd(datagram.bytes));
    if (packet === undefined) return this.#drop("malformed");
    const finding = this.#find(packet, datagram);
    if ("drop" in finding) {
      this.#drop(finding.drop);
      return finding.drop === "unknownDiscriminator" ? this.#call(datagram, now) : [];
    }
    this.#count(finding.row, "controlIn");
    return this.#step(finding.row, { kind: "received", packet }, now);
  }

  /** Takes an Echo packet of ours that came back; undefined: it is somebody else's. */
  receiveEcho(bytes: Uint8Array, now: Micros): readonly BfdSessionsEffect[] | undefined {
    const discriminator = echoDiscriminator(bytes);
    const row = discriminator === undefined ? undefined : this.#byDiscriminator.get(discriminator);
    if (row === undefined) return undefined;
    this.#count(row, "echoIn");
    return this.#step(row, { kind: "echoReturned" }, now);
  }

  wake(now: Micros): readonly BfdSessionsEffect[] {
    const effects: BfdSessionsEffect[] = [];
    for (const row of this.#rows.values()) {
      const deadline = deadlineOf(row.session);
      if (deadline !== undefined && deadline <= now) effects.push(...this.#step(row, { kind: "wake" }, now));
      if (row.endsAt === undefined || row.endsAt > now) continue;
      this.#remove(row);
      effects.push({ kind: "ended", key: row.key });
    }
    return effects;
  }

  deadline(): Micros | undefined {
    let first: Micros | undefined;
    for (const { session, endsAt } of this.#rows.values()) first = earliest(first, deadlineOf(session), endsAt);
    return first;
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

  /** FRR never forgets the discriminator of a session that was AdminDown: it waits to hear of the next one. */
  #call(datagram: BfdDatagram, now: Micros): readonly BfdSessionsEffect[] {
    const row = this.#findByPath(datagram);
    if (row === undefined || row.endsAt !== undefined || datagram.ttl < row.session.config.minimumTtl) return [];
    const waits = row.session.remote === undefined && !row.session.called;
    return waits && row.session.config.role === "passive" ? this.#step(row, { kind: "called" }, now) : [];
  }

  /** RFC 5881 section 3 asks for the interface, RFC 5883 section 4 for both addresses. */
  #findByPath({ hops, source, destination, link, vrf }: BfdDatagram): Row | undefined {
    const rows = [...this.#rows.values()].filter(({ path }) => {
      if (path.hops !== hops || path.peer !== source || path.vrf !== vrf) return false;
      return hops === "single"
        ? path.link === undefined || path.link === link
        : path.local === undefined || path.local === destination;
    });
    return rows.find(({ path }) => path.local === destination) ?? rows.at(0);
  }

  #drop(reason: BfdDropReason): readonly BfdSessionsEffect[] {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
    this.#dropped(reason);
    return [];
  }

  #step(row: Row, event: BfdEvent, now: Micros): readonly BfdSessionsEffect[] {
    const { session, effects } = step(row.session, event, now, this.#random);
    row.session = session;
    for (const effect of effects) {
      const what = countOf(effect);
      if (what !== undefined) this.#count(row, what);
    }
    return effects.map((effect) => translate(row, effect));
  }

  #count(row: Row, what: BfdCount): void {
    row.counters[what]++;
    this.#counted(row.path, what);
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

/** Undefined for bytes that are no packet. */
function decoded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

const echoDiscriminator = (bytes: Uint8Array): number | undefined => decoded(() => decodeBfdEcho(bytes))?.discriminator;

function countOf(effect: BfdEffect): BfdCount | undefined {
  if (effect.kind === "send") return "controlOut";
  if (effect.kind === "sendEcho") return "echoOut";
  if (effect.to === "up") return "ups";
  return effect.from === "up" ? "downs" : undefined;
}

function samePath(a: BfdPath, b: BfdPath): boolean {
  return a.hops === b.hops && a.peer === b.peer && a.local === b.local && a.link === b.link && a.vrf === b.vrf;
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
