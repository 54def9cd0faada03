import { type Peer } from "../../api/config.ts";
import { parseIp } from "../../wire/ip.ts";

/** A BGPPeer that says no more than it must. */
export function bgpPeer(parts: Partial<Peer> = {}): Peer {
  return {
    name: "tor1",
    myAsn: 64512,
    peerAsn: 64513,
    localAsn: undefined,
    peer: { kind: "address", ip: parseIp("192.0.2.2") },
    peerPort: 179,
    sourceAddress: undefined,
    holdTime: undefined,
    keepaliveTime: undefined,
    connectTime: undefined,
    routerId: undefined,
    nodeSelectors: [],
    password: undefined,
    bfdProfile: undefined,
    gracefulRestart: false,
    ebgpMultiHop: false,
    vrf: undefined,
    dualStackAddressFamily: false,
    ...parts,
  };
}
