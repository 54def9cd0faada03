// One peer: its session, what it shall know, and BFD's word on the path between.
import { type Random } from "../../ports.ts";
import { unicastFamily } from "../../wire/bgp/families.ts";
import { type Ip, type Ipv4 } from "../../wire/ip.ts";
import { type Prefix } from "../../wire/prefix.ts";
import { earliest, type Micros } from "../../wire/time.ts";
import { type BfdSessionsEffect } from "../bfd/sessions.ts";
import { type LocalSide, nextHopsFor } from "./next-hops.ts";
import { type RibOut } from "./rib-out.ts";
import { type SessionConfig } from "./session/config.ts";
import { BgpSession, type BgpSessionEffect } from "./session/session.ts";
import { type Intent } from "./session/state.ts";

/** Routes wait in the table, where later changes replace earlier ones, while the socket holds more than this. */
const MAX_BACKLOG = 65_536;

type BfdChange = Extract<BfdSessionsEffect, { readonly kind: "changed" }>;

export type BgpPeerEffect =
  | Exclude<BgpSessionEffect, { readonly kind: "refresh" }>
  /** Prefixes that cannot be told: their attributes fill a message. */
  | { readonly kind: "oversized"; readonly prefixes: readonly Prefix[] };

export class BgpPeer {
  readonly #config: SessionConfig;
  readonly #rib: RibOut;
  readonly #session: BgpSession;
  #local: LocalSide | undefined;
  #backlog = 0;

  constructor(config: SessionConfig, rib: RibOut, random: Random) {
    this.#config = config;
    this.#rib = rib;
    this.#session = new BgpSession(config, random);
  }

  get session(): BgpSession {
    return this.#session;
  }

  start(now: Micros): readonly BgpPeerEffect[] {
    return this.#follow(this.#session.start(now), now);
  }

  stop(intent: Intent, now: Micros): readonly BgpPeerEffect[] {
    return this.#follow(this.#session.stop(intent, now), now);
  }

  /** How many bytes wait for the peer to take them. */
  get waiting(): number {
    return this.#backlog;
  }

  connected(
    connection: number,
    local: LocalSide,
    now: Micros,
    routerId: Ipv4 = this.#config.routerId,
  ): readonly BgpPeerEffect[] {
    if (connection !== this.#session.connection) return [];
    this.#session.identify(routerId);
    this.#local = local;
    this.#backlog = 0;
    return this.#follow(this.#session.connected(connection, local.address, now), now);
  }

  /** The interface has these addresses now. A next hop stays the same while it is among them. */
  setAddresses(addresses: readonly Ip[], now: Micros): readonly BgpPeerEffect[] {
    if (this.#local === undefined) return [];
    const { address, onInterface } = this.#local;
    const kept = onInterface.filter((ip) => addresses.includes(ip));
    const added = addresses.filter((ip) => !onInterface.includes(ip));
    this.#local = { address, onInterface: [...kept, ...added] };
    const { negotiated } = this.#session;
    if (negotiated === undefined) return [];
    this.#rib.redirect(nextHopsFor(this.#local, negotiated));
    return this.flush(now);
  }

  lost(connection: number, error: string, now: Micros): readonly BgpPeerEffect[] {
    // What the socket held is gone with it.
    if (connection === this.#session.connection) this.#backlog = 0;
    return this.#follow(this.#session.lost(connection, error, now), now);
  }

  receive(connection: number, bytes: Uint8Array, now: Micros): readonly BgpPeerEffect[] {
    return this.#follow(this.#session.receive(connection, bytes, now), now);
  }

  /** How many of our bytes the socket still holds. */
  backlog(connection: number, bytes: number, now: Micros): readonly BgpPeerEffect[] {
    if (connection !== this.#session.connection) return [];
    this.#session.backlog(connection, bytes, now);
    this.#backlog = bytes;
    return this.flush(now);
  }

  /** RFC 5882 section 3.2: a session that an administrator took down says nothing about the path. */
  bfdChanged({ from, to, because }: BfdChange, now: Micros): readonly BgpPeerEffect[] {
    const failed = from === "up" && to === "down" && because !== "peerAdminDown";
    return failed ? this.#follow(this.#session.bfdDown(now), now) : [];
  }

  wake(now: Micros): readonly BgpPeerEffect[] {
    return [...this.#follow(this.#session.wake(now), now), ...this.flush(now)];
  }

  deadline(): Micros | undefined {
    return earliest(this.#session.deadline(), this.#isBlocked() ? undefined : this.#rib.deadline());
  }

  /** Tells the peer what changed in its table. */
  flush(now: Micros): readonly BgpPeerEffect[] {
    if (this.#session.negotiated === undefined || this.#isBlocked()) return [];
    const { messages, oversized } = this.#rib.take(now);
    const written = this.#follow(this.#session.sendUpdates(messages, now), now);
    return oversized.length === 0 ? written : [...written, { kind: "oversized", prefixes: oversized }];
  }

  #isBlocked(): boolean {
    return this.#backlog > MAX_BACKLOG;
  }

  #follow(effects: readonly BgpSessionEffect[], now: Micros): readonly BgpPeerEffect[] {
    return effects.flatMap((effect): readonly BgpPeerEffect[] => {
      switch (effect.kind) {
        case "up": {
          const { negotiated } = effect;
          const nextHops = this.#local === undefined ? {} : nextHopsFor(this.#local, negotiated);
          this.#rib.up({ localAsn: this.#config.localAsn, negotiated, nextHops }, now);
          return [effect, ...this.flush(now)];
        }
        case "down":
          if (effect.wasUp) this.#rib.down();
          return [effect];
        case "refresh": {
          const family = unicastFamily(effect.family);
          if (family !== undefined) this.#rib.refresh(family);
          return this.flush(now);
        }
        default:
          return [effect];
      }
    });
  }
}
