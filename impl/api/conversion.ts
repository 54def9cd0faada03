// BGPPeer between its two versions, as a conversion webhook answers.
import { type LabelSelector } from "./kubernetes.ts";
import { type BGPPeer, type BGPPeerV1Beta1 } from "./metallb.ts";

/** The stored version of a peer that may come in either. */
export function storedPeer(peer: BGPPeer | BGPPeerV1Beta1): BGPPeer {
  return peer.apiVersion === "metallb.io/v1beta1" ? peerToV1Beta2(peer) : peer;
}

function toHubSelector(selector: LabelSelector): LabelSelector {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) return {};
  return matchExpressions.length === 0 ? { matchLabels } : { matchLabels, matchExpressions };
}

/**
 * The stored version of a peer. Timers that v1beta1 leaves out become zero, as in MetalLB: the session then has no hold
 * timer and sends no keepalives (RFC 4271 section 4.2).
 */
export function peerToV1Beta2(peer: BGPPeerV1Beta1): BGPPeer {
  const { spec } = peer;
  const converted = { apiVersion: "metallb.io/v1beta2", kind: "BGPPeer", metadata: peer.metadata } as const;
  if (spec === undefined) return converted;
  const { nodeSelectors, holdTime = "0s", keepaliveTime = "0s", ...same } = spec;
  const selectors = nodeSelectors === undefined ? {} : { nodeSelectors: nodeSelectors.map(toHubSelector) };
  return { ...converted, spec: { ...same, holdTime, keepaliveTime, ...selectors } };
}

interface LegacySelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

function toLegacySelector(selector: LabelSelector): LegacySelector {
  const expressions = selector.matchExpressions ?? [];
  return {
    matchLabels: selector.matchLabels ?? {},
    matchExpressions: expressions.map(({ key, operator, values = [] }) => ({ key, operator, values })),
  };
}

/** The old version of a peer. What it has no field for is lost. */
export function peerToV1Beta1(peer: BGPPeer): BGPPeerV1Beta1 {
  const converted = { apiVersion: "metallb.io/v1beta1", kind: "BGPPeer", metadata: peer.metadata } as const;
  if (peer.spec === undefined) return converted;
  const {
    peerASN = 0,
    peerAddress = "",
    holdTime = "0s",
    keepaliveTime = "0s",
    nodeSelectors = [],
    localASN: _localAsn,
    dynamicASN: _dynamicAsn,
    interface: _interface,
    connectTime: _connectTime,
    passwordSecret: _passwordSecret,
    enableGracefulRestart: _enableGracefulRestart,
    vrf: _vrf,
    disableMP: _disableMp,
    dualStackAddressFamily: _dualStackAddressFamily,
    ...same
  } = peer.spec;
  const selectors = nodeSelectors.map(toLegacySelector);
  return { ...converted, spec: { ...same, peerASN, peerAddress, holdTime, keepaliveTime, nodeSelectors: selectors } };
}
