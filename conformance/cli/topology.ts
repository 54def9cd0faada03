// assay topology: what a topology means, and the commands that make its bridges for containerlab.
import { describeTopology } from "../topology/describe.ts";
import { bridgeCommands } from "../topology/bridges.ts";
import { findTopology, shippedTopologies } from "../topology/find.ts";
import { MANAGEMENT } from "../topology/load.ts";
import { type Topology } from "../topology/model.ts";
import { table } from "./output.ts";

export interface TopologyFlags {
  readonly json?: boolean;
  readonly bridges?: boolean;
}

const asJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (part instanceof Map ? Object.fromEntries(part) : part), 1);

/** Those that speak BGP. */
const routersOf = ({ stations }: Topology): readonly { readonly name: string; readonly asns: readonly number[] }[] =>
  stations.flatMap(({ name, frr }) => (frr === undefined ? [] : { name, asns: frr.config.bgp.map(({ asn }) => asn) }));

/** Without a name it lists the topologies that come with Assay. */
export function topologyCommand(name: string | undefined, flags: TopologyFlags): number {
  if (name === undefined) {
    const all = shippedTopologies().map(findTopology);
    const rows = all.map((topology) => {
      const { name: own, nodes, clients, about } = topology;
      const routers = routersOf(topology).map((router) => router.name);
      return [own, String(nodes.length), clients.join(", "), routers.join(", "), about];
    });
    const summary = all.map((topology) => {
      const { name: own, about, nodes, clients } = topology;
      return { name: own, about, nodes, clients, routers: routersOf(topology) };
    });
    const head = ["NAME", "NODES", "CLIENTS", "ROUTERS", "WHAT IT IS"];
    console.log(flags.json === true ? asJson(summary) : table([head, ...rows]));
    return 0;
  }
  const topology = findTopology(name);
  if (flags.bridges === true) console.log(bridgeCommands(topology, MANAGEMENT).join("\n"));
  else if (flags.json === true) console.log(asJson(topology));
  else console.log(describeTopology(topology, MANAGEMENT).join("\n"));
  return 0;
}
