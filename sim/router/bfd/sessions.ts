// RFC 5881 (one hop), RFC 5883 (several): the sessions of a router, and which packet is for which.
import { type Arrival, type Random } from "../../../impl/ports.ts";
import { type BfdControl, type BfdState, decodeBfd, encodeBfd, refusalOf } from "../../../impl/wire/bfd.ts";
import { DecodeError } from "../../../impl/wire/errors.ts";
import { familyOf, type Ip, UNSPECIFIED_V4, UNSPECIFIED_V6 } from "../../../impl/wire/ip.ts";
import { type UdpSocket } from "../../host/udp.ts";
import { type BfdSettings } from "../config/model.ts";
import { type Daemon, type Held } from "../daemon.ts";
import { BfdSession } from "./session.ts";

const PORTS = { single: 3784, multi: 4784 } as const;
/** RFC 5881 section 4: from this on. */
const FIRST_SOURCE_PORT = 49_152;
const SOURCE_PORTS = 16_384;
const MOST_HOPS = 255;

/** A session that shall be. */
export interface BfdWish {
  readonly peer: Ip;
  readonly local: Ip | undefined;
  /** The link of the neighbour where its address alone does not say. */
  readonly device: string | undefined;
  readonly vrf: string | undefined;
  readonly multihop: boolean;
  readonly settings: BfdSettings;
}

export interface BfdOwner {
  readonly daemon: Daemon;
  readonly random: Random;
  /** A session that was up has failed; not told where the other side was shut down on purpose (RFC 5882 section 3.2). */
  down(key: string, controlPlaneIndependent: boolean): void;
}

export interface BfdView {
  readonly wish: BfdWish;
  readonly session: BfdSession;
  readonly downs: number;
}

interface Row {
  readonly key: string;
  readonly session: BfdSession;
  readonly socket: UdpSocket;
  readonly held: Held;
  wish: BfdWish;
  downs: number;
}

export class BfdSessions {
  readonly #owner: BfdOwner;
  readonly #rows = new Map<string, Row>();
  readonly #byDiscriminator = new Map<number, Row>();
  readonly #receivers = new Set<string>();
  readonly #downs = new Map<string, number>();
  #drawn = 0;

  constructor(owner: BfdOwner) {
    this.#owner = owner;
  }

  views(): readonly BfdView[] {
    return [...this.#rows.values()];
  }

  /** Makes the sessions those that are wished for, by their keys. */
  apply(wishes: ReadonlyMap<string, BfdWish>): void {
    for (const row of this.#rows.values()) {
      const wish = wishes.get(row.key);
      if (wish === undefined || !isSame(wish, row.wish)) this.#close(row);
      else {
        row.wish = wish;
        row.session.configure(wish.settings);
      }
    }
    for (const [key, wish] of wishes) if (!this.#rows.has(key)) this.#open(key, wish);
  }

  #open(key: string, wish: BfdWish): void {
    const { daemon, random } = this.#owner;
    const { host } = daemon;
    const device = wish.device ?? wish.vrf;
    const ip = wish.local ?? host.sourceFor(wish.peer, device);
    if (ip === undefined) return;
    this.#listen(wish);
    const options = { ttl: MOST_HOPS, ...(device === undefined ? {} : { device }) };
    const port = FIRST_SOURCE_PORT + (this.#drawn++ % SOURCE_PORTS);
    const socket = host.udp.tryOpen({ ip, port }, () => undefined, options);
    if (typeof socket === "string") return host.trace("bfd", `${key} has no socket: ${socket}`);
    const to = { ip: wish.peer, port: wish.multihop ? PORTS.multi : PORTS.single };
    const session = new BfdSession(
      {
        daemon,
        random,
        discriminator: 1 + Math.floor(random.next() * 0xffff_fffe),
        multihop: wish.multihop,
        owner: {
          send: (packet) => socket.send(to, encodeBfd(packet)),
          changed: (from, next, because) => {
            host.trace("bfd", `${key} ${from}->${next}: ${because}`);
            this.#changed(key, from, next);
          },
        },
      },
      wish.settings,
    );
    const held = daemon.hold({ close: () => socket.close() });
    const row = { key, wish, session, socket, held, downs: this.#downs.get(key) ?? 0 };
    this.#rows.set(key, row);
    this.#byDiscriminator.set(session.discriminator, row);
    session.start();
  }

  #changed(key: string, from: BfdState, to: BfdState): void {
    const row = this.#rows.get(key);
    if (row === undefined || from !== "up" || to !== "down") return;
    row.downs++;
    this.#downs.set(key, row.downs);
    const { state, controlPlaneIndependent } = row.session.remote;
    if (state !== "adminDown") this.#owner.down(key, controlPlaneIndependent);
  }

  #close(row: Row): void {
    this.#rows.delete(row.key);
    this.#byDiscriminator.delete(row.session.discriminator);
    row.session.close();
    row.socket.close();
    this.#owner.daemon.letGo(row.held);
  }

  /** One socket for each port, family and VRF. */
  #listen({ peer, multihop, vrf }: BfdWish): void {
    const { daemon } = this.#owner;
    const ip = familyOf(peer) === "ipv4" ? UNSPECIFIED_V4 : UNSPECIFIED_V6;
    const port = multihop ? PORTS.multi : PORTS.single;
    const name = `${ip} ${port} ${vrf ?? ""}`;
    if (this.#receivers.has(name)) return;
    this.#receivers.add(name);
    const socket = daemon.host.udp.open(
      { ip, port },
      (from, bytes, arrival) => {
        const copy = bytes.slice();
        daemon.run(() => this.#receive(from.ip, copy, arrival, multihop));
      },
      vrf === undefined ? {} : { device: vrf },
    );
    daemon.hold({ close: () => socket.close() });
  }

  #receive(from: Ip, bytes: Uint8Array, arrival: Arrival, multihop: boolean): void {
    const drop = (because: string): void => this.#owner.daemon.host.trace("drop", `bfd ${from} ${because}`);
    const packet = read(bytes);
    if (typeof packet === "string") return drop(packet);
    const row = this.#find(packet, from, arrival, multihop);
    if (row === undefined) return drop("no such session");
    // RFC 5881 section 5, RFC 5883 section 5.
    const least = multihop ? row.wish.settings.minimumTtl : MOST_HOPS;
    if (arrival.ttl < least) return drop(`ttl ${arrival.ttl}`);
    row.session.receive(packet);
  }

  /** RFC 5880 section 6.8.6: by the discriminator, and by the addresses before that is known. */
  #find({ yourDiscriminator }: BfdControl, from: Ip, arrival: Arrival, multihop: boolean): Row | undefined {
    if (yourDiscriminator !== 0) {
      const row = this.#byDiscriminator.get(yourDiscriminator);
      return row?.wish.multihop === multihop ? row : undefined;
    }
    const { host } = this.#owner.daemon;
    return [...this.#rows.values()].find(
      ({ wish }) =>
        wish.multihop === multihop &&
        wish.peer === from &&
        (wish.device === undefined || wish.device === arrival.link) &&
        host.vrfOf(arrival.link) === wish.vrf,
    );
  }
}

/** The packet, or why it is worth nothing. */
function read(bytes: Uint8Array): BfdControl | string {
  try {
    const packet = decodeBfd(bytes);
    // RFC 5880 section 6.8.6: sessions here use no authentication.
    if (packet.authentication !== undefined) return "authenticated";
    return refusalOf(packet) ?? packet;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return error.message;
  }
}

const isSame = (one: BfdWish, other: BfdWish): boolean =>
  one.peer === other.peer &&
  one.device === other.device &&
  one.vrf === other.vrf &&
  one.multihop === other.multihop &&
  (one.local === undefined || other.local === undefined || one.local === other.local);
