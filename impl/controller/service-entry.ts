import { type Service } from "../api/kubernetes.ts";
import { type Ip } from "../wire/ip.ts";
import { Tenant } from "./allocator.ts";
import { POOL_ANNOTATION, readServiceRequest, type ServiceRequest } from "./service-request.ts";

/** More own writes than this are never on their way at once. */
const MAX_SENT = 16;

/** The status and the annotation that the controller wants. */
export interface WantedStatus {
  readonly ingress: readonly Ip[];
  readonly pool: string | undefined;
}

/**
 * One Service as the controller knows it: what it asks for, what its status says, and what it shall say. The status is
 * the controller's only memory over a restart. While it runs, its own decision counts: a status that lags behind it, or
 * echoes it, says nothing new.
 */
export class ServiceEntry {
  readonly key: string;
  readonly tenant = new Tenant();
  request: ServiceRequest;
  /** Undefined until the first decision. */
  wanted: WantedStatus | undefined;
  /** The complaint that was last published. */
  complaint = "";
  /** The addresses in the status. */
  #observed: readonly string[] = [];
  /** The whole list, so that other fields than addresses show. */
  #observedText = "";
  #observedPool: string | undefined;
  /** Somebody else wrote the status, or this is its first sight. */
  #news = true;
  readonly #sent: string[] = [];

  constructor(key: string, service: Service) {
    this.key = key;
    this.request = readServiceRequest(key, service);
    this.observe(service);
  }

  observe(service: Service): void {
    this.request = readServiceRequest(this.key, service);
    this.#observedPool = service.metadata.annotations?.[POOL_ANNOTATION];
    const ingress = service.status?.loadBalancer?.ingress ?? [];
    const text = ingress.map(({ ip = "", hostname = "" }) => (hostname === "" ? ip : `${ip}|${hostname}`)).join();
    if (text !== this.#observedText && !this.#sent.includes(text)) this.#news = true;
    this.#observedText = text;
    this.#observed = ingress.flatMap(({ ip = "" }) => (ip === "" ? [] : [ip]));
    if (text === this.wanted?.ingress.join()) this.#sent.length = 0;
  }

  /** Addresses in a status that is not the controller's own; undefined where there is nothing new. Asked once. */
  takeNews(): readonly string[] | undefined {
    if (!this.#news) return undefined;
    this.#news = false;
    return this.#observed;
  }

  get addressCount(): number {
    return this.wanted?.ingress.length ?? this.#observed.length;
  }

  /** What a restarted controller finds. */
  get observed(): readonly string[] {
    return this.#observed;
  }

  /** Whether the object must be written; it is noted as written. `fresh`: not just the same write again. */
  takeWrite(): { readonly fresh: boolean } | undefined {
    const { wanted } = this;
    if (wanted === undefined) return undefined;
    const text = wanted.ingress.join();
    if (text === this.#observedText && wanted.pool === this.#observedPool) return undefined;
    const fresh = this.#sent.at(-1) !== text;
    if (fresh) {
      this.#sent.push(text);
      if (this.#sent.length > MAX_SENT) this.#sent.shift();
    }
    return { fresh };
  }
}
