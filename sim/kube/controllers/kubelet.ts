// The kubelets of all nodes: they start and end Pods, and say that their node is ready.
import { formatTimestamp } from "../../../impl/api/timestamp.ts";
import { type Instant } from "../../../impl/ports.ts";
import { ipFromBigInt } from "../../../impl/wire/ip.ts";
import { type Prefix, rangeOf, readPrefix } from "../../../impl/wire/prefix.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { type Controller } from "../control-plane.ts";
import { fieldsOf, listOf, type StoredObject } from "../object.ts";
import { type StorageEvent } from "../storage.ts";
import { type ClusterApi } from "./cluster-api.ts";
import { conditionOf, isReady, withCondition } from "./conditions.ts";
import { Due } from "./due.ts";
import { type NodeHealth } from "./node-health.ts";
import { nodeNameOf } from "./scheduler.ts";

/** Why a Pod counts as not ready although nothing is wrong with it. */
export const NODE_NOT_READY = "NodeNotReady";
/** The first address of a node's Pod prefix is its bridge's. */
const FIRST_POD = 2n;

export interface KubeletTimes {
  /** From binding to ready. */
  readonly podStart: Micros;
  /** From the wish to delete to the end. */
  readonly podStop: Micros;
  readonly reaction: Micros;
}

export class Kubelets implements Controller {
  readonly #api: ClusterApi;
  readonly #health: NodeHealth;
  readonly #times: KubeletTimes;
  readonly #pods = new Due();
  readonly #nodes = new Due();
  readonly #podsByNode = new Map<string, Set<string>>();
  /** Where the search for an address goes on, by prefix. */
  readonly #nextIp = new Map<Prefix, bigint>();

  constructor(api: ClusterApi, health: NodeHealth, times: KubeletTimes) {
    this.#api = api;
    this.#health = health;
    this.#times = times;
    health.onChange((node) => {
      this.#nodes.add(node, api.after(times.reaction));
      for (const key of this.#podsByNode.get(node) ?? []) this.#pods.add(key, api.after(times.reaction));
    });
  }

  observe({ collection, key, object, type }: StorageEvent): void {
    if (collection === "nodes" && type !== "DELETED") this.#nodes.add(key, this.#api.after(this.#times.reaction));
    const node = collection === "pods" ? nodeNameOf(object) : undefined;
    if (node === undefined) return;
    const pods = this.#podsByNode.get(node) ?? new Set();
    this.#podsByNode.set(node, pods);
    if (type === "DELETED") {
      pods.delete(key);
      this.#pods.drop(key);
      return;
    }
    pods.add(key);
    const delay = this.#delayFor(object);
    if (delay !== undefined) this.#pods.add(key, this.#api.after(delay));
  }

  /** How long until something is to be done for a Pod; undefined: nothing is. */
  #delayFor(pod: StoredObject): Micros | undefined {
    const { podStart, podStop } = this.#times;
    if (pod.metadata.deletionTimestamp !== undefined) return podStop;
    return fieldsOf(pod["status"])["phase"] === "Pending" ? podStart : undefined;
  }

  deadline(): Micros | undefined {
    const pods = this.#pods.deadline();
    const nodes = this.#nodes.deadline();
    return pods === undefined || (nodes !== undefined && nodes < pods) ? nodes : pods;
  }

  tick(now: Instant): void {
    for (const key of this.#nodes.take(now.monotonic)) this.#syncNode(key, now);
    for (const key of this.#pods.take(now.monotonic)) this.#syncPod(key, now);
  }

  #syncNode(key: string, now: Instant): void {
    const node = this.#api.get("nodes", key);
    if (node === undefined || !this.#health.isAlive(key) || isReady(node)) return;
    const ready = { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };
    const conditions = withCondition(node, { ...ready, status: "True" }, now);
    this.#api.patch("nodes", node, { status: { conditions } }, "status");
  }

  #syncPod(key: string, now: Instant): void {
    const pod = this.#api.get("pods", key);
    const nodeName = pod === undefined ? undefined : nodeNameOf(pod);
    const node = nodeName === undefined ? undefined : this.#api.get("nodes", nodeName);
    if (pod === undefined || node === undefined || !this.#health.isAlive(node.metadata.name)) return;
    if (pod.metadata.deletionTimestamp !== undefined) return this.#api.remove("pods", pod, { atOnce: true });
    const { phase } = fieldsOf(pod["status"]);
    if (phase === "Pending") this.#start(pod, node, now);
    else if (conditionOf(pod, "Ready")?.["reason"] === NODE_NOT_READY) this.#sayReady(pod, now);
  }

  #start(pod: StoredObject, node: StoredObject, now: Instant): void {
    const ips = fieldsOf(pod["spec"])["hostNetwork"] === true ? hostIps(node) : this.#freeIps(node);
    if (ips.length === 0) return;
    const status = {
      phase: "Running",
      hostIP: hostIps(node)[0],
      podIP: ips[0],
      podIPs: ips.map((ip) => ({ ip })),
      startTime: formatTimestamp(now.wall),
      conditions: withCondition(pod, { type: "Ready", status: "True" }, now),
    };
    this.#api.patch("pods", pod, { status }, "status");
  }

  #sayReady(pod: StoredObject, now: Instant): void {
    const conditions = withCondition(pod, { type: "Ready", status: "True" }, now);
    this.#api.patch("pods", pod, { status: { conditions } }, "status");
  }

  /** The next free address of each of the node's Pod prefixes, in turn, so that none comes back at once. */
  #freeIps(node: StoredObject): readonly string[] {
    const used = new Set<string>();
    for (const key of this.#podsByNode.get(node.metadata.name) ?? []) {
      const pod = this.#api.get("pods", key);
      for (const { ip } of listOf(fieldsOf(pod?.["status"])["podIPs"]).map(fieldsOf)) used.add(String(ip));
    }
    return podPrefixesOf(node).flatMap((prefix) => {
      const { family, first, last } = rangeOf(prefix);
      const size = last - first - FIRST_POD;
      const start = this.#nextIp.get(prefix) ?? 0n;
      for (let step = 0n; step < size; step++) {
        const offset = (start + step) % size;
        const ip = ipFromBigInt(first + FIRST_POD + offset, family);
        if (used.has(ip)) continue;
        this.#nextIp.set(prefix, offset + 1n);
        return [ip];
      }
      return [];
    });
  }
}

function hostIps(node: StoredObject): readonly string[] {
  const addresses = listOf(fieldsOf(node["status"])["addresses"]).map(fieldsOf);
  return addresses.filter(({ type }) => type === "InternalIP").map(({ address }) => String(address));
}

function podPrefixesOf(node: StoredObject): readonly Prefix[] {
  const { podCIDR, podCIDRs = podCIDR === undefined ? [] : [podCIDR] } = fieldsOf(node["spec"]);
  return listOf(podCIDRs).flatMap((text) => readPrefix(String(text)) ?? []);
}
