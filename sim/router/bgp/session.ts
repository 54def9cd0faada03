// RFC 4271 section 8: a connection to a neighbour, with its socket and its timers.
import { type Random } from "../../../impl/ports.ts";
import { unreachable } from "../../../impl/wire/brand.ts";
import { BgpError } from "../../../impl/wire/bgp/bgp-error.ts";
import { encodeKeepalive } from "../../../impl/wire/bgp/keepalive.ts";
import { type BgpMessage, decodeMessage } from "../../../impl/wire/bgp/message.ts";
import { MessageStream } from "../../../impl/wire/bgp/message-stream.ts";
import { encodeNotification, type Notification, notificationOf } from "../../../impl/wire/bgp/notification.ts";
import { encodeOpen, type Open } from "../../../impl/wire/bgp/open.ts";
import { type RouteRefresh } from "../../../impl/wire/bgp/route-refresh.ts";
import { type EndOfRib, type Update } from "../../../impl/wire/bgp/update.ts";
import { type Micros, micros } from "../../../impl/wire/time.ts";
import { type TcpHandler, type TcpSocket } from "../../host/tcp.ts";
import { type PeerSettings } from "../config/model.ts";
import { Alarm, type Daemon, type Held } from "../daemon.ts";
import { type Ending, type SessionAction, type SessionEvent, type SessionState, step, type TimerName } from "./fsm.ts";
import { agree, type Agreement, type LocalSpeaker, openFor } from "./negotiation.ts";

/** What messages of an established session are to those who keep the routes. */
export type RouteMessage = Update | EndOfRib | RouteRefresh;

export interface SessionContext {
  readonly daemon: Daemon;
  readonly random: Random;
  readonly settings: PeerSettings;
  speaker(): LocalSpeaker;
}

export interface SessionOwner {
  /** Opens a connection; undefined where the neighbour cannot be reached now. */
  dial(session: Session, handler: TcpHandler): TcpSocket | undefined;
  changed(session: Session, from: SessionState["kind"], because: string): void;
  /** RFC 4271 section 6.8: false where the session has to give way to another one. */
  prevails(session: Session, open: Open): boolean;
  established(session: Session, agreement: Agreement): void;
  received(session: Session, message: RouteMessage): void;
  said(how: "sent" | "received", notification: Notification): void;
  /** With what had been agreed on where it was established. */
  ended(session: Session, ending: Ending, agreement: Agreement | undefined): void;
}

export class Session {
  /** Who dialled: this router, or the neighbour. */
  readonly incoming: boolean;
  readonly #context: SessionContext;
  readonly #owner: SessionOwner;
  readonly #timers: Readonly<Record<TimerName, Alarm>>;
  #state: SessionState = { kind: "idle" };
  #socket: TcpSocket | undefined;
  #held: Held | undefined;
  #stream = new MessageStream();
  /** Counts connections, so that nothing of one that was given up is taken for the next. */
  #connection = 0;

  constructor(context: SessionContext, owner: SessionOwner, incoming: boolean) {
    this.#context = context;
    this.#owner = owner;
    this.incoming = incoming;
    this.#timers = {
      connectRetry: new Alarm(context.daemon, () => this.#expire("connectRetry")),
      hold: new Alarm(context.daemon, () => this.#expire("hold")),
      keepalive: new Alarm(context.daemon, () => this.#expire("keepalive")),
    };
  }

  get state(): SessionState["kind"] {
    return this.#state.kind;
  }

  get agreement(): Agreement | undefined {
    return "agreement" in this.#state ? this.#state.agreement : undefined;
  }

  get socket(): TcpSocket | undefined {
    return this.#socket;
  }

  start(passive: boolean): void {
    this.#handle({ kind: "start", passive }, "started");
  }

  stop(because: string, tell?: Notification): void {
    this.#handle({ kind: "stop", tell }, because);
  }

  /** What was out of reach may be dialled at once. */
  retry(): void {
    if (this.#state.kind === "active" && this.#timers.connectRetry.isSet) this.#expire("connectRetry");
  }

  /** A connection that the neighbour opened. */
  accept(socket: TcpSocket): TcpHandler {
    this.#handle({ kind: "start", passive: true }, "accepted");
    this.#take(socket);
    return this.#handler();
  }

  /** The connection is as good as lost. */
  lose(because: string): void {
    this.#handle({ kind: "tcpFails", because }, because);
  }

  send(message: Uint8Array): void {
    this.#socket?.write(message);
  }

  #handler(): TcpHandler {
    const connection = this.#connection;
    const tell = (task: () => void): void =>
      this.#context.daemon.run(() => (connection === this.#connection ? task() : undefined));
    return {
      opened: () => tell(() => this.#handle({ kind: "tcpOpened" }, "TCP is up")),
      data: (bytes) => {
        const copy = bytes.slice();
        tell(() => this.#read(copy));
      },
      ended: () => tell(() => this.#lost("closed by the neighbour")),
      closed: (because) => tell(() => this.#lost(because)),
    };
  }

  #lost(because: string): void {
    if (this.#state.kind === "connect") this.#drop();
    this.#handle({ kind: "tcpFails", because }, `TCP: ${because}`);
  }

  #take(socket: TcpSocket): void {
    this.#socket = socket;
    this.#stream = new MessageStream();
    this.#held = this.#context.daemon.hold({
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: () => socket.close(),
    });
  }

  #drop(): void {
    if (this.#held !== undefined) this.#context.daemon.letGo(this.#held);
    this.#socket?.close();
    this.#held = undefined;
    this.#socket = undefined;
    this.#connection++;
  }

  #expire(timer: TimerName): void {
    switch (timer) {
      case "connectRetry":
        this.#drop();
        return this.#handle({ kind: "connectRetryExpires" }, "connect retry");
      case "hold":
        return this.#handle({ kind: "holdExpires" }, "hold timer expired");
      case "keepalive":
        return this.#handle({ kind: "keepaliveExpires" }, "keepalive timer");
      default:
        return unreachable(timer);
    }
  }

  #read(bytes: Uint8Array): void {
    const socket = this.#socket;
    try {
      this.#stream.feed(bytes, (message) => {
        if (this.#socket === socket && socket !== undefined) this.#takeMessage(message);
      });
    } catch (error) {
      this.#malformed(error);
    }
  }

  #malformed(error: unknown): void {
    if (!(error instanceof BgpError)) throw error;
    this.#handle({ kind: "malformed", answer: notificationOf(error) }, error.message);
  }

  #takeMessage(bytes: Uint8Array): void {
    const agreement = this.agreement;
    try {
      const message = decodeMessage(bytes, {
        asSize: agreement?.asSize ?? 4,
        internal: agreement?.internal ?? false,
        families: agreement?.families ?? [],
        ownAddress: this.#socket?.local.ip,
      });
      this.#receive(message);
    } catch (error) {
      this.#malformed(error);
    }
  }

  #receive(message: BgpMessage): void {
    switch (message.kind) {
      case "open":
        return this.#receiveOpen(message);
      case "keepalive":
        return this.#handle({ kind: "keepalive" }, "KEEPALIVE");
      case "notification":
        this.#owner.said("received", message);
        return this.#handle({ kind: "notification", notification: message }, "NOTIFICATION");
      case "update":
      case "endOfRib":
      case "routeRefresh":
        this.#handle({ kind: "update" }, "UPDATE");
        if (this.#state.kind === "established") this.#owner.received(this, message);
        return;
      default:
        return unreachable(message);
    }
  }

  #receiveOpen(open: Open): void {
    const { settings } = this.#context;
    if (this.#state.kind === "openSent" && !this.#owner.prevails(this, open)) return;
    const agreement = agree(openFor(this.#context.speaker(), settings), open, settings);
    this.#handle({ kind: "open", agreement }, "OPEN");
  }

  #handle(event: SessionEvent, because: string): void {
    const from = this.#state;
    const { state, actions } = step(from, event);
    this.#state = state;
    // RFC 4271 section 8.2.2: every state has its own timers.
    if (state.kind !== from.kind) for (const alarm of Object.values(this.#timers)) alarm.clear();
    if (state.kind !== from.kind) this.#owner.changed(this, from.kind, because);
    const established = from.kind === "established" ? from.agreement : undefined;
    for (const action of actions) this.#perform(action, established);
    if (state.kind === "established" && from.kind !== "established") this.#owner.established(this, state.agreement);
  }

  #perform(action: SessionAction, established: Agreement | undefined): void {
    switch (action.kind) {
      case "dial":
        return this.#dial();
      case "sendOpen":
        return this.send(encodeOpen(openFor(this.#context.speaker(), this.#context.settings)));
      case "sendKeepalive":
        return this.send(encodeKeepalive());
      case "notify":
        this.#owner.said("sent", action.notification);
        return this.send(encodeNotification(action.notification));
      case "arm":
        return this.#arm(action.timer);
      case "end":
        this.#drop();
        return this.#owner.ended(this, action.ending, established);
      default:
        return unreachable(action);
    }
  }

  #dial(): void {
    const socket = this.#owner.dial(this, this.#handler());
    if (socket !== undefined) return this.#take(socket);
    this.#context.daemon.after(micros(0), () => {
      if (this.#state.kind === "connect" && this.#socket === undefined) this.#lost("no way to the neighbour");
    });
  }

  #arm(timer: TimerName): void {
    const { settings } = this.#context;
    if (timer === "connectRetry") return this.#timers.connectRetry.set(this.#jitter(settings.connectRetry));
    const hold = this.agreement?.holdTime ?? settings.holdTime;
    // RFC 4271 section 4.2: with a hold time of zero neither timer runs.
    if (hold === 0) return;
    if (timer === "hold") this.#timers.hold.set(hold);
    else this.#timers.keepalive.set(this.#jitter(this.agreement?.keepalive ?? hold));
  }

  /** RFC 4271 section 10: a factor from 0.75 to 1.0, drawn anew for each timer. */
  #jitter(time: Micros): Micros {
    return micros(Math.floor(time * (0.75 + 0.25 * this.#context.random.next())));
  }
}
