import { type Link } from "../../impl/ports.ts";
import { type Ip, ipToBytes, isIpv4 } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import {
  type InterfaceAddress,
  maskTo,
  parseInterfaceAddress,
  parsePrefix,
  type Prefix,
} from "../../impl/wire/prefix.ts";
import { type CableEnd } from "../ethernet/device.ts";
import { type SimWorld } from "../world.ts";
import { Devices, type InterfaceSpec, LOOPBACK } from "./devices.ts";
import { type IpPacket } from "./hooks.ts";
import { Interface, linkLocalOf } from "./interface.ts";
import { type Kernel } from "./kernel.ts";
import { KernelTimers } from "./kernel-timers.ts";
import { type NeighbourParameters, type NeighbourProfile, parametersOf } from "./neighbour-parameters.ts";
import { ipv4Number } from "./neighbours.ts";
import { type DeviceOwner, type NetworkDevice } from "./network-device.ts";
import { type Route, RouteTable } from "./routes.ts";
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
}

/** What `ip link`, `ip address`, `ip route` and `sysctl` configure; what runs on it is in Host. */
export abstract class NetworkNamespace implements Kernel, DeviceOwner {
  readonly name: string;
  readonly world: SimWorld;
  readonly timers: KernelTimers;
  protected readonly interfaces = new Map<string, Interface>();
  protected readonly routeTable: RouteTable;
  readonly #devices: Devices;
  readonly #byDevice = new Map<NetworkDevice, Interface>();
  readonly #local = new Map<Ip, number>();
  readonly #localNumbers = new Set<number>();
  readonly #defaults: Defaults;
  readonly #listeners = new Set<() => void>();

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
    this.routeTable = new RouteTable((device) => this.interfaces.get(device)?.device.up ?? false);
    this.#addIp(this.#devices.addLoopback());
    this.addAddress(LOOPBACK, "127.0.0.1/8");
    this.addAddress(LOOPBACK, "::1/128");
  }

  abstract readonly alive: boolean;
  /** A frame for the IP layer of `link`. */
  protected abstract frame(link: Interface, frame: Uint8Array, toAll: boolean): void;
  abstract hostUnreachable(packet: IpPacket): void;

  trace(what: string, detail: string): void {
    this.world.trace.write(this.name, what, detail);
  }

  addInterface(spec: InterfaceSpec): NetworkDevice {
    const device = this.#devices.add(spec);
    this.#addIp(device);
    this.#assign(spec.name, { ip: linkLocalOf(spec.mac), length: 64 });
    this.#linksChanged();
    return device;
  }

  #addIp(device: NetworkDevice): void {
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
  }

  removeInterface(name: string): void {
    const removed = this.interface(name);
    this.#devices.remove(name);
    for (const { ip } of removed.addresses) this.#forget(ip);
    this.routeTable.removeWhere((route) => route.device === name);
    this.interfaces.delete(name);
    this.#byDevice.delete(removed.device);
    this.#linksChanged();
  }

  renameInterface(name: string, to: string): void {
    const renamed = this.interface(name);
    const routes = this.routeTable.routes().filter((route) => route.device === name);
    this.#devices.rename(name, to);
    this.interfaces.delete(name);
    this.interfaces.set(to, renamed);
    this.routeTable.removeWhere((route) => route.device === name);
    for (const route of routes) this.routeTable.add({ ...route, device: to });
    this.#linksChanged();
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

  setMaster(name: string, master: string | undefined): void {
    this.#devices.setMaster(name, master);
    this.interface(name).macChanged();
    this.#linksChanged();
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
    const { ip, length } = address;
    const owner = this.interface(name);
    if (owner.hasAddress(ip)) return;
    owner.addAddress(address);
    this.#local.set(ip, (this.#local.get(ip) ?? 0) + 1);
    if (isIpv4(ip)) this.#localNumbers.add(ipv4Number(ipToBytes(ip)));
    if (name !== LOOPBACK) this.addRoute(maskTo(ip, length), { device: name });
  }

  removeAddress(name: string, ip: Ip): void {
    const owner = this.interface(name);
    const address = owner.addresses.find((candidate) => candidate.ip === ip);
    if (address === undefined) return;
    owner.removeAddress(ip);
    this.#forget(ip);
    const prefix = maskTo(ip, address.length);
    const used = owner.addresses.some((other) => maskTo(other.ip, other.length) === prefix);
    if (!used)
      this.routeTable.removeWhere(
        (route) => route.prefix === prefix && route.device === name && route.via === undefined,
      );
    this.#linksChanged();
  }

  #forget(ip: Ip): void {
    const count = this.#local.get(ip) ?? 0;
    if (count > 1) {
      this.#local.set(ip, count - 1);
      return;
    }
    this.#local.delete(ip);
    if (isIpv4(ip)) this.#localNumbers.delete(ipv4Number(ipToBytes(ip)));
  }

  /** Without a device it is the one that leads to `via`. */
  addRoute(prefix: string, to: RouteTarget): void {
    const device = to.device ?? (to.via === undefined ? undefined : this.routeTable.lookup(to.via)?.device);
    if (device === undefined) throw new Error(`${this.name}: no interface leads to ${to.via ?? prefix}`);
    const route: Route = { prefix: parsePrefix(prefix), device, via: to.via, metric: to.metric ?? 0 };
    const same = (other: Route): boolean =>
      other.prefix === route.prefix &&
      other.metric === route.metric &&
      other.device === device &&
      other.via === route.via;
    if (!this.routeTable.routes().some(same)) this.routeTable.add(route);
  }

  removeRoute(prefix: Prefix, via?: Ip): void {
    this.routeTable.removeWhere((route) => route.prefix === prefix && (via === undefined || route.via === via));
  }

  routes(): readonly Route[] {
    return this.routeTable.routes();
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
    return [...this.#local.keys()];
  }

  isLocal(ip: Ip): boolean {
    return this.#local.has(ip) || ip.startsWith("127.");
  }

  isLocalNumber(ip: number): boolean {
    return this.#localNumbers.has(ip);
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
    this.routeTable.devicesChanged();
    for (const listener of this.#listeners) listener();
  }
}
