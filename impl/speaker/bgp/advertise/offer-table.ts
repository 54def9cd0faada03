import { type Prefix } from "../../../wire/prefix.ts";
import { type Route, routeKey } from "../route.ts";
import { mergeOffers, type Offer } from "./offers.ts";

interface Counted {
  readonly offer: Offer;
  services: number;
}

/**
 * The offers of all Services, by prefix. Equal ones are counted, so that a Service among thousands in one aggregate costs
 * no more than one that stands alone.
 */
export class OfferTable {
  readonly #byService = new Map<string, readonly Offer[]>();
  readonly #byPrefix = new Map<Prefix, Map<string, Counted>>();

  /** Replaces the offers of a Service; empty: it has none. Returns the prefixes about which peers may have to hear. */
  set(service: string, offers: readonly Offer[]): ReadonlySet<Prefix> {
    const changed = new Set<Prefix>();
    const before = this.#byService.get(service) ?? [];
    // In before out, so that what stays is never counted as gone.
    for (const offer of offers) if (this.#add(offer)) changed.add(offer.prefix);
    for (const offer of before) if (this.#remove(offer)) changed.add(offer.prefix);
    if (offers.length === 0) this.#byService.delete(service);
    else this.#byService.set(service, offers);
    return changed;
  }

  prefixes(): Iterable<Prefix> {
    return this.#byPrefix.keys();
  }

  routeFor(prefix: Prefix, peer: string): Route | undefined {
    const offers = [...(this.#byPrefix.get(prefix)?.values() ?? [])]
      .map(({ offer }) => offer)
      .filter(({ peers }) => peers.length === 0 || peers.includes(peer));
    return mergeOffers(offers.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)));
  }

  /** Which of these peers are told a prefix of the Service, whoever's offer it is; sorted. */
  peersOf(service: string, peers: Iterable<string>): readonly string[] {
    const offers = this.#byService.get(service) ?? [];
    return [...peers].filter((peer) => offers.some(({ prefix }) => this.routeFor(prefix, peer) !== undefined)).sort();
  }

  #add(offer: Offer): boolean {
    const offers = this.#byPrefix.get(offer.prefix) ?? new Map<string, Counted>();
    this.#byPrefix.set(offer.prefix, offers);
    const key = keyOf(offer);
    const known = offers.get(key);
    if (known !== undefined) known.services++;
    else offers.set(key, { offer, services: 1 });
    return known === undefined;
  }

  #remove(offer: Offer): boolean {
    const offers = this.#byPrefix.get(offer.prefix);
    const key = keyOf(offer);
    const known = offers?.get(key);
    if (offers === undefined || known === undefined || --known.services > 0) return false;
    offers.delete(key);
    if (offers.size === 0) this.#byPrefix.delete(offer.prefix);
    return true;
  }
}

const keyOf = ({ name, route, peers }: Offer): string => `${name} ${peers.join(",")} ${routeKey(route)}`;
