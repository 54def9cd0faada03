// A session under test and a router that says what the test makes it say, with a trace of both.
import { type Random } from "../../../ports.ts";
import { decodeMessage } from "../../../wire/bgp/message.ts";
import { describeNotification, encodeNotification, notification } from "../../../wire/bgp/notification.ts";
import { type ErrorCode } from "../../../wire/bgp/error-codes.ts";
import { encodeKeepalive } from "../../../wire/bgp/keepalive.ts";
import { encodeOpen, type Open } from "../../../wire/bgp/open.ts";
import { parseIp, parseIpv4 } from "../../../wire/ip.ts";
import { formatSeconds, type Micros, micros, plus, seconds } from "../../../wire/time.ts";
import { type SessionConfig } from "./config.ts";
import { BgpSession, type BgpSessionEffect } from "./session.ts";
import { describeDown } from "./state.ts";

export const CONFIG: SessionConfig = {
  localAsn: 64512,
  peerAsn: 64513,
  routerId: parseIpv4("192.0.2.1"),
  holdTime: seconds(9),
  keepaliveTime: seconds(3),
  connectTime: undefined,
  families: ["ipv4"],
  extendedNextHop: false,
  gracefulRestart: false,
  hostName: "",
};

export const OPEN: Open = {
  kind: "open",
  asn: 64513,
  holdTime: seconds(90),
  bgpIdentifier: parseIpv4("192.0.2.2"),
  capabilities: [
    { kind: "multiprotocol", afi: 1, safi: 1 },
    { kind: "fourOctetAs", asn: 64513 },
  ],
};

const LOCAL = parseIp("192.0.2.1");
/** Timers run their whole length. */
const NO_JITTER: Random = { next: () => 1 - 2 ** -53 };

export class Router {
  now: Micros = micros(0);
  readonly trace: string[] = [];
  readonly session: BgpSession;
  /** What the dials of the speaker meet. */
  answer: "accept" | "refuse" | "silence" = "accept";
  #connection = 0;

  constructor(config: Partial<SessionConfig> = {}, random: Random = NO_JITTER) {
    this.session = new BgpSession({ ...CONFIG, ...config }, random);
  }

  start(): this {
    this.carryOut(this.session.start(this.now));
    return this;
  }

  /** As far as Established; the trace begins there. */
  establish(open: Partial<Open> = {}): this {
    this.start();
    this.says(encodeOpen({ ...OPEN, ...open }));
    this.says(encodeKeepalive());
    this.trace.length = 0;
    return this;
  }

  says(...messages: readonly Uint8Array[]): this {
    for (const bytes of messages) this.carryOut(this.session.receive(this.#connection, bytes, this.now));
    return this;
  }

  notifies(error: ErrorCode, data = new Uint8Array()): this {
    return this.says(encodeNotification(notification(error, data)));
  }

  hangsUp(error = "end"): this {
    this.carryOut(this.session.lost(this.#connection, error, this.now));
    return this;
  }

  /** Lets time pass; `each` stands for what the router does every second. */
  run(duration: Micros, each: () => void = () => undefined): this {
    const end = plus(this.now, duration);
    let tick = plus(this.now, seconds(1));
    for (;;) {
      const due = Math.min(this.session.deadline() ?? Number.POSITIVE_INFINITY, tick);
      if (due > end) break;
      this.now = micros(Math.max(due, this.now));
      if (this.now >= tick) {
        each();
        tick = plus(tick, seconds(1));
      }
      this.carryOut(this.session.wake(this.now));
    }
    this.now = end;
    return this;
  }

  carryOut(effects: readonly BgpSessionEffect[]): void {
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: BgpSessionEffect): void {
    switch (effect.kind) {
      case "connect":
        this.#note("dial");
        this.#connection = effect.connection;
        if (this.answer === "accept") this.carryOut(this.session.connected(effect.connection, LOCAL, this.now));
        if (this.answer === "refuse") this.hangsUp("ECONNREFUSED");
        break;
      case "write":
        this.#note(`send ${describeMessage(effect.bytes)}`);
        break;
      case "close":
        this.#note(effect.abort ? "reset" : "close");
        break;
      case "changed":
        this.#note(`${effect.from}->${effect.to}: ${effect.because}`);
        break;
      case "up":
        this.#note("up");
        break;
      case "down":
        this.#note(effect.wasUp ? "down" : `failed: ${describeDown(effect.because)}`);
        break;
      case "refresh":
        this.#note(`refresh ${effect.family.afi}/${effect.family.safi}`);
        break;
      case "faulty":
        break;
    }
  }

  #note(text: string): void {
    this.trace.push(`${formatSeconds(this.now)} ${text}`);
  }
}

/** `open as=64512 hold=9s`, `notification 2/2 OPEN Message Error/Bad Peer AS`. */
function describeMessage(bytes: Uint8Array): string {
  const message = decodeMessage(bytes, { asSize: 4, internal: false, families: ["ipv4", "ipv6"] });
  if (message.kind === "open") return `open as=${message.asn} hold=${formatSeconds(message.holdTime)}`;
  if (message.kind !== "notification") return message.kind;
  return `notification ${message.code}/${message.subcode} ${describeNotification(message)}`;
}
