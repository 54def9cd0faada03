// Builds the stations, switches and cables of a topology in a simulated world.
import { type Mac } from "../../../impl/wire/mac.ts";
import { type World } from "../../../sim/create-world.ts";
import { type Cable, connect } from "../../../sim/ethernet/cable.ts";
import { type Attachment } from "../../../sim/ethernet/faults.ts";
import { Switch } from "../../../sim/ethernet/switch.ts";
import { type PortVlans } from "../../../sim/ethernet/switch-port.ts";
import { SWITCH_PROFILES, type SwitchProfile } from "../../../sim/ethernet/switch-profile.ts";
import { Host } from "../../../sim/host/host.ts";
import { type Plug, type PortSpec, type Station, type SwitchSpec, type Topology } from "../../topology/model.ts";

/** A station's end of a cable. */
export interface Connection {
  readonly link: string;
  readonly cable: Cable;
  readonly end: "a" | "b";
  /** The switch or station at the other end. */
  readonly peer: string;
}

/** The network of a topology, built. */
export interface Wiring {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly switches: ReadonlyMap<string, Switch>;
  /** By station. */
  readonly connections: ReadonlyMap<string, readonly Connection[]>;
  /** Where a frame entered (`switch:port`) to who sent it. */
  readonly origins: ReadonlyMap<string, { readonly station: string; readonly link: string; readonly segment: string }>;
  /** Who has a MAC. */
  readonly macs: ReadonlyMap<Mac, { readonly station: string; readonly link: string }>;
  /** Names of the VRFs that stations have. */
  readonly vrfs: readonly string[];
}

function profileOf(spec: SwitchSpec): SwitchProfile {
  const known: Readonly<Record<string, SwitchProfile>> = SWITCH_PROFILES;
  const profile = known[spec.profile];
  if (profile === undefined) {
    throw new Error(
      `switch ${spec.name}: there is no profile "${spec.profile}", only ${Object.keys(known).join(", ")}`,
    );
  }
  return spec.ageing === undefined ? profile : { ...profile, ageing: spec.ageing };
}

function buildStation(world: World, station: Station): Host {
  const host = new Host(world, { name: station.name, neighbours: station.neighbours });
  for (const spec of station.interfaces) {
    host.addInterface({ name: spec.name, mac: spec.mac, mtu: spec.mtu, kind: spec.kind });
  }
  for (const spec of station.interfaces) {
    if (spec.master !== undefined) host.setMaster(spec.name, spec.master);
    for (const address of spec.addresses) host.addAddress(spec.name, address);
    if (spec.noArp) host.setNoArp(spec.name, true);
    if (!spec.up) host.setUp(spec.name, false);
  }
  for (const [name, value] of station.sysctls) host.sysctl(name, value);
  for (const route of station.routes) host.addRoute(route.prefix, route);
  return host;
}

function vlansOf({ access, trunk }: PortSpec): { readonly vlans?: PortVlans } {
  if (trunk.length > 0)
    return { vlans: { kind: "trunk", allowed: trunk, ...(access === undefined ? {} : { native: access }) } };
  return access === undefined ? {} : { vlans: { kind: "access", vlan: access } };
}

/** Two switches with a cable between them are one segment, named after the first. */
function segmentsOf(topology: Topology): ReadonlyMap<string, string> {
  const names = topology.switches.map(({ name }) => name);
  const segment = new Map(names.map((name) => [name, name]));
  for (const [a, b] of topology.cables) {
    const [left, right] = [segment.get(a.name), segment.get(b.name)];
    if (left === undefined || right === undefined) continue;
    for (const name of names) if (segment.get(name) === right) segment.set(name, left);
  }
  return segment;
}

export function buildNetwork(world: World, topology: Topology): Wiring {
  const hosts = new Map(topology.stations.map((station) => [station.name, buildStation(world, station)]));
  const switches = new Map(topology.switches.map((spec) => [spec.name, new Switch(world, spec.name, profileOf(spec))]));
  const specs = new Map(topology.switches.map((spec) => [spec.name, spec]));
  const segments = segmentsOf(topology);
  const connections = new Map<string, Connection[]>(topology.stations.map(({ name }) => [name, []]));
  const origins = new Map<string, { station: string; link: string; segment: string }>();
  const socket = ({ name, port }: Plug): Parameters<typeof connect>[1] => {
    const device = switches.get(name) ?? hosts.get(name)?.device(port);
    if (device === undefined) throw new Error(`nothing is called ${name}:${port}`);
    return { device, port, name };
  };
  for (const [a, b] of topology.cables) {
    const cable = connect(world, socket(a), socket(b));
    for (const [plug, end, peer] of [[a, "a", b] as const, [b, "b", a] as const]) {
      const spec = specs.get(plug.name)?.ports.get(plug.port);
      switches.get(plug.name)?.plug(plug.port, cable[end], {
        ...(spec?.isolated === true ? { isolated: true } : {}),
        ...(spec?.mtu === undefined ? {} : { mtu: spec.mtu }),
        ...(spec === undefined ? {} : vlansOf(spec)),
      });
      hosts.get(plug.name)?.plug(plug.port, cable[end]);
      connections.get(plug.name)?.push({ link: plug.port, cable, end, peer: peer.name });
      if (hosts.has(plug.name)) {
        const segment = segments.get(peer.name) ?? cable.name;
        origins.set(`${peer.name}:${peer.port}`, { station: plug.name, link: plug.port, segment });
      }
    }
  }
  const macs = new Map<Mac, { station: string; link: string }>();
  for (const station of topology.stations) {
    // Later interfaces win: a VLAN has its parent's MAC and is where the address lives.
    for (const { name, mac } of station.interfaces) macs.set(mac, { station: station.name, link: name });
  }
  const devices = topology.stations.flatMap(({ interfaces }) => interfaces);
  const vrfs = [...new Set(devices.flatMap(({ kind, name }) => (kind.kind === "vrf" ? [name] : [])))];
  return { hosts, switches, connections, origins, macs, vrfs };
}

/** All cables of some stations, as fault rules want them. */
export function attachmentsOf(wiring: Wiring, stations: readonly string[]): readonly Attachment[] {
  return stations.flatMap((name) => {
    const macs = [...wiring.macs].filter(([, owner]) => owner.station === name).map(([mac]) => mac);
    return (wiring.connections.get(name) ?? []).map(({ cable, end }) => ({ cable, end, macs }));
  });
}
