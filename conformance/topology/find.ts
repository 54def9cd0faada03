import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadTopology } from "./load.ts";
import { type Topology } from "./model.ts";

const SHIPPED = fileURLToPath(new URL("../../topologies", import.meta.url));

/** Names of the topologies that come with Assay. */
export function shippedTopologies(): readonly string[] {
  return readdirSync(SHIPPED, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** A shipped topology by name, or any folder. Throws TopologyError for what is in it, Error where there is none. */
export function findTopology(nameOrFolder: string): Topology {
  for (const folder of [join(SHIPPED, nameOrFolder), nameOrFolder]) {
    if (existsSync(join(folder, "topology.clab.yml"))) return loadTopology(folder);
  }
  throw new Error(
    `there is no topology "${nameOrFolder}": give a folder with a topology.clab.yml, or one of ${shippedTopologies().join(", ")}`,
  );
}
