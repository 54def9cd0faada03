// Which neighbours there are: those of the configuration, and those that came from a listen range.
import { type Ip } from "../../../impl/wire/ip.ts";
import { contains, lengthOf } from "../../../impl/wire/prefix.ts";
import { type BgpConfig, type NeighborConfig, type PeerSettings } from "../config/model.ts";
import { type Neighbor, type NeighborHistory, type NeighborIdentity } from "./neighbor.ts";

export function identityOf({ peer }: NeighborConfig): NeighborIdentity {
  return peer.kind === "interface"
    ? { key: `%${peer.device}`, device: peer.device, dynamic: false }
    : { key: peer.ip, device: peer.device, dynamic: false };
}

/** The range of the longest prefix that an address is in. */
export function rangeFor({ listen }: BgpConfig, ip: Ip): PeerSettings | undefined {
  const fitting = listen.ranges.filter(({ prefix }) => contains(prefix, ip));
  return fitting.toSorted((one, other) => lengthOf(other.prefix) - lengthOf(one.prefix))[0]?.settings;
}

/** Neighbours by their keys, and what happened to them so far, also to those that come and go. */
export class Neighbors {
  readonly #rows = new Map<string, Neighbor>();
  readonly #histories = new Map<string, NeighborHistory>();

  values(): readonly Neighbor[] {
    return [...this.#rows.values()];
  }

  get(key: string): Neighbor | undefined {
    return this.#rows.get(key);
  }

  byAddress(ip: Ip, device?: string): Neighbor | undefined {
    const exact = this.#rows.get(ip);
    if (exact !== undefined) return exact;
    return this.values().find(
      (each) => each.address === ip || (device !== undefined && each.identity.key === `%${device}`),
    );
  }

  history(key: string): NeighborHistory {
    const history = this.#histories.get(key) ?? { established: 0, sent: [], received: [] };
    this.#histories.set(key, history);
    return history;
  }

  dynamicCount(): number {
    return this.values().filter(({ identity }) => identity.dynamic).length;
  }

  add(neighbor: Neighbor): void {
    this.#rows.set(neighbor.identity.key, neighbor);
  }

  remove(neighbor: Neighbor): void {
    if (this.#rows.get(neighbor.identity.key) === neighbor) this.#rows.delete(neighbor.identity.key);
  }
}
