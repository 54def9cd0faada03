// RFC 5082 (GTSM), RFC 2385 (MD5): how segments to a neighbour travel.
import { type Ip, familyOf } from "../../../impl/wire/ip.ts";
import { encodeUtf8 } from "../../../impl/wire/text.ts";
import { type Host } from "../../host/host.ts";
import { type ConnectOptions } from "../../host/tcp.ts";
import { type TcpPath } from "../../host/tcp-socket.ts";
import { type PeerSettings } from "../config/model.ts";

const MOST_HOPS = 255;

export const isInternal = ({ remoteAs, localAs }: PeerSettings, asn: number): boolean =>
  remoteAs === "internal" || remoteAs === (localAs?.asn ?? asn);

/** External neighbours are one hop away unless told otherwise; internal ones may be anywhere. */
export function hopsOf(settings: PeerSettings, asn: number): Pick<TcpPath, "ttl" | "minTtl"> {
  const { ttl, minTtl } = settings;
  if (minTtl !== undefined) return { ttl: MOST_HOPS, minTtl };
  return { ttl: isInternal(settings, asn) ? MOST_HOPS : ttl };
}

export interface Route {
  readonly host: Host;
  readonly vrf: string | undefined;
  /** The link of a neighbour that is not known by its address alone. */
  readonly link: string | undefined;
}

export function connectOptions(settings: PeerSettings, to: Ip, asn: number, route: Route): ConnectOptions {
  const { password, updateSource } = settings;
  const device = route.link ?? route.vrf;
  const source = sourceOf(updateSource, to, route.host);
  return {
    ...hopsOf(settings, asn),
    ...(device === undefined ? {} : { device }),
    ...(source === undefined ? {} : { source }),
    ...(password === undefined ? {} : { md5Key: encodeUtf8(password) }),
  };
}

function sourceOf(updateSource: PeerSettings["updateSource"], to: Ip, host: Host): Ip | undefined {
  if (updateSource === undefined || typeof updateSource === "string") return updateSource;
  const addresses = host.findInterface(updateSource.device)?.addresses ?? [];
  const ips = addresses.map(({ ip }) => ip).filter((ip) => familyOf(ip) === familyOf(to) && !ip.startsWith("127."));
  return ips.find((ip) => !ip.startsWith("fe80:") && ip !== "::1");
}
