import { type KubeObject, objectKey } from "../api/kubernetes.ts";
import { type ServiceL2Status } from "../api/metallb.ts";
import { type Change, concerns, type Written } from "../kube/change.ts";
import { type KubeClient } from "../kube/client.ts";
import { apiVersionOf, RESOURCES } from "../kube/resources.ts";
import { isA } from "./object-kind.ts";

const LABELS = {
  node: "metallb.io/node",
  service: "metallb.io/service-name",
  namespace: "metallb.io/service-namespace",
} as const;

export interface Layer2StatusOptions {
  readonly namespace: string;
  readonly node: string;
  /** This process's own Pod: its statuses go with it. */
  readonly owner: () => KubeObject | undefined;
}

/**
 * Keeps one ServiceL2Status for each Service that this node announces. Who begins to announce a Service removes what other
 * nodes left behind, and only then: while two nodes announce it, each has its status and they do not fight over it.
 */
export class Layer2StatusWriter {
  readonly #client: KubeClient;
  readonly #options: Layer2StatusOptions;
  /** The interfaces of each Service that is announced here; empty: all. */
  readonly #wanted = new Map<string, readonly string[]>();
  readonly #existing = new Map<string, Map<string, ServiceL2Status>>();
  /** Services whose status is being created: the server chooses its name, so it must not be asked twice. */
  readonly #creating = new Set<string>();
  #started = false;

  constructor(client: KubeClient, options: Layer2StatusOptions) {
    this.#client = client;
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

  set(service: string, interfaces: readonly string[] | undefined): void {
    const begins = interfaces !== undefined && !this.#wanted.has(service);
    if (interfaces === undefined) this.#wanted.delete(service);
    else this.#wanted.set(service, interfaces);
    if (begins) this.#removeForeign(service);
    this.#reconcile(service);
  }

  /** Takes the changes of the statuses and the outcomes of its writes. */
  handle(change: Change): void {
    if (change.kind === "written") this.#takeOutcome(change);
    else if (concerns(change, RESOURCES.serviceL2Statuses)) this.#note(change.object, change.kind === "deleted");
  }

  /** The answer counts, not the watch: it may be late, and a status must not be created twice. */
  #takeOutcome({ tag, ok, status, object }: Written): void {
    if (tag.startsWith(CREATE)) {
      this.#creating.delete(tag.slice(CREATE.length));
      if (ok && isA(RESOURCES.serviceL2Statuses, object)) this.#note(object, false);
    } else if (tag.startsWith(UPDATE) && status === 404) {
      const gone = [...this.#existing.values()].map((statuses) => statuses.get(tag.slice(UPDATE.length)));
      for (const one of gone) if (one !== undefined) this.#note(one, true);
    }
  }

  #note(object: ServiceL2Status, gone: boolean): void {
    const service = serviceOf(object);
    const statuses = this.#existing.get(service) ?? new Map<string, ServiceL2Status>();
    if (gone) statuses.delete(object.metadata.name);
    else statuses.set(object.metadata.name, object);
    if (statuses.size === 0) this.#existing.delete(service);
    else this.#existing.set(service, statuses);
    this.#reconcile(service);
  }

  #statusesOf(service: string): readonly ServiceL2Status[] {
    const statuses = [...(this.#existing.get(service)?.values() ?? [])];
    return statuses.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  #removeForeign(service: string): void {
    if (!this.#started || !this.#wanted.has(service)) return;
    for (const status of this.#statusesOf(service)) if (nodeOf(status) !== this.#options.node) this.#delete(status);
  }

  #reconcile(service: string): void {
    if (!this.#started) return;
    const own = this.#statusesOf(service).filter((status) => nodeOf(status) === this.#options.node);
    const interfaces = this.#wanted.get(service);
    const [kept, ...surplus] = own;
    if (interfaces === undefined) {
      for (const status of own) this.#delete(status);
      return;
    }
    for (const status of surplus) this.#delete(status);
    if (kept === undefined) this.#create(service);
    else this.#write(service, kept, interfaces);
  }

  #delete(status: ServiceL2Status): void {
    const { name, namespace, uid } = status.metadata;
    const build = (latest: KubeObject | undefined) =>
      latest === undefined || latest.metadata.uid !== uid
        ? undefined
        : ({ verb: "delete", ...(uid === undefined ? {} : { uid }) } as const);
    this.#client.write({ tag: `l2-status/delete/${name}`, ...target(namespace), name, build });
  }

  /** First the object, then its status: the API server ignores a status that is sent with the object. */
  #create(service: string): void {
    if (this.#creating.has(service)) return;
    this.#creating.add(service);
    const { namespace, node, owner } = this.#options;
    const [serviceNamespace, serviceName] = split(service);
    const labels = { [LABELS.node]: node, [LABELS.service]: serviceName, [LABELS.namespace]: serviceNamespace };
    const pod = owner();
    const metadata = { generateName: "l2-", namespace, labels, ...(pod === undefined ? {} : ownedBy(pod)) };
    const object = { apiVersion: apiVersionOf(RESOURCES.serviceL2Statuses), kind: "ServiceL2Status", metadata };
    this.#client.write({ tag: `${CREATE}${service}`, ...target(namespace), build: () => ({ verb: "create", object }) });
  }

  #write(service: string, existing: ServiceL2Status, names: readonly string[]): void {
    const [serviceNamespace, serviceName] = split(service);
    const interfaces = names.map((name) => ({ name }));
    const status = { node: this.#options.node, serviceName, serviceNamespace, interfaces };
    const { name, namespace } = existing.metadata;
    const build = (latest: KubeObject | undefined) =>
      latest === undefined || says(latest, status) ? undefined : ({ verb: "mergePatch", patch: { status } } as const);
    this.#client.write({ tag: `${UPDATE}${name}`, ...target(namespace), name, subresource: "status", build });
  }
}

const CREATE = "l2-status/create/";
const UPDATE = "l2-status/update/";

const target = (namespace: string | undefined) => ({
  resource: RESOURCES.serviceL2Statuses,
  ...(namespace === undefined ? {} : { namespace }),
});

function split(service: string): readonly [namespace: string, name: string] {
  const slash = service.indexOf("/");
  return [service.slice(0, Math.max(slash, 0)), service.slice(slash + 1)];
}

/** By its labels, which it has from the start; the status comes a moment later. */
function serviceOf({ metadata }: ServiceL2Status): string {
  const name = metadata.labels?.[LABELS.service] ?? "";
  return objectKey({ metadata: { name, namespace: metadata.labels?.[LABELS.namespace] ?? "" } });
}

function ownedBy({ apiVersion, kind, metadata }: KubeObject): Pick<KubeObject["metadata"], "ownerReferences"> {
  const { name, uid } = metadata;
  return uid === undefined ? {} : { ownerReferences: [{ apiVersion, kind, name, uid }] };
}

const nodeOf = ({ metadata, status }: ServiceL2Status): string | undefined =>
  metadata.labels?.[LABELS.node] ?? status?.node;

function says(latest: KubeObject, wanted: NonNullable<ServiceL2Status["status"]>): boolean {
  const status = "status" in latest ? (latest.status as ServiceL2Status["status"]) : undefined;
  const plain = (one: ServiceL2Status["status"]): string =>
    JSON.stringify([
      one?.node,
      one?.serviceName,
      one?.serviceNamespace,
      (one?.interfaces ?? []).map(({ name }) => name),
    ]);
  return plain(status) === plain(wanted);
}
