import { formatSeconds, type Micros } from "../../impl/wire/time.ts";
import { SYSTEM } from "../objects.ts";
import { addressesStay, noAddressTwice } from "./addresses.ts";
import { noIdleUpdates, toldAsDesired } from "./bgp-routes.ts";
import {
  holdTimeKept,
  noComplaints,
  noNeedlessReset,
  noRoutesLeftBehind,
  nothingAfterGoodbye,
  oneSession,
} from "./bgp-sessions.ts";
import { BgpTalk } from "./bgp-talk.ts";
import { ClusterView } from "./desired-routes.ts";
import { type Invariant, type Observation } from "./invariant.ts";
import { onlyAssigned, oneOwner, rightInterface } from "./owners.ts";
import { noHotLoop, noIdleWrites } from "./writes.ts";

export interface RefereeOptions {
  /** So long after a disturbance an address may have two owners. */
  readonly ownerWindow: Micros;
  /** Where the load balancer runs. */
  readonly namespace?: string;
  readonly ignoreExcludeLabel?: boolean;
  readonly lbClass?: string;
}

/** Holds every invariant against everything that is seen. */
export class Referee {
  readonly #invariants: readonly Invariant[];
  readonly #excuses = new Map<string, number>();
  readonly #violations: string[] = [];

  constructor(options: RefereeOptions) {
    const { namespace = SYSTEM, ignoreExcludeLabel = false, lbClass = "" } = options;
    const talk = new BgpTalk();
    this.#invariants = [
      noAddressTwice(),
      addressesStay(),
      oneOwner(options.ownerWindow, () => this.#isExcused("I3")),
      onlyAssigned(),
      rightInterface(),
      noIdleWrites(),
      noHotLoop(),
      toldAsDesired(talk, new ClusterView(namespace), { ignoreExcludeLabel, lbClass }),
      noComplaints(talk),
      noIdleUpdates(talk),
      noNeedlessReset(talk),
      oneSession(talk),
      holdTimeKept(talk),
      nothingAfterGoodbye(talk),
      noRoutesLeftBehind(talk),
    ];
  }

  #isExcused(name: string): boolean {
    return (this.#excuses.get(name) ?? 0) > 0;
  }

  /** Until the returned function is called, the invariant called `name` may be broken. */
  excuse(name: string): () => void {
    this.#excuses.set(name, (this.#excuses.get(name) ?? 0) + 1);
    return () => this.#excuses.set(name, (this.#excuses.get(name) ?? 1) - 1);
  }

  observe(observation: Observation, now: Micros): void {
    for (const invariant of this.#invariants) {
      const problem = invariant.observe(observation, now);
      if (problem === undefined || this.#isExcused(invariant.name)) continue;
      this.#violations.push(`${formatSeconds(now)} ${invariant.name}: ${problem}`);
    }
  }

  /** The run is over and nothing moves any more. */
  settle(now: Micros): void {
    for (const invariant of this.#invariants) {
      const { name } = invariant;
      if (this.#isExcused(name)) continue;
      for (const problem of invariant.settled?.() ?? [])
        this.#violations.push(`${formatSeconds(now)} ${name}: ${problem}`);
    }
  }

  /** Something that was found in another way. */
  add(violation: string): void {
    this.#violations.push(violation);
  }

  violations(): readonly string[] {
    return this.#violations;
  }
}
