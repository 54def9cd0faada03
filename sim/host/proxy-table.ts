import { type EndpointSlice, objectKey, type Service, SERVICE_NAME_LABEL } from "../../impl/api/kubernetes.ts";
import { type Frontend, frontendKey, frontendsOf } from "./proxy-rules.ts";

/** The Services and EndpointSlices that a node knows of, and the frontends in force: changes wait until they are applied. */
export class ProxyTable {
  readonly #node: string;
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, EndpointSlice>();
  readonly #slicesOf = new Map<string, Set<string>>();
  readonly #frontendsOf = new Map<string, readonly Frontend[]>();
  readonly #byAddress = new Map<string, Frontend>();
  readonly #changed = new Set<string>();

  constructor(node: string) {
    this.#node = node;
  }

  get isChanged(): boolean {
    return this.#changed.size > 0;
  }

  /** How many frontends are in force. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** Takes the whole of both lists; an object that is the same as before costs a look. */
  replace(services: readonly Service[], slices: readonly EndpointSlice[]): void {
    const serviceKeys = new Set(services.map(objectKey));
    const sliceKeys = new Set(slices.map(objectKey));
    for (const key of this.#services.keys()) if (!serviceKeys.has(key)) this.removeService(key);
    for (const key of this.#slices.keys()) if (!sliceKeys.has(key)) this.removeSlice(key);
    for (const service of services) this.setService(service);
    for (const slice of slices) this.setSlice(slice);
  }

  setService(service: Service): void {
    const key = objectKey(service);
    if (this.#services.get(key) === service) return;
    this.#services.set(key, service);
    this.#changed.add(key);
  }

  removeService(key: string): void {
    if (this.#services.delete(key)) this.#changed.add(key);
  }

  setSlice(slice: EndpointSlice): void {
    const key = objectKey(slice);
    if (this.#slices.get(key) === slice) return;
    this.removeSlice(key);
    this.#slices.set(key, slice);
    const owner = ownerOf(slice);
    const siblings = this.#slicesOf.get(owner) ?? new Set();
    this.#slicesOf.set(owner, siblings.add(key));
    this.#changed.add(owner);
  }

  removeSlice(key: string): void {
    const slice = this.#slices.get(key);
    if (slice === undefined) return;
    this.#slices.delete(key);
    const owner = ownerOf(slice);
    const siblings = this.#slicesOf.get(owner);
    siblings?.delete(key);
    if (siblings?.size === 0) this.#slicesOf.delete(owner);
    this.#changed.add(owner);
  }

  /** Puts every change in force. Returns the frontends that were there before and are not the same now. */
  apply(): readonly Frontend[] {
    const old: Frontend[] = [];
    for (const key of this.#changed) {
      for (const frontend of this.#frontendsOf.get(key) ?? []) {
        old.push(frontend);
        this.#byAddress.delete(frontendKey(frontend.protocol, frontend.ip, frontend.port));
      }
      this.#frontendsOf.delete(key);
    }
    for (const key of this.#changed) this.#program(key);
    this.#changed.clear();
    return old;
  }

  /** The rules are gone, as after a reboot; what is known stays, and waits to be applied. */
  clear(): void {
    this.#frontendsOf.clear();
    this.#byAddress.clear();
    for (const key of this.#services.keys()) this.#changed.add(key);
  }

  find(address: string): Frontend | undefined {
    return this.#byAddress.get(address);
  }

  frontends(): Iterable<Frontend> {
    return this.#byAddress.values();
  }

  #program(key: string): void {
    const service = this.#services.get(key);
    if (service === undefined) return;
    const slices = [...(this.#slicesOf.get(key) ?? [])].flatMap((name) => this.#slices.get(name) ?? []);
    const frontends = frontendsOf(service, slices, this.#node);
    this.#frontendsOf.set(key, frontends);
    for (const frontend of frontends) {
      this.#byAddress.set(frontendKey(frontend.protocol, frontend.ip, frontend.port), frontend);
    }
  }
}

function ownerOf(slice: EndpointSlice): string {
  const name = slice.metadata.labels?.[SERVICE_NAME_LABEL] ?? "";
  return slice.metadata.namespace === undefined ? name : `${slice.metadata.namespace}/${name}`;
}
