import { type SpeakerProcess } from "../../../impl/shell/speaker-process.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { trapRealTime } from "../../../sim/trap.ts";
import { type Topology } from "../../topology/model.ts";
import { type Capability } from "../../world.ts";
import { type Driver, type OpenWorld } from "../driver.ts";
import { backwards, KubeAdmin } from "../kube-admin.ts";
import { SimCluster, type SimOptions } from "./cluster.ts";
import { SimulatedWorld } from "./world.ts";

/** Everything: whatever a scenario needs can be simulated. */
const CAPABILITIES: readonly Capability[] = [
  "processFaults",
  "pause",
  "powerOff",
  "hang",
  "links",
  "frameFaults",
  "clocks",
  "apiFaults",
  "kubernetes",
  "dataplane",
  "rawFrames",
  "rawBgp",
  "rawDatagrams",
  "routers",
  "flowPaths",
  "resources",
  "virtualTime",
];

/** A simulated world with its clock in the caller's hand. */
export interface Simulation extends OpenWorld {
  advance(to: Micros): Promise<void>;
  /** The speaker of a node, for what it can tell of itself, and the time as its node has it; undefined while none runs. */
  speaker(node: string): { readonly process: SpeakerProcess; readonly now: Micros } | undefined;
}

const MERGE_PATCH = "application/merge-patch+json";

export async function openSimulation(topology: Topology, options: SimOptions): Promise<Simulation> {
  const trap = trapRealTime(globalThis);
  try {
    const cluster = new SimCluster(topology, options);
    const { server } = cluster.controlPlane;
    let writes = 0;
    server.onChange(() => {
      writes += 1;
    });
    cluster.boot();
    const admin = new KubeAdmin(
      async (method, path, body) => {
        return cluster.controlPlane.call(method, path, body, method === "PATCH" ? MERGE_PATCH : undefined);
      },
      () => {
        cluster.observe({ kind: "userAction" });
        cluster.disturb("objects change");
      },
      () => writes,
      options.shuffle ? backwards : undefined,
    );
    const world = new SimulatedWorld(cluster, admin);
    return {
      world,
      async advance(to) {
        cluster.sim.scheduler.advance(to);
      },
      speaker(node) {
        const { process } = cluster.speaker(node);
        return process === undefined ? undefined : { process, now: cluster.host(node).clock.now().monotonic };
      },
      async close() {
        try {
          cluster.settle();
        } finally {
          trap[Symbol.dispose]();
        }
        return {
          hash: cluster.sim.trace.hash(),
          lines: cluster.sim.trace.lines(),
          violations: cluster.referee.violations(),
          elapsed: cluster.sim.scheduler.now,
          pcapng: options.capture ? cluster.sim.pcapng() : undefined,
        };
      },
    };
  } catch (error) {
    trap[Symbol.dispose]();
    throw error;
  }
}

export const simDriver: Driver = {
  name: "sim",
  capabilities: new Set(CAPABILITIES),
  unavailable: () => undefined,
  open: openSimulation,
};
