// RFC 4861 section 6.2: Router Advertisements, and the neighbours that are known by theirs alone (BGP unnumbered).
import { decodeEthernet, ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { decodeIcmp6, encodeIcmp6, type Icmp6 } from "../../impl/wire/icmp6.ts";
import { ALL_NODES, ALL_ROUTERS, type Ipv6, isIpv6, isLinkLocal } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeIpv6 } from "../../impl/wire/ipv6.ts";
import { NDP_HOP_LIMIT, type RouterAdvertisement } from "../../impl/wire/ndp.ts";
import { type Micros, micros, minus, plus, seconds, times } from "../../impl/wire/time.ts";
import { Alarm, type Daemon } from "./daemon.ts";

/** RFC 4861 section 6.2.1, MIN_DELAY_BETWEEN_RAS: solicited ones to all are no closer together. */
const LEAST_DELAY = seconds(3);
/** Zebra's interval where bgpd asks for advertisements. */
export const UNNUMBERED_INTERVAL = seconds(10);

export interface Advertising {
  readonly interval: Micros;
  readonly lifetime: Micros;
}

export const UNNUMBERED: Advertising = { interval: UNNUMBERED_INTERVAL, lifetime: times(UNNUMBERED_INTERVAL, 3) };

/** One link on which the router advertises itself. */
class AdvertisedLink {
  readonly name: string;
  readonly #daemon: Daemon;
  readonly #heard: (from: Ipv6) => void;
  readonly #alarm: Alarm;
  readonly #closing: Disposable;
  #advertising: Advertising;
  #last: Micros | undefined;

  constructor(daemon: Daemon, name: string, advertising: Advertising, heard: (from: Ipv6) => void) {
    this.name = name;
    this.#daemon = daemon;
    this.#advertising = advertising;
    this.#heard = heard;
    this.#alarm = new Alarm(daemon, () => this.advertise());
    this.#closing = this.#open();
  }

  #open(): Disposable {
    const { host } = this.#daemon;
    const link = host.interface(this.name);
    link.groups.join(ALL_ROUTERS);
    const capture = link.device.capture((frame) => {
      const copy = frame.slice();
      this.#daemon.run(() => this.#receive(copy));
    });
    const close = (): void => {
      link.groups.leave(ALL_ROUTERS);
      capture[Symbol.dispose]();
    };
    const held = this.#daemon.hold({ close });
    return {
      [Symbol.dispose]: () => {
        this.#daemon.letGo(held);
        close();
      },
    };
  }

  close(): void {
    this.#alarm.clear();
    this.#closing[Symbol.dispose]();
  }

  change(advertising: Advertising): void {
    this.#advertising = advertising;
  }

  /** To all nodes on the link, now and every interval. */
  advertise(): void {
    this.#alarm.set(this.#advertising.interval);
    const { host, now } = this.#daemon;
    const link = host.interface(this.name);
    const source = link.addresses.map(({ ip }) => ip).find((ip): ip is Ipv6 => isIpv6(ip) && isLinkLocal(ip));
    if (source === undefined || !link.device.running) return;
    this.#last = now;
    const message: RouterAdvertisement = {
      kind: "routerAdvertisement",
      hopLimit: 64,
      managed: false,
      other: false,
      lifetime: this.#advertising.lifetime,
      reachable: micros(0),
      retransmit: micros(0),
      sourceLinkLayer: link.mac,
      prefixes: [],
    };
    host.sendIp({
      source,
      destination: ALL_NODES,
      protocol: IP_PROTOCOLS.icmp6,
      ttl: NDP_HOP_LIMIT,
      payload: encodeIcmp6(message, source, ALL_NODES),
      device: this.name,
    });
  }

  #receive(frame: Uint8Array): void {
    const read = readIcmp6(frame);
    if (read === undefined) return;
    if (read.message.kind === "routerAdvertisement") this.#heard(read.source);
    else if (read.message.kind === "routerSolicitation") this.#solicited();
  }

  #solicited(): void {
    const { now } = this.#daemon;
    const next = this.#last === undefined ? now : plus(this.#last, LEAST_DELAY);
    if (next <= now) this.advertise();
    else this.#alarm.set(minus(next, now));
  }
}

/** What another station on the link said with a hop limit that no router has lowered. */
function readIcmp6(frame: Uint8Array): { readonly source: Ipv6; readonly message: Icmp6 } | undefined {
  try {
    const { etherType, payload } = decodeEthernet(frame);
    if (etherType !== ETHER_TYPES.ipv6) return undefined;
    const { source, destination, nextHeader, hopLimit, payload: body } = decodeIpv6(payload);
    if (nextHeader !== IP_PROTOCOLS.icmp6 || hopLimit !== NDP_HOP_LIMIT) return undefined;
    const message = decodeIcmp6(body, source, destination);
    return isLinkLocal(source) || message.kind === "routerSolicitation" ? { source, message } : undefined;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined;
  }
}

export class Advertisements {
  readonly #daemon: Daemon;
  readonly #links = new Map<string, AdvertisedLink>();
  readonly #peers = new Map<string, Ipv6>();
  readonly #heard: (link: string, peer: Ipv6 | undefined) => void;

  /** `heard` is told who is on a link, and when nobody can be any more. */
  constructor(daemon: Daemon, heard: (link: string, peer: Ipv6 | undefined) => void) {
    this.#daemon = daemon;
    this.#heard = heard;
  }

  peerOn(link: string): Ipv6 | undefined {
    return this.#peers.get(link);
  }

  apply(wanted: ReadonlyMap<string, Advertising>): void {
    for (const [name, link] of this.#links) {
      if (wanted.has(name)) continue;
      link.close();
      this.#links.delete(name);
      this.#peers.delete(name);
    }
    for (const [name, advertising] of wanted) {
      const known = this.#links.get(name);
      if (known !== undefined) known.change(advertising);
      else if (this.#daemon.host.hasDevice(name)) this.#add(name, advertising);
    }
  }

  #add(name: string, advertising: Advertising): void {
    const link = new AdvertisedLink(this.#daemon, name, advertising, (from) => this.#learn(name, from));
    this.#links.set(name, link);
    link.advertise();
  }

  #learn(link: string, from: Ipv6): void {
    if (this.#peers.get(link) === from) return;
    this.#peers.set(link, from);
    this.#heard(link, from);
  }

  /** A link without carrier has nobody on it; one that is back is advertised on at once. */
  linksChanged(): void {
    for (const { name } of this.#links.values()) {
      const running = this.#daemon.host.device(name)?.running === true;
      if (!running && this.#peers.delete(name)) this.#heard(name, undefined);
      if (running && !this.#peers.has(name)) this.#links.get(name)?.advertise();
    }
  }
}
