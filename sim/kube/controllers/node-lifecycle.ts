// Nodes that fall silent: https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
import { type Instant } from "../../../impl/ports.ts";
import { type Micros, plus, seconds } from "../../../impl/wire/time.ts";
import { type Controller } from "../control-plane.ts";
import { type StoredObject } from "../object.ts";
import { type StorageEvent } from "../storage.ts";
import { type ClusterApi } from "./cluster-api.ts";
import { isReady, withCondition } from "./conditions.ts";
import { Due } from "./due.ts";
import { NODE_NOT_READY } from "./kubelet.ts";
import { type NodeHealth } from "./node-health.ts";
import { nodeNameOf } from "./scheduler.ts";
import { staysFor, taintsOf } from "./tolerations.ts";

/** --node-monitor-grace-period. */
const GRACE = seconds(40);

const KEY = "node.kubernetes.io/unreachable";
const STAY_AWAY = { key: KEY, effect: "NoSchedule" };
const LEAVE = { key: KEY, effect: "NoExecute" };

export class NodeLifecycle implements Controller {
  readonly #api: ClusterApi;
  readonly #health: NodeHealth;
  readonly #nodes = new Due();
  readonly #evictions = new Due();

  constructor(api: ClusterApi, health: NodeHealth, delay: Micros) {
    this.#api = api;
    this.#health = health;
    health.onChange((node) => {
      this.#nodes.drop(node);
      this.#nodes.add(node, api.after(health.isAlive(node) ? delay : GRACE));
    });
  }

  observe({ collection, key, object, type }: StorageEvent): void {
    if (collection === "pods" && type === "DELETED") this.#evictions.drop(key);
    // A Pod that comes to a silent node is no better off.
    const node = collection === "pods" && type === "ADDED" ? nodeNameOf(object) : undefined;
    if (node !== undefined && !this.#health.isAlive(node)) this.#nodes.add(node, this.#api.after(GRACE));
  }

  deadline(): Micros | undefined {
    const nodes = this.#nodes.deadline();
    const evictions = this.#evictions.deadline();
    return nodes === undefined || (evictions !== undefined && evictions < nodes) ? evictions : nodes;
  }

  tick(now: Instant): void {
    for (const key of this.#nodes.take(now.monotonic)) this.#syncNode(key, now);
    for (const key of this.#evictions.take(now.monotonic)) {
      const pod = this.#api.get("pods", key);
      const node = pod === undefined ? undefined : nodeNameOf(pod);
      if (pod !== undefined && node !== undefined && !this.#health.isAlive(node)) this.#api.remove("pods", pod);
    }
  }

  #syncNode(key: string, now: Instant): void {
    const node = this.#api.get("nodes", key);
    if (node === undefined) return;
    const others = taintsOf(node).filter((taint) => taint["key"] !== KEY);
    if (this.#health.isAlive(key)) {
      if (others.length < taintsOf(node).length) this.#api.patch("nodes", node, { spec: { taints: others } });
      return;
    }
    this.#api.patch("nodes", node, { spec: { taints: [...others, STAY_AWAY, LEAVE] } });
    const message = "Kubelet stopped posting node status.";
    const unknown = { type: "Ready", status: "Unknown", reason: "NodeStatusUnknown", message } as const;
    this.#api.patch("nodes", node, { status: { conditions: withCondition(node, unknown, now) } }, "status");
    for (const pod of this.#api.list("pods")) if (nodeNameOf(pod) === key) this.#abandon(pod, now);
  }

  #abandon(pod: StoredObject, now: Instant): void {
    if (isReady(pod)) {
      const conditions = withCondition(pod, { type: "Ready", status: "False", reason: NODE_NOT_READY }, now);
      this.#api.patch("pods", pod, { status: { conditions } }, "status");
    }
    const stay = staysFor(pod, LEAVE);
    const { namespace, name } = pod.metadata;
    if (stay !== undefined) this.#evictions.add(`${namespace}/${name}`, plus(now.monotonic, stay));
  }
}
