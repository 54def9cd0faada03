// RFC 6724 section 5 (rules 1, 2 and 8), and what Linux does for IPv4 (inet_select_addr).
import { type Ip, ipToBytes, isIpv4, isIpv6, isLinkLocal } from "../../impl/wire/ip.ts";
import { maskTo } from "../../impl/wire/prefix.ts";
import { type Interface } from "./interface.ts";

/** The source for a packet that leaves through `out`, towards `nextHop`; without `out` any interface's will do. */
export function chooseSource(
  destination: Ip,
  nextHop: Ip,
  out: Interface | undefined,
  others: Iterable<Interface>,
): Ip | undefined {
  return isIpv4(destination) ? chooseIpv4(nextHop, out, others) : chooseIpv6(destination, out, others);
}

function chooseIpv4(nextHop: Ip, out: Interface | undefined, others: Iterable<Interface>): Ip | undefined {
  const own = out?.addresses.filter(({ ip }) => isIpv4(ip)) ?? [];
  const near = own.find(({ ip, length }) => maskTo(ip, length) === maskTo(nextHop, length));
  const chosen = near ?? own.at(0);
  if (chosen !== undefined) return chosen.ip;
  for (const other of others) {
    const address = other.addresses.find(({ ip }) => isIpv4(ip) && !ip.startsWith("127."));
    if (address !== undefined) return address.ip;
  }
  return undefined;
}

function chooseIpv6(destination: Ip, out: Interface | undefined, others: Iterable<Interface>): Ip | undefined {
  const candidates = (out?.addresses ?? []).map(({ ip }) => ip).filter((ip) => !isIpv4(ip) && ip !== "::1");
  if (isLinkLocal(destination)) return candidates.find(isLinkLocal) ?? candidates.at(0);
  const ofScope = candidates.filter((ip) => !isLinkLocal(ip) && !isTentative(ip, out));
  if (ofScope.length > 0) return longestMatch(destination, ofScope);
  for (const other of others) {
    const address = other.addresses.find(({ ip }) => !isIpv4(ip) && !isLinkLocal(ip) && ip !== "::1");
    if (address !== undefined) return address.ip;
  }
  return candidates.at(0);
}

const isTentative = (ip: Ip, out: Interface | undefined): boolean =>
  isIpv6(ip) && out?.detection.isTentative(ip) === true;

function longestMatch(destination: Ip, candidates: readonly Ip[]): Ip | undefined {
  let best: Ip | undefined;
  let bestLength = -1;
  for (const candidate of candidates) {
    const length = commonBits(ipToBytes(destination), ipToBytes(candidate));
    if (length > bestLength) {
      best = candidate;
      bestLength = length;
    }
  }
  return best;
}

function commonBits(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) ^ (b[index] ?? 0);
    if (difference !== 0) return index * 8 + Math.clz32(difference) - 24;
  }
  return a.length * 8;
}
