import { type Input, type Link } from "../../impl/ports.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { type Ip } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import {
  type InterfaceAddress,
  maskTo,
  parseInterfaceAddress,
  parsePrefix,
  type Prefix,
} from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { NodeClock } from "../clock.ts";
import { type CableEnd } from "../ethernet/device.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import { Devices, type InterfaceSpec, LOOPBACK } from "./devices.ts";
import {
  type Container,
  type Hook,
  type IpPacket,
  type IpStack,
  type OutgoingPacket,
  type ProtocolHandler,
} from "./hooks.ts";
import { type EchoEvents, type EchoSocket, Icmp } from "./icmp.ts";
import { Interface, linkLocalOf } from "./interface.ts";
import { IpLayer } from "./ip-layer.ts";
import { type Kernel } from "./kernel.ts";
import { KernelTimers } from "./kernel-timers.ts";
import { type NeighbourParameters, type NeighbourProfile, parametersOf } from "./neighbour-parameters.ts";
import { type DeviceOwner, ETHERNET_HEADER, etherTypeOf, type NetworkDevice } from "./network-device.ts";
import { HostProcess, type KubePort } from "./process-ports.ts";
import { type Route } from "./routes.ts";
import { CONF4, CONF6, readSetting, type Setting } from "./sysctl.ts";
import { TcpStack } from "./tcp.ts";
import { UdpStack } from "./udp.ts";

export interface HostSpec {
  readonly name: string;
  readonly clock?: NodeClock;
  readonly neighbours?: NeighbourProfile;
}

/** What a host's interface is given when it is made. */
interface Defaults {
  readonly conf4: { -readonly [Key in keyof typeof CONF4]: number };
  readonly conf6: { -readonly [Key in keyof typeof CONF6]: number };
  neighbours: Record<"ipv4" | "ipv6", NeighbourParameters>;
}

/** A machine with a Linux kernel: its interfaces, IP, UDP and TCP, and what can befall it. */
export class Host implements IpStack, Kernel, DeviceOwner {
  readonly name: string;
  readonly world: SimWorld;
  readonly clock: NodeClock;
  readonly timers: KernelTimers;
  readonly udp: UdpStack;
  readonly tcp: TcpStack;
  readonly #devices: Devices;
  readonly #interfaces = new Map<string, Interface>();
  readonly #byDevice = new Map<NetworkDevice, Interface>();
  readonly #local = new Map<Ip, number>();
  readonly #defaults: Defaults;
  readonly #ip: IpLayer;
  readonly #icmp: Icmp;
  readonly #linkListeners = new Set<() => void>();
  readonly #powerListeners = new Set<(on: boolean) => void>();
  readonly #resumeListeners = new Set<() => void>();
  readonly #clockListeners = new Set<() => void>();
  #state: "running" | "hung" | "off" = "running";

  constructor(world: SimWorld, spec: HostSpec) {
    this.name = spec.name;
    this.world = world;
    this.clock = spec.clock ?? new NodeClock(world.scheduler);
    this.timers = new KernelTimers(world.scheduler);
    const profile = spec.neighbours ?? { kind: "linux" };
    const neighbours = { ipv4: parametersOf(profile, "ipv4"), ipv6: parametersOf(profile, "ipv6") };
    this.#defaults = { conf4: { ...CONF4 }, conf6: { ...CONF6 }, neighbours };
    this.#devices = new Devices(this, this, (bond) => this.#announce(bond));
    this.#icmp = new Icmp(this, this.#interfaces, (protocol) => this.#ip.protocol(protocol));
    this.#ip = new IpLayer(this, this.#interfaces, this.#icmp);
    this.udp = new UdpStack(this, (packet) => this.#icmp.unreachable(packet, "port"));
    this.registerProtocol(IP_PROTOCOLS.icmp, this.#icmp.handler());
    this.registerProtocol(IP_PROTOCOLS.icmp6, this.#icmp.handler());
    this.registerProtocol(IP_PROTOCOLS.udp, this.udp);
    this.tcp = new TcpStack(world, this);
    this.#addIp(this.#devices.addLoopback());
    this.addAddress(LOOPBACK, "127.0.0.1/8");
    this.addAddress(LOOPBACK, "::1/128");
  }

  trace(what: string, detail: string): void {
    this.world.trace.write(this.name, what, detail);
  }

  // Configuration: what `ip link`, `ip address`, `ip route` and `sysctl` do.

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
    this.#interfaces.set(device.name, added);
    this.#byDevice.set(device, added);
  }

  removeInterface(name: string): void {
    const removed = this.interface(name);
    this.#devices.remove(name);
    for (const { ip } of removed.addresses) this.#forget(ip);
    this.#ip.routes.removeWhere((route) => route.device === name);
    this.#interfaces.delete(name);
    this.#byDevice.delete(removed.device);
    this.#linksChanged();
  }

  renameInterface(name: string, to: string): void {
    const renamed = this.interface(name);
    const routes = this.#ip.routes.routes().filter((route) => route.device === name);
    this.#devices.rename(name, to);
    this.#interfaces.delete(name);
    this.#interfaces.set(to, renamed);
    this.#ip.routes.removeWhere((route) => route.device === name);
    for (const route of routes) this.#ip.routes.add({ ...route, device: to });
    this.#linksChanged();
  }

  setMac(name: string, mac: Mac): void {
    this.interface(name).setMac(mac);
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
    return this.#interfaces.get(name);
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
      this.#ip.routes.removeWhere(
        (route) => route.prefix === prefix && route.device === name && route.via === undefined,
      );
    this.#linksChanged();
  }

  #forget(ip: Ip): void {
    const count = this.#local.get(ip) ?? 0;
    if (count > 1) this.#local.set(ip, count - 1);
    else this.#local.delete(ip);
  }

  /** Without a device it is the one that leads to `via`. */
  addRoute(
    prefix: string,
    to: { readonly via?: Ip | undefined; readonly device?: string | undefined; readonly metric?: number },
  ): void {
    const device = to.device ?? (to.via === undefined ? undefined : this.#ip.routes.lookup(to.via)?.device);
    if (device === undefined) throw new Error(`${this.name}: no interface leads to ${to.via ?? prefix}`);
    const route: Route = { prefix: parsePrefix(prefix), device, via: to.via, metric: to.metric ?? 0 };
    const same = (other: Route): boolean =>
      other.prefix === route.prefix &&
      other.metric === route.metric &&
      other.device === device &&
      other.via === route.via;
    if (!this.#ip.routes.routes().some(same)) this.#ip.routes.add(route);
  }

  removeRoute(prefix: Prefix, via?: Ip): void {
    this.#ip.routes.removeWhere((route) => route.prefix === prefix && (via === undefined || route.via === via));
  }

  routes(): readonly Route[] {
    return this.#ip.routes.routes();
  }

  /** Sets `net.ipv4.conf.eth0.arp_accept` and its like; ConfigError where the name is not known. */
  sysctl(name: string, value: string | number): void {
    const setting = readSetting(name, String(value));
    if (setting.link === "all" || setting.link === "default") this.#setDefault(setting);
    if (setting.link === "default") return;
    const targets = setting.link === "all" ? this.#interfaces.values() : [this.interface(setting.link)];
    for (const target of targets) target.set(setting);
  }

  #setDefault(setting: Setting): void {
    const { conf4, conf6, neighbours } = this.#defaults;
    if (setting.kind === "conf4") conf4[setting.key] = setting.value;
    else if (setting.kind === "conf6") conf6[setting.key] = setting.value;
    else neighbours[setting.family] = { ...neighbours[setting.family], ...setting.change };
  }

  links(): readonly Link[] {
    return [...this.#interfaces.values()].map((link) => link.toLink());
  }

  // What devices ask of their kernel.

  get alive(): boolean {
    return this.#state === "running";
  }

  input(device: NetworkDevice, frame: Uint8Array, toAll: boolean): void {
    const link = this.#byDevice.get(device);
    if (link === undefined) return;
    const type = etherTypeOf(frame);
    const payload = frame.subarray(ETHERNET_HEADER);
    if (type === ETHER_TYPES.ipv4) return this.#ip.input(link, payload, false, toAll);
    if (type === ETHER_TYPES.ipv6) return this.#ip.input(link, payload, true, toAll);
    if (type !== ETHER_TYPES.arp) return;
    try {
      link.arp.input(payload, toAll);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.trace("drop", `dev=${link.name} ${error.message}`);
    }
  }

  runningChanged(device: NetworkDevice): void {
    const link = this.#byDevice.get(device);
    if (link === undefined) return;
    this.trace("link", `${device.name} ${device.running ? "running" : "down"}`);
    link.runningChanged();
    this.#linksChanged();
  }

  #announce(bond: NetworkDevice): void {
    const link = this.#byDevice.get(bond);
    this.trace("link", `${bond.name} failover`);
    link?.arp.announce();
    link?.ndp.announce();
  }

  #linksChanged(): void {
    this.#ip.routes.devicesChanged();
    for (const listener of this.#linkListeners) listener();
  }

  hostUnreachable(packet: IpPacket): void {
    this.#ip.hostUnreachable(packet);
  }

  // What transport protocols and proxies ask: see hooks.ts.

  localAddresses(): readonly Ip[] {
    return [...this.#local.keys()];
  }

  isLocal(ip: Ip): boolean {
    return this.#local.has(ip) || ip.startsWith("127.");
  }

  sourceFor(destination: Ip): Ip | undefined {
    return this.#ip.sourceFor(destination);
  }

  mtuTo(destination: Ip): number {
    return this.#ip.mtuTo(destination);
  }

  sendIp(packet: OutgoingPacket): void {
    if (this.#state !== "off") this.#ip.sendIp(packet);
  }

  registerProtocol(protocol: number, handler: ProtocolHandler): Disposable {
    return this.#ip.registerProtocol(protocol, handler);
  }

  confirm(destination: Ip): void {
    this.#ip.confirm(destination);
  }

  after(delay: Micros, task: () => void): Scheduled {
    return this.timers.after(delay, task);
  }

  addPrerouting(hook: Hook): Disposable {
    return this.#ip.prerouting.add(hook);
  }

  addOutput(hook: Hook): Disposable {
    return this.#ip.output.add(hook);
  }

  addPostrouting(hook: Hook): Disposable {
    return this.#ip.postrouting.add(hook);
  }

  addContainer(link: string, ip: Ip, receive: (packet: IpPacket) => void): Container {
    return this.#ip.addContainer(link, ip, receive);
  }

  onLinkChange(listener: () => void): Disposable {
    this.#linkListeners.add(listener);
    return { [Symbol.dispose]: () => this.#linkListeners.delete(listener) };
  }

  onPower(listener: (on: boolean) => void): Disposable {
    this.#powerListeners.add(listener);
    return { [Symbol.dispose]: () => this.#powerListeners.delete(listener) };
  }

  /** Called when a hung kernel runs again. */
  onResume(listener: () => void): Disposable {
    this.#resumeListeners.add(listener);
    return { [Symbol.dispose]: () => this.#resumeListeners.delete(listener) };
  }

  /** Called when the clock runs at another rate, so that alarms are computed anew. */
  onClockChange(listener: () => void): Disposable {
    this.#clockListeners.add(listener);
    return { [Symbol.dispose]: () => this.#clockListeners.delete(listener) };
  }

  openEcho(events: EchoEvents): EchoSocket {
    return this.#icmp.openEcho(events);
  }

  // What can befall it.

  get state(): "running" | "hung" | "off" {
    return this.#state;
  }

  /** Everything stops without a frame; the link lights may stay on. */
  powerOff(): void {
    if (this.#state === "off") return;
    this.#state = "off";
    this.trace("power", "off");
    this.timers.forgetAll();
    this.udp.reset();
    this.tcp.reset();
    for (const link of this.#interfaces.values()) link.forgetAll();
    for (const listener of this.#powerListeners) listener(false);
  }

  /** Starts with empty caches and no processes. */
  powerOn(): void {
    if (this.#state !== "off") return;
    this.#state = "running";
    this.trace("power", "on");
    for (const link of this.#interfaces.values()) link.start();
    for (const listener of this.#powerListeners) listener(true);
  }

  /** The kernel does nothing any more: frames are swallowed, timers stand still, the link stays up. */
  hang(): void {
    if (this.#state !== "running") return;
    this.#state = "hung";
    this.trace("kernel", "hung");
    this.timers.freeze();
  }

  unhang(): void {
    if (this.#state !== "hung") return;
    this.#state = "running";
    this.trace("kernel", "runs again");
    for (const listener of this.#resumeListeners) listener();
    this.timers.thaw();
  }

  /** The wall clock jumps. */
  stepClock(by: Micros): void {
    this.trace("clock", `step ${by}`);
    this.clock.step(by);
  }

  /** Both clocks run `rate` times as fast from now on. */
  setClockRate(rate: number): void {
    this.trace("clock", `rate ${rate}`);
    this.clock.setRate(rate);
    for (const listener of this.#clockListeners) listener();
  }

  /** Starts a process here; its caller gives it its first inputs with `start`. */
  openPorts(name: string, deliver: (input: Input) => void, kube: KubePort): HostProcess {
    return new HostProcess(this, name, deliver, kube);
  }
}
