// What a host's IP layer offers to what runs on top of it: transport protocols, connection tracking, the service proxy,
// containers. The order of the hooks is Netfilter's:
//
//   frame in ──> prerouting ──> route ──┬─> (local) protocol handler
//                                       └─> forward (ttl - 1) ──> postrouting ──> neighbour ──> frame out
//   sendIp  ──> output ──────> route ─────> postrouting ──> neighbour ──> frame out
//
// A packet from the host to itself leaves through output and postrouting and comes back through prerouting on `lo`.
import { type Ip } from "../../impl/wire/ip.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type Scheduled } from "../world.ts";

/** An IP packet of either family between the layers. Immutable: a hook that rewrites returns a new one. */
export interface IpPacket {
  readonly source: Ip;
  readonly destination: Ip;
  /** RFC 791 protocol, RFC 8200 next header. */
  readonly protocol: number;
  /** RFC 791 time to live, RFC 8200 hop limit. */
  readonly ttl: number;
  readonly payload: Uint8Array;
}

/** A packet to send. Without `ttl` it is 64; the source must be an address of the host. */
export interface OutgoingPacket {
  readonly source: Ip;
  readonly destination: Ip;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly ttl?: number;
  /** Leaves through this interface, or by the routes of this VRF. */
  readonly device?: string | undefined;
}

/** What a hook says: the packet (the same, or rewritten) goes on, or it ends here with a reason for the trace. */
export type Verdict = IpPacket | Dropped;

export interface Dropped {
  readonly drop: string;
}

/** Sees each packet once at its place. `link` is where it came in (prerouting) or goes out (postrouting); output has none yet. */
export type Hook = (packet: IpPacket, link: string) => Verdict;

export interface ProtocolHandler {
  /** A packet for an address of this host. The payload is a view that must not be kept without copying. */
  receive(packet: IpPacket, link: string): void;
  /** A packet that was sent cannot reach: ICMP unreachable arrived, there is no route, or the neighbour did not answer. */
  unreachable?(sent: UnreachablePacket): void;
}

export interface UnreachablePacket {
  readonly source: Ip;
  readonly destination: Ip;
  readonly because: "network" | "host" | "port" | "prohibited";
  /** The start of the packet's payload: at least eight bytes, so the ports (RFC 792). */
  readonly payload: Uint8Array;
}

/** What a transport protocol needs from below: a host offers it, and so does a container. `device` is what a socket is bound to. */
export interface IpEndpoint {
  readonly name: string;
  localAddresses(): readonly Ip[];
  /** Whether `ip` is an address in the VRF of `device`, or of no VRF. */
  isLocal(ip: Ip, device?: string): boolean;
  hasDevice(name: string): boolean;
  /** The VRF that a link belongs to; a VRF belongs to itself. */
  vrfOf(link: string): string | undefined;
  /** The source address that a packet to `destination` would have; undefined without a route. */
  sourceFor(destination: Ip, device?: string): Ip | undefined;
  /** The MTU on the way out to `destination`, for the MSS. */
  mtuTo(destination: Ip, device?: string): number;
  sendIp(packet: OutgoingPacket): void;
  registerProtocol(protocol: number, handler: ProtocolHandler): Disposable;
  /** Forward progress above IP: the next hop to `destination` works (RFC 4861 section 7.3.1). */
  confirm(destination: Ip, device?: string): void;
  /** A kernel timer: it stands still while the kernel hangs and is gone after a loss of power. */
  after(delay: Micros, task: () => void): Scheduled;
}

/** A network namespace behind a veth pair with one address: what a pod is. */
export interface Container {
  /** A packet from inside; it enters the host through prerouting on the container's link. */
  send(packet: OutgoingPacket): void;
  remove(): void;
}

/** The IP layer of a host. */
export interface IpStack extends IpEndpoint {
  /** Hooks run in the order in which they were added; disposing takes one out. */
  addPrerouting(hook: Hook): Disposable;
  addOutput(hook: Hook): Disposable;
  addPostrouting(hook: Hook): Disposable;
  /** Routes `ip` to `receive` through a link called `link`. */
  addContainer(link: string, ip: Ip, receive: (packet: IpPacket) => void): Container;
  /** Called after an interface went up or down, came or went, or changed its addresses. */
  onLinkChange(listener: () => void): Disposable;
  /** Called when the host loses power (false) and when it has started again (true): state above IP is gone. */
  onPower(listener: (on: boolean) => void): Disposable;
}
