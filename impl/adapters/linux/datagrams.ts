// Datagram sockets of a process: udp(7), ip(7), ipv6(7).
import { ipFromBytes, isIpv4 } from "../../wire/ip.ts";
import { type Arrival, type DatagramOptions, type Effect, type Endpoint, type Input } from "../../ports.ts";
import { configure, type Envelope, type NativeSockets, type Poller, receiveFrom, Slab } from "./native.ts";
import { domainOf, endpointIn, socketAddress } from "./socket-address.ts";
import { type Log } from "./log.ts";
import { codeOf, hintOf, reasonOf } from "./system-error.ts";

const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const IPPROTO_IP = 0;
const IP = { ttl: 2, pktinfo: 8, recvTtl: 12 } as const;
const IPPROTO_IPV6 = 41;
const IPV6 = { unicastHops: 16, v6Only: 26, recvPktinfo: 49, pktinfo: 50, recvHopLimit: 51, hopLimit: 52 } as const;
/** A datagram is no longer than this. */
const LARGEST = 65_535;

export type DatagramEffect = Extract<Effect, { kind: "openDatagrams" | "closeDatagrams" | "sendDatagram" }>;

export interface DatagramWorld {
  readonly native: NativeSockets;
  readonly deliver: (input: Input) => void;
  readonly log: Log;
  readonly linkName: (index: number) => string | undefined;
}

interface Open {
  readonly fd: number;
  readonly poller: Poller;
}

function setOptions(native: NativeSockets, fd: number, local: Endpoint, options: DatagramOptions): void {
  const v4 = isIpv4(local.ip);
  const set = (option: number, value: number): void =>
    native.setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, option, value);
  // Two sockets, one of each family, may have one port.
  if (!v4) set(IPV6.v6Only, 1);
  if (options.device !== undefined) {
    native.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${options.device}\0`));
  }
  if (options.ttl !== undefined) set(v4 ? IP.ttl : IPV6.unicastHops, options.ttl);
  if (options.arrivals !== true) return;
  set(v4 ? IP.pktinfo : IPV6.recvPktinfo, 1);
  set(v4 ? IP.recvTtl : IPV6.recvHopLimit, 1);
}

export class Datagrams implements Disposable {
  readonly #world: DatagramWorld;
  readonly #open = new Map<string, Open>();
  readonly #slab = new Slab(LARGEST + 1);

  constructor(world: DatagramWorld) {
    this.#world = world;
  }

  run(effect: DatagramEffect): void {
    if (effect.kind === "openDatagrams") this.#openSocket(effect);
    else if (effect.kind === "closeDatagrams") this.#close(effect.socket);
    else this.#send(effect);
  }

  #openSocket({ socket, local, options = {} }: Extract<DatagramEffect, { kind: "openDatagrams" }>): void {
    const { native, deliver, log, linkName } = this.#world;
    try {
      const fd = native.socket(domainOf(local.ip), SOCK_DGRAM, 0);
      configure(native, fd, () => {
        setOptions(native, fd, local, options);
        native.bind(fd, socketAddress(local));
      });
      const receive = (bytes: Buffer, { address, control }: Envelope): void => {
        const from = endpointIn(address);
        if (from === undefined) return;
        const arrival = options.arrivals === true ? arrivalIn(control, linkName) : undefined;
        const copy = Uint8Array.from(bytes);
        deliver({ kind: "datagram", socket, from, bytes: copy, ...(arrival === undefined ? {} : { arrival }) });
      };
      const failed = (errno: number): void => log("debug", "datagrams.receive.failed", { socket, errno });
      this.#open.set(socket, { fd, poller: receiveFrom(native, fd, this.#slab, receive, failed) });
    } catch (error) {
      log("error", "datagrams.failed", { socket, because: reasonOf(error), hint: hintOf(error) });
      deliver({ kind: "socketFailed", socket, because: codeOf(error) });
    }
  }

  #send({ socket, to, bytes }: Extract<DatagramEffect, { kind: "sendDatagram" }>): void {
    const { native, log } = this.#world;
    const open = this.#open.get(socket);
    if (open === undefined) return;
    try {
      const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      // Where the kernel has no room it is lost, as on the way.
      native.send(open.fd, whole, socketAddress(to));
    } catch (error) {
      log("debug", "datagram.failed", { to: to.ip, because: codeOf(error) });
    }
  }

  #close(socket: string): void {
    const open = this.#open.get(socket);
    if (open !== undefined) this.#world.native.unpoll(open.poller);
    this.#open.delete(socket);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#open.keys()) this.#close(socket);
  }
}

/** struct cmsghdr: length (8 bytes), level (4), type (4), data; the next begins at a multiple of 8. */
function controlMessages(control: Buffer): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (let at = 0; at + 16 <= control.length; ) {
    const length = Number(control.readBigUInt64LE(at));
    if (length < 16 || at + length > control.length) break;
    const [level, type] = [control.readInt32LE(at + 8), control.readInt32LE(at + 12)];
    found.set(`${level}/${type}`, control.subarray(at + 16, at + length));
    at += (length + 7) & ~7;
  }
  return found;
}

/** Undefined where the kernel did not say, or the interface is not known. */
export function arrivalIn(control: Buffer, linkName: (index: number) => string | undefined): Arrival | undefined {
  const messages = controlMessages(control);
  // struct in_pktinfo: interface, local address, destination in the header. struct in6_pktinfo: destination, interface.
  const v4 = messages.get(`${IPPROTO_IP}/${IP.pktinfo}`);
  const v6 = messages.get(`${IPPROTO_IPV6}/${IPV6.pktinfo}`);
  const ttl = messages.get(`${IPPROTO_IP}/${IP.ttl}`) ?? messages.get(`${IPPROTO_IPV6}/${IPV6.hopLimit}`);
  if (ttl?.length !== 4) return undefined;
  const index = v4?.length === 12 ? v4.readInt32LE(0) : v6?.length === 20 ? v6.readInt32LE(16) : 0;
  const link = linkName(index);
  if (link === undefined) return undefined;
  const destination = ipFromBytes(v4?.subarray(8, 12) ?? v6?.subarray(0, 16) ?? Buffer.alloc(4));
  return { link, destination, ttl: ttl.readInt32LE(0) };
}
