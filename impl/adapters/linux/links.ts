// Interfaces and their addresses as the kernel tells them: rtnetlink(7), include/uapi/linux/{rtnetlink,if_link,if_addr}.h.
import { type Link } from "../../ports.ts";
import { ipFromBytes } from "../../wire/ip.ts";
import { macFromBytes, ZERO_MAC } from "../../wire/mac.ts";
import { type InterfaceAddress } from "../../wire/prefix.ts";
import { type NativeSockets, type Poller, receiveFrom, Slab } from "./native.ts";

const AF_UNSPEC = 0;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV6_IFADDR = 0x100;
const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM = { newLink: 16, delLink: 17, getLink: 18, newAddress: 20, delAddress: 21, getAddress: 22 } as const;
const IFLA = { address: 1, name: 3, mtu: 4, master: 10 } as const;
const IFA = { address: 1, local: 2, flags: 8 } as const;
const IFF = { up: 0x1, broadcast: 0x2, running: 0x40, noArp: 0x80 } as const;
/** IFA_F_TENTATIVE and IFA_F_DADFAILED: nobody may use the address (RFC 4862 section 5.4). */
const UNUSABLE = 0x40 | 0x08;
const HEADER = 16;
const SLOT = 32 * 1024;

const align = (length: number): number => (length + 3) & ~3;

function attributesOf(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    // NLA_F_NESTED and NLA_F_NET_BYTEORDER are the upper bits of the type.
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

interface LinkFacts {
  readonly name: string;
  readonly mac: Link["mac"];
  readonly mtu: number;
  readonly flags: number;
  readonly master: number | undefined;
}

/** What the messages so far amount to. */
export class LinkTable {
  readonly #links = new Map<number, LinkFacts>();
  readonly #addresses = new Map<string, { readonly index: number; readonly address: InterfaceAddress }>();

  clear(): void {
    this.#links.clear();
    this.#addresses.clear();
  }

  /** One rtnetlink message without its header. True where something changed. */
  apply(type: number, body: Buffer): boolean {
    if (type === RTM.newLink || type === RTM.delLink) return this.#link(type, body);
    if (type === RTM.newAddress || type === RTM.delAddress) return this.#address(type, body);
    return false;
  }

  #link(type: number, body: Buffer): boolean {
    // Bridges tell of their ports under a family of their own; there, "deleted" means that a port has left its bridge.
    if (body.length < 16 || body.readUInt8(0) !== AF_UNSPEC) return false;
    const index = body.readInt32LE(4);
    if (type === RTM.delLink) {
      for (const [key, address] of this.#addresses) if (address.index === index) this.#addresses.delete(key);
      return this.#links.delete(index);
    }
    const attributes = attributesOf(body.subarray(16));
    const mac = attributes.get(IFLA.address);
    this.#links.set(index, {
      name: attributes.get(IFLA.name)?.toString("latin1").replace(/\0.*$/s, "") ?? `if${index}`,
      mac: mac?.length === 6 ? macFromBytes(mac) : ZERO_MAC,
      mtu: attributes.get(IFLA.mtu)?.readUInt32LE(0) ?? 0,
      flags: body.readUInt32LE(8),
      master: attributes.get(IFLA.master)?.readUInt32LE(0),
    });
    return true;
  }

  #address(type: number, body: Buffer): boolean {
    if (body.length < 8) return false;
    const attributes = attributesOf(body.subarray(8));
    // IFA_LOCAL is the own end of a point-to-point link; IFA_ADDRESS is then the other one.
    const bytes = attributes.get(IFA.local) ?? attributes.get(IFA.address);
    if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16)) return false;
    const index = body.readUInt32LE(4);
    const ip = ipFromBytes(bytes);
    const flags = attributes.get(IFA.flags)?.readUInt32LE(0) ?? body.readUInt8(2);
    const key = `${index} ${ip}`;
    if (type === RTM.delAddress || (flags & UNUSABLE) !== 0) return this.#addresses.delete(key);
    this.#addresses.set(key, { index, address: { ip, length: body.readUInt8(1) } });
    return true;
  }

  /** All interfaces in the order of their index. */
  links(): readonly Link[] {
    const addresses = [...this.#addresses.values()];
    return [...this.#links]
      .sort(([a], [b]) => a - b)
      .map(([index, { name, mac, mtu, flags, master }]) => ({
        index,
        name,
        mac,
        mtu,
        up: (flags & IFF.up) !== 0,
        running: (flags & IFF.running) !== 0,
        broadcast: (flags & IFF.broadcast) !== 0,
        noArp: (flags & IFF.noArp) !== 0,
        master: master === undefined ? undefined : (this.#links.get(master)?.name ?? `if${master}`),
        addresses: addresses.filter((entry) => entry.index === index).map(({ address }) => address),
      }));
  }
}

/** Follows the interfaces of this network namespace until it is closed. */
export class LinkMonitor implements Disposable {
  readonly #native: NativeSockets;
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #table = new LinkTable();
  readonly #changed: (links: readonly Link[]) => void;
  /** Dumps still to be asked for; nothing is told before the last is in. */
  #dumps: number[] = [];
  #queued = false;

  constructor(native: NativeSockets, changed: (links: readonly Link[]) => void) {
    this.#native = native;
    this.#changed = changed;
    this.#fd = native.socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, 8);
    native.bind(this.#fd, address);
    this.#poller = receiveFrom(
      native,
      this.#fd,
      new Slab(SLOT),
      (bytes) => this.#receive(bytes),
      // ENOBUFS: messages were lost, so everything is read again.
      () => this.#dumpAll(),
    );
    this.#dumpAll();
  }

  #dumpAll(): void {
    this.#table.clear();
    this.#dumps = [RTM.getLink, RTM.getAddress];
    this.#dumpNext();
  }

  #dumpNext(): void {
    const [type] = this.#dumps;
    if (type === undefined) return this.#queue();
    const request = Buffer.alloc(HEADER + 16);
    request.writeUInt32LE(request.length, 0);
    request.writeUInt16LE(type, 4);
    request.writeUInt16LE(NLM_F_REQUEST | NLM_F_DUMP, 6);
    this.#native.send(this.#fd, request);
  }

  #receive(bytes: Buffer): void {
    let at = 0;
    let news = false;
    while (at + HEADER <= bytes.length) {
      const length = bytes.readUInt32LE(at);
      const type = bytes.readUInt16LE(at + 4);
      if (length < HEADER || at + length > bytes.length) break;
      if (type === NLMSG_DONE || type === NLMSG_ERROR) {
        this.#dumps.shift();
        this.#dumpNext();
      } else news = this.#table.apply(type, bytes.subarray(at + HEADER, at + length)) || news;
      at += align(length);
    }
    if (news && this.#dumps.length === 0) this.#queue();
  }

  /** Tells once for everything that is waiting in the socket. */
  #queue(): void {
    if (this.#queued) return;
    this.#queued = true;
    setImmediate(() => {
      this.#queued = false;
      if (this.#dumps.length === 0) this.#changed(this.#table.links());
    });
  }

  [Symbol.dispose](): void {
    this.#native.unpoll(this.#poller);
  }
}
