import { expect, it } from "vitest";
import { parseIp } from "../../wire/ip.ts";
import { parseInterfaceAddress } from "../../wire/prefix.ts";
import { hopsTo } from "./hops.ts";
import { bgpPeer } from "./test-bgp-peer.ts";

const ADDRESSES = ["192.0.2.1/24", "2001:db8::1/64", "fe80::1/64"].map((text) => parseInterfaceAddress(text));
const at = (ip: string) => ({ peer: { kind: "address", ip: parseIp(ip) } }) as const;

it.each([
  ["eBGP on a subnet of ours", {}, "single"],
  ["eBGP elsewhere", at("203.0.113.1"), "single"],
  ["eBGP over several hops", { ...at("203.0.113.1"), ebgpMultiHop: true }, "multi"],
  ["iBGP on a subnet of ours", { peerAsn: 64512 }, "single"],
  ["iBGP on an IPv6 subnet of ours", { peerAsn: 64512, ...at("2001:db8::9") }, "single"],
  ["iBGP elsewhere", { peerAsn: 64512, ...at("203.0.113.1") }, "multi"],
  ["dynamic iBGP elsewhere", { peerAsn: "internal", ...at("2001:db8:1::1") }, "multi"],
  ["dynamic eBGP elsewhere", { peerAsn: "external", ...at("2001:db8:1::1") }, "single"],
  ["eBGP by another AS of ours", { peerAsn: 64512, localAsn: 64520, ...at("203.0.113.1") }, "single"],
  ["an interface", { peer: { kind: "interface", name: "eth0" } }, "single"],
] as const)("%s", (_, parts, hops) => {
  expect(hopsTo(bgpPeer(parts), ADDRESSES)).toBe(hops);
});
