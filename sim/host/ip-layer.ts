// RFC 1122 section 3 and RFC 1812 section 5 (IPv4), RFC 8200 (IPv6): input, output and forwarding of one host.
import { DecodeError } from "../../impl/wire/errors.ts";
import {
  type Ip,
  isIpv4,
  isIpv6,
  isLinkLocal,
  isMulticast,
  UNSPECIFIED_V4,
  UNSPECIFIED_V6,
} from "../../impl/wire/ip.ts";
import { ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { BROADCAST, macToBytes, multicastMac } from "../../impl/wire/mac.ts";
import { micros } from "../../impl/wire/time.ts";
import {
  type Container,
  type IpPacket,
  type OutgoingPacket,
  type ProtocolHandler,
  type UnreachablePacket,
} from "./hooks.ts";
import { HookChain } from "./hook-chain.ts";
import { type Interface } from "./interface.ts";
import { decodeIp, encodeIp, headerLength } from "./ip-codec.ts";
import { LOOPBACK } from "./devices.ts";
import { type Kernel } from "./kernel.ts";
import { hashOfPacket, hashOfTuple, type MultipathSettings } from "./multipath.ts";
import { type NeighbourTable } from "./neighbours.ts";
import { type NextHop } from "./next-hop.ts";
import { type RouteTables } from "./route-tables.ts";
import { chooseSource } from "./source-address.ts";

const DEFAULT_TTL = 64;
/** A packet to oneself takes a softirq, not a wire. */
const LOOPBACK_DELAY = micros(5);
const LOOPBACK_MTU = 65_536;
const ETHERNET_MTU = 1500;
const BROADCAST_V4 = "255.255.255.255" as Ip;
const BROADCAST_BYTES = macToBytes(BROADCAST);

/** Tells the sender of a packet why it went no further. */
export interface ErrorReporter {
  /** `link` is where the packet came in, or could not go out. */
  unreachable(packet: IpPacket, because: UnreachablePacket["because"], link: string): void;
  timeExceeded(packet: IpPacket, link: string): void;
}

/** The part of the kernel that knows the way. */
export interface Routing {
  readonly tables: RouteTables;
  readonly multipath: MultipathSettings;
}

interface ContainerRoute {
  readonly link: string;
  readonly receive: (packet: IpPacket) => void;
}

export class IpLayer {
  readonly prerouting: HookChain;
  readonly output: HookChain;
  readonly postrouting: HookChain;
  readonly #kernel: Kernel;
  readonly #interfaces: ReadonlyMap<string, Interface>;
  readonly #routing: Routing;
  readonly #errors: ErrorReporter;
  readonly #protocols = new Map<number, ProtocolHandler>();
  readonly #containers = new Map<Ip, ContainerRoute>();

  constructor(kernel: Kernel, interfaces: ReadonlyMap<string, Interface>, routing: Routing, errors: ErrorReporter) {
    this.#kernel = kernel;
    this.#interfaces = interfaces;
    this.#errors = errors;
    this.#routing = routing;
    const chain = (): HookChain => new HookChain((packet, because) => this.#drop(packet, because));
    this.prerouting = chain();
    this.output = chain();
    this.postrouting = chain();
  }

  #drop({ source, destination }: IpPacket, because: string): void {
    this.#kernel.trace("drop", `${source}>${destination} ${because}`);
  }

  registerProtocol(protocol: number, handler: ProtocolHandler): Disposable {
    if (this.#protocols.has(protocol)) throw new Error(`${this.#kernel.name} has a handler for protocol ${protocol}`);
    this.#protocols.set(protocol, handler);
    return { [Symbol.dispose]: () => this.#protocols.delete(protocol) };
  }

  protocol(protocol: number): ProtocolHandler | undefined {
    return this.#protocols.get(protocol);
  }

  addContainer(link: string, ip: Ip, receive: (packet: IpPacket) => void): Container {
    if (this.#containers.has(ip)) throw new Error(`${this.#kernel.name} has a container with ${ip}`);
    this.#containers.set(ip, { link, receive });
    return {
      send: (packet) => this.#route({ ttl: DEFAULT_TTL, ...packet }, link, true),
      remove: () => this.#containers.delete(ip),
    };
  }

  /** A packet out of a frame. `toAll` where the frame was for a group or everyone. */
  input(link: Interface, bytes: Uint8Array, version6: boolean, toAll: boolean): void {
    let packet: IpPacket;
    try {
      packet = decodeIp(bytes, version6);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.#kernel.trace("drop", `dev=${link.name} ${error.message}`);
    }
    this.#route(packet, link.name, !toAll);
  }

  /** From the wire or from a container: to this host, to a container, or on to another host. */
  #route(received: IpPacket, link: string, mayForward: boolean): void {
    const packet = this.prerouting.run(received, link);
    if (packet === undefined) return;
    const { destination, source } = packet;
    if (isIpv4(source) && !this.#isLoop(link) && this.#kernel.isLocal(source, link))
      return this.#drop(packet, "martian source");
    if (this.#kernel.isLocal(destination, link)) return this.#deliver(packet, link);
    if (isMulticast(destination) || this.#isBroadcast(destination)) return this.#receiveGroup(packet, link);
    if (!mayForward || isLinkLocal(destination)) return;
    this.#forward(packet, link);
  }

  /** What a host says to itself comes in on `lo`, or on the device of the VRF. */
  #isLoop(link: string): boolean {
    return link === LOOPBACK || this.#routing.tables.isVrf(link);
  }

  #receiveGroup(packet: IpPacket, link: string): void {
    const { destination } = packet;
    if (isIpv6(destination) && this.#interfaces.get(link)?.groups.isMember(destination) !== true) return;
    this.#deliver(packet, link);
  }

  #isBroadcast(ip: Ip): boolean {
    return ip === BROADCAST_V4;
  }

  #deliver(packet: IpPacket, link: string): void {
    const handler = this.#protocols.get(packet.protocol);
    if (handler === undefined) return this.#drop(packet, `protocol ${packet.protocol} is not known`);
    try {
      handler.receive(packet, link);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#drop(packet, error.message);
    }
  }

  #forward(packet: IpPacket, link: string): void {
    const container = this.#containers.get(packet.destination);
    if (!this.#forwards(packet.destination, link)) return this.#drop(packet, "not for this host");
    if (packet.ttl <= 1) {
      this.#drop(packet, "time to live exceeded");
      return this.#errors.timeExceeded(packet, link);
    }
    const next = { ...packet, ttl: packet.ttl - 1 };
    // Pods are reached out of every VRF, as with the routes that a cluster with VRFs needs between them and the pods.
    if (container !== undefined) return this.#toContainer(next, container);
    const nextHop = this.#nextHop(packet, this.#kernel.vrfOf(link));
    if (nextHop === undefined) {
      this.#drop(packet, "no route");
      return this.#errors.unreachable(packet, "network", link);
    }
    this.#emit(next, nextHop);
  }

  /** `device` is the VRF that the packet came in by, or what its socket is bound to. */
  #nextHop(packet: IpPacket, device: string | undefined): NextHop | undefined {
    const { tables, multipath } = this.#routing;
    if (this.#restricts(device)) return this.#nextHopOn(device, packet.destination);
    return tables.of(device).nextHop(packet.destination, () => hashOfPacket(multipath, packet), true);
  }

  /** A VRF names a table, any other device the way out. */
  #restricts(device: string | undefined): device is string {
    return device !== undefined && !this.#routing.tables.isVrf(device);
  }

  #nextHopOn(device: string, destination: Ip): NextHop | undefined {
    if (isMulticast(destination) || this.#isBroadcast(destination)) return { device, via: undefined, weight: 1 };
    return this.#routing.tables.for(device).nextHopOn(device, destination);
  }

  /** For what has no source yet, and so is only hashed by where it goes. */
  #nextHopTo(destination: Ip, device: string | undefined): NextHop | undefined {
    if (this.#restricts(device)) return this.#nextHopOn(device, destination);
    const source = isIpv6(destination) ? UNSPECIFIED_V6 : UNSPECIFIED_V4;
    const tuple = { protocol: 0, source, destination, sourcePort: 0, destinationPort: 0 };
    const { tables, multipath } = this.#routing;
    return tables.of(device).nextHop(destination, () => hashOfTuple(multipath, tuple), false);
  }

  /** The forwarding setting is that of the interface where the packet came in; containers only exist on hosts that forward. */
  #forwards(destination: Ip, link: string): boolean {
    const from = this.#interfaces.get(link);
    if (from === undefined || this.#containers.has(destination)) return true;
    return (isIpv4(destination) ? from.conf4.forwarding : from.conf6.forwarding) !== 0;
  }

  #toContainer(packet: IpPacket, { link, receive }: ContainerRoute): void {
    const last = this.postrouting.run(packet, link);
    if (last !== undefined) receive(last);
  }

  sendIp({ device, ...outgoing }: OutgoingPacket): void {
    const packet = this.output.run({ ttl: DEFAULT_TTL, ...outgoing }, "");
    if (packet === undefined) return;
    const { destination } = packet;
    if (this.#kernel.isLocal(destination, device)) return this.#loop(packet, device);
    const container = device === undefined ? this.#containers.get(destination) : undefined;
    if (container !== undefined) return this.#toContainer(packet, container);
    const nextHop = this.#nextHop(packet, device);
    if (nextHop !== undefined) return this.#emit(packet, nextHop);
    this.#drop(packet, "no route");
    this.#tellSender(packet, "network");
  }

  #loop(packet: IpPacket, device: string | undefined): void {
    const link = (device === undefined ? undefined : this.#kernel.vrfOf(device)) ?? LOOPBACK;
    const last = this.postrouting.run(packet, link);
    if (last === undefined) return;
    this.#kernel.timers.after(LOOPBACK_DELAY, () => this.#route(last, link, true));
  }

  #emit(packet: IpPacket, { device, via }: NextHop): void {
    const link = this.#interfaces.get(device);
    if (link === undefined) return this.#drop(packet, "the interface is gone");
    const last = this.postrouting.run(packet, link.name);
    if (last === undefined) return;
    if (headerLength(last.source) + last.payload.length > link.mtu) return this.#drop(last, `longer than ${link.mtu}`);
    const { destination } = last;
    const bytes = encodeIp(last);
    if (isMulticast(destination)) {
      return link.sendFrame(
        macToBytes(multicastMac(destination)),
        isIpv4(destination) ? ETHER_TYPES.ipv4 : ETHER_TYPES.ipv6,
        bytes,
      );
    }
    if (this.#isBroadcast(destination)) return link.sendFrame(BROADCAST_BYTES, ETHER_TYPES.ipv4, bytes);
    neighboursOf(link, via ?? destination).send(via ?? destination, bytes, last);
  }

  /** A local protocol hears at once what an ICMP error would tell another host. */
  #tellSender(packet: IpPacket, because: UnreachablePacket["because"]): void {
    this.#protocols.get(packet.protocol)?.unreachable?.({ ...packet, because });
  }

  /** The next hop did not answer. */
  hostUnreachable(packet: IpPacket, link: string): void {
    this.#drop(packet, "next hop does not answer");
    if (this.#kernel.isLocal(packet.source, link)) this.#tellSender(packet, "host");
    else this.#errors.unreachable(packet, "host", link);
  }

  sourceFor(destination: Ip, device?: string): Ip | undefined {
    if (this.#kernel.isLocal(destination, device)) return destination;
    const vrf = device === undefined ? undefined : this.#kernel.vrfOf(device);
    const links = this.#linksIn(vrf);
    if (device === undefined && this.#containers.has(destination))
      return chooseSource(destination, destination, undefined, links);
    const nextHop = this.#nextHopTo(destination, device);
    if (nextHop === undefined) return undefined;
    return chooseSource(destination, nextHop.via ?? destination, this.#interfaces.get(nextHop.device), links);
  }

  *#linksIn(vrf: string | undefined): Iterable<Interface> {
    for (const link of this.#interfaces.values()) if (this.#kernel.vrfOf(link.name) === vrf) yield link;
  }

  mtuTo(destination: Ip, device?: string): number {
    if (this.#kernel.isLocal(destination, device)) return LOOPBACK_MTU;
    const nextHop = this.#nextHopTo(destination, device);
    return (nextHop === undefined ? undefined : this.#interfaces.get(nextHop.device)?.mtu) ?? ETHERNET_MTU;
  }

  /** Where there are several next hops it is not known here which one answered. */
  confirm(destination: Ip, device?: string): void {
    const nextHop = this.#onlyNextHop(destination, device);
    const link = nextHop === undefined ? undefined : this.#interfaces.get(nextHop.device);
    if (nextHop === undefined || link === undefined) return;
    neighboursOf(link, nextHop.via ?? destination).confirm(nextHop.via ?? destination);
  }

  #onlyNextHop(destination: Ip, device: string | undefined): NextHop | undefined {
    if (this.#restricts(device)) return this.#nextHopOn(device, destination);
    const nextHops = this.#routing.tables.of(device).lookup(destination)?.nextHops ?? [];
    return nextHops.length === 1 ? nextHops[0] : undefined;
  }
}

/** RFC 8950: the next hop of an IPv4 packet may be a neighbour of IPv6. */
function neighboursOf({ arp, ndp }: Interface, nextHop: Ip): NeighbourTable {
  return isIpv4(nextHop) ? arp.table : ndp.table;
}
