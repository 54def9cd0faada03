// RFC 4861 sections 6.2 (advertising) and 6.3.7 (soliciting) on one interface, and the router that is heard there.
import { type Effect, type Random } from "../../../ports.ts";
import { ALL_ROUTERS, type Ipv6 } from "../../../wire/ip.ts";
import { earliest, micros, type Micros, millis, minus, minutes, plus, seconds, times } from "../../../wire/time.ts";
import { type PeerInterface, sameInterface } from "./peer-interface.ts";
import { advertisementOf, type RouterMessage, solicitationOf } from "./router-messages.ts";

/** MaxRtrAdvInterval: FRR's for an interface with an unnumbered peer. MinRtrAdvInterval is a third (section 6.2.1). */
const MAX_INTERVAL = seconds(10);
const MIN_INTERVAL = times(MAX_INTERVAL, 0.33);
/** MIN_DELAY_BETWEEN_RAS and MAX_RA_DELAY_TIME, section 10. */
const MIN_DELAY = seconds(3);
const MAX_ANSWER_DELAY = millis(500);
/** MAX_RTR_SOLICITATION_DELAY, RTR_SOLICITATION_INTERVAL and MAX_RTR_SOLICITATIONS, section 10. */
const MAX_SOLICITATION_DELAY = seconds(1);
const SOLICITATION_INTERVAL = seconds(4);
const MAX_SOLICITATIONS = 3;

/** AdvDefaultLifetime of section 6.2.1 with its defaults: a router that was silent for so long is none. */
const PEER_LIFETIME = seconds(1800);
/** Three advertisements that did not come: the neighbour may have another address, or be another one. */
const PEER_PATIENCE = times(MAX_INTERVAL, 3);
/** Between two of them in the log, whoever makes them up. */
const STRANGERS_APART = minutes(1);

export interface LinkEvent {
  readonly effects: readonly Effect[];
  /** The peer has another address now, or none. */
  readonly changed: boolean;
}

export class AdvertisedLink {
  readonly on: PeerInterface;
  readonly #random: Random;
  #advertiseAt: Micros;
  #advertisedAt: Micros | undefined;
  #solicitAt: Micros | undefined;
  #solicited = 0;
  #peer: { readonly address: Ipv6; readonly heardAt: Micros } | undefined;
  /** A second router of which the log has told. */
  #stranger: { readonly address: Ipv6; readonly toldAt: Micros } | undefined;
  readonly #hasSession: () => boolean;

  /** `hasSession`: the peer is there, whether it still advertises itself or not. */
  constructor(on: PeerInterface, random: Random, hasSession: () => boolean, now: Micros) {
    this.on = on;
    this.#random = random;
    this.#hasSession = hasSession;
    this.#advertiseAt = now;
    this.#solicitAt = plus(now, this.#draw(MAX_SOLICITATION_DELAY));
  }

  get peer(): Ipv6 | undefined {
    return this.#peer?.address;
  }

  isOn(other: PeerInterface): boolean {
    return sameInterface(this.on, other);
  }

  open(now: Micros): LinkEvent {
    const { name } = this.on;
    const { effects } = this.wake(now);
    // Section 6.2.2: solicitations are sent to all routers.
    const opened: readonly Effect[] = [
      { kind: "openLink", link: name },
      { kind: "joinGroup", link: name, group: ALL_ROUTERS },
    ];
    return { effects: [...opened, ...effects], changed: false };
  }

  /** `remains`: the interface is still there. */
  close(remains: boolean): LinkEvent {
    const { name } = this.on;
    const left: readonly Effect[] = remains ? [{ kind: "leaveGroup", link: name, group: ALL_ROUTERS }] : [];
    return { effects: [...left, { kind: "closeLink", link: name }], changed: this.#peer !== undefined };
  }

  receive({ kind, source }: RouterMessage, now: Micros): LinkEvent {
    if (kind === "routerAdvertisement") return this.#hear(source, now);
    this.#answer(now);
    return NOTHING;
  }

  wake(now: Micros): LinkEvent {
    const effects: Effect[] = [];
    if (this.#advertiseAt <= now) effects.push(this.#advertise(now));
    if (this.#solicitAt !== undefined && this.#solicitAt <= now) effects.push(this.#solicit(now));
    return { effects, changed: this.#expire(now) };
  }

  #expire(now: Micros): boolean {
    const peer = this.#peer;
    if (peer === undefined || plus(peer.heardAt, PEER_LIFETIME) > now) return false;
    const stays = this.#hasSession();
    this.#peer = stays ? { ...peer, heardAt: now } : undefined;
    return !stays;
  }

  deadline(): Micros | undefined {
    const expiresAt = this.#peer === undefined ? undefined : plus(this.#peer.heardAt, PEER_LIFETIME);
    return earliest(this.#advertiseAt, this.#solicitAt, expiresAt);
  }

  /** Section 6.2.4. The first three are never further apart than 16 seconds, as none are. */
  #advertise(now: Micros): Effect {
    this.#advertisedAt = now;
    this.#advertiseAt = plus(now, plus(MIN_INTERVAL, this.#draw(minus(MAX_INTERVAL, MIN_INTERVAL))));
    return { kind: "sendFrame", link: this.on.name, bytes: advertisementOf(this.on) };
  }

  /** Section 6.2.6: after a delay, so that routers do not answer all at once, and to all nodes, so that one answer serves all. */
  #answer(now: Micros): void {
    const soonest = this.#advertisedAt === undefined ? now : micros(Math.max(now, plus(this.#advertisedAt, MIN_DELAY)));
    const at = plus(soonest, this.#draw(MAX_ANSWER_DELAY));
    if (at < this.#advertiseAt) this.#advertiseAt = at;
  }

  #solicit(now: Micros): Effect {
    this.#solicited++;
    this.#solicitAt = this.#solicited < MAX_SOLICITATIONS ? plus(now, SOLICITATION_INTERVAL) : undefined;
    return { kind: "sendFrame", link: this.on.name, bytes: solicitationOf(this.on) };
  }

  #hear(source: Ipv6, now: Micros): LinkEvent {
    // Section 6.3.7: a router has answered.
    this.#solicitAt = undefined;
    const known = this.#peer;
    const changed = known?.address !== source;
    if (known !== undefined && changed && (now < plus(known.heardAt, PEER_PATIENCE) || this.#hasSession())) {
      return { effects: this.#reportStranger(source, known.address, now), changed: false };
    }
    this.#peer = { address: source, heardAt: now };
    return { effects: [], changed };
  }

  #reportStranger(address: Ipv6, peer: Ipv6, now: Micros): readonly Effect[] {
    const told = this.#stranger;
    if (told !== undefined && (told.address === address || now < plus(told.toldAt, STRANGERS_APART))) return [];
    this.#stranger = { address, toldAt: now };
    const hint = "an interface that names a peer must reach one router only";
    const fields = { link: this.on.name, address, peer, hint };
    return [{ kind: "log", level: "warn", event: "bgp.unnumbered.secondRouter", fields }];
  }

  #draw(longest: Micros): Micros {
    return times(longest, this.#random.next());
  }
}

const NOTHING: LinkEvent = { effects: [], changed: false };
