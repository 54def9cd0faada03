// Worlds of network namespaces on this machine's kernel. Needs Linux, root, iproute2, ping and the socket addon.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism, constants } from "node:os";
import { ADDON } from "../../../impl/adapters/linux/native.ts";
import { inMillis } from "../../../impl/wire/time.ts";
import { type Topology } from "../../topology/model.ts";
import { type Capability } from "../../world.ts";
import { type Driver, type OpenWorld, type WorldOptions } from "../driver.ts";
import { KubeAdmin } from "../kube-admin.ts";
import { NetnsCluster } from "./cluster.ts";
import { suiteMissing } from "./create-suite.ts";
import { reap } from "./namespaces.ts";
import { missingKinds, unbuildable } from "./network.ts";
import { type SuiteName } from "./routing-suite.ts";
import { reapRunFolders } from "./run-folder.ts";
import { castShadow } from "./shadow.ts";
import { NetnsWorld } from "./world.ts";

/** Not frameFaults (the bridge delays and loses nothing on demand), clocks (namespaces share one), virtualTime. */
const CAPABILITIES: readonly Capability[] = [
  "processFaults",
  "pause",
  "powerOff",
  "hang",
  "links",
  "apiFaults",
  "kubernetes",
  "dataplane",
  "rawFrames",
  "routers",
  "rawBgp",
]; // prettier-ignore

const MOST_NODES = 10;

const TOOLS = [
  ["ip", "-V", "iproute2"],
  ["bridge", "-V", "iproute2"],
  ["sysctl", "-V", "procps"],
  ["ping", "-V", "iputils-ping"],
] as const;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const MERGE_PATCH = "application/merge-patch+json";

class NetnsDriver implements Driver {
  readonly name = "netns";
  readonly capabilities = new Set(CAPABILITIES);
  /** Worlds mostly wait, for timers of real length; a core or so is busy while one starts. */
  readonly parallel = 3 * availableParallelism();
  readonly #open = new Set<NetnsCluster>();
  readonly #suite: SuiteName;
  #missing: Promise<ReadonlySet<string>> | undefined;
  #worlds = 0;

  constructor(suite: SuiteName) {
    this.#suite = suite;
  }

  unavailable(): string | undefined {
    if (process.platform !== "linux") return `network namespaces need Linux, and this is ${process.platform}`;
    if (process.getuid?.() !== 0) return "network namespaces need root";
    for (const [command, flag, where] of TOOLS) {
      if (spawnSync(command, [flag]).error !== undefined) return `the command "${command}" is missing (${where})`;
    }
    if (!existsSync(ADDON)) return 'the socket addon is not built: run "node scripts/build-native.ts"';
    const probe = spawnSync("unshare", ["--net", "true"], { encoding: "utf8" });
    if (probe.status !== 0) return `this kernel gives no network namespace: ${probe.stderr || "unshare failed"}`.trim();
    return undefined;
  }

  async refuses(topology: Topology): Promise<string | undefined> {
    if (topology.nodes.length > MOST_NODES) {
      return `${topology.nodes.length} nodes are ${topology.nodes.length * 2} processes; netns takes ${MOST_NODES} nodes`;
    }
    this.#missing ??= this.#cleanUpBefore().then(missingKinds);
    const lacking = topology.stations.some(({ frr }) => frr !== undefined) ? suiteMissing(this.#suite) : undefined;
    return lacking ?? unbuildable(topology, await this.#missing);
  }

  async open(topology: Topology, options: WorldOptions): Promise<OpenWorld> {
    if (this.#worlds === 0) this.#cleanUpAtTheEnd();
    const cluster = new NetnsCluster(topology, options, ++this.#worlds, this.#suite);
    this.#open.add(cluster);
    try {
      await cluster.start();
    } catch (error) {
      await this.#close(cluster);
      throw error;
    }
    return {
      world: new NetnsWorld(cluster, adminOf(cluster)),
      close: async () => {
        await cluster.settle();
        const elapsed = cluster.clock.now();
        const violations = cluster.violations();
        await this.#close(cluster);
        const { tightest } = cluster.stage;
        const deadline =
          tightest === undefined
            ? []
            : [`${tightest.what}: ${inMillis(tightest.took).toFixed(0)} of ${inMillis(tightest.within).toFixed(0)} ms`];
        return {
          hash: undefined,
          lines: cluster.sim.trace.lines(),
          violations,
          elapsed,
          pcapng: options.capture ? cluster.sim.pcapng() : undefined,
          notes: [...cluster.notes, ...deadline],
        };
      },
    };
  }

  async #close(cluster: NetnsCluster): Promise<void> {
    await cluster.close();
    this.#open.delete(cluster);
  }

  /** What runs before this one left behind. */
  async #cleanUpBefore(): Promise<void> {
    await reap();
    reapRunFolders();
  }

  /** Namespaces outlive processes, so whatever ends this one takes them along. */
  #cleanUpAtTheEnd(): void {
    const abandon = (): void => {
      for (const cluster of this.#open) cluster.abandon();
      this.#open.clear();
    };
    process.once("exit", abandon);
    castShadow();
    for (const signal of SIGNALS) process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}

function adminOf(cluster: NetnsCluster): KubeAdmin {
  const { controlPlane, clock } = cluster;
  let writes = 0;
  controlPlane.server.onChange(() => {
    writes += 1;
  });
  return new KubeAdmin(
    async (method, path, body) =>
      clock.run(() => controlPlane.call(method, path, body, method === "PATCH" ? MERGE_PATCH : undefined)),
    () => {
      cluster.observe({ kind: "userAction" });
      cluster.observe({ kind: "disturbance", what: "objects changed" });
    },
    () => writes,
  );
}

/** `suite`: what routers run. */
export const createNetnsDriver = (suite: SuiteName = "frr"): Driver => new NetnsDriver(suite);
