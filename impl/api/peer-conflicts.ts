// Pairs of BGPPeers that one node cannot serve at the same time.
import { ConfigError } from "../wire/errors.ts";
import { type LabelSelector, type NodeObject } from "./kubernetes.ts";
import { type BGPPeer } from "./metallb.ts";
import { type ProblemList } from "./problem.ts";
import { compileSelector, matchesAny, type Selector } from "./selector.ts";

/** Said of a conflict that is only there if some node matches both lists. */
export function assumptionOf(
  a: readonly Selector[],
  b: readonly Selector[],
  nodes: readonly NodeObject[],
): string | undefined {
  const certain = nodes.length > 0 || a.length === 0 || b.length === 0;
  return certain ? undefined : "some node matches the nodeSelectors of both";
}

/**
 * True where some node matches both lists; an empty list matches every node. Where no node is known, the lists are taken
 * to share one.
 */
export function shareNode(a: readonly Selector[], b: readonly Selector[], nodes: readonly NodeObject[]): boolean {
  if (nodes.length === 0) return true;
  const selects = (selectors: readonly Selector[], node: NodeObject): boolean =>
    selectors.length === 0 || matchesAny(selectors, node.metadata.labels ?? {});
  return nodes.some((node) => selects(a, node) && selects(b, node));
}

function compileValid(selectors: readonly LabelSelector[]): readonly Selector[] {
  return selectors.flatMap((selector) => {
    try {
      return [compileSelector(selector, "")];
    } catch (error) {
      // An invalid selector is reported where its peer is parsed.
      if (error instanceof ConfigError) return [];
      throw error;
    }
  });
}

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
    nodeSelectors: compileValid(nodeSelectors),
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
