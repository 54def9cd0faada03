// What there is to show of a BFD session.
import { type BfdDiagnostic, type BfdState } from "../../wire/bfd.ts";
import { type Micros } from "../../wire/time.ts";
import { type BfdSession, type Remote } from "./session.ts";
import { type BfdCounters, type BfdPath } from "./sessions.ts";
import { detectionTime } from "./timing.ts";

interface Surroundings {
  /** Whose session it is. */
  readonly keys: readonly string[];
  readonly path: BfdPath;
  readonly counters: BfdCounters;
  /** Of the state. */
  readonly changedAt: Micros;
  /** Why a socket that it needs could not be opened. */
  readonly failure: string | undefined;
}

export interface BfdView extends Surroundings {
  readonly state: BfdState;
  readonly diagnostic: BfdDiagnostic;
  readonly role: "active" | "passive";
  readonly localDiscriminator: number;
  readonly detectMultiplier: number;
  /** What the peer said last; undefined: it is silent. */
  readonly remote: Remote | undefined;
  /** Between our packets, before the jitter; undefined: none are sent. */
  readonly transmitInterval: Micros | undefined;
  /** How long the peer may be silent. */
  readonly detectionTime: Micros | undefined;
  /** Between our Echo packets; undefined: there are none. */
  readonly echoInterval: Micros | undefined;
}

export function viewOf(surroundings: Surroundings, session: BfdSession): BfdView {
  const { config, remote, used, transmit } = session;
  return {
    ...surroundings,
    state: session.kind,
    diagnostic: session.diagnostic,
    role: config.role,
    localDiscriminator: session.localDiscriminator,
    detectMultiplier: config.detectMultiplier,
    remote,
    transmitInterval: transmit?.interval,
    detectionTime:
      remote === undefined
        ? undefined
        : detectionTime(remote.detectMultiplier, used.requiredMinRx, remote.desiredMinTx),
    echoInterval: session.kind === "up" ? session.echo?.interval : undefined,
  };
}
