import { type KubeObject, objectKey } from "../api/kubernetes.ts";
import { type ServiceBGPStatus, type ServiceL2Status } from "../api/metallb.ts";
import { type Change, concerns, type Written } from "../kube/change.ts";
import { type KubeClient } from "../kube/client.ts";
import { apiVersionOf, type Resource, RESOURCES } from "../kube/resources.ts";
import { isA } from "./object-kind.ts";

export const NODE_LABEL = "metallb.io/node";
const LABELS = {
  node: NODE_LABEL,
  service: "metallb.io/service-name",
  namespace: "metallb.io/service-namespace",
} as const;

/** A kind of which each node that announces a Service has one object. */
type Status = ServiceL2Status | ServiceBGPStatus;

export interface StatusKind {
  readonly resource: Resource<ServiceL2Status> | Resource<ServiceBGPStatus>;
  /** Names of objects begin with it. */
  readonly prefix: string;
  /** One node announces a Service at a time: what others left behind is wrong. */
  readonly exclusive: boolean;
  readonly field: "interfaces" | "peers";
  /** The field's value, and what it was made of. */
  readonly spell: (names: readonly string[]) => readonly unknown[];
  readonly read: (status: Status["status"]) => readonly string[];
}

export const LAYER2_STATUS: StatusKind = {
  resource: RESOURCES.serviceL2Statuses,
  prefix: "l2",
  exclusive: true,
  field: "interfaces",
  spell: (names) => names.map((name) => ({ name })),
  read: (status) =>
    (status !== undefined && "interfaces" in status ? (status.interfaces ?? []) : []).map(({ name = "" }) => name),
};

export const BGP_STATUS: StatusKind = {
  resource: RESOURCES.serviceBgpStatuses,
  prefix: "bgp",
  exclusive: false,
  field: "peers",
  spell: (names) => names,
  read: (status) => (status !== undefined && "peers" in status ? (status.peers ?? []) : []),
};

export interface NodeStatusOptions {
  readonly namespace: string;
  readonly node: string;
  /** This process's own Pod: its statuses go with it. */
  readonly owner: () => KubeObject | undefined;
}

/**
 * Keeps one status for each Service that this node announces with a protocol. Where only one node may, who begins to announce
 * a Service removes what other nodes left behind, and only then: while two nodes announce it, each has its status and they
 * do not fight over it.
 */
export class NodeStatusWriter {
  readonly #client: KubeClient;
  readonly #kind: StatusKind;
  readonly #options: NodeStatusOptions;
  /** The interfaces or peers of each Service that is announced here. */
  readonly #wanted = new Map<string, readonly string[]>();
  readonly #existing = new Map<string, Map<string, Status>>();
  /** Services whose status is being created: the server chooses its name, so it must not be asked twice. */
  readonly #creating = new Set<string>();
  #started = false;

  constructor(client: KubeClient, kind: StatusKind, options: NodeStatusOptions) {
    this.#client = client;
    this.#kind = kind;
    this.#options = options;
  }

  /** Call it when it is known what is announced here: what an earlier life of this speaker left is removed from now on. */
  start(): void {
    this.#started = true;
    const services = new Set([...this.#wanted.keys(), ...this.#existing.keys()]);
    for (const service of [...services].sort()) {
      this.#removeForeign(service);
      this.#reconcile(service);
    }
  }

  /** This process ends; its statuses end with its Pod, or with whoever takes over. */
  stop(): void {
    this.#started = false;
  }

  /** Undefined: the Service is not announced here. */
  set(service: string, names: readonly string[] | undefined): void {
    const begins = names !== undefined && !this.#wanted.has(service);
    if (names === undefined) this.#wanted.delete(service);
    else this.#wanted.set(service, names);
    if (begins) this.#removeForeign(service);
    this.#reconcile(service);
  }

  /** Takes the changes of the statuses and the outcomes of its writes. */
  handle(change: Change): void {
    if (change.kind === "written") this.#takeOutcome(change);
    else if (concerns<Status>(change, this.#kind.resource)) this.#note(change.object, change.kind === "deleted");
  }

  /** The answer counts, not the watch: it may be late, and a status must not be created twice. */
  #takeOutcome({ tag, ok, status, object }: Written): void {
    const create = this.#tag("create");
    const update = this.#tag("update");
    if (tag.startsWith(create)) {
      this.#creating.delete(tag.slice(create.length));
      if (ok && isA<Status>(this.#kind.resource, object)) this.#note(object, false);
    } else if (tag.startsWith(update) && status === 404) {
      const gone = [...this.#existing.values()].map((statuses) => statuses.get(tag.slice(update.length)));
      for (const one of gone) if (one !== undefined) this.#note(one, true);
    }
  }

  #note(object: Status, gone: boolean): void {
    const service = serviceOf(object);
    const statuses = this.#existing.get(service) ?? new Map<string, Status>();
    if (gone) statuses.delete(object.metadata.name);
    else statuses.set(object.metadata.name, object);
    if (statuses.size === 0) this.#existing.delete(service);
    else this.#existing.set(service, statuses);
    this.#reconcile(service);
  }

  #statusesOf(service: string): readonly Status[] {
    const statuses = [...(this.#existing.get(service)?.values() ?? [])];
    return statuses.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  #removeForeign(service: string): void {
    if (!this.#kind.exclusive || !this.#started || !this.#wanted.has(service)) return;
    for (const status of this.#statusesOf(service)) if (nodeOf(status) !== this.#options.node) this.#delete(status);
  }

  #reconcile(service: string): void {
    if (!this.#started) return;
    const own = this.#statusesOf(service).filter((status) => nodeOf(status) === this.#options.node);
    const names = this.#wanted.get(service);
    const [kept, ...surplus] = own;
    if (names === undefined) {
      for (const status of own) this.#delete(status);
      return;
    }
    for (const status of surplus) this.#delete(status);
    if (kept === undefined) this.#create(service);
    else this.#write(service, kept, names);
  }

  #delete(status: Status): void {
    const { name, namespace, uid } = status.metadata;
    const build = (latest: KubeObject | undefined) =>
      latest === undefined || latest.metadata.uid !== uid
        ? undefined
        : ({ verb: "delete", ...(uid === undefined ? {} : { uid }) } as const);
    this.#client.write({ tag: `${this.#tag("delete")}${name}`, ...this.#target(namespace), name, build });
  }

  /** First the object, then its status: the API server ignores a status that is sent with the object. */
  #create(service: string): void {
    if (this.#creating.has(service)) return;
    this.#creating.add(service);
    const { namespace, node, owner } = this.#options;
    const [serviceNamespace, serviceName] = split(service);
    const labels = { [LABELS.node]: node, [LABELS.service]: serviceName, [LABELS.namespace]: serviceNamespace };
    const pod = owner();
    const { resource, prefix } = this.#kind;
    const metadata = { generateName: `${prefix}-`, namespace, labels, ...(pod === undefined ? {} : ownedBy(pod)) };
    const object = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
    const tag = `${this.#tag("create")}${service}`;
    this.#client.write({ tag, ...this.#target(namespace), build: () => ({ verb: "create", object }) });
  }

  #write(service: string, existing: Status, names: readonly string[]): void {
    const [serviceNamespace, serviceName] = split(service);
    const { field, spell } = this.#kind;
    const status = { node: this.#options.node, serviceName, serviceNamespace, [field]: spell(names) };
    const { name, namespace } = existing.metadata;
    const build = (latest: KubeObject | undefined) =>
      latest === undefined || this.#says(latest, service, names)
        ? undefined
        : ({ verb: "mergePatch", patch: { status } } as const);
    const tag = `${this.#tag("update")}${name}`;
    this.#client.write({ tag, ...this.#target(namespace), name, subresource: "status", build });
  }

  #says(latest: KubeObject, service: string, names: readonly string[]): boolean {
    const status = isA<Status>(this.#kind.resource, latest) ? latest.status : undefined;
    const said = [
      status?.node,
      objectKey({ metadata: { namespace: status?.serviceNamespace ?? "", name: status?.serviceName ?? "" } }),
    ];
    return JSON.stringify([...said, this.#kind.read(status)]) === JSON.stringify([this.#options.node, service, names]);
  }

  #tag(action: "create" | "update" | "delete"): string {
    return `${this.#kind.prefix}-status/${action}/`;
  }

  #target(namespace: string | undefined) {
    return { resource: this.#kind.resource, ...(namespace === undefined ? {} : { namespace }) };
  }
}

function split(service: string): readonly [namespace: string, name: string] {
  const slash = service.indexOf("/");
  return [service.slice(0, Math.max(slash, 0)), service.slice(slash + 1)];
}

/** By its labels, which it has from the start; the status comes a moment later. */
function serviceOf({ metadata }: Status): string {
  const name = metadata.labels?.[LABELS.service] ?? "";
  return objectKey({ metadata: { name, namespace: metadata.labels?.[LABELS.namespace] ?? "" } });
}

function ownedBy({ apiVersion, kind, metadata }: KubeObject): Pick<KubeObject["metadata"], "ownerReferences"> {
  const { name, uid } = metadata;
  return uid === undefined ? {} : { ownerReferences: [{ apiVersion, kind, name, uid }] };
}

const nodeOf = ({ metadata, status }: Status): string | undefined => metadata.labels?.[LABELS.node] ?? status?.node;
