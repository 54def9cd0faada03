// Which address of ours a peer will see, as far as that can be told before there is a connection.
import { type Peer } from "../../api/config.ts";
import { type Link } from "../../ports.ts";
import { type Ip, isLinkLocal } from "../../wire/ip.ts";
import { contains, maskTo } from "../../wire/prefix.ts";
import { hopsTo } from "./hops.ts";

/** Our end of the path to a peer. */
export interface Local {
  readonly address: Ip;
  readonly link: string | undefined;
}

/** Undefined where the route to the peer decides. */
export function expectedLocal(peer: Peer, address: Ip, links: readonly Link[]): Local | undefined {
  const { peer: target, vrf, sourceAddress } = peer;
  const device = target.kind === "interface" ? target.name : vrf;
  // Of the interfaces with a master only those of a VRF have addresses, and these are the VRF's.
  const reachable = links.filter(({ name, master }) => master === device || (device !== undefined && name === device));
  const all = reachable.flatMap(({ addresses }) => addresses);
  if (hopsTo(peer, all) === "multi") {
    return sourceAddress === undefined ? undefined : { address: sourceAddress, link: undefined };
  }
  // Link-local addresses are on every link.
  if (isLinkLocal(address) && target.kind !== "interface") return undefined;
  for (const { name, addresses } of reachable) {
    const beside = addresses.filter(({ ip, length }) => contains(maskTo(ip, length), address));
    const found = sourceAddress === undefined ? beside[0] : addresses.find(({ ip }) => ip === sourceAddress);
    if (beside.length > 0 && found !== undefined) return { address: found.ip, link: name };
  }
  return undefined;
}
