// Pairs of BGPPeers that one node cannot serve at the same time.
import { type NodeObject } from "./kubernetes.ts";
import { type BGPPeer } from "./metallb.ts";
import { assumptionOf, shareNode } from "./node-sharing.ts";
import { type ProblemList } from "./problem.ts";
import { readSelector, type Selector } from "./selector.ts";

interface Session {
  readonly object: BGPPeer;
  /** `192.0.2.1` or `192.0.2.1-red`. */
  readonly called: string;
  /** RFC 4271 section 6.8: between one pair of addresses and ports there is one connection, any second one is a collision. */
  readonly identity: string;
  readonly nodeSelectors: readonly Selector[];
}

function sessionOf(object: BGPPeer): Session | undefined {
  const {
    peerAddress = "",
    interface: link = "",
    vrf = "",
    peerPort = 179,
    sourceAddress = "",
    nodeSelectors = [],
  } = object.spec ?? {};
  const target = peerAddress === "" ? link : peerAddress;
  if (target === "") return undefined;
  return {
    object,
    called: vrf === "" ? target : `${target}-${vrf}`,
    identity: JSON.stringify([target, vrf, peerPort, sourceAddress]),
    nodeSelectors: nodeSelectors.flatMap((selector) => readSelector(selector) ?? []),
  };
}

export function reportPeerConflicts(
  peers: readonly BGPPeer[],
  nodes: readonly NodeObject[],
  problems: ProblemList,
): void {
  const earlier = new Map<string, Session[]>();
  for (const object of peers) {
    const session = sessionOf(object);
    if (session === undefined) continue;
    const rivals = earlier.get(session.identity) ?? [];
    const rival = rivals.find((other) => shareNode(other.nodeSelectors, session.nodeSelectors, nodes));
    if (rival !== undefined) {
      const rule = "Assay doesn't support duplicate BGPPeers selecting the same node";
      const what = `peer ${session.called} already exists, ${rule}`;
      problems.about(object)("spec.peerAddress", `${what} (see BGPPeer ${rival.object.metadata.name})`, {
        message: what,
        assuming: assumptionOf(rival.nodeSelectors, session.nodeSelectors, nodes),
      });
    }
    earlier.set(session.identity, [...rivals, session]);
  }
}
