import { type Service } from "../api/kubernetes.ts";
import { type WantedStatus } from "../controller/service-entry.ts";
import { POOL_ANNOTATION } from "../controller/service-request.ts";
import { BackOff } from "../kube/back-off.ts";
import { type Written } from "../kube/change.ts";
import { RESOURCES } from "../kube/resources.ts";
import { type Action, type Write } from "../kube/write.ts";
import { type Instant, type Random } from "../ports.ts";
import { earliest, type Micros, minutes, plus, seconds } from "../wire/time.ts";
import { isA } from "./object-kind.ts";

const TAG = "service-status/";
/** Between attempts at a status that the API server refuses. */
const FIRST_RETRY = seconds(1);
const LONGEST_RETRY = minutes(5);

interface Retry {
  readonly backOff: BackOff;
  at: Micros | undefined;
}

/** Writes the addresses of Services into their statuses, and does not give up. */
export class ServiceStatusWrites {
  readonly #kube: { write(intent: Write): void };
  readonly #random: Random;
  readonly #decide: (key: string, latest: Service) => WantedStatus | undefined;
  /** By Service. */
  readonly #retries = new Map<string, Retry>();

  /** `decide` says what the status shall say, given the newest version of the Service; undefined: leave it. */
  constructor(
    kube: { write(intent: Write): void },
    random: Random,
    decide: (key: string, latest: Service) => WantedStatus | undefined,
  ) {
    this.#kube = kube;
    this.#random = random;
    this.#decide = decide;
  }

  write(key: string): void {
    const slash = key.indexOf("/");
    this.#kube.write({
      tag: TAG + key,
      resource: RESOURCES.services,
      namespace: key.slice(0, slash),
      name: key.slice(slash + 1),
      subresource: "status",
      build: (latest) => {
        const wanted = isA(RESOURCES.services, latest) ? this.#decide(key, latest) : undefined;
        return isA(RESOURCES.services, latest) && wanted !== undefined ? actionFor(latest, wanted) : undefined;
      },
    });
  }

  /** Takes the outcome of a write, of its own or of others. */
  written({ tag, ok, status }: Written, now: Instant): void {
    if (!tag.startsWith(TAG)) return;
    const key = tag.slice(TAG.length);
    // 404: the Service went first.
    if (ok || status === 404) {
      this.#retries.delete(key);
      return;
    }
    const backOff = this.#retries.get(key)?.backOff ?? new BackOff(this.#random, FIRST_RETRY, LONGEST_RETRY);
    this.#retries.set(key, { backOff, at: plus(now.monotonic, backOff.next(undefined)) });
  }

  forget(key: string): void {
    this.#retries.delete(key);
  }

  wake(now: Instant): void {
    for (const [key, retry] of this.#retries) {
      if (retry.at === undefined || retry.at > now.monotonic) continue;
      retry.at = undefined;
      this.write(key);
    }
  }

  deadline(): Micros | undefined {
    let first: Micros | undefined;
    for (const { at } of this.#retries.values()) first = earliest(first, at);
    return first;
  }
}

/** Other fields of an entry, such as the ipMode that the API server fills in, are not the controller's to change. */
function hasIngress(service: Service, ips: readonly string[]): boolean {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ingress.length === ips.length && ingress.every(({ ip, hostname }, index) => ip === ips[index] && !hostname);
}

/** The status subresource of a Service also takes its annotations. */
function actionFor(latest: Service, { ingress, pool }: WantedStatus): Action | undefined {
  const { [POOL_ANNOTATION]: before, ...others } = latest.metadata.annotations ?? {};
  if (before === pool && hasIngress(latest, ingress)) return undefined;
  const annotations = pool === undefined ? others : { ...others, [POOL_ANNOTATION]: pool };
  const loadBalancer = ingress.length === 0 ? {} : { ingress: ingress.map((ip) => ({ ip })) };
  const object: Service = {
    ...latest,
    metadata: { ...latest.metadata, annotations },
    status: { ...latest.status, loadBalancer },
  };
  return { verb: "replace", object };
}
