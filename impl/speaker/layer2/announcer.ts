// Makes the segment believe that an address lives on this node: answers ARP (RFC 826) and NDP (RFC 4861) for it, and
// says so unasked when it moved here. It holds no socket and no clock: frames and time come in, frames go out.
import { type Effect, type Link } from "../../ports.ts";
import { DecodeError } from "../../wire/errors.ts";
import { decodeEthernet, ETHER_TYPES } from "../../wire/ethernet.ts";
import { type Ip, isIpv4, isIpv6 } from "../../wire/ip.ts";
import { type Mac } from "../../wire/mac.ts";
import { earliest, type Micros } from "../../wire/time.ts";
import { DelayQueue } from "../delay-queue.ts";
import { arpAnnouncements, arpProbe, hearArp } from "./arp.ts";
import { Bursts } from "./bursts.ts";
import { type Claim, Claims } from "./claims.ts";
import { type Interfaces } from "./eligibility.ts";
import { Groups } from "./groups.ts";
import { type DropReason, type Heard, type Question } from "./heard.ts";
import { canAnswer, judgeLink, type Responder } from "./links.ts";
import { type Answers, type Layer2Metrics } from "./metrics.ts";
import { hearNdp, ndpAnnouncement, ndpProbe } from "./ndp.ts";
import { Probes } from "./probes.ts";
import { type AddressView } from "./view.ts";

export interface AnnouncerOptions {
  /** Interfaces that match are left alone. */
  readonly exclude: RegExp | undefined;
  /** Announce every address again after this long, for switches that forget sooner than their routers; 0: never. */
  readonly refresh: Micros | undefined;
  /** Ask whether somebody has an address before announcing it. */
  readonly probeFirst: boolean;
  readonly metrics: Layer2Metrics;
}

export type AnnouncerEffect = Effect | { readonly kind: "conflict"; readonly claim: Claim };

/** An address that is announced. */
interface Announced {
  /** Services that share it may each allow other interfaces. */
  readonly holders: Map<string, Interfaces>;
  /** Where it is answered: on all of theirs. */
  interfaces: Interfaces;
  readonly answers: Answers;
  readonly since: Micros;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #addresses = new Map<Ip, Announced>();
  readonly #responders = new Map<string, Responder>();
  readonly #groups = new Groups();
  readonly #bursts = new Bursts();
  readonly #probes = new Probes();
  readonly #claims = new Claims();
  readonly #refresh: DelayQueue<Ip> | undefined;
  #linkNames: ReadonlySet<string> = new Set();
  #ownMacs: ReadonlySet<Mac> = new Set();
  #held = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    const { refresh } = options;
    this.#refresh = refresh === undefined || refresh === 0 ? undefined : new DelayQueue(refresh);
  }

  /** Starts to announce `ip` for `holder`, or announces it again: whatever made the caller repeat it may matter. */
  announce(holder: string, ip: Ip, interfaces: Interfaces, now: Micros): readonly AnnouncerEffect[] {
    const address = this.#addresses.get(ip);
    if (address === undefined) {
      const answers = this.#options.metrics.answersFor(ip);
      this.#addresses.set(ip, { holders: new Map([[holder, interfaces]]), interfaces, answers, since: now });
      const effects = this.#joinGroups(ip);
      return [...effects, ...(this.#options.probeFirst ? this.#probe(ip, now) : this.#startBurst(ip, now))];
    }
    const { holders } = address;
    const known = sameInterfaces(holders.get(holder), interfaces);
    holders.set(holder, interfaces);
    address.interfaces = unionOf(holders.values());
    return [...this.#joinGroups(ip), ...this.#startBurst(ip, now, !known)];
  }

  /** Silent on the wire: there is no message that takes an address back. */
  withdraw(holder: string, ip: Ip): readonly AnnouncerEffect[] {
    const address = this.#addresses.get(ip);
    if (address === undefined || !address.holders.delete(holder)) return [];
    address.interfaces = unionOf(address.holders.values());
    if (address.holders.size > 0) return this.#joinGroups(ip);
    this.#addresses.delete(ip);
    this.#bursts.stop(ip);
    this.#probes.stop(ip);
    this.#claims.forget(ip);
    this.#refresh?.delete(ip);
    this.#options.metrics.forget(ip);
    return this.#joinGroups(ip);
  }

  /** Others may have announced our addresses while they could not hear us. */
  announceAll(now: Micros): readonly AnnouncerEffect[] {
    return [...this.#addresses.keys()].flatMap((ip) => this.#startBurst(ip, now));
  }

  /** Answers nothing and announces nothing until `release`. */
  hold(): void {
    this.#held = true;
    // Whoever claims them may be their owner by now.
    for (const ip of this.#addresses.keys()) this.#claims.forget(ip);
  }

  release(now: Micros): readonly AnnouncerEffect[] {
    this.#held = false;
    return [...this.#addresses.keys()].flatMap((ip) => this.#startBurst(ip, now, true));
  }

  /** Every address that is announced here, in the order in which they came. */
  views(): readonly AddressView[] {
    return [...this.#addresses].map(([ip, { holders, since }]) => ({
      ip,
      services: [...holders.keys()].sort(),
      links: [...this.#responders.values()].flatMap((each) => (this.#covers(ip, each) ? each.name : [])),
      since,
      silent: this.#held ? "held" : this.#probes.has(ip) ? "probing" : undefined,
    }));
  }

  /** Whether this node has one of the interfaces, even if it is down. */
  hasAnyOf(interfaces: Interfaces): boolean {
    return interfaces === "all" || [...interfaces].some((name) => this.#linkNames.has(name));
  }

  setLinks(links: readonly Link[], now: Micros): readonly AnnouncerEffect[] {
    const { exclude } = this.#options;
    const present = links.filter((link) => exclude?.test(link.name) !== true);
    this.#linkNames = new Set(present.map((link) => link.name));
    this.#ownMacs = new Set(links.map((link) => link.mac));
    const before = new Map(this.#responders);
    this.#responders.clear();
    for (const link of present) {
      const verdict = judgeLink(link, exclude);
      if (verdict.respond) this.#responders.set(link.name, verdict.responder);
    }
    const effects: AnnouncerEffect[] = [];
    for (const [name, { index }] of before) {
      if (this.#responders.get(name)?.index === index) continue;
      before.delete(name);
      const left = this.#groups.close(name);
      // The kernel forgot the memberships of an interface that is gone.
      if (present.some((link) => link.name === name && link.index === index)) effects.push(...left);
      effects.push({ kind: "closeLink", link: name });
    }
    for (const responder of this.#responders.values()) {
      effects.push(...this.#open(responder, before.get(responder.name), now));
    }
    return effects;
  }

  #open(responder: Responder, before: Responder | undefined, now: Micros): readonly AnnouncerEffect[] {
    const effects: AnnouncerEffect[] = [];
    if (before === undefined) effects.push({ kind: "openLink", link: responder.name });
    // Whoever is behind a link that came up, or that has another MAC now, believes something else or nothing.
    const news =
      before === undefined ||
      before.mac !== responder.mac ||
      before.linkLocal !== responder.linkLocal ||
      (responder.carrier && !before.carrier);
    if (!news) return effects;
    for (const ip of this.#addresses.keys()) {
      effects.push(...this.#joinGroup(ip, responder));
      if (!this.#covers(ip, responder) || this.#probes.has(ip)) continue;
      this.#bursts.start(ip, now);
      effects.push(...this.#round(ip, [responder]));
    }
    return effects;
  }

  receive(link: string, bytes: Uint8Array, now: Micros): readonly AnnouncerEffect[] {
    const responder = this.#responders.get(link);
    if (responder === undefined) return [];
    const heard = this.#hear(bytes, responder);
    const conflict = heard.claims === undefined ? [] : this.#noteClaim({ ...heard.claims, link }, now);
    return heard.asks === undefined ? [...conflict, ...this.#drop(heard.because)] : this.#answer(heard.asks, responder);
  }

  #answer({ ip, answer }: Question, responder: Responder): readonly AnnouncerEffect[] {
    const address = this.#addresses.get(ip);
    if (address === undefined) return this.#drop("announceIp");
    const because = this.#refusal(ip, address, responder);
    if (because !== undefined) return this.#drop(because);
    address.answers.add();
    return [{ kind: "sendFrame", link: responder.name, bytes: answer() }];
  }

  #drop(because: DropReason): readonly AnnouncerEffect[] {
    this.#options.metrics.dropped(because);
    return [];
  }

  #hear(bytes: Uint8Array, responder: Responder): Heard {
    try {
      const frame = decodeEthernet(bytes);
      if (this.#ownMacs.has(frame.source)) return { asks: undefined, because: "ownFrame" };
      if (frame.vlan !== undefined && frame.vlan.id !== 0) return { asks: undefined, because: "vlanTag" };
      if (frame.etherType === ETHER_TYPES.arp) return hearArp(frame, responder);
      if (frame.etherType === ETHER_TYPES.ipv6) return hearNdp(frame, responder);
      return { asks: undefined, because: "otherProtocol" };
    } catch (error) {
      if (error instanceof DecodeError) return { asks: undefined, because: "malformed" };
      throw error;
    }
  }

  #refusal(ip: Ip, address: Announced, responder: Responder): DropReason | undefined {
    if (!covers(address, ip, responder)) return "notMatchInterface";
    if (this.#probes.has(ip)) return "probing";
    return this.#held ? "held" : undefined;
  }

  #noteClaim(claim: Claim, now: Micros): readonly AnnouncerEffect[] {
    const { ip, mac } = claim;
    if (this.#held || !this.#addresses.has(ip) || this.#ownMacs.has(mac)) return [];
    this.#probes.answered(ip, now);
    if (!this.#claims.note(claim, now)) return [];
    this.#options.metrics.conflict(ip);
    // RFC 5227 section 2.4 (c): the address is kept, and defended at most once in ten seconds.
    return [{ kind: "conflict", claim }, ...(this.#probes.has(ip) ? [] : this.#round(ip))];
  }

  wake(now: Micros): readonly AnnouncerEffect[] {
    const effects: AnnouncerEffect[] = [];
    for (const ip of this.#bursts.due(now)) effects.push(...this.#round(ip));
    const { probe, free } = this.#probes.due(now);
    for (const ip of probe) effects.push(...this.#sendProbe(ip));
    for (const ip of free) effects.push(...this.#startBurst(ip, now));
    for (const ip of this.#refresh?.due(now) ?? []) {
      effects.push(...this.#round(ip));
      this.#refresh?.restart(ip, now);
    }
    for (const ip of this.#claims.due(now)) if (!this.#probes.has(ip)) effects.push(...this.#sendProbe(ip));
    return effects;
  }

  deadline(): Micros | undefined {
    return earliest(
      this.#bursts.deadline(),
      this.#probes.deadline(),
      this.#claims.deadline(),
      this.#refresh?.deadline(),
    );
  }

  /** `anew`: with a round at once, even in the middle of a burst. */
  #startBurst(ip: Ip, now: Micros, anew = false): readonly AnnouncerEffect[] {
    if (this.#probes.has(ip)) return [];
    const fresh = this.#bursts.start(ip, now);
    this.#refresh?.restart(ip, now);
    return fresh || anew ? this.#round(ip) : [];
  }

  /** Announces an address once on every interface where it is answered. */
  #round(ip: Ip, responders: Iterable<Responder> = this.#responders.values()): readonly AnnouncerEffect[] {
    if (this.#held) return [];
    const effects: AnnouncerEffect[] = [];
    for (const responder of responders) {
      if (!this.#covers(ip, responder)) continue;
      for (const bytes of announcements(ip, responder))
        effects.push({ kind: "sendFrame", link: responder.name, bytes });
    }
    this.#options.metrics.announced(ip, effects.length);
    return effects;
  }

  #probe(ip: Ip, now: Micros): readonly AnnouncerEffect[] {
    this.#probes.start(ip, now);
    return this.#sendProbe(ip);
  }

  #sendProbe(ip: Ip): readonly AnnouncerEffect[] {
    return [...this.#responders.values()]
      .filter((responder) => this.#covers(ip, responder))
      .map(({ name, mac }) => {
        return { kind: "sendFrame", link: name, bytes: isIpv4(ip) ? arpProbe(ip, mac) : ndpProbe(ip, mac) };
      });
  }

  #covers(ip: Ip, responder: Responder): boolean {
    const address = this.#addresses.get(ip);
    return address !== undefined && covers(address, ip, responder);
  }

  #joinGroups(ip: Ip): readonly AnnouncerEffect[] {
    return [...this.#responders.values()].flatMap((responder) => this.#joinGroup(ip, responder));
  }

  #joinGroup(ip: Ip, responder: Responder): readonly AnnouncerEffect[] {
    return isIpv6(ip) ? this.#groups.set(responder.name, ip, this.#covers(ip, responder)) : [];
  }
}

function covers({ interfaces }: Announced, ip: Ip, responder: Responder): boolean {
  return canAnswer(responder, ip) && (interfaces === "all" || interfaces.has(responder.name));
}

function unionOf(all: Iterable<Interfaces>): Interfaces {
  const names = new Set<string>();
  for (const interfaces of all) {
    if (interfaces === "all") return interfaces;
    for (const name of interfaces) names.add(name);
  }
  return names;
}

function announcements(ip: Ip, { mac, linkLocal }: Responder): readonly Uint8Array[] {
  if (isIpv4(ip)) return arpAnnouncements(ip, mac);
  return linkLocal === undefined ? [] : [ndpAnnouncement(ip, mac, linkLocal)];
}

function sameInterfaces(a: Interfaces | undefined, b: Interfaces): boolean {
  if (a === undefined || a === "all" || b === "all") return a === b;
  return a.size === b.size && [...a].every((name) => b.has(name));
}
