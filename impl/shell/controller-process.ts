import { type KubeObject, objectKey, type Service } from "../api/kubernetes.ts";
import { Controller } from "../controller/controller.ts";
import { type ControllerEffect, type ServiceEvent } from "../controller/effect.ts";
import { type Change, concerns, type ObjectChange, type Written } from "../kube/change.ts";
import { KubeClient, type KubeOutput } from "../kube/client.ts";
import { EventRecorder } from "../kube/events.ts";
import { pathOf, type Resource, RESOURCES } from "../kube/resources.ts";
import { MembersSecret } from "./members-secret.ts";
import { isA } from "./object-kind.ts";
import { Metrics } from "../metrics.ts";
import {
  type Effect,
  type Input,
  type Instant,
  type LogFields,
  type LogLevel,
  type Process,
  type Random,
} from "../ports.ts";
import { earliest, type Micros } from "../wire/time.ts";
import { ClientMetrics } from "./client-metrics.ts";
import { ConfigurationReport } from "./configuration-report.ts";
import { ControllerConfig } from "./controller-config.ts";
import { ObjectRead } from "./object-read.ts";
import { poolStatusAction } from "./pool-status.ts";
import { ServiceStatusWrites } from "./service-status-writes.ts";

export interface ControllerOptions {
  readonly podName: string;
  readonly namespace: string;
  /** Only Services of this class are served; empty: only Services without a class. */
  readonly lbClass: string;
  /** Must be cryptographic where `members` is given: the key of the speakers comes from it. */
  readonly random: Random;
  /** The Secret to make for the speakers' membership, and the Deployment that owns it. */
  readonly members?: { readonly secretName: string; readonly deployment: string };
}

const WATCHED = [RESOURCES.services, RESOURCES.ipAddressPools, RESOURCES.communities, RESOURCES.namespaces] as const;

export interface ControllerProcess extends Process {
  readonly metrics: Metrics;
}

export const createController = (options: ControllerOptions): ControllerProcess => new JoinedController(options);

/** Joins the controller to the API server: objects in, statuses and events out. */
class JoinedController implements ControllerProcess {
  readonly metrics = new Metrics();
  readonly #clientMetrics = new ClientMetrics(this.metrics);
  readonly #options: ControllerOptions;
  readonly #kube: KubeClient;
  readonly #recorder: EventRecorder;
  readonly #controller: Controller;
  readonly #config: ControllerConfig;
  readonly #report: ConfigurationReport;
  readonly #ownPod: ObjectRead;
  readonly #membersSecret: MembersSecret | undefined;
  /** The version of each Service that the controller has seen. */
  readonly #observed = new Map<string, string>();
  readonly #statuses: ServiceStatusWrites;
  /** What the controller wants done, in order, until somebody does it. */
  readonly #wanted: ControllerEffect[] = [];
  #configMayDiffer = false;
  #started = false;
  #effects: Effect[] = [];

  constructor(options: ControllerOptions) {
    const { lbClass, namespace, podName, random } = options;
    this.#options = options;
    this.#kube = new KubeClient({ random });
    const source = { component: "metallb-controller" };
    this.#recorder = new EventRecorder(source, random, (intent) => this.#kube.write(intent));
    this.#controller = new Controller({ lbClass, metrics: this.metrics });
    // Decides anew on what is being overwritten: after a lost race it is not what the decision was made from.
    this.#statuses = new ServiceStatusWrites(this.#kube, random, (key, latest) => {
      this.#observe(key, latest);
      return this.#controller.wanted(key);
    });
    this.#config = new ControllerConfig(namespace);
    this.#report = new ConfigurationReport({
      namespace,
      name: "controller",
      labels: { "metallb.io/component-type": "controller" },
      conditionType: "poolReconcilerValid",
    });
    this.#ownPod = new ObjectRead(pathOf(RESOURCES.pods, namespace, podName), random, (pod, status) => {
      if (pod === undefined) this.#log("warn", "controller.pod.unknown", { pod: podName, status });
      else this.#report.own(pod);
      this.#writeReport();
    });
    const { members } = options;
    this.#membersSecret =
      members && new MembersSecret({ ...members, namespace, random }, (intent) => this.#kube.write(intent));
    this.#watch();
  }

  handle(input: Input, now: Instant): readonly Effect[] {
    switch (input.kind) {
      case "started":
        this.#effects.push(...this.#ownPod.start(now), ...(this.#membersSecret?.start(now) ?? []));
        this.#take(this.#kube.handle(input, now), now);
        break;
      case "wake":
        this.#effects.push(...this.#ownPod.wake(now), ...(this.#membersSecret?.wake(now) ?? []));
        this.#statuses.wake(now);
        this.#take(this.#kube.handle(input, now), now);
        break;
      case "response":
      case "chunk":
      case "responseEnd":
        if (this.#ownPod.handle(input, now) || this.#membersSecret?.handle(input, now) === true) break;
        this.#take(this.#kube.handle(input, now), now);
        break;
      case "stop":
        this.#effects.push({ kind: "exit", code: 0 });
        break;
      default:
        // Links, frames and sockets are the speaker's.
        break;
    }
    this.#settle(now);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  deadline(): Micros | undefined {
    return earliest(
      this.#kube.deadline(),
      this.#ownPod.deadline(),
      this.#membersSecret?.deadline(),
      this.#statuses.deadline(),
    );
  }

  #watch(): void {
    const { namespace } = this.#options;
    this.#kube.watch({ resource: RESOURCES.services, project: withoutManagedFields });
    this.#kube.watch({ resource: RESOURCES.namespaces, project: withoutManagedFields });
    this.#kube.watch({ resource: RESOURCES.ipAddressPools, namespace, project: withoutManagedFields });
    this.#kube.watch({ resource: RESOURCES.communities, namespace, project: withoutManagedFields });
    const labelSelector = "metallb.io/component-type=controller";
    this.#kube.watch({ resource: RESOURCES.configurationStates, namespace, labelSelector });
  }

  /** Carries out what has gathered, until nothing is left. */
  #settle(now: Instant): void {
    for (;;) {
      if (this.#configMayDiffer) this.#readConfig();
      for (let effect = this.#wanted.shift(); effect !== undefined; effect = this.#wanted.shift()) {
        this.#perform(effect, now);
      }
      const output = this.#kube.flush(now);
      this.#take(output, now);
      if (output.changes.length === 0 && this.#wanted.length === 0 && !this.#configMayDiffer) return;
    }
  }

  #take(output: KubeOutput, now: Instant): void {
    this.#effects.push(...output.effects);
    for (const change of output.changes) this.#apply(change, now);
  }

  #apply(change: Change, now: Instant): void {
    this.#recorder.handle(change);
    if (change.kind === "upserted" || change.kind === "deleted") this.#clientMetrics.updates.add();
    if (change.kind === "written") this.#written(change, now);
    else if (change.kind === "synced") this.#synced(change.resource);
    else if (concerns(change, RESOURCES.services)) this.#serviceChanged(change);
    else if (concerns(change, RESOURCES.ipAddressPools)) this.#poolChanged(change);
    else if (concerns(change, RESOURCES.configurationStates)) this.#writeReport();
    else if (concernsConfig(change)) this.#configMayDiffer = this.#started;
  }

  #synced(resource: Resource): void {
    if (resource.kind === RESOURCES.configurationStates.kind) this.#writeReport();
    if (this.#started || !WATCHED.every((resource) => this.#kube.synced(resource))) return;
    this.#started = true;
    this.#readConfig();
    this.#want(this.#controller.synced());
  }

  #readConfig(): void {
    this.#configMayDiffer = false;
    const input = this.#config.read(this.#kube);
    if (input === undefined) return;
    if ("error" in input) {
      this.#clientMetrics.configStale();
      this.#log("error", "controller.config.invalid", { because: input.error });
    } else {
      this.#clientMetrics.configLoaded();
      this.#log("info", "controller.config.loaded", { pools: [...input.config.pools.keys()] });
    }
    this.#want(this.#controller.configChanged(input));
  }

  #serviceChanged(change: ObjectChange<Service>): void {
    const key = objectKey(change.object);
    if (change.kind === "upserted") {
      this.#observe(key, change.object);
      return;
    }
    this.#statuses.forget(key);
    this.#observed.delete(key);
    this.#want(this.#controller.serviceChanged(key, undefined));
  }

  #observe(key: string, service: Service): void {
    const { resourceVersion = "" } = service.metadata;
    if (this.#observed.get(key) === resourceVersion) return;
    this.#observed.set(key, resourceVersion);
    this.#want(this.#controller.serviceChanged(key, service));
  }

  #poolChanged(change: ObjectChange): void {
    if (concernsConfig(change)) this.#configMayDiffer = this.#started;
    const { name } = change.object.metadata;
    if (change.kind === "upserted" && this.#started) this.#writePoolStatus(name);
  }

  #want(effects: readonly ControllerEffect[]): void {
    this.#wanted.push(...effects);
  }

  #perform(effect: ControllerEffect, now: Instant): void {
    switch (effect.kind) {
      case "writeStatus": {
        const { service, ingress, pool } = effect;
        this.#log("info", "service.addresses.decided", { service, addresses: ingress, pool });
        this.#statuses.write(service);
        break;
      }
      case "event":
        this.#tell(effect, now);
        break;
      case "poolStatus":
        this.#writePoolStatus(effect.pool);
        break;
      case "configurationState":
        this.#report.judge(effect.error, now.wall);
        this.#writeReport();
        break;
    }
  }

  #tell({ service, type, reason, message }: ServiceEvent, now: Instant): void {
    const warns = type === "Warning";
    if (warns && reason !== "deprecatedAnnotation") this.#clientMetrics.errors.add();
    this.#log(warns ? "warn" : "info", "service.event", { service, reason, because: message });
    const object = this.#kube.get(RESOURCES.services, service);
    if (object === undefined) return;
    this.#recorder.record({ resource: RESOURCES.services, object, type, reason, message }, now);
  }

  #writePoolStatus(pool: string): void {
    const { namespace } = this.#options;
    this.#kube.write({
      tag: `pool-status/${pool}`,
      resource: RESOURCES.ipAddressPools,
      namespace,
      name: pool,
      subresource: "status",
      build: (latest) => {
        const counters = this.#controller.counters(pool);
        return isA(RESOURCES.ipAddressPools, latest) && counters !== undefined
          ? poolStatusAction(latest, counters)
          : undefined;
      },
    });
  }

  #writeReport(): void {
    if (!this.#ownPod.done || !this.#kube.synced(RESOURCES.configurationStates)) return;
    for (const write of this.#report.writes()) this.#kube.write(write);
  }

  #written(written: Written, now: Instant): void {
    const { tag, ok, status, reason, message } = written;
    if (!ok) this.#log("warn", "api.write.refused", { write: tag, status, reason, because: message });
    this.#statuses.written(written, now);
  }

  #log(level: LogLevel, event: string, fields: LogFields): void {
    this.#effects.push({ kind: "log", level, event, fields });
  }
}

/** Status writes of our own and by others do not change what is configured. */
function concernsConfig(change: ObjectChange): boolean {
  if (change.kind === "deleted" || change.previous === undefined) return true;
  const { object, previous } = change;
  const labels = (of: KubeObject): string => JSON.stringify(of.metadata.labels ?? {});
  if (object.kind === "Namespace") return labels(object) !== labels(previous);
  return object.metadata.generation !== previous.metadata.generation || labels(object) !== labels(previous);
}

function withoutManagedFields<T extends KubeObject>(object: T): T {
  const metadata: Record<string, unknown> = { ...object.metadata };
  delete metadata["managedFields"];
  return { ...object, metadata };
}
