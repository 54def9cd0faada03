import { type PathAttributes } from "../../../impl/wire/bgp/path-attributes.ts";
import { type Ip, type Ipv4, type Ipv6, UNSPECIFIED_V4 } from "../../../impl/wire/ip.ts";
import { type Prefix } from "../../../impl/wire/prefix.ts";

/** Who told a path, as far as the choice between paths asks. */
export interface PathSource {
  /** Of the neighbour; LOCAL for what starts here. */
  readonly key: string;
  readonly address: Ip;
  readonly asn: number;
  readonly internal: boolean;
  readonly routerId: Ipv4;
  /** The link that it is on; undefined where it is not on an own subnet. */
  readonly device: string | undefined;
  /** Its next hops must be on an own subnet (RFC 4271 section 5.1.3: one hop away). */
  readonly onLink: boolean;
  /** RFC 4456: this router reflects its routes. */
  readonly isClient: boolean;
}

export const LOCAL: PathSource = {
  key: "local",
  address: UNSPECIFIED_V4,
  asn: 0,
  internal: false,
  routerId: UNSPECIFIED_V4,
  device: undefined,
  onLink: false,
  isClient: false,
};

export const isLocalPath = ({ source }: Path): boolean => source.key === LOCAL.key;

/** A route as a neighbour told it, or as a policy left it. */
export interface Route {
  readonly prefix: Prefix;
  readonly nextHop: Ip;
  readonly linkLocal: Ipv6 | undefined;
  readonly attributes: PathAttributes;
  /** FRR's own first criterion; it never leaves the router. */
  readonly weight: number;
  /** A policy wants the global next hop although there is one on the link. */
  readonly prefersGlobal: boolean;
}

/** A route in the table, with who told it. */
export interface Path extends Route {
  readonly source: PathSource;
  /** RFC 4724 section 4.2. */
  readonly stale: boolean;
}
