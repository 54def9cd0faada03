import { millis, seconds, type Micros } from "../../../impl/wire/time.ts";
import { type ControlPlane } from "../control-plane.ts";
import { ClusterApi } from "./cluster-api.ts";
import { DeploymentController } from "./deployments.ts";
import { EndpointSliceController } from "./endpoint-slices.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import { Kubelets } from "./kubelet.ts";
import { NodeHealth } from "./node-health.ts";
import { NodeLifecycle } from "./node-lifecycle.ts";
import { PodScheduler } from "./scheduler.ts";

export interface ControllerTimes {
  /** From a change to a controller's answer to it. */
  readonly reaction?: Micros;
  /** From a Pod's binding to a node to its being ready. */
  readonly podStart?: Micros;
  /** From a Pod's deletion to its end. */
  readonly podStop?: Micros;
}

/** What the world outside tells the control plane. */
export interface ClusterInputs {
  /** Whether the kubelet of a node is heard. A node is heard unless said otherwise. */
  setNodeAlive(node: string, alive: boolean): void;
}

/** Everything beside the API server that keeps a cluster running: workloads, scheduling, kubelets, endpoints, garbage. */
export function addControllers(plane: ControlPlane, times: ControllerTimes = {}): ClusterInputs {
  const { reaction = millis(10), podStart = seconds(1), podStop = seconds(1) } = times;
  const api = new ClusterApi(plane.server, plane.storage, () => plane.now());
  const health = new NodeHealth();
  plane.add(new DeploymentController(api, reaction));
  plane.add(new PodScheduler(api, reaction));
  plane.add(new Kubelets(api, health, { podStart, podStop, reaction }));
  plane.add(new NodeLifecycle(api, health, reaction));
  plane.add(new EndpointSliceController(api, reaction));
  plane.add(new GarbageCollector(api, plane.server, plane.storage, reaction));
  return {
    setNodeAlive(node, alive) {
      health.set(node, alive, plane.now().monotonic);
      plane.arm();
    },
  };
}
