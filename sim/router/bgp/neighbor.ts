// RFC 4271 sections 6.8 (collisions) and 8: a neighbour and its one or two connections. Like FRR, the router dials and
// listens at once, and what comes in runs beside what goes out until one of both is established.
import { type Random } from "../../../impl/ports.ts";
import { ERRORS, type ErrorCode } from "../../../impl/wire/bgp/error-codes.ts";
import {
  hardReset,
  type Notification,
  notification,
  notificationWithText,
} from "../../../impl/wire/bgp/notification.ts";
import { type Open } from "../../../impl/wire/bgp/open.ts";
import { type Ip, ipToBigInt } from "../../../impl/wire/ip.ts";
import { type Micros, micros, plus } from "../../../impl/wire/time.ts";
import { type TcpHandler, type TcpSocket } from "../../host/tcp.ts";
import { type PeerSettings } from "../config/model.ts";
import { Alarm, type Daemon } from "../daemon.ts";
import { type Habits } from "../profile.ts";
import { type Ending, type SessionState } from "./fsm.ts";
import { type Agreement, type LocalSpeaker } from "./negotiation.ts";
import { type RouteMessage, Session, type SessionOwner } from "./session.ts";

/** Who a neighbour is, whatever its session does. */
export interface NeighborIdentity {
  /** Its address, or `%eth1` where it is whoever is on the link. */
  readonly key: string;
  readonly device: string | undefined;
  /** It came from a listen range: it is gone when its session is. */
  readonly dynamic: boolean;
}

/** What is remembered of a neighbour for whoever asks. */
export interface NeighborHistory {
  established: number;
  readonly sent: string[];
  readonly received: string[];
}

/** What neighbours need of the router. */
export interface NeighborOwner {
  readonly daemon: Daemon;
  readonly random: Random;
  readonly habits: Habits;
  speaker(neighbor: Neighbor): LocalSpeaker;
  connect(neighbor: Neighbor, handler: TcpHandler): TcpSocket | undefined;
  established(neighbor: Neighbor, agreement: Agreement): void;
  received(neighbor: Neighbor, message: RouteMessage): void;
  /** The established session is gone. */
  lost(neighbor: Neighbor, agreement: Agreement, ending: Ending): void;
  /** A neighbour of a listen range has no connection left. */
  gone(neighbor: Neighbor): void;
  trace(what: string, detail: string): void;
}

const ORDER: readonly SessionState["kind"][] = ["idle", "active", "connect", "openSent", "openConfirm", "established"];

/** RFC 8538 section 3.1, as FRR chooses: after these the routes shall go, whatever was agreed on restarts. */
const FINAL: readonly ErrorCode[] = [
  ERRORS.maximumNumberOfPrefixesReached,
  ERRORS.administrativeShutdown,
  ERRORS.peerDeconfigured,
  ERRORS.administrativeReset,
  ERRORS.bfdDown,
];

export class Neighbor implements SessionOwner {
  readonly identity: NeighborIdentity;
  readonly history: NeighborHistory;
  readonly #owner: NeighborOwner;
  readonly #restAlarm: Alarm;
  #settings: PeerSettings;
  #address: Ip | undefined;
  #own: Session | undefined;
  /** A connection that the neighbour opened while there is another one. */
  #other: Session | undefined;
  #agreement: Agreement | undefined;
  #rest: Micros;
  #clearingUntil = micros(0);
  /** Why it is kept down; undefined where it may come up. */
  #heldDown: string | undefined = "not started";

  constructor(owner: NeighborOwner, identity: NeighborIdentity, settings: PeerSettings, history: NeighborHistory) {
    this.#owner = owner;
    this.identity = identity;
    this.#settings = settings;
    this.history = history;
    this.#rest = owner.habits.rest.first;
    this.#restAlarm = new Alarm(owner.daemon, () => this.#begin());
  }

  get settings(): PeerSettings {
    return this.#settings;
  }

  /** Takes settings that need no new session. */
  set settings(settings: PeerSettings) {
    this.#settings = settings;
  }

  /** Undefined while nobody has been heard on the link. */
  get address(): Ip | undefined {
    return this.#address;
  }

  get state(): SessionState["kind"] {
    const states = [this.#own, this.#other].map((session) => ORDER.indexOf(session?.state ?? "idle"));
    return ORDER[Math.max(...states)] ?? "idle";
  }

  /** Of the established session, or of the last one. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  get isEstablished(): boolean {
    return this.#own?.state === "established";
  }

  /** The socket of the established session. */
  get socket(): TcpSocket | undefined {
    return this.#own?.socket;
  }

  get heldDown(): string | undefined {
    return this.#heldDown;
  }

  /** A neighbour on a link has been heard, moved or gone silent. */
  setAddress(address: Ip | undefined): void {
    if (address === this.#address) return;
    this.#address = address;
    this.#own?.retry();
  }

  start(): void {
    this.#heldDown = undefined;
    if (!this.identity.dynamic) this.#begin();
  }

  /** Ends what there is; it stays down until it is started. */
  holdDown(because: string, reason: ErrorCode, data?: Uint8Array): void {
    this.#heldDown = because;
    this.#restAlarm.clear();
    this.#stop(because, notification(reason, data));
  }

  /** As holdDown, with a text for the neighbour's operator (RFC 9003). */
  shutDown(because: string, text: string): void {
    this.#heldDown = because;
    this.#restAlarm.clear();
    this.#stop(because, notificationWithText(ERRORS.administrativeShutdown, text));
  }

  /** Ends what there is without a word, since nothing would reach the neighbour. */
  drop(because: string): void {
    for (const session of [this.#other, this.#own]) session?.stop(because);
  }

  /** Ends what there is and begins again. */
  reset(because: string, reason: ErrorCode): void {
    this.#stop(because, notification(reason));
  }

  /** What was out of reach may be dialled at once. */
  retry(): void {
    this.#own?.retry();
  }

  send(message: Uint8Array): void {
    if (this.isEstablished) this.#own?.send(message);
  }

  #stop(because: string, said: Notification): void {
    for (const session of [this.#other, this.#own]) session?.stop(because, this.#finally(session, said));
  }

  #finally(session: Session, said: Notification): Notification {
    const isFinal = FINAL.some(({ code, subcode }) => code === said.code && subcode === said.subcode);
    return isFinal && session.agreement?.restartsAfterNotification === true ? hardReset(said) : said;
  }

  /** A connection that the neighbour opened; undefined where it is not welcome. */
  accept(socket: TcpSocket): TcpHandler | undefined {
    if (this.#heldDown !== undefined) return undefined;
    // RFC 4724 section 4.2: the neighbour has restarted and nobody said so.
    if (this.isEstablished && this.#agreement?.gracefulRestart !== undefined) {
      this.#own?.lose("the neighbour came back");
      this.#clearingUntil = this.#owner.daemon.now;
    }
    this.#other?.stop("a newer connection came");
    this.#address = socket.remote.ip;
    this.#other = this.#session(true);
    return this.#other.accept(socket);
  }

  #session(incoming: boolean): Session {
    const { daemon, random } = this.#owner;
    const settings = this.#settings;
    return new Session({ daemon, random, settings, speaker: () => this.#owner.speaker(this) }, this, incoming);
  }

  #begin(): void {
    if (this.#heldDown !== undefined || this.#own !== undefined) return;
    this.#own = this.#session(false);
    this.#own.start(this.#settings.passive);
  }

  #restNow(): void {
    if (this.#heldDown !== undefined) return;
    this.#restAlarm.set(this.#rest);
    this.#rest = micros(Math.min(this.#rest * 2, this.#owner.habits.rest.most));
  }

  // What its sessions say.

  dial(_session: Session, handler: TcpHandler): TcpSocket | undefined {
    return this.#owner.connect(this, handler);
  }

  changed(session: Session, from: SessionState["kind"], because: string): void {
    const way = session.incoming ? " (incoming)" : "";
    this.#owner.trace("bgp", `${this.identity.key}${way} ${from}->${session.state}: ${because}`);
  }

  prevails(session: Session, open: Open): boolean {
    const rival = session === this.#own ? this.#other : this.#own;
    const isAlone = rival === undefined || ORDER.indexOf(rival.state) < ORDER.indexOf("openSent");
    if (isAlone && (!session.incoming || this.#owner.daemon.now >= this.#clearingUntil)) return true;
    const stays = !isAlone && rival.state !== "established" && session.incoming === this.#keepsIncoming(open);
    const loser = stays ? rival : session;
    loser.stop("collision", notification(ERRORS.connectionCollisionResolution));
    return stays;
  }

  /** RFC 4271 section 6.8, RFC 6286 section 2.3: the connection of the side with the greater identifier stays. */
  #keepsIncoming(open: Open): boolean {
    const { routerId, asn } = this.#owner.speaker(this);
    const difference = ipToBigInt(open.bgpIdentifier) - ipToBigInt(routerId);
    return difference === 0n ? open.asn > asn : difference > 0n;
  }

  established(session: Session, agreement: Agreement): void {
    if (session === this.#other) {
      const former = this.#own;
      this.#own = session;
      this.#other = undefined;
      former?.stop("the neighbour's connection is established");
    }
    this.#agreement = agreement;
    this.#rest = this.#owner.habits.rest.first;
    this.#restAlarm.clear();
    this.history.established++;
    this.#owner.established(this, agreement);
  }

  received(_session: Session, message: RouteMessage): void {
    this.#owner.received(this, message);
  }

  said(how: "sent" | "received", said: Notification): void {
    this.history[how].push(`${said.code}/${said.subcode}`);
  }

  ended(session: Session, ending: Ending, agreement: Agreement | undefined): void {
    if (session === this.#other) this.#other = undefined;
    if (session === this.#own) {
      this.#own = undefined;
      if (agreement !== undefined) {
        this.#clearingUntil = plus(this.#owner.daemon.now, this.#owner.habits.clearing);
        this.#owner.lost(this, agreement, ending);
      }
      if (!this.identity.dynamic) this.#restNow();
    }
    if (this.identity.dynamic && this.#own === undefined && this.#other === undefined) this.#owner.gone(this);
  }
}
