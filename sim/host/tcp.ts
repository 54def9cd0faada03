// RFC 9293: the TCP of one host or one container.
import { type Endpoint, type Random } from "../../impl/ports.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { familyOf, type Ip, isIpv6 } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeTcp, encodeTcp, type Tcp } from "../../impl/wire/tcp.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import { type IpEndpoint, type IpPacket, type ProtocolHandler, type UnreachablePacket } from "./hooks.ts";
import { TcpConnection, type TcpNetwork, type Unreachable } from "./tcp-connection.ts";
import { type KeepaliveOptions } from "./tcp-keepalive.ts";
import { type Segment } from "./tcp-output.ts";
import { type CloseReason, type TcpHandler } from "./tcp-owner.ts";
import { advance } from "./tcp-sequence.ts";
import { type TcpState } from "./tcp-state.ts";

export type { CloseReason, TcpHandler };

/** What the owner of a connection holds. */
export interface TcpSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly state: TcpState;
  write(bytes: Uint8Array): void;
  /** FIN after what was written; reading goes on. */
  shutdown(): void;
  /** FIN, or RST where something was not read; nothing is told any more. */
  close(): void;
  /** RST. */
  abort(): void;
  /** Stops reading, as a process that does not run: the kernel acknowledges until the window is full. */
  pause(): void;
  resume(): void;
  keepAlive(options: KeepaliveOptions): void;
}

/** Where to listen: without an address, on all of both families; `0.0.0.0` is all of IPv4, `::` all of both. */
export interface ListenAddress {
  readonly ip?: Ip;
  readonly port: number;
}

export interface TcpOptions {
  /**
   * net.ipv4.tcp_syn_linear_timeouts: so many SYNs more, one second apart, before the timeout doubles. Linux has had it
   * since 6.5, and there it is 4; before it was as with 0, which is the default here.
   */
  readonly synLinearTimeouts?: number;
}

export interface ConnectOptions {
  readonly from?: { readonly ip?: Ip; readonly port?: number };
}

/** Chooses the owner of a new connection; called when its handshake is done, just before `opened`. */
export type Accept = (socket: TcpSocket) => TcpHandler;

/** net.ipv4.ip_local_port_range. */
const EPHEMERAL = { first: 32_768, count: 28_232 } as const;
/** The headers of IP and TCP without options. */
const HEADERS = { ipv4: 40, ipv6: 60 } as const;

export class TcpStack implements ProtocolHandler, TcpNetwork {
  readonly synLinearTimeouts: number;
  readonly #world: SimWorld;
  readonly #host: IpEndpoint;
  readonly #ports: Random;
  readonly #sequences: Random;
  readonly #connections = new Map<string, TcpConnection>();
  readonly #listeners = new Map<string, Accept>();

  constructor(world: SimWorld, host: IpEndpoint, options: TcpOptions = {}) {
    this.synLinearTimeouts = options.synLinearTimeouts ?? 0;
    this.#world = world;
    this.#host = host;
    this.#ports = world.random(`${host.name}/tcp/ports`);
    this.#sequences = world.random(`${host.name}/tcp/sequences`);
    host.registerProtocol(IP_PROTOCOLS.tcp, this);
  }

  /** Throws where another listener has the address; disposing ends listening and leaves accepted connections alone. */
  listen(address: ListenAddress | number, accept: Accept): Disposable {
    const at = listenKey(typeof address === "number" ? { port: address } : address);
    if (this.#listeners.has(at)) throw new Error(`${this.#host.name} listens on ${at} already (EADDRINUSE)`);
    this.#listeners.set(at, accept);
    return {
      [Symbol.dispose]: () => {
        if (this.#listeners.get(at) === accept) this.#listeners.delete(at);
      },
    };
  }

  connect(to: Endpoint, handler: TcpHandler, options: ConnectOptions = {}): TcpSocket {
    const source = options.from?.ip ?? this.#host.sourceFor(to.ip);
    if (source === undefined) return this.#failedSocket(to, handler, "ENETUNREACH");
    if (!this.#host.isLocal(source)) return this.#failedSocket(to, handler, "EADDRNOTAVAIL");
    const port = this.#freePort(source, to, options.from?.port);
    if (port === undefined) return this.#failedSocket(to, handler, "EADDRNOTAVAIL");
    const connection = this.#add({ ip: source, port }, to);
    connection.open(handler);
    return connection;
  }

  /** Connections that exist, TIME_WAIT among them. */
  connections(): readonly TcpSocket[] {
    return [...this.#connections.values()];
  }

  /** Forgets everything without a word, as a loss of power does; what arrives later is answered with RST. */
  reset(): void {
    for (const connection of this.#connections.values()) connection.vanish();
    this.#connections.clear();
    this.#listeners.clear();
  }

  receive(packet: IpPacket): void {
    const segment = this.#decode(packet);
    if (segment === undefined) return;
    const local = { ip: packet.destination, port: segment.destinationPort };
    const remote = { ip: packet.source, port: segment.sourcePort };
    const key = pairKey(local, remote);
    const connection = this.#connections.get(key);
    if (connection === undefined) return this.#receiveUnknown(local, remote, segment);
    if (!connection.mayBeReplacedBy(segment)) return connection.receive(segment);
    connection.vanish();
    this.#connections.delete(key);
    this.#receiveUnknown(local, remote, segment);
  }

  unreachable({ source, destination, because, payload }: UnreachablePacket): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const local = { ip: source, port: view.getUint16(0) };
    const remote = { ip: destination, port: view.getUint16(2) };
    const sequence = view.getUint32(4);
    const connection = this.#connections.get(pairKey(local, remote));
    // The packet may still be on its way down through the layers that report this.
    this.after(0 as Micros, () => connection?.unreachable(errorOf(because, destination), sequence));
  }

  // What the connections need.

  get now(): Micros {
    return this.#world.scheduler.now;
  }

  after(delay: Micros, task: () => void): Scheduled {
    return this.#host.after(delay, task);
  }

  send(connection: TcpConnection, segment: Segment): void {
    this.#transmit(connection.local, connection.remote, segment);
  }

  moved(connection: TcpConnection, from: TcpState, because: string): void {
    const { local, remote, state } = connection;
    this.#world.trace.write(this.#host.name, "tcp", `${pairKey(local, remote)} ${from}->${state}: ${because}`);
    if (state === "closed") this.#connections.delete(pairKey(local, remote));
  }

  confirm(connection: TcpConnection): void {
    this.#host.confirm(connection.remote.ip);
  }

  #decode(packet: IpPacket): Tcp | undefined {
    try {
      return decodeTcp(packet.payload, packet.source, packet.destination);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#world.trace.write(this.#host.name, "drop", error.message);
      return undefined;
    }
  }

  #receiveUnknown(local: Endpoint, remote: Endpoint, segment: Tcp): void {
    const { syn, ack, rst } = segment.flags;
    if (rst) return;
    const accept = this.#listenerAt(local);
    if (accept === undefined || ack || !syn) return this.#refuse(local, remote, segment);
    const connection = this.#add(local, remote);
    connection.answer(segment, () => (this.#listenerAt(local) === accept ? accept(connection) : undefined));
  }

  /** RFC 9293 sections 3.10.7.1 (no such connection) and 3.10.7.2 (LISTEN). */
  #refuse(local: Endpoint, remote: Endpoint, segment: Tcp): void {
    const { syn, ack, fin } = segment.flags;
    const length = segment.payload.length + (syn ? 1 : 0) + (fin ? 1 : 0);
    this.#transmit(local, remote, {
      sequence: ack ? segment.acknowledgement : 0,
      acknowledgement: ack ? 0 : advance(segment.sequence, length),
      flags: { syn: false, ack: !ack, fin: false, rst: true, psh: false },
      window: 0,
      options: {},
      payload: new Uint8Array(0),
    });
  }

  #transmit(from: Endpoint, to: Endpoint, segment: Segment): void {
    const full = { ...segment, sourcePort: from.port, destinationPort: to.port };
    const payload = encodeTcp(full, from.ip, to.ip);
    this.#host.sendIp({ source: from.ip, destination: to.ip, protocol: IP_PROTOCOLS.tcp, payload });
  }

  #listenerAt(local: Endpoint): Accept | undefined {
    const { ip, port } = local;
    const ofFamily = isIpv6(ip) ? undefined : this.#listeners.get(listenKey({ ip: "0.0.0.0" as Ip, port }));
    return this.#listeners.get(listenKey(local)) ?? ofFamily ?? this.#listeners.get(listenKey({ port }));
  }

  #add(local: Endpoint, remote: Endpoint): TcpConnection {
    const connection = new TcpConnection(this, {
      local,
      remote,
      initialSequence: Math.floor(this.#sequences.next() * 2 ** 32),
      mss: this.#host.mtuTo(remote.ip) - HEADERS[familyOf(remote.ip)],
    });
    this.#connections.set(pairKey(local, remote), connection);
    return connection;
  }

  /** RFC 6056 section 3.3.1: a random start, then the next port that is free for this destination. */
  #freePort(ip: Ip, to: Endpoint, wanted: number | undefined): number | undefined {
    const isFree = (port: number): boolean => !this.#connections.has(pairKey({ ip, port }, to));
    if (wanted !== undefined) return isFree(wanted) ? wanted : undefined;
    const start = Math.floor(this.#ports.next() * EPHEMERAL.count);
    for (let tried = 0; tried < EPHEMERAL.count; tried++) {
      const port = EPHEMERAL.first + ((start + tried) % EPHEMERAL.count);
      if (isFree(port)) return port;
    }
    return undefined;
  }

  /** Errors of connect(2) come as every other outcome does: later, through the handler. */
  #failedSocket(to: Endpoint, handler: TcpHandler, because: CloseReason): TcpSocket {
    const report = this.after(0 as Micros, () => handler.closed?.(because));
    const cancel = (): void => report.cancel();
    const local = { ip: (isIpv6(to.ip) ? "::" : "0.0.0.0") as Ip, port: 0 };
    const nothing = (): void => undefined;
    return {
      local,
      remote: to,
      state: "closed",
      write: nothing,
      shutdown: nothing,
      close: cancel,
      abort: cancel,
      pause: nothing,
      resume: nothing,
      keepAlive: nothing,
    };
  }
}

const formatEndpoint = ({ ip, port }: Endpoint): string => (isIpv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`);

const pairKey = (local: Endpoint, remote: Endpoint): string => `${formatEndpoint(local)}>${formatEndpoint(remote)}`;

function listenKey({ ip, port }: ListenAddress): string {
  return ip === undefined || ip === "::" ? `*:${port}` : formatEndpoint({ ip, port });
}

/** As icmp_err_convert and icmpv6_err_convert of Linux. */
function errorOf(because: UnreachablePacket["because"], destination: Ip): Unreachable {
  if (because === "prohibited") return isIpv6(destination) ? "EACCES" : "EHOSTUNREACH";
  const errors = { network: "ENETUNREACH", host: "EHOSTUNREACH", port: "ECONNREFUSED" } as const;
  return errors[because];
}
