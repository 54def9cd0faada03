// Peers that a BGPPeer names by their interface: this node advertises itself there as a router that forwards for nobody
// (RFC 4861 section 6.2), and takes the neighbour that does so for the peer. FRR's `neighbor IF interface` works alike.
import { type Effect, type Link, type Random } from "../../../ports.ts";
import { type Ipv6 } from "../../../wire/ip.ts";
import { earliest, type Micros } from "../../../wire/time.ts";
import { AdvertisedLink, type LinkEvent } from "./advertised-link.ts";
import { hearRouter } from "./router-messages.ts";
import { interfaceOf, type PeerInterface } from "./peer-interface.ts";

export interface InterfacePeersOutcome {
  readonly effects: readonly Effect[];
  /** The interfaces whose peer has another address now, or none. */
  readonly changed: readonly string[];
}

export class InterfacePeers {
  readonly #random: Random;
  readonly #hasSession: (link: string) => boolean;
  readonly #advertised = new Map<string, AdvertisedLink>();
  #wanted: ReadonlySet<string> = new Set();
  #links: readonly Link[] = [];

  /** `hasSession`: with the peer on this interface, over the address that is known. */
  constructor(random: Random, hasSession: (link: string) => boolean) {
    this.#random = random;
    this.#hasSession = hasSession;
  }

  /** On which interfaces there are peers. */
  setInterfaces(names: ReadonlySet<string>, now: Micros): InterfacePeersOutcome {
    this.#wanted = new Set(names);
    return this.#settle(now);
  }

  setLinks(links: readonly Link[], now: Micros): InterfacePeersOutcome {
    this.#links = links;
    return this.#settle(now);
  }

  /** A frame as it was captured; what is no router's message changes nothing. */
  receive(link: string, bytes: Uint8Array, now: Micros): InterfacePeersOutcome {
    const advertised = this.#advertised.get(link);
    const heard = advertised === undefined ? undefined : hearRouter(bytes);
    if (advertised === undefined || heard === undefined || this.#isOwn(heard.source)) return NOTHING;
    return outcome([[link, advertised.receive(heard, now)]]);
  }

  wake(now: Micros): InterfacePeersOutcome {
    if (this.#advertised.size === 0) return NOTHING;
    return outcome([...this.#advertised].map(([name, advertised]) => [name, advertised.wake(now)]));
  }

  deadline(): Micros | undefined {
    let first: Micros | undefined;
    for (const advertised of this.#advertised.values()) first = earliest(first, advertised.deadline());
    return first;
  }

  /** The link-local address of the peer; undefined until it was heard. */
  peerOn(link: string): Ipv6 | undefined {
    return this.#advertised.get(link)?.peer;
  }

  /** Two interfaces of this node may be on the same segment. */
  #isOwn(source: Ipv6): boolean {
    return this.#links.some(({ addresses }) => addresses.some(({ ip }) => ip === source));
  }

  #settle(now: Micros): InterfacePeersOutcome {
    const usable = new Map<string, PeerInterface>();
    for (const link of this.#links) {
      const found = this.#wanted.has(link.name) ? interfaceOf(link) : undefined;
      if (found !== undefined) usable.set(link.name, found);
    }
    const events: [string, LinkEvent][] = [];
    for (const [name, advertised] of this.#advertised) {
      const found = usable.get(name);
      if (found !== undefined && advertised.isOn(found)) continue;
      // The kernel forgot what it did for an interface that is gone.
      const remains = this.#links.some(({ index }) => index === advertised.on.index);
      events.push([name, advertised.close(remains)]);
      this.#advertised.delete(name);
    }
    for (const [name, found] of usable) {
      if (this.#advertised.has(name)) continue;
      const advertised = new AdvertisedLink(found, this.#random, () => this.#hasSession(name), now);
      this.#advertised.set(name, advertised);
      events.push([name, advertised.open(now)]);
    }
    return outcome(events);
  }
}

const NOTHING: InterfacePeersOutcome = { effects: [], changed: [] };

function outcome(events: readonly (readonly [string, LinkEvent])[]): InterfacePeersOutcome {
  return {
    effects: events.flatMap(([, { effects }]) => effects),
    changed: [...new Set(events.filter(([, { changed }]) => changed).map(([name]) => name))],
  };
}
