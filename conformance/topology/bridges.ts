// The commands that containerlab leaves to its user: a node of kind bridge is a bridge that exists before the deployment.
import { type PortSpec, type Topology } from "./model.ts";

/** Linux takes the ageing time in hundredths of a second. */
const USER_HZ_PER_MICROS = 1e-4;

function portCommands(port: string, { isolated, access, trunk, mtu }: PortSpec): readonly string[] {
  const tagged = trunk.map((vlan) => `bridge vlan add dev ${port} vid ${vlan}`);
  return [
    ...(isolated ? [`bridge link set dev ${port} isolated on`] : []),
    ...(access !== undefined || trunk.length > 0 ? [`bridge vlan del dev ${port} vid 1`] : []),
    ...(access === undefined ? [] : [`bridge vlan add dev ${port} vid ${access} pvid untagged`]),
    ...tagged,
    ...(mtu === undefined ? [] : [`ip link set dev ${port} mtu ${mtu}`]),
  ];
}

/** A shell script in two halves: bridges before `containerlab deploy`, ports after it. */
export function bridgeCommands({ switches }: Topology, management: string): readonly string[] {
  const bridges = switches.filter((item) => item.name !== management);
  const before = bridges.flatMap(({ name: bridge, profile, ageing, ports }) => {
    const options = [
      ...(ageing === undefined ? [] : [`ageing_time ${Math.round(ageing * USER_HZ_PER_MICROS)}`]),
      ...([...ports.values()].some(({ access, trunk }) => access !== undefined || trunk.length > 0)
        ? ["vlan_filtering 1"]
        : []),
      // Without a querier nobody keeps the groups alive, and a snooping bridge floods.
      profile === "mld-snooping" ? "mcast_snooping 1 mcast_querier 1" : "mcast_snooping 0",
    ];
    return [`ip link add ${bridge} type bridge ${options.join(" ")}`, `ip link set ${bridge} up`];
  });
  const after = bridges.flatMap(({ ports }) => [...ports].flatMap(([port, spec]) => portCommands(port, spec)));
  return ["# Before containerlab deploy:", ...before, ...(after.length === 0 ? [] : ["# After it:", ...after])];
}
