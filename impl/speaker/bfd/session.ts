// RFC 5880 section 6.8.1: what a session knows. `remote` is undefined until the peer was heard, and again when it has been
// silent for a Detection Time: that is bfd.RemoteDiscr being zero.
import { type BfdControl, type BfdDiagnostic, type BfdState } from "../../wire/bfd.ts";
import { earliest, type Micros, micros, plus, times } from "../../wire/time.ts";
import { type BfdConfig } from "./config.ts";
import { detectionTime, longer, SLOW_INTERVAL } from "./timing.ts";

/** What the last packet of the peer said. */
export interface Remote {
  readonly discriminator: number;
  readonly state: BfdState;
  readonly diagnostic: BfdDiagnostic | number;
  readonly desiredMinTx: Micros;
  /** 0: it wants no periodic packets. */
  readonly requiredMinRx: Micros;
  /** 0: it does not return Echo packets. */
  readonly requiredMinEchoRx: Micros;
  readonly detectMultiplier: number;
  readonly demand: boolean;
  readonly heardAt: Micros;
}

/** bfd.DesiredMinTxInterval and bfd.RequiredMinRxInterval. */
export interface Intervals {
  readonly desiredMinTx: Micros;
  readonly requiredMinRx: Micros;
}

/** Section 6.4: own packets that the peer returns. */
export interface Echo {
  readonly interval: Micros;
  readonly sendAt: Micros;
  /** Undefined until one came back. FRR offers to return them even where its kernel does not: only then do they count. */
  readonly heardAt: Micros | undefined;
}

interface Variables {
  readonly config: BfdConfig;
  readonly localDiscriminator: number;
  /** Why the session is in its state, as the peer is told. */
  readonly diagnostic: BfdDiagnostic;
  readonly offered: Intervals;
  /** Lags behind what is offered until the peer has confirmed it (section 6.8.3). */
  readonly used: Intervals;
  /** `again`: the intervals changed once more while a Poll Sequence was under way. */
  readonly poll: "none" | "active" | "again";
  /** The peer spoke to a predecessor of this session. A passive side must answer then, or neither would ever begin. */
  readonly called: boolean;
  readonly sentAt: Micros | undefined;
  /** Undefined: nothing is sent periodically. */
  readonly transmit: { readonly interval: Micros; readonly at: Micros } | undefined;
}

export type BfdSession = Variables &
  (
    | { readonly kind: "adminDown" | "down"; readonly remote: Remote | undefined }
    | { readonly kind: "init"; readonly remote: Remote }
    | { readonly kind: "up"; readonly remote: Remote; readonly echo: Echo | undefined }
  );

/** A session in state Down that has sent nothing; `enable` or a packet of the peer sets it in motion. */
export function newSession(config: BfdConfig, localDiscriminator: number): BfdSession {
  const offered = { desiredMinTx: longer(config.desiredMinTx, SLOW_INTERVAL), requiredMinRx: config.requiredMinRx };
  return {
    kind: "down",
    config,
    localDiscriminator,
    diagnostic: "none",
    offered,
    used: offered,
    poll: "none",
    called: false,
    sentAt: undefined,
    transmit: undefined,
    remote: undefined,
  };
}

/** When the peer counts as gone unless it is heard before. */
export function detectionDeadline({ remote, used }: BfdSession): Micros | undefined {
  if (remote === undefined) return undefined;
  return plus(remote.heardAt, detectionTime(remote.detectMultiplier, used.requiredMinRx, remote.desiredMinTx));
}

export function echoDeadline(session: BfdSession): Micros | undefined {
  if (session.kind !== "up" || session.echo?.heardAt === undefined) return undefined;
  return plus(session.echo.heardAt, times(session.echo.interval, session.config.detectMultiplier));
}

export function deadlineOf(session: BfdSession): Micros | undefined {
  const sendEchoAt = session.kind === "up" ? session.echo?.sendAt : undefined;
  return earliest(session.transmit?.at, detectionDeadline(session), echoDeadline(session), sendEchoAt);
}

/** How long the peer waits before it misses us: what to send for when a session ends, so that it learns why. */
export function farewellTime(session: BfdSession): Micros {
  return times(session.transmit?.interval ?? SLOW_INTERVAL, session.config.detectMultiplier);
}

/** Section 6.8.7: the packet as it would be sent now. */
export function packetOf(session: BfdSession, bit: "poll" | "final" | "none"): BfdControl {
  const { config, remote, offered } = session;
  return {
    diagnostic: session.diagnostic,
    state: session.kind,
    poll: bit === "poll",
    final: bit === "final",
    // This process forwards nothing: when it restarts, BFD stops although the node still forwards.
    controlPlaneIndependent: false,
    authentication: undefined,
    demand: false,
    multipoint: false,
    detectMultiplier: config.detectMultiplier,
    myDiscriminator: session.localDiscriminator,
    yourDiscriminator: remote?.discriminator ?? 0,
    desiredMinTx: offered.desiredMinTx,
    requiredMinRx: offered.requiredMinRx,
    requiredMinEchoRx: config.echoInterval ?? micros(0),
  };
}
