// What speakers and their peers have said on each connection so far; the invariants about BGP judge by it.
import { BgpError } from "../../impl/wire/bgp/bgp-error.ts";
import { findCapability, offersFamily } from "../../impl/wire/bgp/capabilities.ts";
import { unicast, unicastFamily } from "../../impl/wire/bgp/families.ts";
import { type BgpMessage, decodeMessage } from "../../impl/wire/bgp/message.ts";
import { type Open } from "../../impl/wire/bgp/open.ts";
import { type Announcement, type PathAttributes } from "../../impl/wire/bgp/path-attributes.ts";
import { type UpdateContext } from "../../impl/wire/bgp/update.ts";
import { type Family, type Ip } from "../../impl/wire/ip.ts";
import { type Prefix, prefixFamily } from "../../impl/wire/prefix.ts";
import { type Micros, micros } from "../../impl/wire/time.ts";
import { type Observation } from "./invariant.ts";

type Side = "speaker" | "peer";

/** A route as it was told. */
export interface ToldRoute {
  readonly nextHop: Ip;
  readonly linkLocal: Ip | undefined;
  readonly attributes: PathAttributes;
}

interface SideState {
  open: Open | undefined;
  /** The last message. */
  saidAt: Micros | undefined;
  keepalives: number;
  notified: boolean;
}

/** One TCP connection of a speaker with a peer. */
export class BgpConnection {
  readonly node: string;
  /** Addresses; the peer's with its port. */
  readonly local: Ip;
  readonly peer: Ip;
  readonly peerPort: number;
  readonly sides: Readonly<Record<Side, SideState>>;
  /** What the speaker has told on it and not taken back. */
  readonly told = new Map<Prefix, ToldRoute>();
  /** How often the peer has asked for a family again, and how often a prefix was repeated. */
  readonly asked = new Map<Family, number>();
  readonly repeated = new Map<Prefix, number>();
  over = false;

  constructor({ node, local, peer, peerPort }: Pick<BgpConnection, "node" | "local" | "peer" | "peerPort">) {
    this.node = node;
    this.local = local;
    this.peer = peer;
    this.peerPort = peerPort;
    const side = (): SideState => ({ open: undefined, saidAt: undefined, keepalives: 0, notified: false });
    this.sides = { speaker: side(), peer: side() };
  }

  get established(): boolean {
    const { speaker, peer } = this.sides;
    return !this.over && speaker.keepalives > 0 && peer.keepalives > 0;
  }

  /** RFC 4271 section 4.2: the lesser of both offers; 0: nothing has to be said. */
  get holdTime(): Micros {
    const offers = [this.sides.speaker.open, this.sides.peer.open].map((open) => open?.holdTime ?? 0);
    return micros(Math.min(...offers));
  }

  get internal(): boolean {
    return asnOf(this.sides.speaker.open) === asnOf(this.sides.peer.open);
  }

  get families(): readonly Family[] {
    const opens = [this.sides.speaker.open, this.sides.peer.open].filter((open) => open !== undefined);
    // RFC 4760 section 8: without the capability there is IPv4 alone.
    const offers = (open: Open, family: Family): boolean =>
      offersFamily(open.capabilities, unicast(family)) ||
      (family === "ipv4" && findCapability(open.capabilities, "multiprotocol") === undefined);
    return (["ipv4", "ipv6"] as const).filter((family) => opens.every((open) => offers(open, family)));
  }

  get context(): UpdateContext {
    const fourOctets = [this.sides.speaker.open, this.sides.peer.open].every(
      (open) => open !== undefined && findCapability(open.capabilities, "fourOctetAs") !== undefined,
    );
    return { asSize: fourOctets ? 4 : 2, internal: this.internal, families: this.families };
  }

  get name(): string {
    return `${this.node} with ${this.peer} port ${this.peerPort}`;
  }
}

function asnOf(open: Open | undefined): number | undefined {
  return open === undefined ? undefined : (findCapability(open.capabilities, "fourOctetAs")?.asn ?? open.asn);
}

/** What an observation was on its connection, which has taken it in already. */
export interface Moment {
  readonly connection: BgpConnection;
  readonly by: Side;
  readonly wasEstablished: boolean;
  readonly silentSince: Readonly<Record<Side, Micros | undefined>>;
  /** Undefined: the connection ended, or the message cannot be read. */
  readonly message: BgpMessage | undefined;
  readonly unreadable: string | undefined;
  readonly ended: boolean;
  /** Announced although the peer has it just so and did not ask, or withdrawn although the peer does not have it. */
  readonly idle: readonly Prefix[];
}

export class BgpTalk {
  readonly #connections = new Map<string, BgpConnection>();
  #last: Observation | undefined;
  #moment: Moment | undefined;

  connections(): readonly BgpConnection[] {
    return [...this.#connections.values()];
  }

  /** The same for the same observation, however often it is asked. Undefined for what is no BGP. */
  follow(observation: Observation, now: Micros): Moment | undefined {
    if (observation === this.#last) return this.#moment;
    this.#last = observation;
    if (observation.kind === "disturbance") this.#forgetNode(observation.what);
    this.#moment = observation.kind === "bgp" ? this.#take(observation, now) : undefined;
    return this.#moment;
  }

  /** What ends without a frame: power, and a process whose kernel cannot say it. */
  #forgetNode(what: string): void {
    const gone = /^(?<node>[^:]+): (?:no power|speaker killed|speaker stopped)$/.exec(what)?.groups?.["node"];
    for (const connection of this.#connections.values()) if (connection.node === gone) connection.over = true;
  }

  #take(observation: Extract<Observation, { readonly kind: "bgp" }>, now: Micros): Moment {
    const { connection: name, by, said } = observation;
    const connection = this.#connections.get(name) ?? new BgpConnection(observation);
    this.#connections.set(name, connection);
    const { speaker, peer } = connection.sides;
    const before = {
      connection,
      by,
      wasEstablished: connection.established,
      silentSince: { speaker: speaker.saidAt, peer: peer.saidAt },
    };
    if (said.kind !== "message") {
      connection.over = true;
      return { ...before, message: undefined, unreadable: undefined, ended: true, idle: [] };
    }
    try {
      const message = decodeMessage(said.bytes, connection.context);
      const idle = this.#note(connection, by, message, now);
      return { ...before, message, unreadable: undefined, ended: false, idle };
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      return { ...before, message: undefined, unreadable: error.message, ended: false, idle: [] };
    }
  }

  #note(connection: BgpConnection, by: Side, message: BgpMessage, now: Micros): readonly Prefix[] {
    const side = connection.sides[by];
    side.saidAt = now;
    if (message.kind === "open") side.open = message;
    if (message.kind === "keepalive") side.keepalives += 1;
    if (message.kind === "notification") side.notified = true;
    if (message.kind === "routeRefresh" && by === "peer") {
      const family = unicastFamily(message);
      if (family !== undefined) connection.asked.set(family, (connection.asked.get(family) ?? 0) + 1);
    }
    if (message.kind !== "update" || by !== "speaker") return [];
    return [
      ...message.withdrawn.filter((prefix) => !connection.told.delete(prefix)),
      ...message.announced.flatMap((announcement) => announce(connection, announcement)),
    ];
  }
}

function announce(
  connection: BgpConnection,
  { prefixes, nextHop, linkLocal, attributes }: Announcement,
): readonly Prefix[] {
  const route: ToldRoute = { nextHop, linkLocal, attributes };
  return prefixes.filter((prefix) => {
    const isSame = JSON.stringify(connection.told.get(prefix)) === JSON.stringify(route);
    connection.told.set(prefix, route);
    if (!isSame) return false;
    const repeated = (connection.repeated.get(prefix) ?? 0) + 1;
    connection.repeated.set(prefix, repeated);
    return repeated > (connection.asked.get(prefixFamily(prefix)) ?? 0);
  });
}
