// Memberships in IPv6 groups: ipv6(7), IPV6_ADD_MEMBERSHIP.
import { type Link } from "../../ports.ts";
import { type Ipv6, ipToBytes } from "../../wire/ip.ts";
import { type NativeSockets } from "./native.ts";

const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const IPPROTO_IPV6 = 41;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_DROP_MEMBERSHIP = 21;

/** The kernel's ways to say that a socket holds no more (net.core.optmem_max). */
const FULL: ReadonlySet<string> = new Set(["ENOBUFS", "ENOMEM"]);

interface Holder {
  readonly fd: number;
  /** It refused the last one, and nothing has left it since. */
  full: boolean;
}

/**
 * IPv6 group memberships. The kernel then receives the group and reports it (MLD). One socket holds as many as
 * net.core.optmem_max allows, so there are as many sockets as it takes.
 */
export class GroupMemberships implements Disposable {
  readonly #native: Pick<NativeSockets, "socket" | "setsockopt" | "close">;
  readonly #holders: Holder[] = [];
  readonly #members = new Map<string, { readonly index: number; readonly group: Ipv6; readonly holder: Holder }>();

  constructor(native: Pick<NativeSockets, "socket" | "setsockopt" | "close">) {
    this.#native = native;
  }

  /** How many sockets hold the memberships. */
  get sockets(): number {
    return this.#holders.length;
  }

  /** Joining twice is joining once. Throws the kernel's error where the interface is gone. */
  join(link: Pick<Link, "index">, group: Ipv6): void {
    const key = `${link.index} ${group}`;
    if (this.#members.has(key)) return;
    const request = membershipRequest(link, group);
    const holder = this.#holders.find((known) => !known.full && this.#add(known, request)) ?? this.#fresh(request);
    this.#members.set(key, { index: link.index, group, holder });
  }

  #fresh(request: Buffer): Holder {
    const holder = { fd: this.#native.socket(AF_INET6, SOCK_DGRAM, 0), full: false };
    try {
      this.#native.setsockopt(holder.fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request);
    } catch (error) {
      this.#native.close(holder.fd);
      throw error;
    }
    this.#holders.push(holder);
    return holder;
  }

  /** False where this socket holds no more. */
  #add(holder: Holder, request: Buffer): boolean {
    try {
      this.#native.setsockopt(holder.fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request);
      return true;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && FULL.has(String(error.code)))) throw error;
      holder.full = true;
      return false;
    }
  }

  leave(link: Pick<Link, "index">, group: Ipv6): void {
    const key = `${link.index} ${group}`;
    const holder = this.#members.get(key)?.holder;
    if (holder === undefined) return;
    this.#members.delete(key);
    try {
      this.#native.setsockopt(holder.fd, IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, membershipRequest(link, group));
    } catch {
      // The interface is gone, and the membership with it.
    }
    holder.full = false;
  }

  /** Gives back what sockets keep of interfaces that are gone. */
  keepOnly(links: readonly Pick<Link, "index">[]): void {
    const indexes = new Set(links.map(({ index }) => index));
    for (const { index, group } of this.#members.values()) if (!indexes.has(index)) this.leave({ index }, group);
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#holders.splice(0)) this.#native.close(fd);
    this.#members.clear();
  }
}

/** struct ipv6_mreq: the group, then the interface index. */
function membershipRequest(link: Pick<Link, "index">, group: Ipv6): Buffer {
  const request = Buffer.alloc(20);
  request.set(ipToBytes(group));
  request.writeInt32LE(link.index, 16);
  return request;
}
