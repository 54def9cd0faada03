// RFC 5880 sections 6.4, 6.8.8 and 6.8.9: the Echo function.
import { type Random } from "../../ports.ts";
import { type Micros, plus } from "../../wire/time.ts";
import { type BfdSession, type Echo } from "./session.ts";
import { jittered, longer } from "./timing.ts";

/** Starts, keeps or stops Echo: it runs while the session is up, on wish of this side and with leave of the peer. */
export function settleEcho(session: BfdSession, now: Micros): BfdSession {
  if (session.kind !== "up") return session;
  const { config, remote, echo } = session;
  if (config.echoInterval === undefined || remote.requiredMinEchoRx === 0) return { ...session, echo: undefined };
  const interval = longer(config.echoInterval, remote.requiredMinEchoRx);
  if (echo?.interval === interval) return session;
  const heardAt = echo?.heardAt === undefined ? undefined : now;
  const started: Echo = { interval, sendAt: echo?.sendAt ?? now, heardAt };
  return { ...session, echo: started };
}

export function afterEcho(session: BfdSession, now: Micros): BfdSession {
  if (session.kind !== "up" || session.echo === undefined) return session;
  return { ...session, echo: { ...session.echo, heardAt: now } };
}

/** The session after its Echo packet went out; undefined where none is due. */
export function sendDueEcho(session: BfdSession, now: Micros, random: Random): BfdSession | undefined {
  if (session.kind !== "up" || session.echo === undefined || session.echo.sendAt > now) return undefined;
  const { echo, config } = session;
  return { ...session, echo: { ...echo, sendAt: plus(now, jittered(echo.interval, config.detectMultiplier, random)) } };
}
