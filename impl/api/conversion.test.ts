import { describe, expect, it } from "vitest";
import { peerToV1Beta1, peerToV1Beta2 } from "./conversion.ts";
import { type BGPPeer, type BGPPeerV1Beta1 } from "./metallb.ts";
import { configOf } from "./sample-objects.ts";

const metadata = { name: "p", namespace: "metallb-system", labels: { a: "b" }, resourceVersion: "7" };
const old = (spec: NonNullable<BGPPeerV1Beta1["spec"]>): BGPPeerV1Beta1 => ({
  apiVersion: "metallb.io/v1beta1",
  kind: "BGPPeer",
  metadata,
  spec,
});
const stored = (spec: NonNullable<BGPPeer["spec"]>): BGPPeer => ({
  apiVersion: "metallb.io/v1beta2",
  kind: "BGPPeer",
  metadata,
  spec,
});

const SHARED = {
  myASN: 64512,
  peerASN: 64513,
  peerAddress: "10.0.0.1",
  sourceAddress: "10.0.0.2",
  peerPort: 1179,
  holdTime: "90s",
  keepaliveTime: "30s",
  routerID: "1.1.1.1",
  password: "nopass",
  bfdProfile: "fast",
  ebgpMultiHop: true,
} as const;

describe("v1beta1 to v1beta2", () => {
  it("keeps every field", () => {
    const matchExpressions = [{ key: "zone", operator: "In", values: ["a"] }];
    const nodeSelectors = [{ matchLabels: { a: "b" } }, { matchExpressions }, {}];
    expect(peerToV1Beta2(old({ ...SHARED, nodeSelectors }))).toEqual(
      stored({ ...SHARED, nodeSelectors: [{ matchLabels: { a: "b" } }, { matchLabels: {}, matchExpressions }, {}] }),
    );
  });

  it("turns timers that are not set into zero, which is no hold timer", () => {
    const peer = { myASN: 64512, peerASN: 64513, peerAddress: "10.0.0.1" };
    expect(peerToV1Beta2(old(peer)).spec).toEqual({ ...peer, holdTime: "0s", keepaliveTime: "0s" });
    const config = configOf({ bgpPeers: [old(peer)] });
    expect(config.peers.get("p")).toMatchObject({ holdTime: 0, keepaliveTime: 0, peerPort: 179 });
  });
});

describe("v1beta2 to v1beta1", () => {
  it("keeps what v1beta1 has, with empty selectors spelled out", () => {
    const nodeSelectors = [{}, { matchExpressions: [{ key: "zone", operator: "Exists" }] }];
    expect(peerToV1Beta1(stored({ ...SHARED, nodeSelectors }))).toEqual(
      old({
        ...SHARED,
        nodeSelectors: [
          { matchLabels: {}, matchExpressions: [] },
          { matchLabels: {}, matchExpressions: [{ key: "zone", operator: "Exists", values: [] }] },
        ],
      }),
    );
  });

  it("loses what v1beta1 has no field for", () => {
    const spec: BGPPeer["spec"] = {
      myASN: 64512,
      localASN: 64600,
      dynamicASN: "external",
      interface: "eth0",
      connectTime: "10s",
      passwordSecret: { name: "s" },
      enableGracefulRestart: true,
      vrf: "red",
      disableMP: true,
      dualStackAddressFamily: true,
    };
    expect(peerToV1Beta1(stored(spec)).spec).toEqual({
      myASN: 64512,
      peerASN: 0,
      peerAddress: "",
      holdTime: "0s",
      keepaliveTime: "0s",
      nodeSelectors: [],
    });
  });
});
