// The speaker as a process: its life from start to handover, the other speakers, and the wire. It decides nothing about
// announcing; that is the Speaker's.
import { Metrics, type Metric } from "../metrics.ts";
import {
  type Effect,
  type Input,
  type Instant,
  type Link,
  type LogFields,
  type LogLevel,
  type Process,
  type Random,
} from "../ports.ts";
import { BfdMetrics } from "../speaker/bfd/metrics.ts";
import { type BfdView } from "../speaker/bfd/view.ts";
import { Bgp } from "../speaker/bgp/bgp.ts";
import { BgpMetrics } from "../speaker/bgp/metrics.ts";
import { type PeerView, type ServiceView } from "../speaker/bgp/peer-view.ts";
import { Layer2 } from "../speaker/layer2/layer2.ts";
import { compileExclusion } from "../speaker/layer2/links.ts";
import { Layer2Metrics } from "../speaker/layer2/metrics.ts";
import { type AddressView } from "../speaker/layer2/view.ts";
import { LAN, type MembersConfig, WAN } from "../speaker/members/config.ts";
import { Members, type MembersInput, type MembersOutput } from "../speaker/members/members.ts";
import { type Member, type RosterEvent } from "../speaker/members/roster.ts";
import { type SocketInput } from "../speaker/protocol.ts";
import { SpeakerMetrics } from "../speaker/metrics.ts";
import { Speaker } from "../speaker/speaker.ts";
import { type Ip } from "../wire/ip.ts";
import { earliest, inSeconds, type Micros, micros, minus } from "../wire/time.ts";
import { SpeakerCluster } from "./speaker-cluster.ts";

export interface SpeakerOptions {
  readonly nodeName: string;
  readonly podName: string;
  /** Where the load balancer and its configuration live. */
  readonly namespace: string;
  readonly lbClass: string;
  readonly ignoreExcludeLb: boolean;
  /** Regular expressions. */
  readonly excludeInterfaces: readonly string[];
  readonly random: Random;
  /** Undefined: every known node is taken to run a speaker. */
  readonly members: MembersOptions | undefined;
  readonly layer2?: { readonly refresh?: Micros; readonly probeFirst?: boolean };
  /** `requireTtl`: RFC 5082 for what eBGP peers on the link send; the peers must be configured for it too. */
  readonly bgp?: { readonly requireTtl?: boolean };
}

interface MembersOptions {
  readonly bindAddress: Ip;
  readonly bindPort: number;
  /** Selects the Pods of the speakers. */
  readonly labels: string;
  readonly secret?: Uint8Array;
  readonly wan: boolean;
  readonly config?: Partial<MembersConfig>;
}

export interface SpeakerProcess extends Process {
  readonly metrics: Metrics;
  /** The nodes whose speakers this one believes to be alive, itself among them; none where membership is off. */
  members(): readonly string[];
  /** Every member that it has heard of, the dead of the last while among them. */
  roster(): readonly Member[];
  /** The addresses that this node announces on Layer 2. */
  layer2Addresses(): readonly AddressView[];
  /** The BGP peers of this node. */
  bgpPeers(): readonly PeerView[];
  /** Whether each Service with an address goes to them, and why not. */
  bgpServices(): readonly ServiceView[];
  bfdSessions(): readonly BfdView[];
}

export function createSpeaker(options: SpeakerOptions): SpeakerProcess {
  return new SpeakerShell(options);
}

function bgpFor({ nodeName, ignoreExcludeLb, random, bgp = {} }: SpeakerOptions, metrics: Metrics): Bgp {
  const { requireTtl = false } = bgp;
  const options = { ignoreExcludeLabel: ignoreExcludeLb, random, requireTtl };
  return new Bgp(nodeName, { ...options, metrics: new BgpMetrics(metrics), bfdMetrics: new BfdMetrics(metrics) });
}

function layer2For({ nodeName, excludeInterfaces, layer2 = {} }: SpeakerOptions, metrics: Metrics): Layer2 {
  return new Layer2(nodeName, {
    exclude: compileExclusion(excludeInterfaces),
    refresh: layer2.refresh,
    probeFirst: layer2.probeFirst ?? false,
    metrics: new Layer2Metrics(metrics),
  });
}

function speakerFor(options: SpeakerOptions, bgp: Bgp, layer2: Layer2, metrics: Metrics): Speaker {
  const { nodeName: node, lbClass, ignoreExcludeLb: ignoreExcludeLabel, members } = options;
  return new Speaker({
    node,
    lbClass,
    ignoreExcludeLabel,
    membership: members !== undefined,
    // BGP goes first here, as in MetalLB.
    protocols: [bgp, layer2],
    metrics: new SpeakerMetrics(metrics, node),
  });
}

class SpeakerShell implements SpeakerProcess {
  readonly metrics = new Metrics();
  readonly #options: SpeakerOptions;
  readonly #bgp: Bgp;
  readonly #layer2: Layer2;
  readonly #speaker: Speaker;
  readonly #cluster: SpeakerCluster;
  readonly #memberEvents: Metric;
  #members: Members | undefined;
  #links: readonly Link[] = [];
  #announcing = false;
  #holding = false;
  #stopping = false;
  #armed: Micros | undefined;
  #deadline: Micros | undefined;
  #effects: Effect[] = [];

  constructor(options: SpeakerOptions) {
    const { nodeName, podName, namespace, random, members } = options;
    const { metrics } = this;
    this.#options = options;
    this.#bgp = bgpFor(options, metrics);
    this.#layer2 = layer2For(options, metrics);
    this.#speaker = speakerFor(options, this.#bgp, this.#layer2, metrics);
    const emit = (effect: Effect): void => void this.#effects.push(effect);
    const watches = { nodeName, podName, namespace, podLabels: members?.labels };
    this.#cluster = new SpeakerCluster({ ...watches, speaker: this.#speaker, metrics, random, emit });
    const help = "Number of times that a member was suspected, or that this node had to say that it is alive.";
    this.#memberEvents = metrics.counter("assay_members_events", help, ["event"]);
  }

  handle(input: Input, now: Instant): readonly Effect[] {
    this.#noticeSleep(now);
    this.#take(input, now);
    this.#proceed(now);
    const deadline = earliest(this.#cluster.deadline(), this.#members?.deadline(), this.#speaker.deadline());
    this.#deadline = deadline;
    // What is overdue already, because this input came first, is no new sleep.
    this.#armed = deadline === undefined ? undefined : micros(Math.max(deadline, now.monotonic));
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  members(): readonly string[] {
    return [...(this.#members?.live() ?? [])].sort();
  }

  roster(): readonly Member[] {
    return this.#members?.views() ?? [];
  }

  layer2Addresses(): readonly AddressView[] {
    return this.#layer2.addresses();
  }

  bgpPeers(): readonly PeerView[] {
    return this.#bgp.peers();
  }

  bgpServices(): readonly ServiceView[] {
    return this.#bgp.services();
  }

  bfdSessions(): readonly BfdView[] {
    return this.#bgp.bfdSessions();
  }

  /** As it was after the last input: nothing else moves it. */
  deadline(): Micros | undefined {
    return this.#deadline;
  }

  #take(input: Input, now: Instant): void {
    switch (input.kind) {
      case "started":
        return this.#cluster.handle({ kind: "started" }, now);
      case "wake":
        return this.#wake(now);
      case "stop":
        return this.#stop(now);
      case "links":
        return this.#takeLinks(input.links, now);
      case "frame":
        return this.#cluster.carryOut(this.#speaker.receive(input.link, input.bytes, now.monotonic), now);
      case "response":
      case "chunk":
      case "responseEnd":
        return this.#cluster.handle(input, now);
      case "accepted":
        return this.#takeByMembers(input, now);
      default:
        if (isForProtocols(input)) this.#cluster.carryOut(this.#speaker.handle(input, now.monotonic), now);
        else if (input.kind !== "socketFailed" && input.kind !== "streamBacklog") this.#takeByMembers(input, now);
    }
  }

  #takeByMembers(input: MembersInput, now: Instant): void {
    if (this.#members !== undefined) this.#takeMembers(this.#members.handle(input, now.monotonic), now);
  }

  /**
   * Whoever is a member is a candidate in the eyes of the others. A speaker that knows nothing of the cluster yet could not
   * take over, so it stays away: during an outage of the API server, the others go on without it.
   */
  #becomeMember(now: Instant): void {
    const { members, nodeName: name, random } = this.#options;
    if (members === undefined || this.#members !== undefined || this.#stopping || !this.#cluster.synced) return;
    const endpoint = { ip: members.bindAddress, port: members.bindPort };
    const config = { ...(members.wan ? WAN : LAN), ...members.config };
    this.#members = new Members({ name, endpoint, config, random }, now.monotonic);
    this.#takeMembers(this.#members.start(), now);
    // The packets are memberlist's; its encryption is not there yet.
    this.#log("warn", "members.unencrypted", { secret: members.secret === undefined ? "none" : "not used" });
  }

  #wake(now: Instant): void {
    this.#cluster.handle({ kind: "wake" }, now);
    if (this.#members !== undefined) this.#takeMembers(this.#members.wake(now.monotonic), now);
    this.#cluster.carryOut(this.#speaker.wake(now.monotonic), now);
  }

  /** Hands over before it goes: the others take the addresses as soon as they hear the goodbye. */
  #stop(now: Instant): void {
    this.#stopping = true;
    if (this.#members !== undefined) this.#takeMembers(this.#members.leave(now.monotonic), now);
    this.#cluster.carryOut(this.#speaker.stop(now.monotonic), now);
    this.#cluster.stop();
  }

  /** An interface that comes back after others took over must not announce what this node owned before. */
  #takeLinks(links: readonly Link[], now: Instant): void {
    const before = new Set(this.#links.filter(isUsable).map(({ name }) => name));
    const back = links.some((link) => isUsable(link) && !before.has(link.name));
    this.#links = links;
    if (back && this.#announcing && this.#members !== undefined) {
      this.#takeMembers(this.#members.reconnect(now.monotonic), now);
      if (!this.#members.inSync) this.#hold();
    }
    this.#cluster.carryOut(this.#speaker.setLinks(links, now.monotonic), now);
  }

  /**
   * After a sleep in which the others may have declared this node dead, the first frames in the queue ask for addresses
   * that are no longer ours. Nothing is answered until another member has told what it believes.
   */
  #noticeSleep(now: Instant): void {
    const members = this.#members;
    if (members === undefined || this.#armed === undefined || this.#stopping) return;
    const slept = minus(now.monotonic, this.#armed);
    if (slept <= 0 || slept <= members.suspicionBound) return;
    this.#hold();
    members.slept(slept, now.monotonic);
    this.#log("warn", "speaker.slept", { seconds: inSeconds(slept) });
    this.#takeMembers(members.resync(now.monotonic), now);
  }

  #hold(): void {
    this.#holding = true;
    this.#speaker.hold();
  }

  /** What becomes possible after any input. */
  #proceed(now: Instant): void {
    this.#becomeMember(now);
    const peers = this.#members === undefined ? undefined : this.#cluster.takePeers();
    if (this.#members !== undefined && peers !== undefined) {
      this.#takeMembers(this.#members.setPeers(peers, now.monotonic), now);
    }
    if (!this.#stopping) this.#announce(now);
    this.#cluster.flush(now);
    if (this.#hasEnded(now)) this.#effects.push({ kind: "exit", code: 0 });
  }

  #hasEnded(now: Instant): boolean {
    return this.#stopping && this.#members?.departed !== false && this.#speaker.ended(now.monotonic);
  }

  #announce(now: Instant): void {
    this.#cluster.readConfig(now);
    if (!this.#announcing && this.#cluster.synced && this.#members?.ready !== false) {
      this.#announcing = true;
      this.#cluster.carryOut(this.#speaker.start(now.monotonic), now);
      this.#cluster.announcing();
    }
    if (this.#holding && this.#members?.inSync !== false) {
      this.#holding = false;
      this.#cluster.carryOut(this.#speaker.release(now.monotonic), now);
    }
  }

  #takeMembers({ effects, events }: MembersOutput, now: Instant): void {
    this.#effects.push(...effects);
    for (const event of events) this.#takeMemberEvent(event, now);
  }

  #takeMemberEvent(event: RosterEvent, now: Instant): void {
    const { kind, ...fields } = event;
    if (kind === "suspected" || kind === "refuted") this.#memberEvents.add(1, { event: kind });
    this.#log(kind === "suspected" || kind === "nameConflict" ? "debug" : "info", `member.${kind}`, fields);
    if (kind === "joined") this.#cluster.carryOut(this.#speaker.memberJoined(event.name, now.monotonic), now);
    if (kind === "left" && event.name !== this.#options.nodeName) {
      this.#cluster.carryOut(this.#speaker.memberLeft(event.name, now.monotonic), now);
    }
  }

  #log(level: LogLevel, event: string, fields: LogFields): void {
    this.#effects.push({ kind: "log", level, event, fields });
  }
}

/** Sockets carry the name of who opened them. */
function isForProtocols(input: SocketInput): boolean {
  const name = "stream" in input ? input.stream : input.socket;
  return name.startsWith("bgp/") || name.startsWith("bfd/");
}

const isUsable = ({ up, running }: Link): boolean => up && running;
