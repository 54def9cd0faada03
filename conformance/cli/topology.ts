// assay topology: what a topology means, and the commands that make its bridges for containerlab.
import { describeTopology } from "../topology/describe.ts";
import { bridgeCommands } from "../topology/bridges.ts";
import { findTopology, shippedTopologies } from "../topology/find.ts";
import { MANAGEMENT } from "../topology/load.ts";
import { table } from "./output.ts";

export interface TopologyFlags {
  readonly json?: boolean;
  readonly bridges?: boolean;
}

const asJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (part instanceof Map ? Object.fromEntries(part) : part), 1);

/** Without a name it lists the topologies that come with Assay. */
export function topologyCommand(name: string | undefined, flags: TopologyFlags): number {
  if (name === undefined) {
    const all = shippedTopologies().map(findTopology);
    const rows = all.map(({ name: own, nodes, clients, about }) => [
      own,
      String(nodes.length),
      clients.join(", "),
      about,
    ]);
    const summary = all.map(({ name: own, about, nodes, clients }) => ({ name: own, about, nodes, clients }));
    console.log(flags.json === true ? asJson(summary) : table([["NAME", "NODES", "CLIENTS", "WHAT IT IS"], ...rows]));
    return 0;
  }
  const topology = findTopology(name);
  if (flags.bridges === true) console.log(bridgeCommands(topology, MANAGEMENT).join("\n"));
  else if (flags.json === true) console.log(asJson(topology));
  else console.log(describeTopology(topology, MANAGEMENT).join("\n"));
  return 0;
}
