// RFC 5881 (single hop) or RFC 5883 (several): how far away BFD takes a peer to be.
import { type Peer } from "../../api/config.ts";
import { contains, type InterfaceAddress, maskTo } from "../../wire/prefix.ts";
import { type Hops } from "../bfd/config.ts";

/** As FRR decides: eBGP is one hop unless the peer says otherwise, iBGP is one where the peer is on a subnet of ours. */
export function hopsTo(peer: Peer, addresses: readonly InterfaceAddress[]): Hops {
  if (peer.peer.kind === "interface") return "single";
  if (peer.ebgpMultiHop) return "multi";
  const { ip } = peer.peer;
  const isConnected = addresses.some((address) => contains(maskTo(address.ip, address.length), ip));
  return isInternal(peer) && !isConnected ? "multi" : "single";
}

export function isInternal({ peerAsn, localAsn, myAsn }: Peer): boolean {
  return peerAsn === "internal" || peerAsn === (localAsn ?? myAsn);
}
