import { type Ip } from "../../impl/wire/ip.ts";

export interface NextHop {
  readonly device: string;
  /** Undefined where the destination itself is on the link. */
  readonly via: Ip | undefined;
  /** Of a route's flows it gets so many parts of the sum of all weights. */
  readonly weight: number;
}

/** Names a next hop within a route. */
export const nextHopKey = ({ via, device }: NextHop): string => `${via ?? ""}%${device}`;
