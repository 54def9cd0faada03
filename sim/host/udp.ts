// RFC 768 and RFC 1122 section 4.1: the UDP sockets of one host.
import { type Endpoint } from "../../impl/ports.ts";
import { familyOf, type Ip, isMulticast, isUnspecified } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeUdp, encodeUdp } from "../../impl/wire/udp.ts";
import { type IpEndpoint, type IpPacket, type ProtocolHandler, type UnreachablePacket } from "./hooks.ts";

/** Called with a view of the packet: who keeps the bytes copies them. */
export type OnDatagram = (from: Endpoint, bytes: Uint8Array) => void;

export interface UdpSocket {
  readonly local: Endpoint;
  send(to: Endpoint, bytes: Uint8Array): void;
  close(): void;
}

interface Bound {
  readonly local: Endpoint;
  readonly receive: OnDatagram;
}

/** net.ipv4.ip_local_port_range. */
const EPHEMERAL = { first: 32_768, count: 28_232 } as const;

export class UdpStack implements ProtocolHandler {
  readonly #host: IpEndpoint;
  readonly #bound = new Map<number, Bound[]>();
  readonly #portUnreachable: (packet: IpPacket) => void;
  #ephemeral = 0;

  constructor(host: IpEndpoint, portUnreachable: (packet: IpPacket) => void) {
    this.#host = host;
    this.#portUnreachable = portUnreachable;
  }

  /** Binds to an address or, where it is unspecified, to all of its family. Port 0 takes a free one. */
  open(local: Endpoint, receive: OnDatagram): UdpSocket {
    const bound = { local: { ip: local.ip, port: local.port === 0 ? this.#freePort() : local.port }, receive };
    const others = this.#bound.get(bound.local.port) ?? [];
    if (others.some((other) => collide(other.local.ip, bound.local.ip))) {
      throw new Error(`${this.#host.name} has a socket at ${bound.local.ip} port ${bound.local.port} (EADDRINUSE)`);
    }
    this.#bound.set(bound.local.port, [...others, bound]);
    return {
      local: bound.local,
      send: (to, bytes) => this.#send(bound.local, to, bytes),
      close: () => this.#close(bound),
    };
  }

  #freePort(): number {
    for (let tries = 0; tries < EPHEMERAL.count; tries++) {
      const port = EPHEMERAL.first + (this.#ephemeral++ % EPHEMERAL.count);
      if (!this.#bound.has(port)) return port;
    }
    throw new Error(`${this.#host.name} has no free port`);
  }

  #close(bound: Bound): void {
    const left = this.#bound.get(bound.local.port)?.filter((other) => other !== bound) ?? [];
    if (left.length === 0) this.#bound.delete(bound.local.port);
    else this.#bound.set(bound.local.port, left);
  }

  #send(local: Endpoint, to: Endpoint, bytes: Uint8Array): void {
    const source = isUnspecified(local.ip) ? this.#host.sourceFor(to.ip) : local.ip;
    // Without a route sendto fails (ENETUNREACH), and a datagram more or less is lost.
    if (source === undefined || familyOf(source) !== familyOf(to.ip)) return;
    const datagram = { sourcePort: local.port, destinationPort: to.port, payload: bytes };
    const payload = encodeUdp(datagram, source, to.ip);
    this.#host.sendIp({ source, destination: to.ip, protocol: IP_PROTOCOLS.udp, payload });
  }

  receive(packet: IpPacket): void {
    const { source, destination } = packet;
    const { sourcePort, destinationPort, payload } = decodeUdp(packet.payload, source, destination);
    const bound = this.#find(destination, destinationPort);
    if (bound !== undefined) return bound.receive({ ip: source, port: sourcePort }, payload);
    if (!isMulticast(destination) && this.#host.isLocal(destination)) this.#portUnreachable(packet);
  }

  #find(ip: Ip, port: number): Bound | undefined {
    const candidates = this.#bound.get(port);
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

function collide(one: Ip, other: Ip): boolean {
  if (familyOf(one) !== familyOf(other)) return false;
  return one === other || isUnspecified(one) || isUnspecified(other);
}
