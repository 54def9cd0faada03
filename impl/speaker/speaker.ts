// Decides, for every Service with an address, whether this node announces it, and keeps what is announced equal to that.
// Facts come in one at a time (a Service, a Node, a member); only the Services that a fact can concern are judged again.
import { type Config, type Pool } from "../api/config.ts";
import { type Service } from "../api/kubernetes.ts";
import { type Link } from "../ports.ts";
import { unreachable } from "../wire/brand.ts";
import { type Ip, readIp } from "../wire/ip.ts";
import { earliest, type Micros } from "../wire/time.ts";
import { type Endpoints, mergeEndpoints, NO_ENDPOINTS } from "./endpoints.ts";
import { explainVacancy } from "./explanation.ts";
import { LinkCaptures } from "./link-captures.ts";
import { type NodeFacts, sameFacts } from "./node-facts.ts";
import { PoolIndex } from "./pool-index.ts";
import {
  type Protocol,
  quoteAll,
  type Refusal,
  type ServiceRefusal,
  type SocketInput,
  type SpeakerEffect,
  type Verdict,
} from "./protocol.ts";
import { type SpeakerMetrics } from "./metrics.ts";
import { type Subject } from "./subject.ts";
import { Vacancies } from "./vacancies.ts";

export interface SpeakerConfiguration {
  readonly node: string;
  /** Only Services of this loadBalancerClass; empty: only those without one. */
  readonly lbClass: string;
  readonly ignoreExcludeLabel: boolean;
  /** Whether the speaker is told which others are alive. */
  readonly membership: boolean;
  /** In the order in which they handle a Service. */
  readonly protocols: readonly Protocol[];
  readonly metrics: SpeakerMetrics;
}

/** A configuration that would orphan an address which is announced here waits until the controller has moved it. */
export type ConfigOutcome =
  | { readonly accepted: true; readonly effects: readonly SpeakerEffect[] }
  | { readonly accepted: false; readonly because: "announcedIpWithoutPool"; readonly orphan: Announcement };

/** That a Service is announced with certain addresses; another one each time when it is announced anew. */
export interface Announcement {
  readonly service: string;
  readonly ips: readonly Ip[];
}

type Assessment =
  | { readonly kind: "subject"; readonly subject: Subject }
  /** Nothing is decided before there is a configuration. */
  | { readonly kind: "wait"; readonly ips: readonly Ip[] }
  | { readonly kind: "refused"; readonly because: ServiceRefusal; readonly ips: readonly Ip[] };

type Refused = Extract<Verdict, { readonly announce: false }>;

export class Speaker {
  readonly #configuration: SpeakerConfiguration;
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, Map<string, Endpoints>>();
  readonly #nodes = new Map<string, NodeFacts>();
  readonly #vacancies: Vacancies;
  readonly #captures = new LinkCaptures();
  /** The addresses that each protocol announces, by Service. */
  readonly #announced = new Map<string, Map<Protocol, readonly Ip[]>>();
  /** Nodes whose speaker is alive, this one among them; undefined: membership is off and every node counts. */
  readonly #members: Set<string> | undefined;
  #pools: PoolIndex | undefined;
  #started = false;

  constructor(configuration: SpeakerConfiguration) {
    this.#configuration = configuration;
    this.#members = configuration.membership ? new Set([configuration.node]) : undefined;
    this.#vacancies = new Vacancies(configuration.node);
  }

  /** Until now facts were only collected: deciding on half of them would announce what others own. */
  start(now: Micros): readonly SpeakerEffect[] {
    this.#started = true;
    const effects = this.#handleAll(now);
    return [...effects, ...this.#ofProtocols((protocol) => protocol.start(now))];
  }

  /** Hands over; the rest of what happens to this speaker changes nothing. */
  stop(now: Micros): readonly SpeakerEffect[] {
    return this.#configuration.protocols.flatMap((protocol) => protocol.stop(now));
  }

  /** Whether everything that was said at the stop has been sent. */
  ended(now: Micros): boolean {
    return this.#configuration.protocols.every((protocol) => protocol.ended(now));
  }

  setConfig(config: Config, now: Micros): ConfigOutcome {
    const pools = new PoolIndex(config);
    for (const [service, protocols] of this.#announced) {
      for (const ips of protocols.values()) {
        if (pools.poolOfAll(ips) !== undefined) continue;
        return { accepted: false, because: "announcedIpWithoutPool", orphan: { service, ips } };
      }
    }
    this.#pools = pools;
    const effects = this.#ofProtocols((protocol) => protocol.setConfig(config, now));
    return { accepted: true, effects: [...effects, ...this.#handleAll(now)] };
  }

  announces({ service, ips }: Announcement): boolean {
    return [...(this.#announced.get(service)?.values() ?? [])].includes(ips);
  }

  setService(key: string, service: Service | undefined, now: Micros): readonly SpeakerEffect[] {
    if (service === undefined) this.#services.delete(key);
    else this.#services.set(key, service);
    return this.#handleSome(new Set([key]), now);
  }

  /** The endpoints in one EndpointSlice of a Service; undefined: the slice went. */
  setEndpoints(key: string, slice: string, endpoints: Endpoints | undefined, now: Micros): readonly SpeakerEffect[] {
    const slices = this.#slices.get(key) ?? new Map<string, Endpoints>();
    if (endpoints === undefined) slices.delete(slice);
    else slices.set(slice, endpoints);
    if (slices.size === 0) this.#slices.delete(key);
    else this.#slices.set(key, slices);
    return this.#services.has(key) ? this.#handleSome(new Set([key]), now) : [];
  }

  setNode(name: string, facts: NodeFacts | undefined, now: Micros): readonly SpeakerEffect[] {
    const before = this.#nodes.get(name);
    if (sameFacts(before, facts)) return [];
    if (facts === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, facts);
    const keys = this.#reconsider(name, now);
    if (name !== this.#configuration.node) return this.#handleSome(keys, now);
    const effects = this.#ofProtocols((protocol) => protocol.setOwnNode(facts, now));
    return [...effects, ...this.#handleAll(now)];
  }

  memberJoined(name: string, now: Micros): readonly SpeakerEffect[] {
    if (this.#members === undefined || this.#members.has(name)) return [];
    this.#members.add(name);
    const effects = this.#handleSome(this.#reconsider(name, now), now);
    return this.#started ? [...effects, ...this.#configuration.protocols.flatMap((one) => one.refresh(now))] : effects;
  }

  memberLeft(name: string, now: Micros): readonly SpeakerEffect[] {
    if (this.#members?.delete(name) !== true) return [];
    return this.#handleSome(this.#reconsider(name, now), now);
  }

  setLinks(links: readonly Link[], now: Micros): readonly SpeakerEffect[] {
    const anew = this.#captures.setLinks(links);
    const outcomes = this.#configuration.protocols.map((protocol) => protocol.setLinks(links, now));
    const keys = new Set(outcomes.flatMap((outcome) => outcome.keys));
    const effects = this.#captures.share(outcomes.flatMap((outcome) => outcome.effects));
    return [...anew, ...effects, ...this.#handleSome(keys, now)];
  }

  receive(link: string, bytes: Uint8Array, now: Micros): readonly SpeakerEffect[] {
    return this.#configuration.protocols.flatMap((protocol) => protocol.receive(link, bytes, now));
  }

  /** Something arrived at a socket of a protocol. */
  handle(input: SocketInput, now: Micros): readonly SpeakerEffect[] {
    return this.#configuration.protocols.flatMap((protocol) => protocol.handle(input, now));
  }

  /** This node slept for so long that others may have taken over. Nothing is answered until `release`. */
  hold(): void {
    for (const protocol of this.#configuration.protocols) protocol.hold();
  }

  release(now: Micros): readonly SpeakerEffect[] {
    return this.#configuration.protocols.flatMap((protocol) => protocol.release(now));
  }

  wake(now: Micros): readonly SpeakerEffect[] {
    const effects = this.#configuration.protocols.flatMap((protocol) => protocol.wake(now));
    return [...effects, ...this.#vacancies.due(now).flatMap((key) => this.#explain(key))];
  }

  deadline(): Micros | undefined {
    let first = this.#vacancies.deadline();
    for (const protocol of this.#configuration.protocols) first = earliest(first, protocol.deadline());
    return first;
  }

  #ofProtocols(act: (protocol: Protocol) => readonly SpeakerEffect[]): readonly SpeakerEffect[] {
    return this.#captures.share(this.#configuration.protocols.flatMap(act));
  }

  /** A node's standing as a candidate may have changed. Returns the Services that this concerns. */
  #reconsider(name: string, now: Micros): ReadonlySet<string> {
    const facts = this.#nodes.get(name);
    if (this.#runsSpeaker(name)) this.#vacancies.enter(name, now);
    else this.#vacancies.leave(name, now);
    const { protocols } = this.#configuration;
    const candidate = facts !== undefined && this.#isUsable(facts) ? facts : undefined;
    return new Set(
      protocols.flatMap((protocol) => (candidate === undefined ? protocol.leave(name) : protocol.enter(candidate))),
    );
  }

  #runsSpeaker(name: string): boolean {
    return this.#members === undefined ? this.#nodes.has(name) : this.#members.has(name);
  }

  #isUsable({ name, networkUnavailable, excluded }: NodeFacts): boolean {
    return this.#runsSpeaker(name) && !networkUnavailable && (!excluded || this.#configuration.ignoreExcludeLabel);
  }

  #handleAll(now: Micros): readonly SpeakerEffect[] {
    return this.#handleSome(new Set(this.#services.keys()), now);
  }

  #handleSome(keys: ReadonlySet<string>, now: Micros): readonly SpeakerEffect[] {
    const effects = [...keys].sort().flatMap((key) => this.#handle(key, now));
    return [...effects, ...this.#configuration.protocols.flatMap((protocol) => protocol.flush(now))];
  }

  #handle(key: string, now: Micros): readonly SpeakerEffect[] {
    if (!this.#started) return [];
    const assessment = this.#assess(key);
    switch (assessment.kind) {
      case "wait":
        this.#await(key, assessment.ips, now);
        return [];
      case "refused":
        return this.#refuse(key, assessment.because, assessment.ips, now);
      case "subject":
        return this.#announceWhereDue(assessment.subject, now);
      default:
        return unreachable(assessment);
    }
  }

  /** The questions in MetalLB's order. */
  #assess(key: string): Assessment {
    const refused = (because: ServiceRefusal, ips: readonly Ip[] = []): Assessment => ({
      kind: "refused",
      because,
      ips,
    });
    const service = this.#services.get(key);
    if (service === undefined) return refused("serviceDeleted");
    if (service.spec.type !== "LoadBalancer") return refused("notLoadBalancer");
    if ((service.spec.loadBalancerClass ?? "") !== this.#configuration.lbClass)
      return refused("otherLoadBalancerClass");
    const ingress = service.status?.loadBalancer?.ingress ?? [];
    const ips = ingress.map((entry) => readIp(entry.ip ?? "")).filter((ip) => ip !== undefined);
    if (this.#pools === undefined) return { kind: "wait", ips };
    if (ingress.length === 0) return refused("noIpAllocated");
    if (ips.length < ingress.length) return refused("invalidIp");
    const pool = this.#pools.poolOfAll(ips);
    if (pool === undefined) return refused("ipNotAllowed", ips);
    return { kind: "subject", subject: this.#subjectOf(key, service, ips, pool) };
  }

  #subjectOf(key: string, service: Service, ips: readonly Ip[], pool: Pool): Subject {
    const slices = this.#slices.get(key);
    return {
      key,
      service,
      ips,
      pool,
      endpoints: slices === undefined ? NO_ENDPOINTS : mergeEndpoints(slices.values()),
    };
  }

  #refuse(key: string, because: ServiceRefusal, ips: readonly Ip[], now: Micros): readonly SpeakerEffect[] {
    const { protocols } = this.#configuration;
    const effects = protocols.flatMap((protocol) => this.#withdraw(key, protocol, because));
    for (const protocol of protocols) protocol.forget(key);
    this.#await(key, ips, now);
    return effects;
  }

  /** Nobody announces these addresses; without any there is nothing to explain. */
  #await(key: string, ips: readonly Ip[], now: Micros): void {
    const [ip] = ips;
    if (ip === undefined) this.#vacancies.close(key);
    else this.#vacancies.open(key, ip, now);
  }

  #announceWhereDue(subject: Subject, now: Micros): readonly SpeakerEffect[] {
    const { key, ips } = subject;
    const { protocols } = this.#configuration;
    const effects: SpeakerEffect[] = [];
    let vacant = true;
    for (const protocol of protocols) {
      const before = this.#announced.get(key)?.get(protocol);
      if (before !== undefined && !sameAddresses(before, ips)) {
        effects.push(...this.#withdraw(key, protocol, "loadBalancerIpChanged"));
      }
      const verdict = protocol.judge(subject);
      if (verdict.announce) effects.push(...this.#announce(subject, protocol, now));
      else effects.push(...this.#withdraw(key, protocol, verdict.because), ...complain(subject, verdict));
      vacant &&= !verdict.announce && verdict.vacant;
    }
    this.#await(key, vacant ? ips : [], now);
    return effects;
  }

  #announce(subject: Subject, protocol: Protocol, now: Micros): readonly SpeakerEffect[] {
    const { key, service, ips } = subject;
    const { node, metrics } = this.#configuration;
    const effects = protocol.announce(subject, now);
    const protocols = this.#announced.get(key) ?? new Map<Protocol, readonly Ip[]>();
    this.#announced.set(key, protocols);
    const known = protocols.has(protocol);
    protocols.set(protocol, ips);
    if (known) return effects;
    metrics.announced(key, protocol.name, ips);
    const message = `announcing from node "${node}" with protocol "${protocol.name}"`;
    return [
      ...effects,
      { kind: "event", service, type: "Normal", reason: "nodeAssigned", message },
      log("service.announced", { service: key, protocol: protocol.name, ips }),
    ];
  }

  #withdraw(key: string, protocol: Protocol, because: Refusal): readonly SpeakerEffect[] {
    const protocols = this.#announced.get(key);
    const ips = protocols?.get(protocol);
    if (protocols === undefined || ips === undefined) return [];
    protocols.delete(protocol);
    if (protocols.size === 0) this.#announced.delete(key);
    this.#configuration.metrics.withdrawn(key, protocol.name, ips);
    return [...protocol.withdraw(key), log("service.withdrawn", { service: key, protocol: protocol.name, because })];
  }

  #explain(key: string): readonly SpeakerEffect[] {
    const service = this.#services.get(key);
    if (service === undefined) return [];
    const assessment = this.#assess(key);
    const ips = assessment.kind === "subject" ? assessment.subject.ips : assessment.ips;
    const message = `no node announces ${quoteAll(ips)}: ${this.#whyVacant(assessment)}`;
    if (!this.#vacancies.isNews(key, message)) return [];
    return [{ kind: "event", service, type: "Warning", reason: "notAnnounced", message }];
  }

  #whyVacant(assessment: Assessment): string {
    const { ignoreExcludeLabel, node } = this.#configuration;
    if (assessment.kind === "refused") return "no pool allows this address";
    if (assessment.kind === "wait") {
      return `node "${node}" has had no valid configuration since its speaker started, see its ConfigurationState`;
    }
    return explainVacancy(assessment.subject, {
      nodes: [...this.#nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
      runsSpeaker: (name: string) => this.#runsSpeaker(name),
      ignoreExcludeLabel,
    });
  }
}

const log = (event: string, fields: Readonly<Record<string, string | readonly string[]>>): SpeakerEffect => ({
  kind: "log",
  level: "info",
  event,
  fields,
});

function complain({ service }: Subject, { because, complaint }: Refused): readonly SpeakerEffect[] {
  if (complaint === undefined) return [];
  return [{ kind: "event", service, type: "Warning", reason: because, message: complaint }];
}

/** Whatever their order. */
function sameAddresses(a: readonly Ip[], b: readonly Ip[]): boolean {
  return a.length === b.length && [...a].sort().join() === [...b].sort().join();
}
