import { type Link } from "../../impl/ports.ts";
import { type Ip, isIpv4 } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import {
  type InterfaceAddress,
  maskTo,
  parseInterfaceAddress,
  parsePrefix,
  type Prefix,
} from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type CableEnd } from "../ethernet/device.ts";
import { type SimWorld } from "../world.ts";
import { Devices, type InterfaceSpec, LOOPBACK } from "./devices.ts";
import { type IpPacket } from "./hooks.ts";
import { Interface, linkLocalOf } from "./interface.ts";
import { type Routing } from "./ip-layer.ts";
import { type Kernel } from "./kernel.ts";
import { KernelTimers } from "./kernel-timers.ts";
import { LocalAddresses } from "./local-addresses.ts";
import { type NeighbourParameters, type NeighbourProfile, parametersOf } from "./neighbour-parameters.ts";
import { type DeviceOwner, type NetworkDevice } from "./network-device.ts";
import { type Tuple } from "./conntrack-tuple.ts";
import { hashOfTuple, linuxMultipath, type MultipathSettings } from "./multipath.ts";
import { type NextHop } from "./next-hop.ts";
import { isValid } from "./nud.ts";
import { RouteTables } from "./route-tables.ts";
import { type Route, type RouteProtocol, RouteTable } from "./routes.ts";
import { createSelector } from "./selector.ts";
import { CONF4, CONF6, type Conf4, type Conf6, readSetting, type Setting } from "./sysctl.ts";

/** What an interface is given when it is made. */
interface Defaults {
  readonly conf4: Conf4;
  readonly conf6: Conf6;
  neighbours: Record<"ipv4" | "ipv6", NeighbourParameters>;
}

export interface RouteTarget {
  readonly via?: Ip | undefined;
  readonly device?: string | undefined;
  readonly metric?: number;
  /** `ip route add … vrf red`. */
  readonly vrf?: string | undefined;
}

/** Where a routing daemon wants packets to go. */
export interface DaemonRoute {
  /** In the order in which selectors see them. */
  readonly nextHops: readonly { readonly via?: Ip; readonly device: string; readonly weight?: number }[];
  /** 20 unless told, as FRR's zebra installs. */
  readonly metric?: number;
  readonly vrf?: string | undefined;
}

const DAEMON_METRIC = 20;

/** What `ip link`, `ip address`, `ip route` and `sysctl` configure; what runs on it is in Host. */
export abstract class NetworkNamespace implements Kernel, DeviceOwner {
  readonly name: string;
  readonly world: SimWorld;
  readonly timers: KernelTimers;
  protected readonly interfaces = new Map<string, Interface>();
  protected readonly tables: RouteTables;
  readonly #devices: Devices;
  readonly #byDevice = new Map<NetworkDevice, Interface>();
  readonly #local = new LocalAddresses();
  readonly #defaults: Defaults;
  readonly #listeners = new Set<() => void>();
  #multipath: MultipathSettings;

  constructor(world: SimWorld, name: string, profile: NeighbourProfile) {
    this.name = name;
    this.world = world;
    this.timers = new KernelTimers(world.scheduler);
    const neighbours = { ipv4: parametersOf(profile, "ipv4"), ipv6: parametersOf(profile, "ipv6") };
    this.#defaults = { conf4: { ...CONF4 }, conf6: { ...CONF6 }, neighbours };
    this.#devices = new Devices(this, this, (bond) => {
      this.trace("link", `${bond.name} failover`);
      this.#announce(bond);
    });
    this.#multipath = linuxMultipath(Math.floor(world.random(`${name}/multipath`).next() * 2 ** 32));
    this.tables = new RouteTables(() => this.#createTable());
    this.#addIp(this.#devices.addLoopback());
    this.addAddress(LOOPBACK, "127.0.0.1/8");
    this.addAddress(LOOPBACK, "::1/128");
  }

  /** What the IP layer asks for the way. */
  protected routing(): Routing {
    const multipath = (): MultipathSettings => this.#multipath;
    return {
      tables: this.tables,
      get multipath() {
        return multipath();
      },
    };
  }

  #createTable(): RouteTable {
    const now = (): Micros => this.world.scheduler.now;
    return new RouteTable({
      get now() {
        return now();
      },
      isUsable: (device, protocol) => this.#isUsable(device, protocol),
      isGood: (nextHop) => this.#multipath.passOverSilent !== true || this.#mayAnswer(nextHop),
      createSelector: () => createSelector(this.#multipath.selector),
    });
  }

  /** A route whose interface has no carrier stays in use, but next hop objects, which daemons install, go with it. */
  #isUsable(name: string, protocol: RouteProtocol): boolean {
    const device = this.interfaces.get(name)?.device;
    return (protocol === "daemon" ? device?.running : device?.up) ?? false;
  }

  /** ipv4_good_nh and ipv6_good_nh: of whom nothing is known may answer. */
  #mayAnswer({ device, via }: NextHop): boolean {
    const link = this.interfaces.get(device);
    if (via === undefined || link === undefined) return true;
    const known = (isIpv4(via) ? link.arp : link.ndp).table.get(via);
    return known === undefined || isValid(known);
  }

  abstract readonly alive: boolean;
  /** A frame for the IP layer of `link`. */
  protected abstract frame(link: Interface, frame: Uint8Array, toAll: boolean): void;
  abstract hostUnreachable(packet: IpPacket, link: string): void;

  trace(what: string, detail: string): void {
    this.world.trace.write(this.name, what, detail);
  }

  addInterface(spec: InterfaceSpec): NetworkDevice {
    const device = this.#devices.add(spec);
    const added = this.#addIp(device);
    if (spec.kind?.kind === "vrf") {
      // drivers/net/vrf.c: IFF_NOARP; addrconf_addr_gen gives L3 masters no link-local address.
      this.tables.addVrf(spec.name, spec.kind.table);
      added.noArp = true;
    } else {
      this.#assign(spec.name, { ip: linkLocalOf(spec.mac), length: 64 });
    }
    this.#linksChanged();
    return device;
  }

  #addIp(device: NetworkDevice): Interface {
    const { conf4, conf6, neighbours } = this.#defaults;
    const options = {
      conf4: { ...conf4 },
      conf6: { ...conf6 },
      neighbours4: neighbours.ipv4,
      neighbours6: neighbours.ipv6,
    };
    const added = new Interface(this, device, options);
    this.interfaces.set(device.name, added);
    this.#byDevice.set(device, added);
    return added;
  }

  removeInterface(name: string): void {
    const removed = this.interface(name);
    for (const member of this.tables.isVrf(name) ? this.tables.membersOf(name) : []) this.setMaster(member, undefined);
    this.#devices.remove(name);
    for (const { ip } of removed.addresses) this.#local.remove(ip, this.vrfOf(name));
    this.#routesLeave(name);
    if (this.tables.isVrf(name)) this.tables.removeVrf(name);
    else this.tables.enslave(name, undefined);
    this.interfaces.delete(name);
    this.#byDevice.delete(removed.device);
    this.#linksChanged();
  }

  renameInterface(name: string, to: string): void {
    const renamed = this.interface(name);
    this.#devices.rename(name, to);
    this.interfaces.delete(name);
    this.interfaces.set(to, renamed);
    this.tables.rename(name, to);
    const moved = (hop: NextHop): NextHop => (hop.device === name ? { ...hop, device: to } : hop);
    this.#rewriteRoutes(name, (nextHops) => nextHops.map(moved));
    this.#linksChanged();
  }

  /** A route that has no next hop left is gone. */
  #routesLeave(device: string): void {
    this.#rewriteRoutes(device, (nextHops) => nextHops.filter((hop) => hop.device !== device));
  }

  #rewriteRoutes(device: string, rewrite: (nextHops: readonly NextHop[]) => readonly NextHop[]): void {
    const uses = ({ nextHops }: Route): boolean => nextHops.some((hop) => hop.device === device);
    for (const table of this.tables.all()) {
      const old = table.routes().filter(uses);
      table.removeWhere(uses);
      for (const route of old) {
        const nextHops = rewrite(route.nextHops);
        if (nextHops.length > 0) table.add({ ...route, nextHops });
      }
    }
  }

  setMac(name: string, mac: Mac): void {
    this.interface(name).setMac(mac);
    this.#linksChanged();
  }

  /** `ip link set NAME arp off`, and on again. */
  setNoArp(name: string, noArp: boolean): void {
    this.interface(name).noArp = noArp;
    this.#linksChanged();
  }

  /** `ip link set NAME master MASTER`. */
  setMaster(name: string, master: string | undefined): void {
    this.#devices.setMaster(name, master);
    this.interface(name).macChanged();
    this.#moveToVrf(name, master !== undefined && this.tables.isVrf(master) ? master : undefined);
    this.#linksChanged();
  }

  /** The addresses and connected routes go along; other routes through the interface are gone, as it went down for a moment. */
  #moveToVrf(name: string, vrf: string | undefined): void {
    const before = this.tables.vrfOf(name);
    if (before === vrf) return;
    const { addresses } = this.interface(name);
    this.#routesLeave(name);
    this.tables.enslave(name, vrf);
    for (const address of addresses) {
      this.#local.remove(address.ip, before);
      this.#local.add(address.ip, vrf);
      this.#addConnected(name, address);
    }
  }

  /** The administrator's up and down; the carrier is the cable's. */
  setUp(name: string, up: boolean): void {
    this.interface(name).device.setUp(up);
    this.#linksChanged();
  }

  /** The device to plug a cable into, and its end of the cable. */
  device(name: string): NetworkDevice | undefined {
    return this.#devices.get(name);
  }

  hasDevice(name: string): boolean {
    return this.interfaces.has(name);
  }

  /** The VRF that an interface belongs to; a VRF belongs to itself. */
  vrfOf(link: string): string | undefined {
    return this.tables.vrfOf(link);
  }

  /** The VRF of `ip link add NAME type vrf table NUMBER`. */
  vrfOfTable(number: number): string | undefined {
    return this.tables.vrfOfTable(number);
  }

  plug(name: string, end: CableEnd): void {
    this.interface(name).device.attach(end);
  }

  findInterface(name: string): Interface | undefined {
    return this.interfaces.get(name);
  }

  /** ConfigError where there is none. */
  interface(name: string): Interface {
    const found = this.#byDevice.get(this.#devices.require(name));
    if (found === undefined) throw new Error(`${this.name}: ${name} has no IP layer`);
    return found;
  }

  /** Adds an address and the route to its subnet. */
  addAddress(name: string, address: string | InterfaceAddress): void {
    this.#assign(name, typeof address === "string" ? parseInterfaceAddress(address) : address);
    this.#linksChanged();
  }

  #assign(name: string, address: InterfaceAddress): void {
    const owner = this.interface(name);
    if (owner.hasAddress(address.ip)) return;
    owner.addAddress(address);
    this.#local.add(address.ip, this.vrfOf(name));
    this.#addConnected(name, address);
  }

  #addConnected(name: string, { ip, length }: InterfaceAddress): void {
    if (name === LOOPBACK) return;
    const nextHops = [{ device: name, via: undefined, weight: 1 }];
    this.tables.for(name).add({ prefix: maskTo(ip, length), nextHops, metric: 0, protocol: "kernel" });
  }

  removeAddress(name: string, ip: Ip): void {
    const owner = this.interface(name);
    const address = owner.addresses.find((candidate) => candidate.ip === ip);
    if (address === undefined) return;
    owner.removeAddress(ip);
    this.#local.remove(ip, this.vrfOf(name));
    const prefix = maskTo(ip, address.length);
    const used = owner.addresses.some((other) => maskTo(other.ip, other.length) === prefix);
    const isConnected = ({ protocol, nextHops: [hop] }: Route): boolean =>
      protocol === "kernel" && hop?.device === name;
    if (!used) this.tables.for(name).removeWhere(isConnected, prefix);
    this.#linksChanged();
  }

  /** `ip route add`. Without a device it is the one that leads to `via`. */
  addRoute(prefix: string, { via, metric = 0, vrf, ...to }: RouteTarget): void {
    const table = this.tables.of(vrf);
    const device = to.device ?? (via === undefined ? undefined : table.lookup(via)?.nextHops[0]?.device);
    if (device === undefined) throw new Error(`${this.name}: no interface leads to ${via ?? prefix}`);
    const nextHops = [{ device, via, weight: 1 }];
    table.add({ prefix: parsePrefix(prefix), nextHops, metric, protocol: "boot" });
  }

  /** Sets a routing daemon's route to a prefix; what it was before is replaced at once. */
  setRoute(prefix: string, { nextHops, metric = DAEMON_METRIC, vrf }: DaemonRoute): void {
    if (nextHops.length === 0) throw new Error(`${this.name}: a route to ${prefix} needs a next hop`);
    this.tables.of(vrf).set({
      prefix: parsePrefix(prefix),
      nextHops: nextHops.map(({ device, via, weight = 1 }) => ({ device, via, weight })),
      metric,
      protocol: "daemon",
    });
  }

  /** Removes the routes to a prefix, but those of the kernel, which come and go with addresses. */
  removeRoute(prefix: string, via?: Ip, vrf?: string): void {
    const leads = ({ nextHops }: Route): boolean => via === undefined || nextHops.some((hop) => hop.via === via);
    this.tables.of(vrf).removeWhere((route) => route.protocol !== "kernel" && leads(route), parsePrefix(prefix));
  }

  /** How packets are spread where a route has several next hops. Setting it forgets what selectors remember. */
  get multipath(): MultipathSettings {
    return this.#multipath;
  }

  set multipath(settings: MultipathSettings) {
    this.#multipath = settings;
    for (const table of this.tables.all()) table.selectorsChanged();
  }

  /** Those that packets to `ip` can take now. */
  nextHopsTo(ip: Ip, vrf?: string): readonly NextHop[] {
    return this.tables.of(vrf).nextHops(ip);
  }

  /** Where a packet of a flow would go now: `ip route get`. */
  nextHopFor(tuple: Tuple, vrf?: string): NextHop | undefined {
    return this.tables.of(vrf).nextHop(tuple.destination, () => hashOfTuple(this.#multipath, tuple), false);
  }

  routes(vrf?: string): readonly Route[] {
    return this.tables.of(vrf).routes();
  }

  /** The routes to exactly this prefix, the one in use first. */
  routesTo(prefix: Prefix, vrf?: string): readonly Route[] {
    return this.tables.of(vrf).routesTo(prefix);
  }

  /** Sets `net.ipv4.conf.eth0.arp_accept` and its like; ConfigError where the name is not known. */
  sysctl(name: string, value: string | number): void {
    const setting = readSetting(name, String(value));
    if (setting.link === "all" || setting.link === "default") this.#setDefault(setting);
    if (setting.link === "default") return;
    const targets = setting.link === "all" ? this.interfaces.values() : [this.interface(setting.link)];
    for (const target of targets) target.set(setting);
  }

  #setDefault(setting: Setting): void {
    const { conf4, conf6, neighbours } = this.#defaults;
    if (setting.kind === "conf4") conf4[setting.key] = setting.value;
    else if (setting.kind === "conf6") conf6[setting.key] = setting.value;
    else neighbours[setting.family] = { ...neighbours[setting.family], ...setting.change };
  }

  links(): readonly Link[] {
    return [...this.interfaces.values()].map((link) => link.toLink());
  }

  localAddresses(): readonly Ip[] {
    return this.#local.all();
  }

  isLocal(ip: Ip, device?: string): boolean {
    return this.#local.has(ip, device === undefined ? undefined : this.vrfOf(device));
  }

  isLocalNumber(ip: number): boolean {
    return this.#local.hasNumber(ip);
  }

  /** Called after an interface went up or down, came or went, or changed its addresses. */
  onLinkChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  input(device: NetworkDevice, frame: Uint8Array, toAll: boolean): void {
    const link = this.#byDevice.get(device);
    if (link !== undefined) this.frame(link, frame, toAll);
  }

  runningChanged(device: NetworkDevice): void {
    const link = this.#byDevice.get(device);
    if (link === undefined) return;
    this.trace("link", `${device.name} ${device.running ? "running" : "down"}`);
    link.runningChanged();
    this.#linksChanged();
  }

  #announce(device: NetworkDevice): void {
    const link = this.#byDevice.get(device);
    link?.arp.announce();
    link?.ndp.announce();
    // Linux net/8021q/vlan.c: NETDEV_NOTIFY_PEERS goes on to the VLANs.
    for (const vlan of device.vlans) this.#announce(vlan);
  }

  #linksChanged(): void {
    for (const table of this.tables.all()) table.devicesChanged();
    for (const listener of this.#listeners) listener();
  }
}
