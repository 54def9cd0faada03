// RFC 768 and RFC 1122 section 4.1: the UDP sockets of one host.
import { type Arrival, type DatagramOptions, type Endpoint } from "../../impl/ports.ts";
import { familyOf, type Ip, isMulticast, isUnspecified } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeUdp, encodeUdp } from "../../impl/wire/udp.ts";
import { type IpEndpoint, type IpPacket, type ProtocolHandler, type UnreachablePacket } from "./hooks.ts";
import { areApart, hears, needsDevice } from "./socket-scope.ts";

/** Called with a view of the packet: who keeps the bytes copies them. */
export type OnDatagram = (from: Endpoint, bytes: Uint8Array, arrival: Arrival) => void;

export interface UdpSocket {
  readonly local: Endpoint;
  send(to: Endpoint, bytes: Uint8Array): void;
  close(): void;
}

/** What bind(2) and SO_BINDTODEVICE say. */
export type UdpFailure = "EADDRINUSE" | "EADDRNOTAVAIL" | "EINVAL" | "ENODEV";

interface Bound {
  readonly local: Endpoint;
  readonly device: string | undefined;
  readonly ttl: number | undefined;
  readonly receive: OnDatagram;
}

/** net.ipv4.ip_local_port_range. */
const EPHEMERAL = { first: 32_768, count: 28_232 } as const;

export class UdpStack implements ProtocolHandler {
  readonly #host: IpEndpoint;
  readonly #bound = new Map<number, Bound[]>();
  readonly #portUnreachable: (packet: IpPacket, link: string) => void;
  #ephemeral = 0;

  constructor(host: IpEndpoint, portUnreachable: (packet: IpPacket, link: string) => void) {
    this.#host = host;
    this.#portUnreachable = portUnreachable;
  }

  /** As `tryOpen`, for those who know that it does not fail. */
  open(local: Endpoint, receive: OnDatagram, options?: DatagramOptions): UdpSocket {
    const opened = this.tryOpen(local, receive, options);
    if (typeof opened !== "string") return opened;
    throw new Error(`${this.#host.name} cannot open ${local.ip} port ${local.port} (${opened})`);
  }

  /** Binds to an address or, where it is unspecified, to all of its family. Port 0 takes a free one. */
  tryOpen(local: Endpoint, receive: OnDatagram, options: DatagramOptions = {}): UdpSocket | UdpFailure {
    const { device, ttl } = options;
    const because = this.#refusal(local.ip, device);
    if (because !== undefined) return because;
    const port = local.port === 0 ? this.#freePort() : local.port;
    if (port === undefined) return "EADDRINUSE";
    const bound = { local: { ip: local.ip, port }, device, ttl, receive };
    const others = this.#bound.get(port) ?? [];
    if (others.some((other) => collide(other, bound))) return "EADDRINUSE";
    this.#bound.set(port, [...others, bound]);
    return {
      local: bound.local,
      send: (to, bytes) => this.#send(bound, to, bytes),
      close: () => this.#close(bound),
    };
  }

  #refusal(ip: Ip, device: string | undefined): UdpFailure | undefined {
    if (device !== undefined && !this.#host.hasDevice(device)) return "ENODEV";
    if (isUnspecified(ip) || isMulticast(ip)) return undefined;
    if (needsDevice(ip) && device === undefined) return "EINVAL";
    return this.#host.isLocal(ip, device) ? undefined : "EADDRNOTAVAIL";
  }

  #freePort(): number | undefined {
    for (let tries = 0; tries < EPHEMERAL.count; tries++) {
      const port = EPHEMERAL.first + (this.#ephemeral++ % EPHEMERAL.count);
      if (!this.#bound.has(port)) return port;
    }
    return undefined;
  }

  #close(bound: Bound): void {
    const left = this.#bound.get(bound.local.port)?.filter((other) => other !== bound) ?? [];
    if (left.length === 0) this.#bound.delete(bound.local.port);
    else this.#bound.set(bound.local.port, left);
  }

  #send({ local, device, ttl }: Bound, to: Endpoint, bytes: Uint8Array): void {
    // sendto fails without a link for a link-local address (EINVAL) and without a route (ENETUNREACH): a datagram is lost.
    if (needsDevice(to.ip) && device === undefined) return;
    const source = isUnspecified(local.ip) ? this.#host.sourceFor(to.ip, device) : local.ip;
    if (source === undefined || familyOf(source) !== familyOf(to.ip)) return;
    const datagram = { sourcePort: local.port, destinationPort: to.port, payload: bytes };
    const payload = encodeUdp(datagram, source, to.ip);
    const packet = { source, destination: to.ip, protocol: IP_PROTOCOLS.udp, payload, device };
    this.#host.sendIp(ttl === undefined ? packet : { ...packet, ttl });
  }

  receive(packet: IpPacket, link: string): void {
    const { source, destination, ttl } = packet;
    const { sourcePort, destinationPort, payload } = decodeUdp(packet.payload, source, destination);
    const bound = this.#find(destination, destinationPort, link);
    if (bound !== undefined) {
      return bound.receive({ ip: source, port: sourcePort }, payload, { link, destination, ttl });
    }
    if (!isMulticast(destination) && this.#host.isLocal(destination, link)) this.#portUnreachable(packet, link);
  }

  /** The exact address before any. */
  #find(ip: Ip, port: number, link: string): Bound | undefined {
    const vrf = this.#host.vrfOf(link);
    const candidates = this.#bound.get(port)?.filter(({ device }) => hears(device, link, vrf));
    return (
      candidates?.find(({ local }) => local.ip === ip) ??
      candidates?.find(({ local }) => isUnspecified(local.ip) && familyOf(local.ip) === familyOf(ip))
    );
  }

  /** Errors reach only connected sockets (ip(7), IP_RECVERR), and there are none. */
  unreachable(_sent: UnreachablePacket): void {}

  /** The kernel ended. */
  reset(): void {
    this.#bound.clear();
  }
}

function collide(one: Bound, other: Bound): boolean {
  if (areApart(one.device, other.device) || familyOf(one.local.ip) !== familyOf(other.local.ip)) return false;
  return one.local.ip === other.local.ip || isUnspecified(one.local.ip) || isUnspecified(other.local.ip);
}
