// RFC 4724 section 4.2 and RFC 8538 section 4: the routes of a neighbour that restarts stay until it has told them anew.
import { type GracefulRestart } from "../../../impl/wire/bgp/capabilities.ts";
import { ERRORS } from "../../../impl/wire/bgp/error-codes.ts";
import { type Notification } from "../../../impl/wire/bgp/notification.ts";
import { unicastFamily } from "../../../impl/wire/bgp/families.ts";
import { type Family } from "../../../impl/wire/ip.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { Alarm, type Daemon } from "../daemon.ts";
import { type Ending } from "./fsm.ts";
import { type Agreement, FAMILIES } from "./negotiation.ts";

export interface RestartOwner {
  markStale(family: Family): void;
  /** Removes what is still stale. */
  sweep(family: Family, because: string): void;
  clear(family: Family): void;
}

export class RestartHelper {
  readonly #owner: RestartOwner;
  readonly #stalePathTime: () => Micros;
  readonly #stale = new Set<Family>();
  readonly #restart: Alarm;
  readonly #stalePaths: Alarm;

  constructor(daemon: Daemon, owner: RestartOwner, stalePathTime: () => Micros) {
    this.#owner = owner;
    this.#stalePathTime = stalePathTime;
    this.#restart = new Alarm(daemon, () => this.abandon("restart time is over"));
    this.#stalePaths = new Alarm(daemon, () => this.abandon("stale path time is over"));
  }

  /** Routes of a lost session are kept, and the neighbour is expected back. */
  get waiting(): boolean {
    return this.#restart.isSet;
  }

  /** The session is gone. What cannot stay goes at once. */
  lost(agreement: Agreement, ending: Ending): void {
    const kept = isGraceful(agreement, ending) ? restartFamilies(agreement.gracefulRestart) : [];
    this.#stalePaths.clear();
    for (const family of FAMILIES) {
      // A second restart before the first was over: what is stale twice goes.
      if (this.#stale.delete(family)) this.#owner.sweep(family, "restarted again");
      if (!kept.includes(family)) this.#owner.clear(family);
      else {
        this.#stale.add(family);
        this.#owner.markStale(family);
      }
    }
    if (this.#stale.size > 0) this.#restart.set(agreement.gracefulRestart?.restartTime ?? this.#stalePathTime());
    else this.#restart.clear();
  }

  established({ gracefulRestart }: Agreement): void {
    this.#restart.clear();
    const preserved = (gracefulRestart?.families ?? [])
      .filter(({ forwardingPreserved }) => forwardingPreserved)
      .map((family) => unicastFamily(family));
    for (const family of this.#stale) {
      if (!preserved.includes(family)) this.#finish(family, "forwarding state was not preserved");
    }
    if (this.#stale.size > 0) this.#stalePaths.set(this.#stalePathTime());
  }

  endOfRib(family: Family): void {
    if (this.#stale.has(family)) this.#finish(family, "End-of-RIB");
  }

  /** What is stale goes now. */
  abandon(because: string): void {
    for (const family of this.#stale) this.#finish(family, because);
    this.#restart.clear();
  }

  #finish(family: Family, because: string): void {
    this.#stale.delete(family);
    if (this.#stale.size === 0) this.#stalePaths.clear();
    this.#owner.sweep(family, because);
  }
}

/** RFC 4724 section 4.2: a NOTIFICATION ends it for good, unless both set the N bit (RFC 8538 section 4). */
function isGraceful(agreement: Agreement, ending: Ending): boolean {
  if (agreement.gracefulRestart === undefined) return false;
  if (ending.kind === "tcp" || ending.kind === "stopped") return true;
  return agreement.restartsAfterNotification && !isHardReset(ending.notification);
}

const isHardReset = ({ code, subcode }: Notification): boolean =>
  code === ERRORS.hardReset.code && subcode === ERRORS.hardReset.subcode;

const restartFamilies = (restart: GracefulRestart | undefined): readonly Family[] =>
  (restart?.families ?? []).flatMap((family) => unicastFamily(family) ?? []);
