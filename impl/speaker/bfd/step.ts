// RFC 5880 section 6.8: a BFD session in asynchronous mode, as a function of its state and one event.
import { type Random } from "../../ports.ts";
import { type BfdControl, type BfdDiagnostic, type BfdState } from "../../wire/bfd.ts";
import { unreachable } from "../../wire/brand.ts";
import { type Micros } from "../../wire/time.ts";
import { type BfdConfig } from "./config.ts";
import { afterEcho, sendDueEcho } from "./echo.ts";
import { type BfdSession, detectionDeadline, echoDeadline, packetOf, type Remote } from "./session.ts";
import { settle } from "./settle.ts";
import { ON_RECEIVED } from "./transitions.ts";

export type BfdEvent =
  /** A packet that is for this session: its address, TTL and discriminators were checked. */
  | { readonly kind: "received"; readonly packet: BfdControl }
  /** One of our Echo packets came back. */
  | { readonly kind: "echoReturned" }
  /** The peer is there, but speaks to a session that is no more. */
  | { readonly kind: "called" }
  | { readonly kind: "wake" }
  | { readonly kind: "enable" }
  | { readonly kind: "disable" }
  | { readonly kind: "configure"; readonly config: BfdConfig };

export type BfdReason =
  | "peerAdminDown"
  | "peerDown"
  | "peerInit"
  | "peerUp"
  | "detectionTimeExpired"
  | "echoFailed"
  | "disabled"
  | "enabled";

export type BfdEffect =
  | { readonly kind: "send"; readonly packet: BfdControl }
  | { readonly kind: "sendEcho" }
  | { readonly kind: "changed"; readonly from: BfdState; readonly to: BfdState; readonly because: BfdReason };

export interface BfdStep {
  readonly session: BfdSession;
  readonly effects: readonly BfdEffect[];
}

export function step(session: BfdSession, event: BfdEvent, now: Micros, random: Random): BfdStep {
  switch (event.kind) {
    case "received":
      return receive(session, event.packet, now, random);
    case "echoReturned":
      return finish(session, afterEcho(session, now), "enabled", now, random);
    case "called":
      return finish(session, { ...session, called: true }, "enabled", now, random);
    case "wake":
      return wake(session, now, random);
    case "enable":
      return finish(session, session.kind === "adminDown" ? toDown(session, "none") : session, "enabled", now, random);
    case "disable":
      return finish(session, toAdminDown(session), "disabled", now, random);
    case "configure":
      return finish(session, { ...session, config: event.config }, "enabled", now, random);
    default:
      return unreachable(event);
  }
}

/** What outlives the state Up. */
function withoutEcho(session: BfdSession): Omit<BfdSession, "echo"> {
  if (session.kind !== "up") return session;
  const { echo: _echo, ...rest } = session;
  return rest;
}

function toDown(session: BfdSession, diagnostic: BfdDiagnostic): BfdSession {
  return { ...withoutEcho(session), kind: "down", diagnostic };
}

function toAdminDown(session: BfdSession): BfdSession {
  return { ...withoutEcho(session), kind: "adminDown", diagnostic: "administrativelyDown" };
}

/** Draws the consequences of a change and reports it. */
function finish(before: BfdSession, after: BfdSession, because: BfdReason, now: Micros, random: Random): BfdStep {
  const { session, packets } = settle(before, after, now, random);
  const effects: BfdEffect[] = packets.map((packet) => ({ kind: "send", packet }));
  if (before.kind !== after.kind) effects.unshift({ kind: "changed", from: before.kind, to: after.kind, because });
  return { session, effects };
}

const REASON = { adminDown: "peerAdminDown", down: "peerDown", init: "peerInit", up: "peerUp" } as const;

/** Section 6.8.6, from where the session is found. */
function receive(session: BfdSession, packet: BfdControl, now: Micros, random: Random): BfdStep {
  const heard = hear(session, packet, now);
  const moved = move(heard, ON_RECEIVED[session.kind][packet.state]);
  const step = finish(session, moved, REASON[packet.state], now, random);
  // A session that is AdminDown discards the packet before it answers a Poll.
  if (!packet.poll || session.kind === "adminDown") return step;
  // "as soon as practicable, without respect to the transmission timer", and before a Poll of our own.
  const answer: BfdEffect = { kind: "send", packet: packetOf(step.session, "final") };
  const [first, ...rest] = step.effects;
  return first?.kind === "changed"
    ? { ...step, effects: [first, answer, ...rest] }
    : { ...step, effects: [answer, ...step.effects] };
}

/** Takes over what the packet says about the peer; a Final ends a Poll Sequence of ours. */
function hear(session: BfdSession, packet: BfdControl, now: Micros): BfdSession & { readonly remote: Remote } {
  const remote: Remote = {
    discriminator: packet.myDiscriminator,
    state: packet.state,
    diagnostic: packet.diagnostic,
    desiredMinTx: packet.desiredMinTx,
    requiredMinRx: packet.requiredMinRx,
    requiredMinEchoRx: packet.requiredMinEchoRx,
    detectMultiplier: packet.detectMultiplier,
    demand: packet.demand,
    heardAt: now,
  };
  if (!packet.final || session.poll === "none") return { ...session, remote };
  if (session.poll === "again") return { ...session, remote, poll: "active" };
  return { ...session, remote, poll: "none", used: session.offered };
}

function move(session: BfdSession & { readonly remote: Remote }, to: BfdState): BfdSession {
  if (to === session.kind) return session;
  switch (to) {
    case "adminDown":
      return session;
    case "down":
      return toDown(session, "neighborSignaledSessionDown");
    case "init":
      return { ...session, kind: "init", diagnostic: "none" };
    case "up":
      return { ...session, kind: "up", diagnostic: "none", echo: undefined };
    default:
      return unreachable(to);
  }
}

const isDue = (deadline: Micros | undefined, now: Micros): boolean => deadline !== undefined && deadline <= now;

function wake(session: BfdSession, now: Micros, random: Random): BfdStep {
  if (isDue(detectionDeadline(session), now)) {
    // Section 6.8.1: bfd.RemoteDiscr becomes zero. Section 6.8.4: Init and Up go down.
    const forgotten = { ...withoutEcho(session), remote: undefined };
    const kind = session.kind === "adminDown" ? "adminDown" : "down";
    const isFailure = session.kind === "init" || session.kind === "up";
    const diagnostic = isFailure ? "controlDetectionTimeExpired" : session.diagnostic;
    return finish(session, { ...forgotten, kind, diagnostic }, "detectionTimeExpired", now, random);
  }
  if (isDue(echoDeadline(session), now)) {
    return finish(session, toDown(session, "echoFunctionFailed"), "echoFailed", now, random);
  }
  const { session: settled, packets } = settle(session, session, now, random);
  const effects: BfdEffect[] = packets.map((packet) => ({ kind: "send", packet }));
  const echo = sendDueEcho(settled, now, random);
  if (echo !== undefined) effects.push({ kind: "sendEcho" });
  return { session: echo ?? settled, effects };
}
