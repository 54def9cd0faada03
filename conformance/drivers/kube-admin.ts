// A person's hands on the API server: apply, patch, delete and read, as kubectl would.
import { type EventObject, type KubeObject, type Service } from "../../impl/api/kubernetes.ts";
import { apiVersionOf, pathOf, type Resource, RESOURCES } from "../../impl/kube/resources.ts";
import { type ClusterKind, type Kubernetes, type ObjectName } from "../world.ts";

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Sends one request and resolves with its whole answer. */
export type ApiCall = (
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: object,
) => Promise<ApiAnswer>;

/** The API server said no; the message is its own. */
export class ApiRefusal extends Error {
  override readonly name = "ApiRefusal";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const BY_KIND: ReadonlyMap<string, Resource> = new Map(
  Object.values(RESOURCES).map((resource) => [resource.kind, resource]),
);

export function resourceOf(kind: ClusterKind, apiVersion?: string): Resource {
  const resource = BY_KIND.get(kind);
  if (resource === undefined) throw new Error(`no resource has the kind ${kind}`);
  if (apiVersion === undefined || apiVersion === apiVersionOf(resource)) return resource;
  // Another version of the same kind, such as BGPPeer v1beta1.
  return { ...resource, version: apiVersion.slice(apiVersion.indexOf("/") + 1) };
}

/** The same object with the fields of every part in the opposite order. */
export function backwards<T>(value: T): T {
  if (Array.isArray(value)) return value.map((item: unknown) => backwards(item)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, part]) => [key, backwards(part as unknown)]),
  ) as T;
}

const messageOf = (body: unknown): string =>
  typeof body === "object" && body !== null && "message" in body ? String(body.message) : JSON.stringify(body);

export class KubeAdmin implements Kubernetes {
  readonly #call: ApiCall;
  readonly #changed: () => void;
  readonly #countWrites: () => number;
  readonly #arrange: (object: object) => object;
  #own = 0;

  /**
   * `changed` is told before each write; `countWrites` counts those of everybody; `arrange` may put the fields of what is
   * written into another order.
   */
  constructor(
    call: ApiCall,
    changed: () => void,
    countWrites: () => number,
    arrange: (object: object) => object = (object) => object,
  ) {
    this.#arrange = arrange;
    this.#call = call;
    this.#changed = changed;
    this.#countWrites = countWrites;
  }

  async #write(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object): Promise<void> {
    this.#own += 1;
    this.#changed();
    const { status, body: answer } = await this.#call(
      method,
      path,
      body === undefined ? undefined : this.#arrange(body),
    );
    if (status >= 300) throw new ApiRefusal(status, messageOf(answer));
  }

  async apply(...objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects) {
      const resource = resourceOf(object.kind, object.apiVersion);
      const namespace = resource.namespaced ? (object.metadata.namespace ?? "default") : undefined;
      const metadata = namespace === undefined ? object.metadata : { ...object.metadata, namespace };
      const path = pathOf(resource, namespace, object.metadata.name);
      const { status, body } = await this.#call("GET", path);
      const whole = { ...object, metadata };
      if (status === 404) await this.#write("POST", pathOf(resource, namespace), whole);
      else await this.#replace(path, whole, body);
      if ("status" in object && status === 404) {
        await this.#write("PATCH", pathOf(resource, namespace, object.metadata.name, "status"), {
          status: object.status,
        });
      }
    }
  }

  /** What the server itself filled in (status, cluster addresses) stays: a merge patch of what the person wrote. */
  async #replace(path: string, object: KubeObject, existing: unknown): Promise<void> {
    const spec = typeof existing === "object" && existing !== null && "spec" in existing ? existing.spec : undefined;
    const written = "spec" in object && typeof object.spec === "object" ? object.spec : undefined;
    const removed: Record<string, null> = {};
    if (
      typeof spec === "object" &&
      spec !== null &&
      written !== null &&
      written !== undefined &&
      object.apiVersion.startsWith("metallb.io/")
    ) {
      for (const key of Object.keys(spec)) if (!(key in written)) removed[key] = null;
    }
    const patch = written === undefined ? object : { ...object, spec: { ...removed, ...written } };
    await this.#write("PATCH", path, patch);
  }

  async patch(kind: ClusterKind, name: ObjectName, patch: object, subresource?: "status"): Promise<void> {
    await this.#write("PATCH", this.#path(kind, name, subresource), patch);
  }

  async remove(kind: ClusterKind, name: ObjectName): Promise<void> {
    await this.#write("DELETE", this.#path(kind, name));
  }

  #path(kind: ClusterKind, name: ObjectName, subresource?: string): string {
    const resource = resourceOf(kind);
    const [first = "", second] = name.split("/");
    if (!resource.namespaced) return pathOf(resource, undefined, name, subresource);
    if (second === undefined) throw new Error(`${kind} "${name}" needs a namespace: NAMESPACE/NAME`);
    return pathOf(resource, first, second, subresource);
  }

  async get(kind: ClusterKind, name: ObjectName): Promise<KubeObject | undefined> {
    const { status, body } = await this.#call("GET", this.#path(kind, name));
    if (status === 404) return undefined;
    if (status >= 300) throw new ApiRefusal(status, messageOf(body));
    return body as KubeObject;
  }

  async list(kind: ClusterKind): Promise<readonly KubeObject[]> {
    const { status, body } = await this.#call("GET", pathOf(resourceOf(kind)));
    if (status >= 300) throw new ApiRefusal(status, messageOf(body));
    return (body as { readonly items: readonly KubeObject[] }).items;
  }

  async events(kind: ClusterKind, name: ObjectName): Promise<readonly EventObject[]> {
    const events = (await this.list("Event")) as readonly EventObject[];
    const [namespace, bare] = name.includes("/") ? name.split("/") : [undefined, name];
    return events
      .filter(
        ({ involvedObject: about }) =>
          about.kind === kind && about.name === bare && (namespace === undefined || about.namespace === namespace),
      )
      .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
  }

  async service(name: ObjectName): Promise<Service | undefined> {
    return (await this.get("Service", name)) as Service | undefined;
  }

  async writes(): Promise<number> {
    return this.#countWrites() - this.#own;
  }
}
