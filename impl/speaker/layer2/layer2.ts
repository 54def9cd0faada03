// Layer 2 as a whole: the election says what this node owns, the announcer tells the segment.
import { type Service } from "../../api/kubernetes.ts";
import { type Labels } from "../../api/selector.ts";
import { type Link } from "../../ports.ts";
import { type Ip } from "../../wire/ip.ts";
import { type Micros } from "../../wire/time.ts";
import { type NodeFacts } from "../node-facts.ts";
import { type LinksOutcome, type Protocol, type SpeakerEffect, type Verdict } from "../protocol.ts";
import { type Subject } from "../subject.ts";
import { Announcer, type AnnouncerEffect, type AnnouncerOptions } from "./announcer.ts";
import { type Claim } from "./claims.ts";
import { type Candidate, Election } from "./election.ts";
import { advertisementsFor, contestFor, eligibilityOf, type Interfaces } from "./eligibility.ts";
import { type AddressView } from "./view.ts";

interface Announced {
  readonly service: Service;
  readonly ips: readonly Ip[];
  readonly interfaces: Interfaces;
  /** This node has none of the interfaces. */
  readonly missing: boolean;
}

export class Layer2 implements Protocol {
  readonly name = "layer2";
  readonly #node: string;
  readonly #election: Election;
  readonly #announcer: Announcer;
  readonly #announced = new Map<string, Announced>();
  #labels: Labels | undefined;

  constructor(node: string, options: AnnouncerOptions) {
    this.#node = node;
    this.#election = new Election(node);
    this.#announcer = new Announcer(options);
  }

  addresses(): readonly AddressView[] {
    return this.#announcer.views();
  }

  start(): readonly SpeakerEffect[] {
    return [];
  }

  stop(): readonly SpeakerEffect[] {
    this.hold();
    return [];
  }

  /** There is no message that takes an address back. */
  ended(): boolean {
    return true;
  }

  setConfig(): readonly SpeakerEffect[] {
    return [];
  }

  flush(): readonly SpeakerEffect[] {
    return [];
  }

  handle(): readonly SpeakerEffect[] {
    return [];
  }

  judge(subject: Subject): Verdict {
    const advertisements = advertisementsFor(subject);
    const contest = contestFor(subject, advertisements);
    if (contest === undefined) this.#election.close(subject.key);
    const standing = contest === undefined ? "vacant" : this.#election.open(subject.key, contest);
    const vacant = standing === "vacant";
    const eligibility = eligibilityOf(subject, advertisements, this.#labels);
    if (!eligibility.eligible) return { announce: false, because: eligibility.because, vacant };
    if (standing === "owner") return { announce: true };
    return { announce: false, because: vacant ? "noCandidate" : "outranked", vacant };
  }

  announce(subject: Subject, now: Micros): readonly SpeakerEffect[] {
    const { key, service, ips } = subject;
    const eligibility = eligibilityOf(subject, advertisementsFor(subject), this.#labels);
    if (!eligibility.eligible) return [];
    const { interfaces } = eligibility;
    const missing = !this.#announcer.hasAnyOf(interfaces);
    const before = this.#announced.get(key);
    this.#announced.set(key, { service, ips, interfaces, missing });
    const effects: SpeakerEffect[] = [];
    for (const ip of ips) {
      if (missing && before?.missing !== true) effects.push(this.#announceFailed(service, ip));
      effects.push(...this.#translate(this.#announcer.announce(key, ip, interfaces, now)));
    }
    const names = interfaces === "all" ? [] : [...interfaces].sort();
    return [...effects, { kind: "layer2Status", service: key, interfaces: names }];
  }

  #announceFailed(service: Service, ip: Ip): SpeakerEffect {
    const message = `the interfaces specified by LB IP "${ip}" doesn't exist in assigned node "${this.#node}" with protocol "layer2"`;
    return { kind: "event", service, type: "Warning", reason: "announceFailed", message };
  }

  withdraw(key: string): readonly SpeakerEffect[] {
    const announced = this.#announced.get(key);
    if (announced === undefined) return [];
    this.#announced.delete(key);
    const effects = announced.ips.flatMap((ip) => this.#translate(this.#announcer.withdraw(key, ip)));
    return [...effects, { kind: "layer2Status", service: key, interfaces: undefined }];
  }

  forget(key: string): void {
    this.#election.close(key);
  }

  setOwnNode(facts: NodeFacts | undefined): readonly SpeakerEffect[] {
    this.#labels = facts?.labels;
    return [];
  }

  enter(candidate: Candidate): readonly string[] {
    return this.#election.enter(candidate);
  }

  leave(name: string): readonly string[] {
    return this.#election.leave(name);
  }

  setLinks(links: readonly Link[], now: Micros): LinksOutcome {
    const effects = this.#translate(this.#announcer.setLinks(links, now));
    const keys = [...this.#announced]
      .filter(([, { interfaces, missing }]) => this.#announcer.hasAnyOf(interfaces) === missing)
      .map(([key]) => key)
      .sort();
    return { effects, keys };
  }

  receive(link: string, bytes: Uint8Array, now: Micros): readonly SpeakerEffect[] {
    return this.#translate(this.#announcer.receive(link, bytes, now));
  }

  refresh(now: Micros): readonly SpeakerEffect[] {
    return this.#translate(this.#announcer.announceAll(now));
  }

  hold(): void {
    this.#announcer.hold();
  }

  release(now: Micros): readonly SpeakerEffect[] {
    return this.#translate(this.#announcer.release(now));
  }

  wake(now: Micros): readonly SpeakerEffect[] {
    return this.#translate(this.#announcer.wake(now));
  }

  deadline(): Micros | undefined {
    return this.#announcer.deadline();
  }

  #translate(effects: readonly AnnouncerEffect[]): readonly SpeakerEffect[] {
    if (effects.length === 0) return [];
    return effects.flatMap((effect) => (effect.kind === "conflict" ? this.#report(effect.claim) : [effect]));
  }

  #report({ ip, mac, link }: Claim): readonly SpeakerEffect[] {
    const message = `another station, ${mac}, claims ${ip} on interface ${link} of node "${this.#node}"`;
    const events = [...this.#announced.values()]
      .filter(({ ips }) => ips.includes(ip))
      .map(
        ({ service }): SpeakerEffect => ({ kind: "event", service, type: "Warning", reason: "ipConflict", message }),
      );
    return [{ kind: "log", level: "warn", event: "layer2.conflict", fields: { ip, mac, link } }, ...events];
  }
}
