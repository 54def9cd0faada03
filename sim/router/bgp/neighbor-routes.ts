// What one neighbour told: kept as it came, judged by the policy, counted, and given to the table.
import { ERRORS } from "../../../impl/wire/bgp/error-codes.ts";
import { AFIS, unicast, unicastFamily } from "../../../impl/wire/bgp/families.ts";
import { encodeRouteRefresh } from "../../../impl/wire/bgp/route-refresh.ts";
import { type Update } from "../../../impl/wire/bgp/update.ts";
import { type Family } from "../../../impl/wire/ip.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { type Prefix, prefixFamily } from "../../../impl/wire/prefix.ts";
import { type Daemon } from "../daemon.ts";
import { AdjRibIn } from "./adj-rib-in.ts";
import { type Ending } from "./fsm.ts";
import { type Agreement, FAMILIES } from "./negotiation.ts";
import { type Neighbor } from "./neighbor.ts";
import { type PathSource, type Route } from "./path.ts";
import { type Inbound } from "./policy-in.ts";
import { RestartHelper } from "./restart-helper.ts";
import { type RouteMessage } from "./session.ts";
import { type BgpTable } from "./table.ts";

export interface RoutesOwner {
  readonly daemon: Daemon;
  readonly table: BgpTable;
  stalePathTime(): Micros;
  source(neighbor: Neighbor, agreement: Agreement): PathSource;
  judge(neighbor: Neighbor, source: PathSource, route: Route): Inbound;
  /** It asks for everything of a family again. */
  resend(neighbor: Neighbor, family: Family): void;
  /** RFC 4486 section 4: it told more than it may. */
  overflow(neighbor: Neighbor, restart: Micros | undefined, data: Uint8Array): void;
  trace(what: string, detail: string): void;
}

export class NeighborRoutes {
  readonly #owner: RoutesOwner;
  readonly #neighbor: Neighbor;
  readonly #tables: Readonly<Record<Family, AdjRibIn>> = { ipv4: new AdjRibIn(), ipv6: new AdjRibIn() };
  readonly #restarts: RestartHelper;
  #source: PathSource | undefined;

  constructor(owner: RoutesOwner, neighbor: Neighbor) {
    this.#owner = owner;
    this.#neighbor = neighbor;
    this.#restarts = new RestartHelper(
      owner.daemon,
      {
        markStale: (family) => this.#markStale(family),
        sweep: (family, because) => this.#sweep(family, because),
        clear: (family) => this.#removeAll(this.#tables[family].clear()),
      },
      () => owner.stalePathTime(),
    );
  }

  get accepted(): number {
    return this.#tables.ipv4.accepted + this.#tables.ipv6.accepted;
  }

  /** It is expected back from a restart, and its routes wait for it. */
  get waiting(): boolean {
    return this.#restarts.waiting;
  }

  established(agreement: Agreement): void {
    this.#source = this.#owner.source(this.#neighbor, agreement);
    this.#restarts.established(agreement);
  }

  lost(agreement: Agreement, ending: Ending): void {
    this.#restarts.lost(agreement, ending);
  }

  /** Nothing of it stays, whatever it was promised. */
  forget(): void {
    this.#restarts.abandon("the neighbour is gone");
    for (const family of FAMILIES) this.#removeAll(this.#tables[family].clear());
  }

  /** RFC 5882 section 4.3: its forwarding does not work either. */
  abandonRestart(because: string): void {
    this.#restarts.abandon(because);
  }

  receive(message: RouteMessage): void {
    switch (message.kind) {
      case "update":
        return this.#update(message);
      case "endOfRib": {
        const family = unicastFamily(message);
        if (family !== undefined) this.#restarts.endOfRib(family);
        return;
      }
      default: {
        const family = unicastFamily(message);
        if (family === undefined) return;
        if (message.subtype === "request") this.#owner.resend(this.#neighbor, family);
        else if (message.subtype === "beginningOfRefresh") this.#tables[family].markUnrefreshed();
        else if (message.subtype === "endOfRefresh") this.#removeAll(this.#tables[family].sweep("unrefreshed"));
      }
    }
  }

  #update({ withdrawn, announced, faults }: Update): void {
    const { key } = this.#neighbor.identity;
    for (const { action, path, problem } of faults) this.#owner.trace("bgp", `${key} ${action}: ${path} ${problem}`);
    // RFC 7606 section 7.11 leaves the choice; FRR resets the session.
    const fatal = faults.find(({ action }) => action === "disableFamily");
    if (fatal !== undefined) return this.#neighbor.reset(fatal.problem, ERRORS.optionalAttributeError);
    for (const prefix of withdrawn) this.#withdraw(prefix);
    for (const { prefixes, nextHop, linkLocal, attributes } of announced) {
      for (const prefix of prefixes) {
        this.#announce({ prefix, nextHop, linkLocal, attributes, weight: 0, prefersGlobal: false });
        if (!this.#neighbor.isEstablished) return;
      }
    }
  }

  #withdraw(prefix: Prefix): void {
    if (this.#tables[prefixFamily(prefix)].remove(prefix)) this.#owner.table.remove(prefix, this.#key);
  }

  get #key(): string {
    return this.#neighbor.identity.key;
  }

  #announce(route: Route): void {
    const family = prefixFamily(route.prefix);
    const accepted = this.#offer(route, false);
    this.#tables[family].set(route, accepted);
    if (accepted) this.#checkMaximum(family);
  }

  /** Gives a route to the table as the policy leaves it; false where the policy refuses it. */
  #offer(route: Route, stale: boolean): boolean {
    const source = this.#source;
    if (source === undefined) return false;
    const inbound = this.#owner.judge(this.#neighbor, source, route);
    if (inbound.accepted) this.#owner.table.set({ ...inbound.route, source, stale });
    else this.#owner.table.remove(route.prefix, this.#key);
    return inbound.accepted;
  }

  #checkMaximum(family: Family): void {
    const maximum = this.#neighbor.settings.families[family]?.maximumPrefix;
    const { accepted } = this.#tables[family];
    if (maximum === undefined || accepted <= maximum.count) return;
    this.#owner.trace("bgp", `${this.#key} maximum of ${maximum.count} prefixes exceeded`);
    if (maximum.warningOnly) return;
    const { afi, safi } = unicast(family);
    const data = new Uint8Array(7);
    const view = new DataView(data.buffer);
    view.setUint16(0, afi);
    view.setUint8(2, safi);
    view.setUint32(3, maximum.count);
    this.#owner.overflow(this.#neighbor, maximum.restart, data);
  }

  /** The policy has changed: what was kept is judged again, or asked for again (RFC 2918). */
  policyChanged(): void {
    const { agreement, settings, isEstablished } = this.#neighbor;
    for (const family of FAMILIES) {
      const keeps = settings.families[family]?.softReconfiguration === true || agreement?.routeRefresh !== true;
      if (keeps || !isEstablished) this.#judgeAgain(family);
      else if (agreement.families.includes(family)) this.refresh(family);
    }
  }

  refresh(family: Family): void {
    this.#neighbor.send(
      encodeRouteRefresh({ kind: "routeRefresh", afi: AFIS[family], safi: unicast(family).safi, subtype: "request" }),
    );
  }

  #judgeAgain(family: Family): void {
    const table = this.#tables[family];
    for (const route of table.routes()) table.judge(route.prefix, this.#offer(route, table.isStale(route.prefix)));
  }

  #markStale(family: Family): void {
    this.#tables[family].markStale();
    this.#judgeAgain(family);
  }

  #sweep(family: Family, because: string): void {
    const gone = this.#tables[family].sweep("stale");
    this.#owner.trace("bgp", `${this.#key} ${gone.length} stale ${family} routes removed: ${because}`);
    this.#removeAll(gone);
  }

  #removeAll(prefixes: readonly Prefix[]): void {
    for (const prefix of prefixes) this.#owner.table.remove(prefix, this.#key);
  }
}
