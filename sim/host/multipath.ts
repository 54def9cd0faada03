import { type Tuple } from "./conntrack-tuple.ts";
import { type IpPacket } from "./hooks.ts";
import { flowHash, type HashInputs, hashedTuple } from "./multipath-hash.ts";
import { type SelectorSettings } from "./selector.ts";

/** How a host chooses where a route has several next hops. */
export interface MultipathSettings {
  readonly selector: SelectorSettings;
  readonly hash: HashInputs;
  /** 32 bits. Routers with the same seed choose alike. */
  readonly seed: number;
  /**
   * Next hops that the neighbour cache knows not to answer are passed over. Linux does so in next hop groups that are not
   * resilient, whatever is set (FRR installs such groups), and in other routes of IPv4 where
   * net.ipv4.fib_multipath_use_neigh is 1 (BIRD installs those).
   */
  readonly passOverSilent?: boolean;
}

/** What Linux does unless told otherwise, with a seed of one's own. */
export const linuxMultipath = (seed: number): MultipathSettings => ({
  selector: { kind: "threshold" },
  hash: "l3",
  seed,
});

/** What makes routers choose alike or not. */
export type HashSettings = Pick<MultipathSettings, "hash" | "seed">;

export const hashOfPacket = ({ hash, seed }: HashSettings, packet: IpPacket): number =>
  flowHash(hashedTuple(packet, hash), hash, seed);

export const hashOfTuple = ({ hash, seed }: HashSettings, tuple: Tuple): number => flowHash(tuple, hash, seed);
