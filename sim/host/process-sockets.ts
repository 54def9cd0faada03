import { type DatagramOptions, type Endpoint, type Input } from "../../impl/ports.ts";
import { ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { type Ipv6 } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { type Host } from "./host.ts";
import { type Interface } from "./interface.ts";
import { ETHERNET_HEADER, etherTypeOf } from "./network-device.ts";
import { type OnDatagram, type UdpSocket } from "./udp.ts";

/** Where the next header stands in a frame with IPv6. */
const NEXT_HEADER = ETHERNET_HEADER + 6;

/** Where the protocol of IPv4 stands in a frame, and the destination port of UDP behind a header without options. */
const PROTOCOL = ETHERNET_HEADER + 9;
const DESTINATION_PORT = ETHERNET_HEADER + 22;
/** RFC 5881 section 4. */
const BFD_ECHO = 3785;

/** The packet filter of the link sockets: ARP, ICMPv6 without extension headers, and BFD Echo over IPv4. */
export function isCaptured(frame: Uint8Array): boolean {
  const type = etherTypeOf(frame);
  if (type === ETHER_TYPES.ipv6) return frame[NEXT_HEADER] === IP_PROTOCOLS.icmp6;
  return type === ETHER_TYPES.arp || (type === ETHER_TYPES.ipv4 && isEcho(frame));
}

function isEcho(frame: Uint8Array): boolean {
  const port = (frame[DESTINATION_PORT] ?? 0) * 256 + (frame[DESTINATION_PORT + 1] ?? 0);
  return frame[PROTOCOL] === IP_PROTOCOLS.udp && port === BFD_ECHO;
}

/** The link sockets, memberships and UDP sockets of one process. */
export class ProcessSockets {
  readonly #host: Host;
  readonly #process: string;
  readonly #deliver: (input: Input) => void;
  readonly #links = new Map<string, Disposable>();
  readonly #groups = new Map<string, { readonly on: Interface; readonly group: Ipv6 }>();
  readonly #datagrams = new Map<string, UdpSocket>();

  constructor(host: Host, process: string, deliver: (input: Input) => void) {
    this.#host = host;
    this.#process = process;
    this.#deliver = deliver;
  }

  #fail(what: string): void {
    this.#host.trace("process", `${this.#process} ${what}`);
  }

  /** A socket stays with its device, even when that is renamed. */
  openLink(link: string): void {
    const device = this.#host.device(link);
    if (device === undefined) return this.#fail(`cannot capture on ${link}: no such device`);
    this.closeLink(link);
    const capture = device.capture((frame) => {
      if (isCaptured(frame)) this.#deliver({ kind: "frame", link, bytes: frame });
    });
    this.#links.set(link, capture);
  }

  closeLink(link: string): void {
    this.#links.get(link)?.[Symbol.dispose]();
    this.#links.delete(link);
  }

  joinGroup(link: string, group: Ipv6): void {
    const on = this.#host.findInterface(link);
    if (on === undefined) return this.#fail(`cannot join ${group} on ${link}: no such device`);
    const key = `${link} ${group}`;
    if (this.#groups.has(key)) return;
    this.#groups.set(key, { on, group });
    on.groups.join(group);
  }

  leaveGroup(link: string, group: Ipv6): void {
    const key = `${link} ${group}`;
    this.#groups.get(key)?.on.groups.leave(group);
    this.#groups.delete(key);
  }

  openDatagrams(socket: string, local: Endpoint, options: DatagramOptions = {}): void {
    this.closeDatagrams(socket);
    const receive: OnDatagram = (from, bytes, arrival) => {
      const input = { kind: "datagram", socket, from, bytes: bytes.slice() } as const;
      this.#deliver(options.arrivals === true ? { ...input, arrival } : input);
    };
    const opened = this.#host.udp.tryOpen(local, receive, options);
    if (typeof opened === "string") this.#deliver({ kind: "socketFailed", socket, because: opened });
    else this.#datagrams.set(socket, opened);
  }

  closeDatagrams(socket: string): void {
    this.#datagrams.get(socket)?.close();
    this.#datagrams.delete(socket);
  }

  sendDatagram(socket: string, to: Endpoint, bytes: Uint8Array): void {
    this.#datagrams.get(socket)?.send(to, bytes);
  }

  close(): void {
    for (const link of this.#links.keys()) this.closeLink(link);
    for (const { on, group } of this.#groups.values()) on.groups.leave(group);
    this.#groups.clear();
    for (const socket of this.#datagrams.values()) socket.close();
    this.#datagrams.clear();
  }
}
