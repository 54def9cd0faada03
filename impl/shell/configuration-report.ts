import { type KubeObject, type OwnerReference } from "../api/kubernetes.ts";
import { type ConfigurationState } from "../api/metallb.ts";
import { formatTimestamp } from "../api/timestamp.ts";
import { RESOURCES } from "../kube/resources.ts";
import { isA } from "./object-kind.ts";
import { type Action, type Write } from "../kube/write.ts";
import { type Micros } from "../wire/time.ts";

export interface ReportIdentity {
  readonly namespace: string;
  /** `controller`, or `speaker-` and the node. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the one condition that this process sets. */
  readonly conditionType: string;
}

interface Verdict {
  readonly error: string | undefined;
  readonly at: Micros;
}

type Status = NonNullable<ConfigurationState["status"]>;

/** Says in a ConfigurationState whether a process could use the configuration that it last saw. */
export class ConfigurationReport {
  readonly #identity: ReportIdentity;
  #owner: OwnerReference | undefined;
  #verdict: Verdict | undefined;

  constructor(identity: ReportIdentity) {
    this.#identity = identity;
  }

  /** The Pod whose end shall be the end of the report. */
  own(pod: KubeObject): void {
    const { name, uid = "" } = pod.metadata;
    this.#owner = { apiVersion: pod.apiVersion, kind: pod.kind, name, uid };
  }

  judge(error: string | undefined, at: Micros): void {
    this.#verdict = { error, at };
  }

  /** What makes the report true; to be repeated whenever the object changes. */
  writes(): readonly Write[] {
    const { namespace, name } = this.#identity;
    if (this.#verdict === undefined) return [];
    const resource = RESOURCES.configurationStates;
    const tag = `configuration-state/${name}`;
    return [
      { tag, resource, namespace, name, build: (latest) => this.#object(latest) },
      {
        tag: `${tag}/status`,
        resource,
        namespace,
        name,
        subresource: "status",
        build: (latest) => (isA(resource, latest) ? this.#status(latest) : undefined),
      },
    ];
  }

  #object(latest: KubeObject | undefined): Action | undefined {
    const { name, namespace, labels } = this.#identity;
    const ownerReferences = this.#owner === undefined ? [] : [this.#owner];
    if (latest === undefined) {
      const metadata = { name, namespace, labels, ownerReferences };
      return { verb: "create", object: { apiVersion: "metallb.io/v1beta1", kind: "ConfigurationState", metadata } };
    }
    const { metadata } = latest;
    const labelled = Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value);
    const owned = this.#owner === undefined || metadata.ownerReferences?.some(({ uid }) => uid === this.#owner?.uid);
    if (labelled && owned === true) return undefined;
    const merged = { ...metadata.labels, ...labels };
    const owners = this.#owner === undefined ? (metadata.ownerReferences ?? []) : ownerReferences;
    return {
      verb: "replace",
      object: { ...latest, metadata: { ...metadata, labels: merged, ownerReferences: owners } },
    };
  }

  #status(latest: ConfigurationState): Action | undefined {
    if (this.#verdict === undefined) return undefined;
    const { conditionType: type } = this.#identity;
    const { error, at } = this.#verdict;
    const status = error === undefined ? "True" : "False";
    const reason = error === undefined ? "Reconciled" : "ConfigurationError";
    const before = latest.status?.conditions?.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : formatTimestamp(at);
    const wanted: Status = {
      result: error === undefined ? "Valid" : "Invalid",
      errorSummary: error ?? "",
      conditions: [{ type, status, reason, message: error ?? "", lastTransitionTime }],
    };
    if (saysTheSame(latest.status, wanted)) return undefined;
    const object: KubeObject & Pick<ConfigurationState, "status"> = { ...latest, status: wanted };
    return { verb: "replace", object };
  }
}

function saysTheSame(a: Status | undefined, b: Status): boolean {
  const text = (status: Status | undefined): string => {
    const conditions = (status?.conditions ?? []).map(({ type, status, reason, message }) => [
      type,
      status,
      reason,
      message,
    ]);
    return JSON.stringify([status?.result, status?.errorSummary ?? "", conditions]);
  };
  return text(a) === text(b);
}
