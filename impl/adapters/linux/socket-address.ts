// Addresses as the kernel's calls take and give them: ip(7), ipv6(7), include/uapi/linux/{in,in6,tcp}.h.
import { ipFromBytes, type Ip, isIpv4, putIp } from "../../wire/ip.ts";
import { type Endpoint } from "../../ports.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;
const SOCKADDR_IN = 16;
const SOCKADDR_IN6 = 28;
const SOCKADDR_STORAGE = 128;
const TCP_MD5SIG_FLAG_PREFIX = 1;

export const domainOf = (ip: Ip): number => (isIpv4(ip) ? AF_INET : AF_INET6);

/** struct sockaddr_in or sockaddr_in6. The scope of a link-local address is the device that its socket is bound to. */
export function socketAddress({ ip, port }: Endpoint): Buffer {
  const address = Buffer.alloc(isIpv4(ip) ? SOCKADDR_IN : SOCKADDR_IN6);
  address.writeUInt16LE(domainOf(ip), 0);
  address.writeUInt16BE(port, 2);
  putIp(ip, address, isIpv4(ip) ? 4 : 8);
  return address;
}

/** Undefined where it is of another family. */
export function endpointIn(address: Buffer): Endpoint | undefined {
  const family = address.readUInt16LE(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const ip = family === AF_INET ? address.subarray(4, 8) : address.subarray(8, 24);
  return { ip: ipFromBytes(ip), port: address.readUInt16BE(2) };
}

/** struct tcp_md5sig: the peer, flags, prefix length, key length, interface, key. Throws a RangeError beyond 80 bytes. */
export function md5Signature(peer: Ip, key: Uint8Array): Buffer {
  const signature = Buffer.alloc(SOCKADDR_STORAGE + 8 + 80);
  signature.set(socketAddress({ ip: peer, port: 0 }));
  signature.writeUInt16LE(key.length, SOCKADDR_STORAGE + 2);
  signature.set(key, SOCKADDR_STORAGE + 8);
  return signature;
}

/** As md5Signature, for TCP_MD5SIG_EXT and every peer of the family of `own`. */
export function md5SignatureOfAll(own: Ip, key: Uint8Array): Buffer {
  const signature = md5Signature(own, key);
  // The prefix length that follows the flags stays 0.
  signature.writeUInt8(TCP_MD5SIG_FLAG_PREFIX, SOCKADDR_STORAGE);
  return signature;
}
