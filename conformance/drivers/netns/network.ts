// Builds a topology out of network namespaces: one for each station, one with a kernel bridge for each switch, veth pairs.
import { type Mac } from "../../../impl/wire/mac.ts";
import { inMillis, inSeconds } from "../../../impl/wire/time.ts";
import { type Plug, type PortSpec, type Station, type SwitchSpec, type Topology } from "../../topology/model.ts";
import { ipBatch, run } from "./command.ts";
import { addNamespaces, namespaceName, removeNamespaces, removeNamespacesNow } from "./namespaces.ts";

/** A station's end of a cable, and the port of the switch at the other end. */
export interface Connection {
  readonly link: string;
  readonly peer: Device;
}

/** An interface in a namespace. */
export interface Device {
  readonly namespace: string;
  readonly device: string;
}

/** A switch port that a station hangs on: frames from that station come in there. */
export interface Entrance extends Device {
  /** `switch:port`, as in every capture. */
  readonly point: string;
  readonly station: string;
  readonly link: string;
  readonly segment: string;
}

/** Switch profiles that the kernel's bridge can play. */
const PROFILES: ReadonlySet<string> = new Set(["linux-bridge", "hardware-300s", "mld-snooping", "no-unknown-flood"]);

/** Kernels are often built without these; `ip link add type KIND` says "Unknown device type". */
const OPTIONAL_KINDS = ["bond", "vlan", "vrf"] as const;

const BRIDGE = "switch";

/** Kinds of interface that this kernel does not have. */
export async function missingKinds(): Promise<ReadonlySet<string>> {
  const missing = new Set<string>();
  const namespace = namespaceName(0, "probe");
  await addNamespaces([namespace]);
  for (const kind of OPTIONAL_KINDS) {
    const parent = kind === "vlan" ? ["link", "lo"] : [];
    const options = kind === "vlan" ? ["id", "2"] : kind === "vrf" ? ["table", "2"] : [];
    const attempt = run("ip", ["-n", namespace, "link", "add", ...parent, "name", "probe0", "type", kind, ...options]);
    // Any other refusal than this one means that the kernel knows the kind.
    await attempt.catch((error: unknown) => {
      if (String(error).includes("Unknown device type")) missing.add(kind);
    });
    await run("ip", ["-n", namespace, "link", "del", "probe0"]).catch(() => {});
  }
  await removeNamespaces([namespace]);
  return missing;
}

/** Why a topology cannot be built here; undefined where it can. */
export function unbuildable(topology: Topology, missing: ReadonlySet<string>): string | undefined {
  for (const { name, interfaces } of topology.stations) {
    const lacking = interfaces.find(({ kind }) => missing.has(kind.kind));
    if (lacking !== undefined) return `this kernel has no ${lacking.kind.kind} interfaces, and ${name} has one`;
  }
  for (const { name, profile, ports } of topology.switches) {
    if (!PROFILES.has(profile)) return `the kernel's bridge cannot play the profile ${profile} of ${name}`;
    const tagged = [...ports.values()].some(({ access, trunk }) => access !== undefined || trunk.length > 0);
    if (tagged && missing.has("vlan")) return `this kernel has no VLANs, and ${name} has`;
  }
  return undefined;
}

function segmentsOf(topology: Topology): ReadonlyMap<string, string> {
  const names = topology.switches.map(({ name }) => name);
  const segments = new Map(names.map((name) => [name, name]));
  for (const [a, b] of topology.cables) {
    const [left, right] = [segments.get(a.name), segments.get(b.name)];
    if (left === undefined || right === undefined) continue;
    for (const name of names) if (segments.get(name) === right) segments.set(name, left);
  }
  return segments;
}

/** What a station's kernel is told before its interfaces come up. */
const SYSCTLS: readonly (readonly [string, string])[] = [
  // Addresses are usable at once: a topology rejects duplicates when it is read.
  ["net.ipv6.conf.default.accept_dad", "0"],
  ["net.ipv6.conf.default.accept_ra", "0"],
  // A cable that loses carrier costs no address.
  ["net.ipv6.conf.default.keep_addr_on_down", "1"],
  ["net.ipv6.conf.all.keep_addr_on_down", "1"],
];

/** As kube-proxy with strictARP sets them: addresses of Services on `lo` are not answered for by the kernel. */
const NODE_SYSCTLS: readonly (readonly [string, string])[] = [
  ["net.ipv4.conf.all.arp_ignore", "1"],
  ["net.ipv4.conf.all.arp_announce", "2"],
  ["net.ipv4.ip_forward", "1"],
  ["net.ipv6.conf.all.forwarding", "1"],
];

const ROUTER_SYSCTLS: readonly (readonly [string, string])[] = [
  ["net.ipv4.ip_forward", "1"],
  ["net.ipv6.conf.all.forwarding", "1"],
];

/** A switch does not look into packets: br_netfilter, where it is loaded, would drop those that end too early. */
const BRIDGE_SYSCTLS: readonly (readonly [string, string])[] = [
  ["net.bridge.bridge-nf-call-arptables", "0"],
  ["net.bridge.bridge-nf-call-iptables", "0"],
  ["net.bridge.bridge-nf-call-ip6tables", "0"],
];

export class Network {
  readonly topology: Topology;
  readonly entrances: readonly Entrance[];
  readonly #world: number;
  readonly #devices = new Map<string, Device>();
  readonly #connections = new Map<string, Connection[]>();

  /** Build it next. `world` tells the worlds of one process apart. */
  constructor(topology: Topology, world: number) {
    this.topology = topology;
    this.#world = world;
    const stations = new Set(topology.stations.map(({ name }) => name));
    const segments = segmentsOf(topology);
    const entrances: Entrance[] = [];
    for (const [index, [a, b]] of topology.cables.entries()) {
      for (const plug of [a, b]) {
        // Ports may be called as interfaces may not: a port of the management network has a station's name.
        const device = stations.has(plug.name) ? plug.port : `p${index}`;
        this.#devices.set(keyOf(plug), { namespace: this.namespace(plug.name), device });
      }
      for (const [own, other] of [[a, b] as const, [b, a] as const]) {
        if (!stations.has(own.name)) continue;
        const peer = this.device(other);
        this.#connections.set(own.name, [...this.connections(own.name), { link: own.port, peer }]);
        const segment = segments.get(other.name);
        if (segment === undefined) continue;
        const point = `${other.name}:${other.port}`;
        entrances.push({ ...peer, point, station: own.name, link: own.port, segment });
      }
    }
    this.entrances = entrances;
  }

  namespace(name: string): string {
    return namespaceName(this.#world, name);
  }

  device(plug: Plug): Device {
    const device = this.#devices.get(keyOf(plug));
    if (device === undefined) throw new Error(`nothing is called ${keyOf(plug)} in ${this.topology.name}`);
    return device;
  }

  isSwitch(namespace: string): boolean {
    return this.topology.switches.some(({ name }) => this.namespace(name) === namespace);
  }

  isRouter(namespace: string): boolean {
    return this.topology.stations.some(({ name, role }) => role === "router" && this.namespace(name) === namespace);
  }

  /** Cables of a station. */
  connections(station: string): readonly Connection[] {
    return this.#connections.get(station) ?? [];
  }

  /** Who has a MAC; later interfaces win, as a VLAN has its parent's MAC and is where the address lives. */
  owners(): ReadonlyMap<Mac, { readonly station: string; readonly link: string }> {
    return new Map(
      this.topology.stations.flatMap(({ name: station, interfaces }) =>
        interfaces.map(({ mac, name: link }) => [mac, { station, link }] as const),
      ),
    );
  }

  #names(): readonly string[] {
    const { stations, switches } = this.topology;
    return [...stations, ...switches].map(({ name }) => this.namespace(name));
  }

  async build(): Promise<void> {
    const { topology } = this;
    await addNamespaces(this.#names());
    await Promise.all(topology.stations.map((station) => this.#setSysctls(station)));
    await ipBatch(
      undefined,
      topology.cables.map(([a, b]) => this.#cable(a, b)),
    );
    await Promise.all([
      ...topology.switches.map((spec) => this.#buildSwitch(spec)),
      ...topology.stations.map(async (station) => {
        await ipBatch(this.namespace(station.name), stationLines(station, this.connections(station.name)));
        await this.#setNeighbours(station);
      }),
    ]);
  }

  async remove(): Promise<void> {
    await removeNamespaces(this.#names());
  }

  /** As remove, before this returns. */
  removeNow(): void {
    removeNamespacesNow(this.#names());
  }

  #cable(a: Plug, b: Plug): string {
    const [left, right] = [this.device(a), this.device(b)];
    return `link add name ${left.device} netns ${left.namespace} type veth peer name ${right.device} netns ${right.namespace}`;
  }

  async #setSysctls({ name, role, sysctls }: Station): Promise<void> {
    const own = role === "node" ? NODE_SYSCTLS : role === "router" ? ROUTER_SYSCTLS : [];
    await writeSysctls(this.namespace(name), [...SYSCTLS, ...own, ...sysctls]);
  }

  /** A router keeps an entry this long without asking again; the kernel comes near to it. */
  async #setNeighbours({ name, neighbours: { timeout }, interfaces }: Station): Promise<void> {
    if (timeout === undefined) return;
    const reachable = String(Math.round(inMillis(timeout)));
    const values = interfaces.flatMap(({ name: link }) =>
      ["ipv4", "ipv6"].map((family) => [`net.${family}.neigh.${link}.base_reachable_time_ms`, reachable] as const),
    );
    await writeSysctls(this.namespace(name), values);
  }

  async #buildSwitch(spec: SwitchSpec): Promise<void> {
    const namespace = this.namespace(spec.name);
    const ports = this.topology.cables.flatMap((cable) => cable.filter(({ name }) => name === spec.name));
    await ipBatch(
      namespace,
      switchLines(
        spec,
        ports.map((plug) => this.device(plug).device),
      ),
    );
    await writeSysctls(namespace, BRIDGE_SYSCTLS, ["-e"]);
    const settings = ports.flatMap((plug) => {
      const options = portOptions(spec, spec.ports.get(plug.port));
      return options.length === 0 ? [] : [`link set dev ${this.device(plug).device} ${options.join(" ")}`];
    });
    if (settings.length > 0) await run("bridge", ["-n", namespace, "-batch", "-"], `${settings.join("\n")}\n`);
  }
}

const keyOf = ({ name, port }: Plug): string => `${name}:${port}`;

async function writeSysctls(
  namespace: string,
  values: readonly (readonly [string, string])[],
  flags: readonly string[] = [],
): Promise<void> {
  await run("ip", [
    "netns",
    "exec",
    namespace,
    "sysctl",
    "-q",
    ...flags,
    "-w",
    ...values.map(([name, value]) => `${name}=${value}`),
  ]);
}

function switchLines({ profile, ageing, ports: specs }: SwitchSpec, ports: readonly string[]): readonly string[] {
  const snooping = profile === "mld-snooping" ? "mcast_snooping 1 mcast_querier 1" : "mcast_snooping 0";
  const hundredths = ageing === undefined ? "" : ` ageing_time ${Math.round(inSeconds(ageing) * 100)}`;
  const mtus = new Map([...specs].map(([port, { mtu }]) => [port, mtu]));
  return [
    `link add name ${BRIDGE} type bridge stp_state 0 forward_delay 0 ${snooping}${hundredths}`,
    ...ports.map((port) => `link set ${port} master ${BRIDGE} mtu ${mtus.get(port) ?? 1500} up`),
    `link set ${BRIDGE} up`,
  ];
}

function portOptions({ profile }: SwitchSpec, spec: PortSpec | undefined): readonly string[] {
  return [
    ...(spec?.isolated === true ? ["isolated on"] : []),
    ...(profile === "no-unknown-flood" ? ["flood off"] : []),
  ];
}

/** In the order of the topology: masters and parents come first there. */
function stationLines({ interfaces, routes }: Station, connections: readonly Connection[]): readonly string[] {
  const cabled = new Set(connections.map(({ link }) => link));
  return [
    "link set lo up",
    ...interfaces.flatMap(({ name, kind, mac, mtu, up, noArp, master, addresses }) => {
      const vlan = kind.kind === "vlan" ? `link add link ${kind.parent} name ${name} type vlan id ${kind.id}` : "";
      const made = kind.kind === "bond" ? `link add name ${name} type bond mode active-backup miimon 100` : "";
      const bridge = kind.kind === "bridge" ? `link add name ${name} type bridge stp_state 0` : "";
      const vrf = kind.kind === "vrf" ? `link add name ${name} type vrf table ${kind.table}` : "";
      const add = cabled.has(name) ? [] : [vlan, made, bridge, vrf].filter((line) => line !== "");
      return [
        ...add,
        `link set ${name} address ${mac} mtu ${mtu}${noArp ? " arp off" : ""}`,
        ...(master === undefined ? [] : [`link set ${name} master ${master}`]),
        ...addresses.map(({ ip, length }) => `address add ${ip}/${length} dev ${name}`),
        ...(up ? [`link set ${name} up`] : []),
      ];
    }),
    ...routes.map(
      ({ prefix, via, device, vrf }) =>
        `route add ${prefix}${via === undefined ? "" : ` via ${via}`}${device === undefined ? "" : ` dev ${device}`}${vrf === undefined ? "" : ` vrf ${vrf}`}`,
    ),
  ];
}
