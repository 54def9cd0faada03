// Failure detection: memberlist state.go, probeNode; net.go, handlePing, handleIndirectPing, handleAck, handleNack.
import { type Endpoint } from "../../ports.ts";
import { type MembersIndirectPing, type MembersMessage, type MembersPing } from "../../wire/members.ts";
import { earliest, type Micros, plus } from "../../wire/time.ts";
import { type MembersConfig } from "./config.ts";
import { type Member, type Roster } from "./roster.ts";

/** From this protocol version on, a helper says so when the target did not answer it either. */
const NACK_VERSION = 4;
const NO_BYTES = new Uint8Array(0);

/** What the prober wants sent; news may ride along. */
export interface Send {
  readonly to: Endpoint;
  readonly messages: readonly MembersMessage[];
}

/** A probe that is under way. */
interface Probe {
  readonly sequence: number;
  readonly target: Member;
  /** When others are asked to help; undefined: they were. */
  indirectAt: Micros | undefined;
  readonly deadline: Micros;
  nacksExpected: number;
  nacks: number;
  /** It answered over TCP: only its datagrams get lost. */
  reachedOverTcp: boolean;
}

/** A probe that somebody asked us to make. */
interface Errand {
  readonly asker: Endpoint;
  readonly sequence: number;
  readonly nack: boolean;
  readonly deadline: Micros;
}

export interface ProberOptions {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly config: MembersConfig;
  readonly roster: Roster;
  /** Probes a member over TCP as well. */
  readonly pingOverTcp: (to: Endpoint, ping: MembersPing, deadline: Micros) => void;
  readonly firstProbeAt: Micros;
}

export class Prober {
  readonly #options: ProberOptions;
  /** In the order in which they come due, since all may take equally long. */
  readonly #errands = new Map<number, Errand>();
  #probe: Probe | undefined;
  #nextAt: Micros;
  #sequence = 0;
  #out: Send[] = [];

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#nextAt = options.firstProbeAt;
  }

  takeSends(): readonly Send[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  wake(now: Micros): void {
    for (const [sequence, errand] of this.#errands) {
      if (errand.deadline > now) break;
      this.#errands.delete(sequence);
      if (errand.nack) this.#send(errand.asker, { kind: "nack", sequence: errand.sequence });
    }
    const probe = this.#probe;
    if (probe?.indirectAt !== undefined && probe.indirectAt <= now) this.#askForHelp(probe);
    if (probe !== undefined && probe.deadline <= now) this.#fail(probe, now);
    if (this.#nextAt <= now && this.#probe === undefined) this.#begin(now);
  }

  deadline(): Micros | undefined {
    const probe = this.#probe;
    const first = probe === undefined ? this.#nextAt : earliest(probe.indirectAt, probe.deadline);
    const [errand] = this.#errands.values();
    return earliest(first, errand?.deadline);
  }

  /** After a sleep nothing that was under way says anything about the others. */
  restart(now: Micros): void {
    this.#probe = undefined;
    this.#errands.clear();
    this.#nextAt = now;
  }

  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /** A ping as this node sends it. */
  pingFor(node: string, sequence: number): MembersPing {
    const { name, endpoint } = this.#options;
    return { kind: "ping", sequence, node, sourceAddress: endpoint.ip, sourcePort: endpoint.port, sourceNode: name };
  }

  #begin(now: Micros): void {
    const { config, roster } = this.#options;
    this.#nextAt = plus(now, config.probeInterval);
    const target = roster.nextToProbe(now);
    if (target === undefined) return;
    const sequence = this.nextSequence();
    const deadline = plus(now, roster.awareness.scale(config.probeInterval));
    const indirectAt = plus(now, config.probeTimeout);
    this.#probe = { sequence, target, indirectAt, deadline, nacksExpected: 0, nacks: 0, reachedOverTcp: false };
    const ping = this.pingFor(target.name, sequence);
    // A suspect hears of the suspicion with the ping, so that it can refute at once (Lifeguard's buddy system).
    const { name: node, incarnation } = target;
    const suspicion = { kind: "suspect", node, incarnation, from: this.#options.name } as const;
    this.#send(target, ...(target.state === "suspect" ? [ping, suspicion] : [ping]));
  }

  #askForHelp(probe: Probe): void {
    const { config, roster, name, endpoint, pingOverTcp } = this.#options;
    probe.indirectAt = undefined;
    const { target, sequence } = probe;
    const helpers = roster.sample(config.indirectChecks, (one) => one.name !== target.name && one.state === "alive");
    for (const helper of helpers) {
      const nack = (helper.versions[1] ?? 0) >= NACK_VERSION;
      if (nack) probe.nacksExpected++;
      const source = { sourceAddress: endpoint.ip, sourcePort: endpoint.port, sourceNode: name };
      const asked = { sequence, target: target.address, port: target.port, node: target.name, nack };
      this.#send(helper, { kind: "indirectPing", ...asked, ...source });
    }
    if (config.disableTcpPings) return;
    pingOverTcp({ ip: target.address, port: target.port }, this.pingFor(target.name, sequence), probe.deadline);
  }

  #fail(probe: Probe, now: Micros): void {
    const { roster, name } = this.#options;
    this.#probe = undefined;
    if (probe.reachedOverTcp) return;
    // Helpers that do not even say "no" make this node doubt itself.
    roster.awareness.apply(probe.nacksExpected > 0 ? Math.max(probe.nacksExpected - probe.nacks, 0) : 1);
    const { name: node, incarnation } = probe.target;
    roster.hearSuspect({ kind: "suspect", node, incarnation, from: name }, now);
  }

  hearPing(ping: MembersPing, from: Endpoint): void {
    if (ping.node !== "" && ping.node !== this.#options.name) return;
    this.#send(replyTo(ping, from), { kind: "ack", sequence: ping.sequence, payload: NO_BYTES });
  }

  hearIndirectPing(asked: MembersIndirectPing, from: Endpoint, now: Micros): void {
    const sequence = this.nextSequence();
    const deadline = plus(now, this.#options.config.probeTimeout);
    const errand = { asker: replyTo(asked, from), sequence: asked.sequence, nack: asked.nack, deadline };
    this.#errands.set(sequence, errand);
    this.#send({ ip: asked.target, port: asked.port }, this.pingFor(asked.node, sequence));
  }

  hearAck(sequence: number): void {
    const errand = this.#errands.get(sequence);
    if (errand !== undefined) {
      this.#errands.delete(sequence);
      this.#send(errand.asker, { kind: "ack", sequence: errand.sequence, payload: NO_BYTES });
    } else if (this.#probe?.sequence === sequence) {
      this.#probe = undefined;
      this.#options.roster.awareness.apply(-1);
    }
  }

  hearNack(sequence: number): void {
    if (this.#probe?.sequence === sequence) this.#probe.nacks++;
  }

  hearAckOverTcp(sequence: number): void {
    if (this.#probe?.sequence === sequence) this.#probe.reachedOverTcp = true;
  }

  #send(to: Endpoint | Member, ...messages: readonly MembersMessage[]): void {
    this.#out.push({ to: "ip" in to ? to : { ip: to.address, port: to.port }, messages });
  }
}

function replyTo(message: MembersPing | MembersIndirectPing, from: Endpoint): Endpoint {
  const { sourceAddress: ip, sourcePort: port } = message;
  return ip === undefined || port === undefined || port === 0 ? from : { ip, port };
}
