import { findCapability } from "../../impl/wire/bgp/capabilities.ts";
import { ERRORS } from "../../impl/wire/bgp/error-codes.ts";
import { describeNotification } from "../../impl/wire/bgp/notification.ts";
import { formatSeconds, type Micros, minus, plus, seconds } from "../../impl/wire/time.ts";
import { type BgpConnection, type BgpTalk, type Moment } from "./bgp-talk.ts";
import { type Invariant, type Observation } from "./invariant.ts";

/** Message header, OPEN, UPDATE, state machine and ROUTE-REFRESH: what a peer answers to what must not have been sent. */
const FAULTS: ReadonlySet<number> = new Set([1, 2, 3, 5, 7]);

/** No session is lost to a message of ours: no peer has to complain. */
export function noComplaints(talk: BgpTalk): Invariant {
  return {
    name: "I6",
    observe(observation, now) {
      const moment = talk.follow(observation, now);
      if (moment?.by === "speaker" && moment.unreadable !== undefined) {
        return `${moment.connection.name} sends what nobody can read: ${moment.unreadable}`;
      }
      const [fault] = moment?.by === "speaker" && moment.message?.kind === "update" ? moment.message.faults : [];
      if (fault !== undefined)
        return `${moment?.connection.name ?? ""} sends a wrong UPDATE: ${fault.path} ${fault.problem}`;
      if (moment?.by !== "peer" || moment.message?.kind !== "notification") return undefined;
      if (!FAULTS.has(moment.message.code)) return undefined;
      return `the peer of ${moment.connection.name} complains: ${describeNotification(moment.message)}`;
    },
  };
}

/** Never two established sessions of one node with one peer. */
export function oneSession(talk: BgpTalk): Invariant {
  return {
    name: "B11.9",
    observe(observation, now) {
      const moment = talk.follow(observation, now);
      if (moment === undefined || moment.wasEstablished || !moment.connection.established) return undefined;
      const { connection } = moment;
      const isTwin = (other: BgpConnection): boolean =>
        other !== connection &&
        other.established &&
        // One whose end nobody saw, on a cable without carrier, is over with its hold time.
        minus(now, other.sides.speaker.saidAt ?? now) <= other.holdTime &&
        other.node === connection.node &&
        other.local === connection.local &&
        other.peer === connection.peer &&
        other.peerPort === connection.peerPort;
      return talk.connections().some(isTwin) ? `two sessions of ${connection.name}` : undefined;
    },
  };
}

/** What was sent when the time ran out may still be under way. */
const UNDER_WAY: Micros = seconds(1);

/** RFC 4271 section 4.4 and 6.5: who keeps its session says something in time, and ends it when it hears nothing. */
export function holdTimeKept(talk: BgpTalk): Invariant {
  let disturbedAt: Micros | undefined;
  const judge = (moment: Moment, now: Micros): string | undefined => {
    const { connection, by, wasEstablished, silentSince, message } = moment;
    const { holdTime } = connection;
    if (by !== "speaker" || !wasEstablished || holdTime === 0 || message?.kind === "notification") return undefined;
    const silent = (since: Micros | undefined): Micros => (since === undefined ? seconds(0) : minus(now, since));
    const own = silent(silentSince.speaker);
    const wasDisturbed = disturbedAt !== undefined && minus(now, disturbedAt) <= own;
    if (own > holdTime && !wasDisturbed) return `${connection.name} was silent for ${formatSeconds(own)}`;
    const peers = silent(silentSince.peer);
    if (peers <= holdTime + UNDER_WAY || moment.ended) return undefined;
    return `${connection.name} goes on though its peer has been silent for ${formatSeconds(peers)}`;
  };
  return {
    name: "B11.9",
    observe(observation, now) {
      if (observation.kind === "disturbance" && observation.what !== "objects change") disturbedAt = now;
      const moment = talk.follow(observation, now);
      return moment === undefined ? undefined : judge(moment, now);
    },
  };
}

/** Routers work off what they notice, and somebody looks only now and then. */
const NOTICED: Micros = seconds(3);

/** What a dead speaker told goes when its hold time is over; with graceful restart (RFC 4724) the restart time later. */
export function noRoutesLeftBehind(talk: BgpTalk): Invariant {
  return {
    name: "B11.6",
    observe(observation) {
      if (observation.kind !== "leftover") return undefined;
      const { router, node, local, away, stale } = observation;
      const connection = talk.connections().findLast((each) => each.node === node && each.local === local);
      if (connection === undefined || connection.holdTime === 0) return undefined;
      const { open } = connection.sides.speaker;
      const restart = findCapability(open?.capabilities ?? [], "gracefulRestart")?.restartTime ?? seconds(0);
      const bound = plus(plus(connection.holdTime, stale ? restart : seconds(0)), NOTICED);
      if (away <= bound) return undefined;
      return `${router} still has ${stale ? "stale " : ""}routes of ${node}, whose speaker went ${formatSeconds(away)} ago`;
    },
  };
}

/** RFC 4271 section 4.5: a NOTIFICATION is the last message. */
export function nothingAfterGoodbye(talk: BgpTalk): Invariant {
  const ended = new WeakSet<BgpConnection>();
  return {
    name: "B11.9",
    observe(observation, now) {
      const moment = talk.follow(observation, now);
      if (moment?.by !== "speaker" || moment.message === undefined) return undefined;
      const { connection, message } = moment;
      if (ended.has(connection)) return `${connection.name} says ${message.kind} after its NOTIFICATION`;
      if (message.kind === "notification") ended.add(connection);
      return undefined;
    },
  };
}

/** A change takes this long through the API and the speaker, retries of a shaky API among it. */
const REASON: Micros = seconds(30);

/** A speaker ends a session only for a reason: one of its objects changed, or something befell the speaker. */
export function noNeedlessReset(talk: BgpTalk): Invariant {
  const reasons = new Map<string, Micros>();
  const note = (observation: Observation, now: Micros): void => {
    if (observation.kind === "disturbance") {
      const [node = ""] = observation.what.split(":");
      if (observation.what !== "objects change") reasons.set(`node ${node}`, now);
    } else if (observation.kind === "object") {
      for (const concerned of concernedBy(observation)) reasons.set(concerned, now);
    }
  };
  const hasReason = ({ node, peer }: BgpConnection, now: Micros): boolean =>
    ["everybody", `node ${node}`, `peer ${peer}`].some((concerned) => {
      const at = reasons.get(concerned);
      return at !== undefined && minus(now, at) <= REASON;
    });
  return {
    name: "B11.7",
    observe(observation, now) {
      note(observation, now);
      const moment = talk.follow(observation, now);
      if (moment?.by !== "speaker" || !moment.wasEstablished) return undefined;
      const { message, ended, connection } = moment;
      const isCease = message?.kind === "notification" && message.code === ERRORS.cease.code;
      const isOfBfd = isCease && message.subcode === ERRORS.bfdDown.subcode;
      const { speaker, peer } = connection.sides;
      const isSaid = peer.notified || (ended && speaker.notified);
      if ((!isCease && !ended) || isOfBfd || isSaid || hasReason(connection, now)) return undefined;
      return `${connection.name}: the speaker ends it, though nothing about it changed`;
    },
  };
}

/** Whose sessions may end because of a change. */
function concernedBy({ object, previous }: Extract<Observation, { readonly kind: "object" }>): readonly string[] {
  const { kind, metadata } = object;
  if (kind === "BFDProfile" || kind === "Secret") return ["everybody"];
  if (kind === "Node") {
    const before = JSON.stringify(previous?.metadata.labels);
    return before === JSON.stringify(metadata.labels) ? [] : [`node ${metadata.name}`];
  }
  if (kind !== "BGPPeer") return [];
  return [object, previous].flatMap((each) => {
    if (each === undefined || !("spec" in each)) return [];
    const { peerAddress } = each.spec as { readonly peerAddress?: string };
    return peerAddress === undefined ? "everybody" : `peer ${peerAddress}`;
  });
}
