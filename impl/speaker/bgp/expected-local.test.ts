import { describe, expect, it } from "vitest";
import { parseIp } from "../../wire/ip.ts";
import { link } from "../test-cluster.ts";
import { expectedLocal } from "./expected-local.ts";
import { bgpPeer } from "./test-bgp-peer.ts";

const ETH0 = link("eth0", { index: 2, addresses: ["192.0.2.11/24", "192.0.2.12/24", "2001:db8::11/64", "fe80::1/64"] });
const ETH1 = link("eth1", { index: 3, addresses: ["198.51.100.11/24", "fe80::2/64"] });
const RED = { ...link("eth2", { index: 4, addresses: ["192.0.2.99/24"] }), master: "red" };

const to = (ip: string) => ({ peer: { kind: "address", ip: parseIp(ip) } }) as const;
const on = (name: string) => ({ peer: { kind: "interface", name } }) as const;
const IBGP = { peerAsn: 64512 };

describe("the address that a peer will see", () => {
  it.each([
    ["beside the peer, the first", to("192.0.2.1"), "192.0.2.1", "192.0.2.11 eth0"],
    [
      "that the BGPPeer says",
      { ...to("192.0.2.1"), sourceAddress: parseIp("192.0.2.12") },
      "192.0.2.1",
      "192.0.2.12 eth0",
    ],
    ["that no interface has yet", { ...to("192.0.2.1"), sourceAddress: parseIp("192.0.2.13") }, "192.0.2.1", "unknown"],
    ["of the other family", to("2001:db8::1"), "2001:db8::1", "2001:db8::11 eth0"],
    ["on the interface of the peer", on("eth1"), "fe80::9", "fe80::2 eth1"],
    ["in the VRF of the peer", { ...to("192.0.2.1"), vrf: "red" }, "192.0.2.1", "192.0.2.99 eth2"],
    ["beside a peer of our AS", { ...to("198.51.100.1"), ...IBGP }, "198.51.100.1", "198.51.100.11 eth1"],
    ["towards a peer of our AS that is far", { ...to("203.0.113.1"), ...IBGP }, "203.0.113.1", "unknown"],
    ["towards an eBGP peer that is on no subnet", to("203.0.113.1"), "203.0.113.1", "unknown"],
    ["over several hops", { ...to("192.0.2.1"), ebgpMultiHop: true }, "192.0.2.1", "unknown"],
    [
      "over several hops, as the BGPPeer says",
      { ...to("203.0.113.1"), ebgpMultiHop: true, sourceAddress: parseIp("192.0.2.12") },
      "203.0.113.1",
      "192.0.2.12 undefined",
    ],
    ["towards a link-local address on no link", to("fe80::9"), "fe80::9", "unknown"],
  ])("%s", (_, parts, address, expected) => {
    const local = expectedLocal(bgpPeer(parts), parseIp(address), [RED, ETH0, ETH1]);
    expect(local === undefined ? "unknown" : `${local.address} ${local.link}`).toBe(expected);
  });
});
