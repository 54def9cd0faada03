import { type Endpoint } from "../../impl/ports.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { familyOf, type Ip, isIpv6, UNSPECIFIED_V4, UNSPECIFIED_V6 } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { type Prefix } from "../../impl/wire/prefix.ts";
import { encodeUtf8 } from "../../impl/wire/text.ts";
import { type Micros, micros } from "../../impl/wire/time.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import {
  type Container,
  type IpEndpoint,
  type IpPacket,
  type IpStack,
  type OutgoingPacket,
  type ProtocolHandler,
} from "./hooks.ts";
import { type TcpHandler, type TcpSocket, TcpStack } from "./tcp.ts";
import { UdpStack } from "./udp.ts";

/** A packet crosses a veth pair in a softirq of its own. */
const VETH_DELAY = micros(5);
const NEWLINE = 10;

export interface PodSpec {
  readonly name: string;
  /** At most one of each family. */
  readonly ips: readonly Ip[];
}

/** A network namespace on a node, with a TCP and a UDP of its own. */
export class Pod implements IpEndpoint {
  readonly name: string;
  readonly ips: readonly Ip[];
  readonly tcp: TcpStack;
  readonly udp: UdpStack;
  readonly #world: SimWorld;
  readonly #node: IpStack;
  readonly #protocols = new Map<number, ProtocolHandler>();
  readonly #containers: ReadonlyMap<Ip, Container>;

  constructor(world: SimWorld, node: IpStack, { name, ips }: PodSpec) {
    this.name = name;
    this.ips = ips;
    this.#world = world;
    this.#node = node;
    this.tcp = new TcpStack(world, this);
    this.udp = new UdpStack(this, () => undefined);
    this.registerProtocol(IP_PROTOCOLS.udp, this.udp);
    const receive = (packet: IpPacket): void => this.#receive(packet);
    this.#containers = new Map(ips.map((ip) => [ip, node.addContainer(`veth-${name}`, ip, receive)]));
  }

  /** Its address is gone, and what it had open ends without a word. */
  remove(): void {
    for (const container of this.#containers.values()) container.remove();
    this.reset();
  }

  /** Its processes are gone, its address is not. */
  reset(): void {
    this.tcp.reset();
    this.udp.reset();
  }

  localAddresses(): readonly Ip[] {
    return this.ips;
  }

  isLocal(ip: Ip): boolean {
    return this.ips.includes(ip);
  }

  /** Sockets in a pod are bound to no device. */
  hasDevice(): boolean {
    return false;
  }

  vrfOf(): undefined {
    return undefined;
  }

  sourceFor(destination: Ip): Ip | undefined {
    return this.ips.find((ip) => familyOf(ip) === familyOf(destination));
  }

  mtuTo(destination: Ip): number {
    return this.#node.mtuTo(destination);
  }

  sendIp(packet: OutgoingPacket): void {
    const container = this.#containers.get(packet.source);
    this.#node.after(VETH_DELAY, () => container?.send(packet));
  }

  registerProtocol(protocol: number, handler: ProtocolHandler): Disposable {
    this.#protocols.set(protocol, handler);
    return { [Symbol.dispose]: () => this.#protocols.delete(protocol) };
  }

  /** The next hop is the node itself. */
  confirm(): void {}

  after(delay: Micros, task: () => void): Scheduled {
    return this.#node.after(delay, task);
  }

  #receive(packet: IpPacket): void {
    try {
      this.#protocols.get(packet.protocol)?.receive(packet, "eth0");
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#world.trace.write(this.name, "drop", error.message);
    }
  }
}

export interface EchoServerOptions extends PodSpec {
  readonly tcpPorts?: readonly number[];
  readonly udpPorts?: readonly number[];
}

/**
 * A pod that tells who it is: each line that comes over TCP, and each datagram, is answered with the line
 * `<pod> <node> <address of the client as the pod sees it>`.
 */
export class EchoServer {
  readonly pod: Pod;
  readonly #node: IpStack;
  readonly #options: EchoServerOptions;
  readonly #power: Disposable;

  constructor(world: SimWorld, node: IpStack, options: EchoServerOptions) {
    this.pod = new Pod(world, node, options);
    this.#node = node;
    this.#options = options;
    this.#power = node.onPower((on) => (on ? this.#serve() : this.pod.reset()));
    this.#serve();
  }

  /** The pod is deleted. */
  remove(): void {
    this.#power[Symbol.dispose]();
    this.pod.remove();
  }

  #serve(): void {
    for (const port of this.#options.tcpPorts ?? []) this.pod.tcp.listen(port, (socket) => this.#accept(socket));
    for (const port of this.#options.udpPorts ?? []) {
      for (const ip of new Set(this.pod.ips.map((own) => (isIpv6(own) ? UNSPECIFIED_V6 : UNSPECIFIED_V4)))) {
        const socket = this.pod.udp.open({ ip, port }, (from) => socket.send(from, this.#answerTo(from)));
      }
    }
  }

  #accept(socket: TcpSocket): TcpHandler {
    return {
      data: (bytes) => {
        for (const byte of bytes) if (byte === NEWLINE) socket.write(this.#answerTo(socket.remote));
      },
    };
  }

  #answerTo({ ip }: Endpoint): Uint8Array {
    return encodeUtf8(`${this.pod.name} ${this.#node.name} ${ip}\n`);
  }
}

/** A node as the others see it: where its pods are, and where it is. */
export interface PodNetwork {
  readonly node: string;
  readonly podPrefix: Prefix;
  readonly nodeAddress: Ip;
}

/** The routes that `node` needs to reach the pods of all others, as a CNI without tunnels sets them. */
export function podRoutes(
  node: string,
  networks: readonly PodNetwork[],
): readonly { readonly prefix: Prefix; readonly via: Ip }[] {
  return networks
    .filter((network) => network.node !== node)
    .map(({ podPrefix, nodeAddress }) => ({ prefix: podPrefix, via: nodeAddress }));
}
