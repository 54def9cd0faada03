import { type Link } from "../../impl/ports.ts";
import { type Ip } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import { type InterfaceAddress, maskTo, parseInterfaceAddress } from "../../impl/wire/prefix.ts";
import { type CableEnd } from "../ethernet/device.ts";
import { type SimWorld } from "../world.ts";
import { Devices, type InterfaceSpec, LOOPBACK } from "./devices.ts";
import { type IpPacket } from "./hooks.ts";
import { Interface, linkLocalOf } from "./interface.ts";
import { type Kernel } from "./kernel.ts";
import { KernelTimers } from "./kernel-timers.ts";
import { LocalAddresses } from "./local-addresses.ts";
import { type NeighbourParameters, type NeighbourProfile, parametersOf } from "./neighbour-parameters.ts";
import { type DeviceOwner, type NetworkDevice } from "./network-device.ts";
import { RoutedNamespace } from "./routed-namespace.ts";
import { type Route } from "./routes.ts";
import { CONF4, CONF6, type Conf4, type Conf6, type LinkSetting, readSetting } from "./sysctl.ts";

/** What an interface is given when it is made. */
interface Defaults {
  readonly conf4: Conf4;
  readonly conf6: Conf6;
  neighbours: Record<"ipv4" | "ipv6", NeighbourParameters>;
}

/** What `ip link`, `ip address` and `sysctl` configure; what runs on it is in Host. */
export abstract class NetworkNamespace extends RoutedNamespace implements Kernel, DeviceOwner {
  readonly timers: KernelTimers;
  readonly #devices: Devices;
  readonly #byDevice = new Map<NetworkDevice, Interface>();
  readonly #local = new LocalAddresses();
  readonly #defaults: Defaults;
  readonly #listeners = new Set<() => void>();

  constructor(world: SimWorld, name: string, profile: NeighbourProfile) {
    super(world, name);
    this.timers = new KernelTimers(world.scheduler);
    const neighbours = { ipv4: parametersOf(profile, "ipv4"), ipv6: parametersOf(profile, "ipv6") };
    this.#defaults = { conf4: { ...CONF4 }, conf6: { ...CONF6 }, neighbours };
    this.#devices = new Devices(this, this, (bond) => {
      this.trace("link", `${bond.name} failover`);
      this.#announce(bond);
    });
    this.#addIp(this.#devices.addLoopback());
    this.addAddress(LOOPBACK, "127.0.0.1/8");
    this.addAddress(LOOPBACK, "::1/128");
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
    this.routesLeave(name);
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
    this.routesFollow(name, to);
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
    this.routesLeave(name);
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

  /** Sets `net.ipv4.conf.eth0.arp_accept` and its like; ConfigError where the name is not known. */
  sysctl(name: string, value: string | number): void {
    const setting = readSetting(name, String(value));
    if (setting.kind === "multipath") {
      this.multipath = { ...this.multipath, ...setting.change };
      return;
    }
    if (setting.link === "all" || setting.link === "default") this.#setDefault(setting);
    if (setting.link === "default") return;
    const targets = setting.link === "all" ? this.interfaces.values() : [this.interface(setting.link)];
    for (const target of targets) target.set(setting);
  }

  #setDefault(setting: LinkSetting): void {
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
