import { type Input } from "../../impl/ports.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { type Ip } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { NodeClock } from "../clock.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import {
  type Container,
  type Hook,
  type IpPacket,
  type IpStack,
  type OutgoingPacket,
  type ProtocolHandler,
} from "./hooks.ts";
import { type EchoEvents, type EchoSocket, Icmp } from "./icmp.ts";
import { type Interface } from "./interface.ts";
import { IpLayer } from "./ip-layer.ts";
import { type NeighbourProfile } from "./neighbour-parameters.ts";
import { ETHERNET_HEADER, etherTypeOf } from "./network-device.ts";
import { NetworkNamespace } from "./network-namespace.ts";
import { HostProcess, type KubePort } from "./process-ports.ts";
import { TcpStack } from "./tcp.ts";
import { UdpStack } from "./udp.ts";

export interface HostSpec {
  readonly name: string;
  readonly clock?: NodeClock;
  readonly neighbours?: NeighbourProfile;
}

/** A machine with a Linux kernel: IP, ICMP, UDP and TCP on its interfaces, its processes, and what can befall it. */
export class Host extends NetworkNamespace implements IpStack {
  readonly clock: NodeClock;
  readonly udp: UdpStack;
  readonly tcp: TcpStack;
  readonly #ip: IpLayer;
  readonly #icmp: Icmp;
  readonly #powerListeners = new Set<(on: boolean) => void>();
  readonly #resumeListeners = new Set<() => void>();
  readonly #clockListeners = new Set<() => void>();
  #state: "running" | "hung" | "off" = "running";

  constructor(world: SimWorld, spec: HostSpec) {
    super(world, spec.name, spec.neighbours ?? { kind: "linux" });
    this.clock = spec.clock ?? new NodeClock(world.scheduler);
    this.#icmp = new Icmp(this, this.interfaces, (protocol) => this.#ip.protocol(protocol));
    this.#ip = new IpLayer(this, this.interfaces, this.routing(), this.#icmp);
    this.udp = new UdpStack(this, (packet, link) => this.#icmp.unreachable(packet, "port", link));
    this.registerProtocol(IP_PROTOCOLS.icmp, this.#icmp.handler());
    this.registerProtocol(IP_PROTOCOLS.icmp6, this.#icmp.handler());
    this.registerProtocol(IP_PROTOCOLS.udp, this.udp);
    this.tcp = new TcpStack(world, this);
  }

  get alive(): boolean {
    return this.#state === "running";
  }

  protected frame(link: Interface, frame: Uint8Array, toAll: boolean): void {
    const type = etherTypeOf(frame);
    const payload = frame.subarray(ETHERNET_HEADER);
    if (type === ETHER_TYPES.ipv4) return this.#ip.input(link, payload, false, toAll);
    if (type === ETHER_TYPES.ipv6) return this.#ip.input(link, payload, true, toAll);
    // net/ipv4/arp.c, arp_rcv.
    if (type !== ETHER_TYPES.arp || link.noArp) return;
    try {
      link.arp.input(payload, toAll);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.trace("drop", `dev=${link.name} ${error.message}`);
    }
  }

  hostUnreachable(packet: IpPacket, link: string): void {
    this.#ip.hostUnreachable(packet, link);
  }

  // What transport protocols and proxies ask: see hooks.ts.

  sourceFor(destination: Ip, device?: string): Ip | undefined {
    return this.#ip.sourceFor(destination, device);
  }

  mtuTo(destination: Ip, device?: string): number {
    return this.#ip.mtuTo(destination, device);
  }

  sendIp(packet: OutgoingPacket): void {
    if (this.#state !== "off") this.#ip.sendIp(packet);
  }

  registerProtocol(protocol: number, handler: ProtocolHandler): Disposable {
    return this.#ip.registerProtocol(protocol, handler);
  }

  confirm(destination: Ip, device?: string): void {
    this.#ip.confirm(destination, device);
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
    for (const table of this.tables.all()) table.removeWhere(({ protocol }) => protocol === "daemon");
    this.udp.reset();
    this.tcp.reset();
    for (const link of this.interfaces.values()) link.forgetAll();
    for (const listener of this.#powerListeners) listener(false);
  }

  /** Starts with empty caches and no processes. */
  powerOn(): void {
    if (this.#state !== "off") return;
    this.#state = "running";
    this.trace("power", "on");
    for (const link of this.interfaces.values()) link.start();
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
