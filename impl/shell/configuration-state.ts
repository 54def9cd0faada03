import { type KubeObject } from "../api/kubernetes.ts";
import { type ConfigurationState } from "../api/metallb.ts";
import { formatTimestamp } from "../api/timestamp.ts";
import { type KubeClient } from "../kube/client.ts";
import { apiVersionOf, RESOURCES } from "../kube/resources.ts";
import { type Action } from "../kube/write.ts";
import { type Micros } from "../wire/time.ts";

/** What became of the configuration, as the one condition of this component says it. */
export type ConfigurationResult =
  | { readonly kind: "reconciled" }
  /** The objects are wrong; `summary` is what MetalLB would say. */
  | { readonly kind: "invalid"; readonly summary: string }
  /** The objects are right but cannot be taken over yet. */
  | { readonly kind: "pending"; readonly because: string };

export interface ConfigurationStateOptions {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Type of the condition and name of the field manager. */
  readonly condition: { readonly type: string; readonly manager: string };
}

/** Keeps the ConfigurationState of one component equal to what it last reported, and writes only when that changes. */
export class ConfigurationStateWriter {
  readonly #client: KubeClient;
  readonly #options: ConfigurationStateOptions;
  #owner: KubeObject | undefined;
  #result: ConfigurationResult | undefined;
  #since = "";

  constructor(client: KubeClient, options: ConfigurationStateOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** `owner` is the component's own Pod: the object goes with it. */
  report(result: ConfigurationResult, owner: KubeObject | undefined, wall: Micros): void {
    if (JSON.stringify(result) !== JSON.stringify(this.#result)) this.#since = formatTimestamp(wall);
    this.#result = result;
    this.#owner = owner;
    this.sync();
  }

  /** Call it again when the object changed or went. */
  sync(): void {
    const { namespace, name } = this.#options;
    if (this.#result === undefined) return;
    const target = { resource: RESOURCES.configurationStates, namespace, name };
    const key = `configuration-state/${name}`;
    this.#client.write({ ...target, tag: key, build: (latest) => (latest === undefined ? this.#create() : undefined) });
    this.#client.write({
      ...target,
      tag: `${key}/status`,
      subresource: "status",
      build: (latest) => this.#apply(latest),
    });
  }

  #create(): Action {
    const { namespace, name, labels } = this.#options;
    const metadata = { namespace, name, labels, ...(this.#owner === undefined ? {} : ownedBy(this.#owner)) };
    return { verb: "create", object: { ...TYPE, metadata } };
  }

  #apply(latest: KubeObject | undefined): Action | undefined {
    const result = this.#result;
    if (latest === undefined || result === undefined) return undefined;
    const { namespace, name, condition } = this.#options;
    const wanted = statusOf(result, condition.type, this.#since);
    if (says(latest, wanted)) return undefined;
    const object: ConfigurationState = { ...TYPE, metadata: { namespace, name }, status: wanted };
    return { verb: "apply", fieldManager: condition.manager, object };
  }
}

const TYPE = {
  apiVersion: apiVersionOf(RESOURCES.configurationStates),
  kind: "ConfigurationState",
} as const;

export function ownedBy({ apiVersion, kind, metadata }: KubeObject): Pick<KubeObject["metadata"], "ownerReferences"> {
  const { name, uid } = metadata;
  return uid === undefined ? {} : { ownerReferences: [{ apiVersion, kind, name, uid }] };
}

type Status = NonNullable<ConfigurationState["status"]>;

function statusOf(result: ConfigurationResult, type: string, since: string): Status {
  const condition = (status: "True" | "False", reason: string, message: string): NonNullable<Status["conditions"]> => [
    { type, status, reason, message, lastTransitionTime: since },
  ];
  switch (result.kind) {
    case "reconciled":
      return { result: "Valid", errorSummary: "", conditions: condition("True", "Reconciled", "") };
    case "invalid":
      return {
        result: "Invalid",
        errorSummary: result.summary,
        conditions: condition("False", "ConfigurationError", result.summary),
      };
    case "pending":
      return { result: "Valid", errorSummary: "", conditions: condition("False", "UnknownError", result.because) };
  }
}

/** Whether the object says the same already; when it began to does not count. */
function says(latest: KubeObject, wanted: Status): boolean {
  const status = "status" in latest ? (latest.status as Status | undefined) : undefined;
  const plain = ({ result, errorSummary, conditions = [] }: Status): string =>
    JSON.stringify([
      result,
      errorSummary ?? "",
      conditions.map(({ type, status: value, reason, message }) => [type, value, reason, message]),
    ]);
  return status !== undefined && plain(status) === plain(wanted);
}
