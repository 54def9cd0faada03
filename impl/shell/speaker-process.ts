// The speaker as a process: it turns what comes from the API server, from the other speakers and from the wire into facts
// for the Speaker, and what that wants into effects. It decides nothing about announcing.
import { type Config } from "../api/config.ts";
import { type KubeObject, objectKey, type Pod, SERVICE_NAME_LABEL } from "../api/kubernetes.ts";
import { type Change, concerns } from "../kube/change.ts";
import { KubeClient, type KubeOutput } from "../kube/client.ts";
import { EventRecorder } from "../kube/events.ts";
import { RESOURCES } from "../kube/resources.ts";
import { type Metric, Metrics } from "../metrics.ts";
import { type Effect, type Input, type Instant, type Link, type Process, type Random } from "../ports.ts";
import { endpointsOf } from "../speaker/endpoints.ts";
import { Layer2 } from "../speaker/layer2/layer2.ts";
import { compileExclusion } from "../speaker/layer2/links.ts";
import { Layer2Metrics } from "../speaker/layer2/metrics.ts";
import { LAN, type MembersConfig, WAN } from "../speaker/members/config.ts";
import { Members, type MembersOutput } from "../speaker/members/members.ts";
import { type RosterEvent } from "../speaker/members/roster.ts";
import { SpeakerMetrics } from "../speaker/metrics.ts";
import { nodeFacts } from "../speaker/node-facts.ts";
import { type SpeakerEffect } from "../speaker/protocol.ts";
import { Speaker } from "../speaker/speaker.ts";
import { type Ip, readIp } from "../wire/ip.ts";
import { earliest, type Micros, micros, minus } from "../wire/time.ts";
import { ClientMetrics } from "./client-metrics.ts";
import { ConfigSource } from "./config-source.ts";
import { ConfigurationReport } from "./configuration-report.ts";
import { Layer2StatusWriter } from "./layer2-status.ts";
import { configurationStateName, watchAll } from "./speaker-watches.ts";

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
  readonly members:
    | {
        readonly bindAddress: Ip;
        readonly bindPort: number;
        /** Selects the Pods of the speakers. */
        readonly labels: string;
        readonly secret?: Uint8Array;
        readonly wan: boolean;
        readonly config?: Partial<MembersConfig>;
      }
    | undefined;
  readonly layer2?: { readonly refresh?: Micros; readonly probeFirst?: boolean };
}

const isUsable = ({ up, running }: Link): boolean => up && running;

export type SpeakerProcess = Process & { readonly metrics: Metrics };

export function createSpeaker(options: SpeakerOptions): SpeakerProcess {
  return new SpeakerShell(options);
}

/** Why the latest configuration is not in force; undefined: it is. */
type Waiting = { readonly config: Config } | undefined;

class SpeakerShell implements SpeakerProcess {
  readonly metrics = new Metrics();
  readonly #options: SpeakerOptions;
  readonly #client: KubeClient;
  readonly #clientMetrics: ClientMetrics;
  readonly #memberEvents: Metric;
  readonly #events: EventRecorder;
  readonly #configSource: ConfigSource;
  readonly #report: ConfigurationReport;
  readonly #layer2Status: Layer2StatusWriter;
  readonly #speaker: Speaker;
  #members: Members | undefined;
  #waiting: Waiting;
  #announcing = false;
  #holding = false;
  #links: readonly Link[] = [];
  #stopping = false;
  #armed: Micros | undefined;
  #effects: Effect[] = [];

  constructor(options: SpeakerOptions) {
    const { nodeName, podName, namespace, random, members } = options;
    this.#options = options;
    this.#client = new KubeClient({ random });
    watchAll(this.#client, { nodeName, podName, namespace, podLabels: members?.labels });
    this.#clientMetrics = new ClientMetrics(this.metrics);
    const help = "Number of times that a member was suspected, or this node had to say that it is alive.";
    this.#memberEvents = this.metrics.counter("assay_members_events", help, ["event"]);
    const source = { component: "metallb-speaker", host: nodeName };
    this.#events = new EventRecorder(source, random, (intent) => this.#client.write(intent));
    this.#configSource = new ConfigSource(this.#client, { namespace, component: "speaker", nodeName });
    this.#report = new ConfigurationReport({
      namespace,
      name: configurationStateName(nodeName),
      labels: { "metallb.io/component-type": "speaker", "metallb.io/node-name": nodeName },
      conditionType: "configReconcilerValid",
    });
    const owner = (): KubeObject | undefined => this.#ownPod();
    this.#layer2Status = new Layer2StatusWriter(this.#client, { namespace, node: nodeName, owner });
    this.#speaker = this.#createSpeaker();
  }

  #createSpeaker(): Speaker {
    const { nodeName: node, lbClass, ignoreExcludeLb: ignoreExcludeLabel, members, layer2 = {} } = this.#options;
    const announcing = {
      exclude: compileExclusion(this.#options.excludeInterfaces),
      refresh: layer2.refresh,
      probeFirst: layer2.probeFirst ?? false,
      metrics: new Layer2Metrics(this.metrics),
    };
    return new Speaker({
      node,
      lbClass,
      ignoreExcludeLabel,
      membership: members !== undefined,
      // BGP goes first here, as in MetalLB.
      protocols: [new Layer2(node, announcing)],
      metrics: new SpeakerMetrics(this.metrics, node),
    });
  }

  #ownPod(): Pod | undefined {
    const { namespace, podName: name } = this.#options;
    return this.#client.get(RESOURCES.pods, objectKey({ metadata: { namespace, name } }));
  }

  handle(input: Input, now: Instant): readonly Effect[] {
    this.#noticeSleep(now);
    this.#take(input, now);
    this.#proceed(now);
    const deadline = this.deadline();
    // What is overdue already, because this input came first, is no new sleep.
    this.#armed = deadline === undefined ? undefined : micros(Math.max(deadline, now.monotonic));
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  deadline(): Micros | undefined {
    return earliest(this.#client.deadline(), this.#members?.deadline(), this.#speaker.deadline());
  }

  #take(input: Input, now: Instant): void {
    switch (input.kind) {
      case "started":
        return this.#start(now);
      case "wake":
        return this.#wake(now);
      case "stop":
        return this.#stop(now);
      case "links":
        return this.#takeLinks(input.links, now);
      case "frame":
        return this.#run(this.#speaker.receive(input.link, input.bytes, now.monotonic), now);
      case "response":
      case "chunk":
      case "responseEnd":
        return this.#takeKube(this.#client.handle(input, now), now);
      default:
        if (this.#members !== undefined) this.#takeMembers(this.#members.handle(input, now.monotonic), now);
    }
  }

  #start(now: Instant): void {
    const { members, nodeName: name, random } = this.#options;
    if (members !== undefined) {
      const endpoint = { ip: members.bindAddress, port: members.bindPort };
      const config = { ...(members.wan ? WAN : LAN), ...members.config };
      this.#members = new Members({ name, endpoint, config, random }, now.monotonic);
      this.#takeMembers(this.#members.start(), now);
      // The packets are memberlist's, its encryption is not there yet.
      this.#log("warn", "members.unencrypted", { secret: members.secret === undefined ? "none" : "not used" });
    }
    this.#takeKube(this.#client.handle({ kind: "started" }, now), now);
  }

  #takeLinks(links: readonly Link[], now: Instant): void {
    const before = new Set(this.#links.filter(isUsable).map(({ name }) => name));
    const back = links.some((link) => isUsable(link) && !before.has(link.name));
    this.#links = links;
    if (back && this.#announcing && this.#members !== undefined) {
      this.#takeMembers(this.#members.reconnect(now.monotonic), now);
      if (!this.#members.inSync) this.#hold();
    }
    this.#run(this.#speaker.setLinks(links, now.monotonic), now);
  }

  /** Others may have taken over: nothing is answered until it is known who owns what. */
  #hold(): void {
    this.#holding = true;
    this.#speaker.hold();
  }

  #wake(now: Instant): void {
    this.#takeKube(this.#client.handle({ kind: "wake" }, now), now);
    if (this.#members !== undefined) this.#takeMembers(this.#members.wake(now.monotonic), now);
    this.#run(this.#speaker.wake(now.monotonic), now);
  }

  /** Hands over before it goes: the others take the addresses as soon as they hear the goodbye. */
  #stop(now: Instant): void {
    this.#stopping = true;
    if (this.#members === undefined) return;
    this.#takeMembers(this.#members.leave(now.monotonic), now);
    this.#speaker.hold();
  }

  /**
   * After a sleep in which the others may have declared this node dead, the first frames in the queue ask for addresses
   * that are no longer ours. Nothing is answered until another member has told what it believes.
   */
  #noticeSleep(now: Instant): void {
    const members = this.#members;
    if (members === undefined || this.#armed === undefined || this.#stopping) return;
    const slept = minus(now.monotonic, this.#armed);
    if (slept <= members.suspicionBound) return;
    this.#hold();
    members.slept(slept, now.monotonic);
    this.#log("warn", "speaker.slept", { seconds: slept / 1e6 });
    this.#takeMembers(members.resync(now.monotonic), now);
  }

  /** What becomes possible after any input. */
  #proceed(now: Instant): void {
    this.#readConfig(now);
    if (!this.#announcing && this.#client.synced() && this.#members?.ready !== false) {
      this.#announcing = true;
      this.#run(this.#speaker.start(now.monotonic), now);
      this.#layer2Status.start();
    }
    if (this.#holding && !this.#stopping && this.#members?.inSync !== false) {
      this.#holding = false;
      this.#run(this.#speaker.release(now.monotonic), now);
    }
    this.#takeKube(this.#client.flush(now), now);
    if (this.#stopping && this.#members?.departed !== false) this.#effects.push({ kind: "exit", code: 0 });
  }

  #readConfig(now: Instant): void {
    if (!this.#client.synced()) return;
    const reading = this.#configSource.read();
    if (reading?.kind === "invalid") {
      this.#clientMetrics.configStale();
      this.#log("error", "config.invalid", { because: reading.summary });
      this.#judge(reading.summary, now);
    } else if (reading?.kind === "config") {
      this.#loadConfig(reading.config, now);
    } else if (this.#waiting !== undefined) {
      this.#loadConfig(this.#waiting.config, now);
    }
  }

  #loadConfig(config: Config, now: Instant): void {
    const outcome = this.#speaker.setConfig(config, now.monotonic);
    if (outcome.accepted) {
      this.#waiting = undefined;
      this.#clientMetrics.configLoaded();
      this.#judge(undefined, now);
      this.#run(outcome.effects, now);
      return;
    }
    if (this.#waiting?.config === config) return;
    this.#waiting = { config };
    this.#clientMetrics.configStale();
    const because = `Service ${outcome.service} is announced with an address that no pool has any more`;
    this.#log("warn", "config.waiting", { because });
  }

  #judge(error: string | undefined, now: Instant): void {
    this.#report.judge(error, now.wall);
    this.#writeReport();
  }

  #writeReport(): void {
    const pod = this.#ownPod();
    if (pod !== undefined) this.#report.own(pod);
    for (const write of this.#report.writes()) this.#client.write(write);
  }

  #takeKube(output: KubeOutput, now: Instant): void {
    this.#effects.push(...output.effects);
    for (const change of output.changes) this.#takeChange(change, now);
  }

  #takeChange(change: Change, now: Instant): void {
    this.#events.handle(change);
    this.#layer2Status.handle(change);
    this.#configSource.note(change);
    if (change.kind === "written") {
      if (change.ok) return;
      this.#clientMetrics.errors.add();
      this.#log("warn", "write.failed", { tag: change.tag, status: change.status, because: change.message ?? "" });
    } else if (change.kind === "synced") {
      if (change.resource.kind === RESOURCES.pods.kind) this.#findPeers(now);
    } else {
      this.#clientMetrics.updates.add();
      this.#takeObject(change, now);
    }
  }

  #takeObject(change: Change, now: Instant): void {
    const at = now.monotonic;
    if (concerns(change, RESOURCES.services)) {
      const service = change.kind === "deleted" ? undefined : change.object;
      this.#run(this.#speaker.setService(objectKey(change.object), service, at), now);
    } else if (concerns(change, RESOURCES.endpointSlices)) {
      const { metadata } = change.object;
      const { namespace = "" } = metadata;
      const service = objectKey({ metadata: { namespace, name: metadata.labels?.[SERVICE_NAME_LABEL] ?? "" } });
      const endpoints = change.kind === "deleted" ? undefined : endpointsOf(change.object);
      this.#run(this.#speaker.setEndpoints(service, metadata.name, endpoints, at), now);
    } else if (concerns(change, RESOURCES.nodes)) {
      const facts = change.kind === "deleted" ? undefined : nodeFacts(change.object);
      this.#run(this.#speaker.setNode(change.object.metadata.name, facts, at), now);
    } else if (concerns(change, RESOURCES.pods)) {
      if (this.#client.synced(RESOURCES.pods)) this.#findPeers(now);
    } else if (concerns(change, RESOURCES.configurationStates)) {
      this.#writeReport();
    }
  }

  /** The Pods of the speakers say where members should be. */
  #findPeers(now: Instant): void {
    if (this.#members === undefined) return;
    const addresses: Ip[] = [];
    for (const { status } of this.#client.list(RESOURCES.pods)) {
      const ip = readIp(status?.podIP ?? "");
      if (ip !== undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed") addresses.push(ip);
    }
    this.#takeMembers(this.#members.setPeers(addresses, now.monotonic), now);
  }

  #takeMembers({ effects, events }: MembersOutput, now: Instant): void {
    this.#effects.push(...effects);
    for (const event of events) this.#takeMemberEvent(event, now);
  }

  #takeMemberEvent(event: RosterEvent, now: Instant): void {
    const { kind, ...fields } = event;
    if (kind === "suspected" || kind === "refuted") this.#memberEvents.add(1, { event: kind });
    this.#log(kind === "suspected" || kind === "nameConflict" ? "debug" : "info", `member.${kind}`, fields);
    if (kind === "joined") this.#run(this.#speaker.memberJoined(event.name, now.monotonic), now);
    if (kind === "left" && event.name !== this.#options.nodeName) {
      this.#run(this.#speaker.memberLeft(event.name, now.monotonic), now);
    }
  }

  #run(effects: readonly SpeakerEffect[], now: Instant): void {
    for (const effect of effects) {
      if (effect.kind === "event") this.#recordEvent(effect, now);
      else if (effect.kind === "layer2Status") this.#layer2Status.set(effect.service, effect.interfaces);
      else this.#effects.push(effect);
    }
  }

  #recordEvent(event: Extract<SpeakerEffect, { readonly kind: "event" }>, now: Instant): void {
    const { service: object, type, reason, message } = event;
    this.#events.record({ resource: RESOURCES.services, object, type, reason, message }, now);
  }

  #log(
    level: "debug" | "info" | "warn" | "error",
    event: string,
    fields: Readonly<Record<string, string | number>>,
  ): void {
    this.#effects.push({ kind: "log", level, event, fields });
  }
}
