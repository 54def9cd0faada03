// RFC 5880 sections 6.5, 6.8.2, 6.8.3 and 6.8.7: after any change, which intervals are offered, and what is sent when.
import { type Random } from "../../ports.ts";
import { type BfdControl } from "../../wire/bfd.ts";
import { type Micros, plus } from "../../wire/time.ts";
import { settleEcho } from "./echo.ts";
import { type BfdSession, type Intervals, packetOf } from "./session.ts";
import { jittered, longer, SLOW_INTERVAL } from "./timing.ts";

export interface Settled {
  readonly session: BfdSession;
  readonly packets: readonly BfdControl[];
}

/** `before` is the session that the peer was last told of. */
export function settle(before: BfdSession, after: BfdSession, now: Micros, random: Random): Settled {
  const session = scheduleTransmission(offerIntervals(settleEcho(after, now)), now, random);
  const due = session.transmit !== undefined && session.transmit.at <= now;
  if (!due && !isNews(before, session)) return { session, packets: [] };
  if (isSilent(session)) return { session, packets: [] };
  const packets = [packetOf(session, session.poll === "none" ? "none" : "poll")];
  return { session: restartTransmission({ ...session, sentAt: now }, now, random), packets };
}

/** Section 6.8.3: slow while the session is not up; control packets are only the reserve while Echo runs. */
function wishOf(session: BfdSession): Intervals {
  const { desiredMinTx, requiredMinRx } = session.config;
  const echoes = session.kind === "up" && session.echo?.heardAt !== undefined;
  return {
    desiredMinTx: session.kind === "up" ? desiredMinTx : longer(desiredMinTx, SLOW_INTERVAL),
    requiredMinRx: echoes ? longer(requiredMinRx, SLOW_INTERVAL) : requiredMinRx,
  };
}

/** A change of either interval begins a Poll Sequence; until it ends the peer may still count on the old values. */
function offerIntervals(session: BfdSession): BfdSession {
  const { offered, used, poll } = session;
  const wish = wishOf(session);
  if (wish.desiredMinTx === offered.desiredMinTx && wish.requiredMinRx === offered.requiredMinRx) return session;
  const waits = session.kind === "up";
  return {
    ...session,
    offered: wish,
    used: {
      // The peer would miss packets that come more rarely before it knows.
      desiredMinTx: waits && wish.desiredMinTx > used.desiredMinTx ? used.desiredMinTx : wish.desiredMinTx,
      // The peer sends more often only once it knows.
      requiredMinRx: waits && wish.requiredMinRx < used.requiredMinRx ? used.requiredMinRx : wish.requiredMinRx,
    },
    poll: poll === "none" ? "active" : "again",
  };
}

/** Section 6.8.7: nobody is to be told anything unless he asks. */
function isSilent({ config, remote, called }: BfdSession): boolean {
  return config.role === "passive" && remote === undefined && !called;
}

/** Undefined: no periodic packets. */
function intervalOf(session: BfdSession): Micros | undefined {
  const { remote, used, poll } = session;
  if (isSilent(session)) return undefined;
  if (remote === undefined) return used.desiredMinTx;
  if (remote.requiredMinRx === 0) return undefined;
  // Section 6.6: a peer in Demand mode asks when it wants to know.
  if (remote.demand && remote.state === "up" && session.kind === "up" && poll === "none") return undefined;
  return longer(used.desiredMinTx, remote.requiredMinRx);
}

/** Another interval counts from the last packet, not from now. */
function scheduleTransmission(session: BfdSession, now: Micros, random: Random): BfdSession {
  const interval = intervalOf(session);
  if (interval === session.transmit?.interval) return session;
  if (interval === undefined) return { ...session, transmit: undefined };
  const { sentAt, config } = session;
  const at =
    sentAt === undefined ? now : longer(now, plus(sentAt, jittered(interval, config.detectMultiplier, random)));
  return { ...session, transmit: { interval, at } };
}

function restartTransmission(session: BfdSession, now: Micros, random: Random): BfdSession {
  const { transmit, config } = session;
  if (transmit === undefined) return session;
  const at = plus(now, jittered(transmit.interval, config.detectMultiplier, random));
  return { ...session, transmit: { ...transmit, at } };
}

/** Section 6.8.7: a packet that would differ, but for Poll and Final, should not wait for its turn. */
function isNews(before: BfdSession, after: BfdSession): boolean {
  return (
    before.kind !== after.kind ||
    before.diagnostic !== after.diagnostic ||
    before.config.detectMultiplier !== after.config.detectMultiplier ||
    before.config.echoInterval !== after.config.echoInterval ||
    before.offered.desiredMinTx !== after.offered.desiredMinTx ||
    before.offered.requiredMinRx !== after.offered.requiredMinRx ||
    (before.poll !== after.poll && after.poll !== "none")
  );
}
