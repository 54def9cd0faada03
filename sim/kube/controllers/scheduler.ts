// Which node a Pod runs on: https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
import { type Instant } from "../../../impl/ports.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { type Controller } from "../control-plane.ts";
import { fieldsOf, type StoredObject } from "../object.ts";
import { type StorageEvent } from "../storage.ts";
import { type ClusterApi } from "./cluster-api.ts";
import { isReady, withCondition } from "./conditions.ts";
import { mayEnter, taintsOf } from "./tolerations.ts";

export const nodeNameOf = (pod: StoredObject): string | undefined => {
  const name = fieldsOf(pod["spec"])["nodeName"];
  return typeof name === "string" && name !== "" ? name : undefined;
};

/** Spreads Pods of one owner over the nodes that may take them. */
export class PodScheduler implements Controller {
  readonly #api: ClusterApi;
  readonly #delay: Micros;
  readonly #waiting = new Set<string>();
  #due: Micros | undefined;

  constructor(api: ClusterApi, delay: Micros) {
    this.#api = api;
    this.#delay = delay;
  }

  observe({ collection, key, object, type }: StorageEvent): void {
    if (collection === "pods") {
      const waits = type !== "DELETED" && nodeNameOf(object) === undefined;
      if (waits) this.#waiting.add(key);
      else this.#waiting.delete(key);
    }
    const concerns = collection === "pods" || collection === "nodes";
    if (concerns && this.#waiting.size > 0) this.#due ??= this.#api.after(this.#delay);
  }

  deadline(): Micros | undefined {
    return this.#due;
  }

  tick(now: Instant): void {
    this.#due = undefined;
    const nodes = this.#api.list("nodes").filter(isReady);
    const load = new Map<string, number>();
    const add = (what: string): void => void load.set(what, (load.get(what) ?? 0) + 1);
    for (const pod of this.#api.list("pods")) {
      const node = nodeNameOf(pod);
      if (node !== undefined) for (const what of countedUnder(pod, node)) add(what);
    }
    for (const key of [...this.#waiting].toSorted()) {
      const pod = this.#api.get("pods", key);
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
      const [best] = nodes
        .filter((node) => accepts(node, pod))
        .toSorted((a, b) => compareLoad(pod, a.metadata.name, b.metadata.name, load));
      if (best === undefined) continue;
      for (const what of countedUnder(pod, best.metadata.name)) add(what);
      this.#bind(pod, best.metadata.name, now);
    }
  }

  #bind(pod: StoredObject, nodeName: string, now: Instant): void {
    this.#api.patch("pods", pod, { spec: { nodeName } });
    const conditions = withCondition(pod, { type: "PodScheduled", status: "True" }, now);
    this.#api.patch("pods", pod, { status: { conditions } }, "status");
  }
}

const ownerOf = ({ metadata }: StoredObject): string => metadata.ownerReferences?.[0]?.uid ?? "";

const countedUnder = (pod: StoredObject, node: string): readonly string[] => [node, `${node}\n${ownerOf(pod)}`];

/** Fewest of the same owner, then fewest of all, then by name: `nodes` come sorted, and sorting is stable. */
function compareLoad(pod: StoredObject, a: string, b: string, load: ReadonlyMap<string, number>): number {
  const count = (what: string): number => load.get(what) ?? 0;
  const owner = ownerOf(pod);
  return count(`${a}\n${owner}`) - count(`${b}\n${owner}`) || count(a) - count(b);
}

function accepts(node: StoredObject, pod: StoredObject): boolean {
  if (fieldsOf(node["spec"])["unschedulable"] === true || !mayEnter(pod, taintsOf(node))) return false;
  const wanted = Object.entries(fieldsOf(fieldsOf(pod["spec"])["nodeSelector"]));
  return wanted.every(([label, value]) => node.metadata.labels?.[label] === value);
}
