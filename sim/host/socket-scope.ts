// Linux Documentation/networking/vrf.rst, and ip(7), SO_BINDTODEVICE: which sockets see what arrived where.
import { type Ip, isIpv6, isLinkLocal } from "../../impl/wire/ip.ts";
import { type IpEndpoint } from "./hooks.ts";

/**
 * Whether a socket that is bound to `device` takes what arrived on `link`. One that is bound to nothing takes nothing out
 * of a VRF, as with net.ipv4.tcp_l3mdev_accept and udp_l3mdev_accept at 0.
 */
export function hears(device: string | undefined, link: string, vrf: string | undefined): boolean {
  return device === undefined ? vrf === undefined : device === link || device === vrf;
}

/** Two sockets that are bound to different devices may have the same address and port. */
export const areApart = (one: string | undefined, other: string | undefined): boolean =>
  one !== undefined && other !== undefined && one !== other;

/** RFC 4007 section 6: a link-local address of IPv6 means nothing without its link. */
export const needsDevice = (ip: Ip): boolean => isIpv6(ip) && isLinkLocal(ip);

/** Where the answer to what arrived on `link` leaves, if routes alone do not say. */
export function answersThrough(host: IpEndpoint, link: string, to: Ip): string | undefined {
  return needsDevice(to) ? link : host.vrfOf(link);
}
