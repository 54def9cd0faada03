// The cluster as a speaker sees it: objects become facts for the Speaker, and what it wants said becomes writes.
import { type Config } from "../api/config.ts";
import { type EndpointSlice, type KubeObject, objectKey, type Pod, SERVICE_NAME_LABEL } from "../api/kubernetes.ts";
import { type Change, concerns } from "../kube/change.ts";
import { KubeClient, type KubeOutput } from "../kube/client.ts";
import { EventRecorder } from "../kube/events.ts";
import { RESOURCES } from "../kube/resources.ts";
import { type Metrics } from "../metrics.ts";
import { type Effect, type Instant, type KubeInput, type LogFields, type LogLevel, type Random } from "../ports.ts";
import { endpointsOf } from "../speaker/endpoints.ts";
import { nodeFacts } from "../speaker/node-facts.ts";
import { type SpeakerEffect } from "../speaker/protocol.ts";
import { type Announcement, type Speaker } from "../speaker/speaker.ts";
import { type Ip, readIp } from "../wire/ip.ts";
import { type Micros } from "../wire/time.ts";
import { ClientMetrics } from "./client-metrics.ts";
import { ConfigSource } from "./config-source.ts";
import { ConfigurationReport } from "./configuration-report.ts";
import { BGP_STATUS, LAYER2_STATUS, NodeStatusWriter } from "./node-statuses.ts";
import { configurationStateName, type SpeakerWatches, watchAll } from "./speaker-watches.ts";

export interface SpeakerClusterOptions extends SpeakerWatches {
  readonly speaker: Speaker;
  readonly metrics: Metrics;
  readonly random: Random;
  /** Takes every effect, in order. */
  readonly emit: (effect: Effect) => void;
}

type PeerEvent = Extract<SpeakerEffect, { readonly kind: "peerEvent" }>;

export class SpeakerCluster {
  readonly #options: SpeakerClusterOptions;
  readonly #client: KubeClient;
  readonly #metrics: ClientMetrics;
  readonly #events: EventRecorder;
  readonly #configSource: ConfigSource;
  readonly #report: ConfigurationReport;
  readonly #layer2Status: NodeStatusWriter;
  readonly #bgpStatus: NodeStatusWriter;
  /** A good configuration that the speaker cannot take over yet, and the announcement that it would orphan. */
  #waiting: { readonly config: Config; readonly orphan: Announcement } | undefined;
  #podsChanged = false;

  constructor(options: SpeakerClusterOptions) {
    const { nodeName, namespace, random, metrics } = options;
    this.#options = options;
    this.#client = new KubeClient({ random });
    watchAll(this.#client, options);
    this.#metrics = new ClientMetrics(metrics);
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
    const ofNode = { namespace, node: nodeName, owner };
    this.#layer2Status = new NodeStatusWriter(this.#client, LAYER2_STATUS, ofNode);
    this.#bgpStatus = new NodeStatusWriter(this.#client, BGP_STATUS, ofNode);
  }

  /** Everything has been listed once. */
  get synced(): boolean {
    return this.#client.synced();
  }

  deadline(): Micros | undefined {
    return this.#client.deadline();
  }

  handle(input: KubeInput | { readonly kind: "started" } | { readonly kind: "wake" }, now: Instant): void {
    this.#take(this.#client.handle(input, now), now);
  }

  /** The speaker has begun to announce: statuses that an earlier life of it left can be told from its own now. */
  announcing(): void {
    this.#layer2Status.start();
    this.#bgpStatus.start();
  }

  /** Nothing of this speaker is announced any more, and it shall not say so either. */
  stop(): void {
    this.#layer2Status.stop();
    this.#bgpStatus.stop();
  }

  /** Sends what waits to be written. */
  flush(now: Instant): void {
    this.#take(this.#client.flush(now), now);
  }

  carryOut(effects: readonly SpeakerEffect[], now: Instant): void {
    for (const effect of effects) {
      if (effect.kind === "event") {
        const { service: object, type, reason, message } = effect;
        this.#events.record({ resource: RESOURCES.services, object, type, reason, message }, now);
      } else if (effect.kind === "layer2Status") {
        this.#layer2Status.set(effect.service, effect.interfaces);
      } else if (effect.kind === "bgpStatus") {
        this.#bgpStatus.set(effect.service, effect.peers);
      } else if (effect.kind === "peerEvent") {
        this.#recordPeerEvent(effect, now);
      } else {
        this.#options.emit(effect);
      }
    }
  }

  #recordPeerEvent({ peer, type, reason, message }: PeerEvent, now: Instant): void {
    const { namespace } = this.#options;
    const resource = RESOURCES.bgpPeers;
    const object = this.#client.get(resource, objectKey({ metadata: { namespace, name: peer } }));
    // It may have gone, and its session with it.
    if (object !== undefined) this.#events.record({ resource, object, type, reason, message }, now);
  }

  /** The addresses of the speakers' Pods, if they may have changed since the last call. */
  takePeers(): readonly Ip[] | undefined {
    if (!this.#podsChanged || !this.#client.synced(RESOURCES.pods)) return undefined;
    this.#podsChanged = false;
    const addresses: Ip[] = [];
    for (const { status } of this.#client.list(RESOURCES.pods)) {
      const ip = readIp(status?.podIP ?? "");
      if (ip !== undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed") addresses.push(ip);
    }
    return addresses;
  }

  #ownPod(): Pod | undefined {
    const { namespace, podName: name } = this.#options;
    return this.#client.get(RESOURCES.pods, objectKey({ metadata: { namespace, name } }));
  }

  #take(output: KubeOutput, now: Instant): void {
    for (const effect of output.effects) this.#options.emit(effect);
    for (const change of output.changes) this.#takeChange(change, now);
  }

  #takeChange(change: Change, now: Instant): void {
    this.#events.handle(change);
    this.#layer2Status.handle(change);
    this.#bgpStatus.handle(change);
    this.#configSource.note(change);
    if (change.kind === "written") {
      if (change.ok) return;
      this.#metrics.errors.add();
      this.#log("warn", "write.failed", { tag: change.tag, status: change.status, because: change.message });
    } else if (change.kind === "synced") {
      this.#podsChanged ||= change.resource.kind === RESOURCES.pods.kind;
    } else {
      this.#metrics.updates.add();
      this.#takeObject(change, now);
    }
  }

  #takeObject(change: Change, now: Instant): void {
    const { speaker } = this.#options;
    const at = now.monotonic;
    if (concerns(change, RESOURCES.services)) {
      const service = change.kind === "deleted" ? undefined : change.object;
      this.carryOut(speaker.setService(objectKey(change.object), service, at), now);
    } else if (concerns(change, RESOURCES.endpointSlices)) {
      const { name } = change.object.metadata;
      const service = serviceOf(change.object);
      const previously =
        change.kind === "upserted" && change.previous !== undefined ? serviceOf(change.previous) : service;
      // Whoever labels a slice anew takes it away from one Service and gives it to another.
      if (previously !== service) this.carryOut(speaker.setEndpoints(previously, name, undefined, at), now);
      const endpoints = change.kind === "deleted" ? undefined : endpointsOf(change.object);
      this.carryOut(speaker.setEndpoints(service, name, endpoints, at), now);
    } else if (concerns(change, RESOURCES.nodes)) {
      const facts = change.kind === "deleted" ? undefined : nodeFacts(change.object);
      this.carryOut(speaker.setNode(change.object.metadata.name, facts, at), now);
    } else if (concerns(change, RESOURCES.pods)) {
      this.#podsChanged = true;
    } else if (concerns(change, RESOURCES.configurationStates)) {
      this.#writeReport();
    }
  }

  /** Takes over the configuration where it may have changed, or where it had to wait. */
  readConfig(now: Instant): void {
    if (!this.#client.synced()) return;
    const reading = this.#configSource.read();
    if (reading?.kind === "invalid") {
      this.#waiting = undefined;
      this.#metrics.configStale();
      this.#log("error", "config.invalid", { because: reading.summary });
      this.#judge(reading.summary, now);
    } else if (reading?.kind === "config") {
      this.#loadConfig(reading.config, now);
    } else if (this.#waiting !== undefined && !this.#options.speaker.announces(this.#waiting.orphan)) {
      this.#loadConfig(this.#waiting.config, now);
    }
  }

  #loadConfig(config: Config, now: Instant): void {
    const outcome = this.#options.speaker.setConfig(config, now.monotonic);
    if (outcome.accepted) {
      this.#waiting = undefined;
      this.#metrics.configLoaded();
      this.#judge(undefined, now);
      this.carryOut(outcome.effects, now);
    } else {
      this.#waiting = { config, orphan: outcome.orphan };
      this.#metrics.configStale();
      const because = `Service ${outcome.orphan.service} is announced with an address that no pool has any more`;
      this.#log("warn", "config.waiting", { because });
    }
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

  #log(level: LogLevel, event: string, fields: LogFields): void {
    this.#options.emit({ kind: "log", level, event, fields });
  }
}

function serviceOf({ metadata }: EndpointSlice): string {
  const { namespace = "", labels = {} } = metadata;
  return objectKey({ metadata: { namespace, name: labels[SERVICE_NAME_LABEL] ?? "" } });
}
