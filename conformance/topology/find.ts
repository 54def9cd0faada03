import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { didYouMean } from "../../impl/api/schema/spelling.ts";
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

/** A person named a topology that is not there. */
export class UnknownTopology extends Error {
  override readonly name = "UnknownTopology";
}

/** A shipped topology by name, or any folder. Throws TopologyError for what is in it, UnknownTopology where there is none. */
export function findTopology(nameOrFolder: string): Topology {
  for (const folder of [join(SHIPPED, nameOrFolder), nameOrFolder]) {
    if (existsSync(join(folder, "topology.clab.yml"))) return loadTopology(folder);
  }
  const names = shippedTopologies();
  const meant = didYouMean(nameOrFolder, names);
  const hint = meant === undefined ? "" : ` (did you mean ${meant}?)`;
  throw new UnknownTopology(
    `there is no topology "${nameOrFolder}"${hint}: give a folder with a topology.clab.yml, or one of ${names.join(", ")}`,
  );
}
