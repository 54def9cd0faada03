// RFC 9293: the TCP of one host or one container.
import { type Endpoint, type Random, type StreamOptions } from "../../impl/ports.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { familyOf, type Ip, isIpv6 } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { decodeTcp, encodeTcp, type Tcp } from "../../impl/wire/tcp.ts";
import { encodeSignedTcp } from "../../impl/wire/tcp-md5.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import { type IpEndpoint, type IpPacket, type ProtocolHandler, type UnreachablePacket } from "./hooks.ts";
import { answersThrough, needsDevice } from "./socket-scope.ts";
import { type Admission, inadmissible, isMd5Key, keyFor } from "./tcp-admission.ts";
import { TcpConnection, type TcpNetwork, type Unreachable } from "./tcp-connection.ts";
import { pairKey, TcpConnections } from "./tcp-connections.ts";
import {
  type Accept,
  type ListenAddress,
  type Listening,
  type ListenOptions,
  TcpListeners,
  type TcpListener,
} from "./tcp-listeners.ts";
import { type Segment } from "./tcp-output.ts";
import { type CloseReason, type TcpHandler } from "./tcp-owner.ts";
import { refusedSocket } from "./tcp-refused-socket.ts";
import { advance } from "./tcp-sequence.ts";
import { type TcpPath, type TcpSocket } from "./tcp-socket.ts";
import { type TcpState } from "./tcp-state.ts";

export type { CloseReason, TcpHandler, TcpSocket };

export interface TcpOptions {
  /**
   * net.ipv4.tcp_syn_linear_timeouts: so many SYNs more, one second apart, before the timeout doubles. Linux has had it
   * since 6.5, and there it is 4; before it was as with 0, which is the default here.
   */
  readonly synLinearTimeouts?: number;
}

export interface ConnectOptions extends StreamOptions {
  readonly sourcePort?: number;
}

/** net.ipv4.ip_local_port_range. */
const EPHEMERAL = { first: 32_768, count: 28_232 } as const;
/** The headers of IP and TCP without options. */
const HEADERS = { ipv4: 40, ipv6: 60 } as const;

/** A segment with where it came. */
interface Arrival {
  readonly packet: IpPacket;
  readonly segment: Tcp;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly link: string;
  readonly vrf: string | undefined;
}

/** What the IP header and the options of a segment need to know. */
type Outward = { readonly [Key in "device" | "ttl" | "md5Key"]?: TcpPath[Key] | undefined };

export class TcpStack implements ProtocolHandler, TcpNetwork {
  readonly synLinearTimeouts: number;
  readonly #world: SimWorld;
  readonly #host: IpEndpoint;
  readonly #ports: Random;
  readonly #sequences: Random;
  readonly #connections = new TcpConnections();
  readonly #listeners = new TcpListeners();

  constructor(world: SimWorld, host: IpEndpoint, options: TcpOptions = {}) {
    this.synLinearTimeouts = options.synLinearTimeouts ?? 0;
    this.#world = world;
    this.#host = host;
    this.#ports = world.random(`${host.name}/tcp/ports`);
    this.#sequences = world.random(`${host.name}/tcp/sequences`);
    host.registerProtocol(IP_PROTOCOLS.tcp, this);
  }

  /** Throws where another listener has the address. */
  listen(address: ListenAddress | number, accept: Accept, options: ListenOptions = {}): TcpListener {
    const at = typeof address === "number" ? { port: address } : address;
    const listener = this.#listeners.add(at, accept, options);
    if (listener !== undefined) return listener;
    throw new Error(`${this.#host.name} listens on ${at.ip ?? "*"} port ${at.port} already (EADDRINUSE)`);
  }

  connect(to: Endpoint, handler: TcpHandler, options: ConnectOptions = {}): TcpSocket {
    const local = this.#localOf(to, options);
    if (typeof local === "string") {
      // Errors of connect(2) come as every other outcome does: later, through the handler.
      const report = this.after(0 as Micros, () => handler.closed?.(local));
      return refusedSocket(to, () => report.cancel());
    }
    const connection = this.#add(local, to, options);
    connection.open(handler);
    return connection;
  }

  /** The end that bind(2) and connect(2) choose, or why they fail. */
  #localOf(to: Endpoint, { source, sourcePort, device, md5Key }: ConnectOptions): Endpoint | CloseReason {
    if (device !== undefined && !this.#host.hasDevice(device)) return "ENODEV";
    if (md5Key !== undefined && !isMd5Key(md5Key)) return "EINVAL";
    if (source !== undefined && !this.#host.isLocal(source, device)) return "EADDRNOTAVAIL";
    if (needsDevice(to.ip) && device === undefined) return "EINVAL";
    const ip = source ?? this.#host.sourceFor(to.ip, device);
    if (ip === undefined) return "ENETUNREACH";
    const port = this.#freePort(ip, to, sourcePort, device);
    return port === undefined ? "EADDRNOTAVAIL" : { ip, port };
  }

  /** Connections that exist, TIME_WAIT among them. */
  connections(): readonly TcpSocket[] {
    return this.#connections.all();
  }

  /** Forgets everything without a word, as a loss of power does; what arrives later is answered with RST. */
  reset(): void {
    for (const connection of this.#connections.all()) connection.vanish();
    this.#connections.clear();
    this.#listeners.clear();
  }

  receive(packet: IpPacket, link: string): void {
    const segment = this.#decode(packet);
    if (segment === undefined) return;
    const local = { ip: packet.destination, port: segment.destinationPort };
    const remote = { ip: packet.source, port: segment.sourcePort };
    const vrf = this.#host.vrfOf(link);
    const arrival = { packet, segment, local, remote, link, vrf };
    const connection = this.#connections.find(local, remote, link, vrf);
    if (connection === undefined) return this.#receiveUnknown(arrival);
    if (!this.#admits(arrival, connection.path)) return;
    if (!connection.mayBeReplacedBy(segment)) return connection.receive(segment);
    connection.vanish();
    this.#connections.delete(connection);
    this.#receiveUnknown(arrival);
  }

  unreachable({ source, destination, because, payload }: UnreachablePacket): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const local = { ip: source, port: view.getUint16(0) };
    const remote = { ip: destination, port: view.getUint16(2) };
    const sequence = view.getUint32(4);
    for (const connection of this.#connections.between(local, remote)) {
      // The packet may still be on its way down through the layers that report this.
      this.after(0 as Micros, () => connection.unreachable(errorOf(because, destination), sequence));
    }
  }

  // What the connections need.

  get now(): Micros {
    return this.#world.scheduler.now;
  }

  after(delay: Micros, task: () => void): Scheduled {
    return this.#host.after(delay, task);
  }

  send(connection: TcpConnection, segment: Segment): void {
    this.#transmit(connection.local, connection.remote, segment, connection.path);
  }

  moved(connection: TcpConnection, from: TcpState, because: string): void {
    const { local, remote, state } = connection;
    this.#world.trace.write(this.#host.name, "tcp", `${pairKey(local, remote)} ${from}->${state}: ${because}`);
    if (state === "closed") this.#connections.delete(connection);
  }

  confirm(connection: TcpConnection): void {
    this.#host.confirm(connection.remote.ip, connection.device);
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

  #admits({ packet, segment, local, remote }: Arrival, rules: Admission): boolean {
    const because = inadmissible(packet, segment, rules);
    if (because === undefined) return true;
    const ttl = because === "TTL too low" ? ` ${packet.ttl}` : "";
    this.#world.trace.write(this.#host.name, "drop", `tcp ${pairKey(remote, local)} ${because}${ttl}`);
    return false;
  }

  #receiveUnknown(arrival: Arrival): void {
    const { segment, local, remote, link, vrf } = arrival;
    const { syn, ack, rst } = segment.flags;
    const listening = this.#listeners.find(local, link, vrf);
    if (listening === undefined) return rst ? undefined : this.#refuseUnheard(arrival);
    const path = this.#acceptedPath(listening, arrival);
    if (!this.#admits(arrival, path) || rst) return;
    if (ack || !syn) return this.#refuse(arrival, path.md5Key);
    const connection = this.#add(local, remote, path);
    const isListening = (): boolean => this.#listeners.find(local, link, vrf) === listening;
    connection.answer(segment, () => (isListening() ? listening.accept(connection) : undefined));
  }

  /** What a connection has from its listener. */
  #acceptedPath({ options, md5Keys }: Listening, { local, remote, link }: Arrival): TcpPath {
    const { device = needsDevice(local.ip) ? link : undefined, ttl, minTtl } = options;
    const md5Key = keyFor(md5Keys, remote.ip);
    return {
      ...(device === undefined ? {} : { device }),
      ...(ttl === undefined ? {} : { ttl }),
      ...(minTtl === undefined ? {} : { minTtl }),
      ...(md5Key === undefined ? {} : { md5Key }),
    };
  }

  /**
   * Nobody listens. Linux answers a signed segment only with a key, and finds one only where somebody listens on the
   * port that the segment comes from (tcp_v4_send_reset): a rebooted client keeps silent.
   */
  #refuseUnheard(arrival: Arrival): void {
    const { segment, local, remote, link, vrf } = arrival;
    if (segment.options.md5 === undefined) return this.#refuse(arrival, undefined);
    const listening = this.#listeners.find({ ip: local.ip, port: remote.port }, link, vrf);
    const md5Key = keyFor(listening?.md5Keys ?? [], remote.ip);
    if (this.#admits(arrival, { md5Key })) this.#refuse(arrival, md5Key);
  }

  /** RFC 9293 sections 3.10.7.1 (no such connection) and 3.10.7.2 (LISTEN). */
  #refuse({ segment, local, remote, link }: Arrival, md5Key: Uint8Array | undefined): void {
    const { syn, ack, fin } = segment.flags;
    const length = segment.payload.length + (syn ? 1 : 0) + (fin ? 1 : 0);
    const reset: Segment = {
      sequence: ack ? segment.acknowledgement : 0,
      acknowledgement: ack ? 0 : advance(segment.sequence, length),
      flags: { syn: false, ack: !ack, fin: false, rst: true, psh: false },
      window: 0,
      options: {},
      payload: new Uint8Array(0),
    };
    this.#transmit(local, remote, reset, { device: answersThrough(this.#host, link, remote.ip), md5Key });
  }

  #transmit(from: Endpoint, to: Endpoint, segment: Segment, { device, ttl, md5Key }: Outward): void {
    const full = { ...segment, sourcePort: from.port, destinationPort: to.port };
    const payload =
      md5Key === undefined ? encodeTcp(full, from.ip, to.ip) : encodeSignedTcp(full, from.ip, to.ip, md5Key);
    const packet = { source: from.ip, destination: to.ip, protocol: IP_PROTOCOLS.tcp, payload };
    this.#host.sendIp({ ...packet, ...(ttl === undefined ? {} : { ttl }), device });
  }

  #add(local: Endpoint, remote: Endpoint, path: TcpPath): TcpConnection {
    const connection = new TcpConnection(this, {
      local,
      remote,
      path,
      initialSequence: Math.floor(this.#sequences.next() * 2 ** 32),
      mss: this.#host.mtuTo(remote.ip, path.device) - HEADERS[familyOf(remote.ip)],
    });
    this.#connections.add(connection);
    return connection;
  }

  /** RFC 6056 section 3.3.1: a random start, then the next port that is free for this destination. */
  #freePort(ip: Ip, to: Endpoint, wanted: number | undefined, device: string | undefined): number | undefined {
    const isFree = (port: number): boolean => this.#connections.isFree({ ip, port }, to, device);
    if (wanted !== undefined) return isFree(wanted) ? wanted : undefined;
    const start = Math.floor(this.#ports.next() * EPHEMERAL.count);
    for (let tried = 0; tried < EPHEMERAL.count; tried++) {
      const port = EPHEMERAL.first + ((start + tried) % EPHEMERAL.count);
      if (isFree(port)) return port;
    }
    return undefined;
  }
}

/** As icmp_err_convert and icmpv6_err_convert of Linux. */
function errorOf(because: UnreachablePacket["because"], destination: Ip): Unreachable {
  if (because === "prohibited") return isIpv6(destination) ? "EACCES" : "EHOSTUNREACH";
  const errors = { network: "ENETUNREACH", host: "EHOSTUNREACH", port: "ECONNREFUSED" } as const;
  return errors[because];
}
