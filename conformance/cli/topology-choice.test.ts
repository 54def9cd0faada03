import { describe, expect, it } from "vitest";
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { findTopology } from "../topology/find.ts";
import { chooseTopology, peerNotes } from "./topology-choice.ts";

const object = (kind: string, spec: object): KubeObject =>
  ({ apiVersion: "metallb.io/v1beta2", kind, metadata: { name: "tor" }, spec }) as KubeObject;
const peer = (spec: object): KubeObject => object("BGPPeer", { myASN: 64500, peerASN: 64501, ...spec });

describe("the topology for some manifests", () => {
  it.each<readonly [string, readonly KubeObject[], string]>([
    ["no peers", [], "lan-3"],
    ["no peers, and IPv6", [object("IPAddressPool", { addresses: ["2001:db8::/120"] })], "dual-stack"],
    ["one router", [peer({ peerAddress: "192.0.2.1" })], "bgp-one-router"],
    ["both families", [peer({ peerAddress: "192.0.2.1", dualStackAddressFamily: true })], "bgp-dual-stack"],
    ["one router, and Layer 2", [peer({ peerAddress: "192.0.2.1" }), object("L2Advertisement", {})], "mixed-l2-bgp"],
    [
      "two routers",
      [peer({ peerAddress: "192.0.2.1" }), peer({ peerAddress: "192.0.3.1", peerASN: 64502 })],
      "bgp-two-tors",
    ],
    ["a VRF", [peer({ peerAddress: "192.0.3.1", peerASN: 64502, vrf: "red" })], "bgp-vrf"],
    ["several hops", [peer({ peerAddress: "192.0.3.3", peerASN: 4_200_000_000 })], "bgp-multihop"],
    ["a router that is not there", [peer({ peerAddress: "10.0.0.1" })], "lan-3"],
  ])("%s", (_what, objects, expected) => {
    expect(chooseTopology(objects).topology.name).toBe(expected);
  });

  it("says which routers there are where none fits", () => {
    const [note = ""] = chooseTopology([peer({ peerAddress: "10.0.0.1" })]).notes;
    expect(note).toContain("BGP has nobody to talk to on lan-3");
    expect(note).toContain("192.0.2.1 in AS 64501 (bgp-40-nodes, bgp-dual-stack, bgp-ecmp");
  });
});

describe("a note about peers", () => {
  it.each<readonly [string, object, readonly string[]]>([
    ["that fit", { peerAddress: "192.0.2.1" }, []],
    ["whose AS number is left open", { peerAddress: "192.0.2.1", peerASN: undefined, dynamicASN: "external" }, []],
    [
      "that nobody is",
      { peerAddress: "192.0.2.9" },
      ["no router of bgp-ecmp is whom these BGPPeers ask for: tor (192.0.2.9 in AS 64501)"],
    ],
    [
      "that are another AS",
      { peerAddress: "192.0.2.1", peerASN: 64999 },
      [
        "the routers of bgp-ecmp at these addresses have other AS numbers, or no such neighbours: tor (192.0.2.1 in AS 64999)",
      ],
    ],
    [
      "that expect us in another AS",
      { peerAddress: "192.0.2.1", myASN: 65000 },
      [
        "the routers of bgp-ecmp at these addresses have other AS numbers, or no such neighbours: tor (192.0.2.1 in AS 64501)",
      ],
    ],
    [
      "on an interface",
      { interface: "eth1" },
      ["no router of bgp-ecmp is whom these BGPPeers ask for: tor (a router on eth1 in AS 64501)"],
    ],
  ])("%s", (_what, spec, expected) => {
    expect(peerNotes([peer(spec)], findTopology("bgp-ecmp"))).toEqual(expected);
  });
});
