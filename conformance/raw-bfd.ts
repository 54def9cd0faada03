// BFD packets byte by byte, as RFC 5880 section 4.1 draws them, and a peer that speaks them.
import { parseIp } from "../impl/wire/ip.ts";
import { type Micros, micros, millis, seconds } from "../impl/wire/time.ts";
import { type BfdSpec, bfdProfile } from "./objects.ts";
import { bytesOf, type Octets, u32 } from "./raw-messages.ts";
import { CLIENT } from "./raw-peer.ts";
import { establishedRaw, type RawSession } from "./raw-session.ts";
import { passes } from "./steps.ts";
import { type Datagrams, type HeardDatagram, type World } from "./world.ts";

/** RFC 5880 section 4.1, in the order of the two bits. */
const STATES = ["adminDown", "down", "init", "up"] as const;
export type State = (typeof STATES)[number];

export const FLAGS = { poll: 0x20, final: 0x10, authentication: 0x04, demand: 0x02, multipoint: 0x01 } as const;

export interface BfdFields {
  readonly version?: number;
  readonly diagnostic?: number;
  readonly state?: State;
  readonly flags?: number;
  readonly multiplier?: number;
  /** In place of the true one. */
  readonly length?: number;
  readonly mine?: number;
  readonly yours?: number;
  /** Desired Min TX, Required Min RX, Required Min Echo RX; microseconds. */
  readonly transmit?: number;
  readonly receive?: number;
  readonly echo?: number;
  /** What follows the 24 bytes. */
  readonly more?: Octets;
}

/** The discriminator of the peer. */
const MINE = 0x1234_5678;
const INTERVAL = 300_000;

export function bfd(fields: BfdFields = {}): Uint8Array {
  const { version = 1, diagnostic = 0, state = "up", flags = 0, multiplier = 3, more = [] } = fields;
  const { mine = MINE, yours = 0, transmit = INTERVAL, receive = INTERVAL, echo = 0 } = fields;
  const { length = 24 + more.length } = fields;
  const head = [(version << 5) | diagnostic, (STATES.indexOf(state) << 6) | flags, multiplier, length];
  return bytesOf(head, u32(mine), u32(yours), u32(transmit), u32(receive), u32(echo), more);
}

/** What stands in 24 bytes of the speaker. */
export interface BfdHeard {
  readonly at: Micros;
  readonly version: number;
  readonly diagnostic: number;
  readonly state: State;
  readonly poll: boolean;
  readonly final: boolean;
  readonly multiplier: number;
  readonly mine: number;
  readonly yours: number;
  readonly transmit: number;
  readonly receive: number;
}

export function readBfd({ at, bytes }: HeardDatagram): BfdHeard {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [first, second] = [view.getUint8(0), view.getUint8(1)];
  return {
    at,
    version: first >> 5,
    diagnostic: first & 0x1f,
    state: STATES[second >> 6] ?? "adminDown",
    poll: (second & FLAGS.poll) !== 0,
    final: (second & FLAGS.final) !== 0,
    multiplier: view.getUint8(2),
    mine: view.getUint32(4),
    yours: view.getUint32(8),
    transmit: view.getUint32(12),
    receive: view.getUint32(16),
  };
}

/** RFC 5881 section 4: single hops. */
const PORT = 3784;
/** The first node of the topologies. */
const NODE = parseIp("192.0.2.11");

/** A peer of BFD and BGP, and what it says when nothing else is asked of it. */
export class RawBfd {
  readonly session: RawSession;
  readonly #datagrams: Datagrams;
  /** What the peer says each time. */
  says: BfdFields = {};
  every: Micros = millis(250);

  constructor(session: RawSession, datagrams: Datagrams) {
    this.session = session;
    this.#datagrams = datagrams;
  }

  async heard(): Promise<readonly BfdHeard[]> {
    return (await this.#datagrams.heard()).map(readBfd);
  }

  async datagrams(): Promise<readonly HeardDatagram[]> {
    return this.#datagrams.heard();
  }

  async last(): Promise<BfdHeard | undefined> {
    return (await this.heard()).at(-1);
  }

  /** To the speaker's session, unless the fields name another. */
  async send(fields: BfdFields, ttl?: number): Promise<void> {
    const yours = (await this.last())?.mine ?? 0;
    await this.#datagrams.send({ ip: NODE, port: PORT }, bfd({ yours, ...this.says, ...fields }), ttl);
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    await this.#datagrams.send({ ip: NODE, port: PORT }, bytes);
  }

  /** The peer says its part in time while time passes. */
  async beats(during: Micros): Promise<void> {
    for (let rest: number = during; rest > 0; rest -= this.every) {
      await this.send({});
      await passes(this.session.world, micros(Math.min(this.every, rest)));
    }
  }

  /** RFC 5880 section 6.2: Down, Init, Up. */
  async handshake(): Promise<void> {
    const { world } = this.session;
    await world.waitFor("the speaker says Down", async () => (await this.last())?.state === "down", seconds(5));
    await this.send({ state: "down" });
    await world.waitFor("the speaker says Init", async () => (await this.last())?.state === "init", seconds(2));
    await this.send({ state: "up" });
    await world.waitFor("the speaker says Up", async () => (await this.last())?.state === "up", seconds(2));
  }

  /** A series of the peer, or of all BFD, in the speaker; 0 where it is not exposed. */
  async metric(name: string, labels = `peer="${CLIENT}",vrf="default"`): Promise<number> {
    return (await this.session.node.metric(`${name}{${labels}}`)) ?? 0;
  }

  async isUp(): Promise<boolean> {
    return (await this.metric("metallb_bfd_session_up")) === 1;
  }

  dropped(because: string): Promise<number> {
    return this.metric("assay_bfd_packets_dropped", `because="${because}"`);
  }

  async end(): Promise<void> {
    await this.#datagrams.end();
    await this.session.raw.end();
  }
}

/** A BGP session whose path BFD will watch, with this profile. */
export async function startBfd(world: World, profile: BfdSpec = {}): Promise<RawBfd> {
  await world.kubernetes.apply(bfdProfile("raw", profile));
  const datagrams = await world.client().datagrams(PORT);
  return new RawBfd(await establishedRaw(world, { peer: { bfdProfile: "raw" } }), datagrams);
}

/** The same, up. */
export async function watchedByBfd(world: World, profile: BfdSpec = {}): Promise<RawBfd> {
  const peer = await startBfd(world, profile);
  await peer.handshake();
  await peer.beats(seconds(3));
  return peer;
}
