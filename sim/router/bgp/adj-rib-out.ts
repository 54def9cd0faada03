// RFC 4271 section 3.2 and 9.2: what one neighbour has been told, and what it has yet to be told.
import { encodeEndOfRib, packUpdates, packWithdrawals } from "../../../impl/wire/bgp/pack.ts";
import { AFIS, unicast } from "../../../impl/wire/bgp/families.ts";
import { type Announcement } from "../../../impl/wire/bgp/path-attributes.ts";
import { encodeRouteRefresh, type RouteRefreshSubtype } from "../../../impl/wire/bgp/route-refresh.ts";
import { type Family } from "../../../impl/wire/ip.ts";
import { type Micros, micros } from "../../../impl/wire/time.ts";
import { type Prefix, prefixFamily } from "../../../impl/wire/prefix.ts";
import { Alarm, type Daemon } from "../daemon.ts";
import { type Agreement } from "./negotiation.ts";

export interface AdjRibOutOwner {
  /** RFC 4271 section 9.2.1.1: the least time between two UPDATEs. */
  interval(): Micros;
  /** What the neighbour shall be told of a prefix now. */
  announcement(prefix: Prefix): Announcement | undefined;
  prefixes(): Iterable<Prefix>;
  send(message: Uint8Array): void;
}

export class AdjRibOut {
  readonly #daemon: Daemon;
  readonly #owner: AdjRibOutOwner;
  readonly #told = new Map<Prefix, string>();
  readonly #pending = new Set<Prefix>();
  /** Families whose routes are all told again, because the neighbour asked. */
  readonly #refreshing = new Set<Family>();
  readonly #alarm: Alarm;
  #agreement: Agreement | undefined;
  #isInitial = false;
  #last: Micros | undefined;

  constructor(daemon: Daemon, owner: AdjRibOutOwner) {
    this.#daemon = daemon;
    this.#owner = owner;
    this.#alarm = new Alarm(daemon, () => this.#flush());
  }

  established(agreement: Agreement): void {
    this.lost();
    this.#agreement = agreement;
    this.#isInitial = true;
    this.#last = undefined;
    this.all();
  }

  lost(): void {
    this.#agreement = undefined;
    this.#told.clear();
    this.#pending.clear();
    this.#refreshing.clear();
    this.#alarm.clear();
  }

  changed(prefix: Prefix): void {
    if (this.#agreement === undefined) return;
    this.#pending.add(prefix);
    this.#schedule();
  }

  /** Everything may be told in another way now. */
  all(): void {
    if (this.#agreement === undefined) return;
    for (const prefix of this.#owner.prefixes()) this.#pending.add(prefix);
    for (const prefix of this.#told.keys()) this.#pending.add(prefix);
    this.#schedule();
  }

  /** RFC 2918 section 4; several requests at once are one. */
  refresh(family: Family): void {
    if (this.#agreement?.families.includes(family) !== true) return;
    this.#refreshing.add(family);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#alarm.isSet) return;
    const { now } = this.#daemon;
    const next = this.#last === undefined ? now : this.#last + this.#owner.interval();
    this.#alarm.set(micros(Math.max(0, next - now)));
  }

  #flush(): void {
    const agreement = this.#agreement;
    if (agreement === undefined) return;
    this.#last = this.#daemon.now;
    for (const family of this.#refreshing) this.#mark(family, "beginningOfRefresh", agreement);
    for (const prefix of this.#told.keys()) if (this.#isAskedFor(prefix)) this.#pending.add(prefix);
    this.#tell(agreement);
    for (const family of this.#refreshing) this.#mark(family, "endOfRefresh", agreement);
    this.#refreshing.clear();
    if (this.#isInitial && agreement.gracefulRestart !== undefined) {
      // RFC 4724 section 2.
      for (const family of agreement.families) this.#owner.send(encodeEndOfRib(family));
    }
    this.#isInitial = false;
  }

  #tell(agreement: Agreement): void {
    const announced: Announcement[] = [];
    const withdrawn: Prefix[] = [];
    for (const prefix of this.#pending) {
      const announcement = this.#owner.announcement(prefix);
      const text = announcement === undefined ? undefined : nameOf(announcement);
      if (text === this.#told.get(prefix) && !(text !== undefined && this.#isAskedFor(prefix))) continue;
      if (announcement === undefined || text === undefined) {
        this.#told.delete(prefix);
        withdrawn.push(prefix);
      } else {
        this.#told.set(prefix, text);
        announced.push(announcement);
      }
    }
    this.#pending.clear();
    const ipv4InMultiprotocol = agreement.extendedNextHop;
    for (const message of packWithdrawals(withdrawn, { ipv4InMultiprotocol })) this.#owner.send(message);
    for (const message of packUpdates(announced, { asSize: agreement.asSize }).messages) this.#owner.send(message);
  }

  #isAskedFor(prefix: Prefix): boolean {
    return this.#refreshing.has(prefixFamily(prefix));
  }

  /** RFC 7313 section 4. */
  #mark(family: Family, subtype: RouteRefreshSubtype, { enhancedRefresh }: Agreement): void {
    if (!enhancedRefresh) return;
    const { safi } = unicast(family);
    this.#owner.send(encodeRouteRefresh({ kind: "routeRefresh", afi: AFIS[family], safi, subtype }));
  }
}

/** Equal announcements have equal names. */
function nameOf({ nextHop, linkLocal, attributes }: Announcement): string {
  const others = attributes.others?.map(({ flags, type, value }) => `${flags} ${type} ${value.join()}`);
  return JSON.stringify([nextHop, linkLocal, { ...attributes, others }]);
}
