// RFC 4271 section 3.2, the Adj-RIB-Out of one peer: what it shall know, what it was told, and the difference as messages.
// RFC 4724 section 2 (End-of-RIB), RFC 2918 and RFC 7313 (ROUTE-REFRESH).
import { unicast } from "../../wire/bgp/families.ts";
import { encodeEndOfRib, packUpdates, packWithdrawals } from "../../wire/bgp/pack.ts";
import { type Announcement, type PathAttributes } from "../../wire/bgp/path-attributes.ts";
import { encodeRouteRefresh, type RouteRefreshSubtype } from "../../wire/bgp/route-refresh.ts";
import { type Family, type Ip, type Ipv6, isIpv6 } from "../../wire/ip.ts";
import { type Prefix, prefixFamily } from "../../wire/prefix.ts";
import { type Micros, plus, seconds } from "../../wire/time.ts";
import { attributesOf, type Route, routeKey } from "./route.ts";
import { type Negotiated } from "./session/negotiation.ts";

export interface NextHop {
  readonly nextHop: Ip;
  readonly linkLocal?: Ipv6 | undefined;
}

/** What of an established session decides how routes are told. */
export interface OutSession {
  readonly localAsn: number;
  readonly negotiated: Negotiated;
  /** A family without one cannot be announced here. */
  readonly nextHops: Readonly<Partial<Record<Family, NextHop>>>;
}

export interface ToldRoute extends NextHop {
  readonly prefix: Prefix;
  readonly attributes: PathAttributes;
}

export interface Outgoing {
  readonly messages: readonly Uint8Array[];
  /** Prefixes whose attributes leave no room for them in a message. */
  readonly oversized: readonly Prefix[];
}

interface Sent {
  readonly route: Route;
  /** Of what the peer reads; empty: it shall read it again. */
  readonly key: string;
}

interface Told {
  session: OutSession;
  /** What the peer has, by its prefix. */
  readonly routes: Map<Prefix, Sent>;
  /** Families whose routes have not all been sent yet. */
  readonly incomplete: Set<Family>;
  /** Families that the peer wants again. */
  readonly asked: Set<Family>;
  refreshAt: Micros;
}

const NOTHING: Outgoing = { messages: [], oversized: [] };

/** A peer that asks more often is answered once for all. */
const REFRESH_INTERVAL = seconds(1);

export class RibOut {
  readonly #wanted = new Map<Prefix, Route>();
  /** Prefixes about which the peer may have to be told something. */
  readonly #changed = new Set<Prefix>();
  #told: Told | undefined;

  /** How many prefixes the peer shall know. */
  get size(): number {
    return this.#wanted.size;
  }

  /** How many prefixes the peer was told. */
  get announced(): number {
    return this.#told?.routes.size ?? 0;
  }

  /** How many prefixes the peer has still to be told about, or would be if it were there. */
  get pending(): number {
    return this.#told === undefined ? this.#wanted.size : this.#changed.size;
  }

  /** What the peer was told, with the attributes that it reads. */
  told(): readonly ToldRoute[] {
    if (this.#told === undefined) return [];
    const { session, routes } = this.#told;
    return [...routes].flatMap(([prefix, { route }]) => {
      const hop = session.nextHops[prefixFamily(prefix)];
      if (hop === undefined) return [];
      return [{ prefix, ...hop, attributes: attributesOf(route, session.localAsn, session.negotiated) }];
    });
  }

  /** The peer shall know this route; undefined: it shall know none. */
  set(prefix: Prefix, route: Route | undefined): void {
    if (route === undefined) this.#wanted.delete(prefix);
    else this.#wanted.set(prefix, route);
    if (this.#told !== undefined) this.#changed.add(prefix);
  }

  /** The session is up: the peer knows nothing, or what it keeps of us is stale until it hears it again. */
  up(session: OutSession, now: Micros): void {
    const incomplete = new Set(session.negotiated.families);
    this.#told = { session, routes: new Map(), incomplete, asked: new Set(), refreshAt: now };
    for (const prefix of this.#wanted.keys()) this.#changed.add(prefix);
  }

  down(): void {
    this.#told = undefined;
    this.#changed.clear();
  }

  /** Our addresses changed: what the peer was told with another next hop it has to be told anew. */
  redirect(nextHops: OutSession["nextHops"]): void {
    const told = this.#told;
    if (told === undefined) return;
    const { session } = told;
    told.session = { ...session, nextHops };
    for (const family of session.negotiated.families) {
      if (!sameHop(session.nextHops[family], nextHops[family])) this.#repeat(told, family);
    }
  }

  /** The peer asks for the routes of a family again. */
  refresh(family: Family): void {
    const told = this.#told;
    if (told?.session.negotiated.families.includes(family) === true) told.asked.add(family);
  }

  /** Everything that the peer has to be told now; calling it again without a change gives nothing. */
  take(now: Micros): Outgoing {
    const told = this.#told;
    if (told === undefined) return NOTHING;
    const refreshed = told.asked.size > 0 && told.refreshAt <= now ? [...told.asked] : [];
    const before = refreshed.flatMap((family) => this.#begin(told, family, now));
    const difference = this.#difference(told);
    const ends = [...told.incomplete].map((family) => encodeEndOfRib(family));
    told.incomplete.clear();
    const after = refreshed.flatMap((family) => marker(told, family, "endOfRefresh"));
    return { ...difference, messages: [...before, ...difference.messages, ...ends, ...after] };
  }

  /** When an answer that waits may go out. */
  deadline(): Micros | undefined {
    return this.#told === undefined || this.#told.asked.size === 0 ? undefined : this.#told.refreshAt;
  }

  #begin(told: Told, family: Family, now: Micros): readonly Uint8Array[] {
    told.asked.delete(family);
    told.refreshAt = plus(now, REFRESH_INTERVAL);
    this.#repeat(told, family);
    return marker(told, family, "beginningOfRefresh");
  }

  #repeat(told: Told, family: Family): void {
    for (const [prefix, route] of this.#wanted) {
      if (prefixFamily(prefix) !== family) continue;
      // What was never told is new; what was is told again even though nothing changed.
      if (told.routes.has(prefix)) told.routes.set(prefix, { route, key: "" });
      this.#changed.add(prefix);
    }
  }

  #difference(told: Told): Outgoing {
    const { session, routes } = told;
    const withdrawn: Prefix[] = [];
    const announced = new Map<string, { readonly route: Route; readonly ipv4: Prefix[]; readonly ipv6: Prefix[] }>();
    for (const prefix of this.#changed) {
      const route = this.#wanted.get(prefix);
      if (route === undefined || !canCarry(session, prefixFamily(prefix))) {
        if (routes.delete(prefix)) withdrawn.push(prefix);
      } else {
        const key = routeKey(route, session.negotiated);
        if (routes.get(prefix)?.key === key) continue;
        routes.set(prefix, { route, key });
        const group = announced.get(key) ?? { route, ipv4: [], ipv6: [] };
        announced.set(key, group);
        group[prefixFamily(prefix)].push(prefix);
      }
    }
    this.#changed.clear();
    const announcements = announced.values().flatMap(({ route, ipv4, ipv6 }) => {
      const attributes = attributesOf(route, session.localAsn, session.negotiated);
      return [...announce(session, "ipv4", ipv4, attributes), ...announce(session, "ipv6", ipv6, attributes)];
    });
    const packed = packUpdates(announcements, { asSize: session.negotiated.asSize });
    const oversized = packed.oversized.flatMap(({ prefixes }) => prefixes);
    const ipv4InMultiprotocol = isIpv6(session.nextHops.ipv4?.nextHop ?? session.negotiated.peerId);
    return {
      messages: [
        ...packWithdrawals([...withdrawn, ...forget(told, oversized)], { ipv4InMultiprotocol }),
        ...packed.messages,
      ],
      oversized,
    };
  }
}

/** The peer may still have an older route to what no message can hold now. */
function forget({ routes }: Told, oversized: readonly Prefix[]): readonly Prefix[] {
  return oversized.filter((prefix) => routes.delete(prefix));
}

function sameHop(a: NextHop | undefined, b: NextHop | undefined): boolean {
  return a?.nextHop === b?.nextHop && a?.linkLocal === b?.linkLocal;
}

function canCarry({ negotiated, nextHops }: OutSession, family: Family): boolean {
  return negotiated.families.includes(family) && nextHops[family] !== undefined;
}

function announce(
  { nextHops }: OutSession,
  family: Family,
  prefixes: readonly Prefix[],
  attributes: PathAttributes,
): readonly Announcement[] {
  const hop = nextHops[family];
  return hop === undefined || prefixes.length === 0 ? [] : [{ prefixes, ...hop, attributes }];
}

/** RFC 7313 section 4.1, to peers that know it. */
function marker({ session }: Told, family: Family, subtype: RouteRefreshSubtype): readonly Uint8Array[] {
  if (!session.negotiated.enhancedRouteRefresh) return [];
  return [encodeRouteRefresh({ kind: "routeRefresh", ...unicast(family), subtype })];
}
