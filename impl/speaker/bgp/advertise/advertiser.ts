// What this node announces to which of its peers: Services in, routes of each peer's Adj-RIB-Out.
import { type Peer } from "../../../api/config.ts";
import { type Labels, matchesAny } from "../../../api/selector.ts";
import { type NodeFacts } from "../../node-facts.ts";
import { type Subject } from "../../subject.ts";
import { RibOut } from "../rib-out.ts";
import { type BgpRefusal, type Conflict, eligibilityOf } from "./eligibility.ts";
import { OfferTable } from "./offer-table.ts";
import { type Offer, offersFor } from "./offers.ts";

export type BgpVerdict =
  | { readonly announce: true; readonly peers: readonly string[] }
  | { readonly announce: false; readonly because: BgpRefusal; readonly conflict?: Conflict | undefined };

/** Peers of a node: those without selectors, and those of which any matches. */
export function peersFor(peers: Iterable<Peer>, labels: Labels): readonly Peer[] {
  return [...peers].filter(({ nodeSelectors }) => nodeSelectors.length === 0 || matchesAny(nodeSelectors, labels));
}

export class Advertiser {
  readonly #ignoreExcludeLabel: boolean;
  readonly #offers = new OfferTable();
  readonly #ribs = new Map<string, RibOut>();

  constructor(ignoreExcludeLabel: boolean) {
    this.#ignoreExcludeLabel = ignoreExcludeLabel;
  }

  /** What the peer shall know and was told; undefined where there is no such peer. */
  rib(peer: string): RibOut | undefined {
    return this.#ribs.get(peer);
  }

  /** The names of the peers of this node; one that stays keeps what it was told. */
  setPeers(names: ReadonlySet<string>): void {
    for (const name of this.#ribs.keys()) if (!names.has(name)) this.#ribs.delete(name);
    for (const name of names) {
      if (this.#ribs.has(name)) continue;
      const rib = new RibOut();
      this.#ribs.set(name, rib);
      for (const prefix of this.#offers.prefixes()) rib.set(prefix, this.#offers.routeFor(prefix, name));
    }
  }

  judge(subject: Subject, node: NodeFacts | undefined): BgpVerdict {
    const eligibility = eligibilityOf(subject, node, this.#ignoreExcludeLabel);
    if (!eligibility.eligible) {
      this.withdraw(subject.key);
      const { because, conflict } = eligibility;
      return { announce: false, because, conflict };
    }
    this.#set(subject.key, offersFor(subject.ips, eligibility.advertisements));
    return { announce: true, peers: this.peersOf(subject.key) };
  }

  withdraw(service: string): void {
    this.#set(service, []);
  }

  /** To whom a Service goes as far as this side is concerned, whether the sessions are up or not. */
  peersOf(service: string): readonly string[] {
    return this.#offers.peersOf(service, this.#ribs.keys());
  }

  #set(service: string, offers: readonly Offer[]): void {
    for (const prefix of this.#offers.set(service, offers)) {
      for (const [peer, rib] of this.#ribs) rib.set(prefix, this.#offers.routeFor(prefix, peer));
    }
  }
}
