import {
  compareIp,
  type Family,
  familyOf,
  type Ip,
  type Ipv4,
  type Ipv6,
  isIpv4,
  isIpv6,
  isLinkLocal,
  UNSPECIFIED_V4,
} from "../../../impl/wire/ip.ts";
import { type Host } from "../../host/host.ts";
import { type BgpConfig } from "../config/model.ts";
import { type OwnNextHop } from "./policy-out.ts";

/** As zebra chooses: the greatest address of a loopback, else the greatest of all. */
export function routerIdOf({ routerId, vrf }: BgpConfig, host: Host): Ipv4 {
  if (routerId !== undefined) return routerId;
  const links = host.links().filter(({ name }) => host.vrfOf(name) === vrf);
  const ofLoopback = links.filter(({ name }) => name === "lo").flatMap(ipv4Addresses);
  return (
    (ofLoopback.length > 0 ? ofLoopback : links.flatMap(ipv4Addresses)).toSorted(compareIp).at(-1) ?? UNSPECIFIED_V4
  );
}

function ipv4Addresses({ addresses }: { readonly addresses: readonly { readonly ip: Ip }[] }): readonly Ipv4[] {
  return addresses.map(({ ip }) => ip).filter((ip): ip is Ipv4 => isIpv4(ip) && !ip.startsWith("127."));
}

export interface OwnEnd {
  /** The router's end of the session. */
  readonly local: Ip;
  /** The link that the neighbour is on; undefined where it is further away. */
  readonly device: string | undefined;
  /** RFC 8950 was agreed on. */
  readonly extendedNextHop: boolean;
}

/** RFC 4271 section 5.1.3 and RFC 2545 section 3: the router as next hop of a family, as one neighbour can use it. */
export function ownNextHop(host: Host, family: Family, end: OwnEnd): OwnNextHop | undefined {
  const { local, device, extendedNextHop } = end;
  const ips = (device === undefined ? undefined : host.findInterface(device)?.addresses)?.map(({ ip }) => ip) ?? [];
  const linkLocal = ips.find((ip): ip is Ipv6 => isIpv6(ip) && isLinkLocal(ip));
  const global = (wanted: Family): Ip | undefined =>
    familyOf(local) === wanted && !isLinkLocal(local)
      ? local
      : ips.find((ip) => familyOf(ip) === wanted && !isLinkLocal(ip));
  if (family === "ipv4" && (!extendedNextHop || isIpv4(local))) {
    const nextHop = global("ipv4");
    return nextHop === undefined ? undefined : { nextHop, linkLocal: undefined };
  }
  const nextHop = global("ipv6") ?? linkLocal;
  if (nextHop === undefined) return undefined;
  return { nextHop, linkLocal: nextHop === linkLocal ? undefined : linkLocal };
}
