// BGP at the end of a simulation as JSON. Fields are only ever added; times are in seconds.
import { type Consequence } from "../consequences.ts";
import { type NodeView } from "../show/node-view.ts";
import { type BgpReport } from "./witness.ts";

type PeerView = NodeView["peers"][number];

function peerJson(node: string, now: number, peer: PeerView): object {
  const { name, address, interface: link, state, since, lastError, routes, pending, negotiated, bfd } = peer;
  return {
    node,
    peer: name,
    address: address ?? null,
    interface: link ?? null,
    state,
    upSeconds: since === undefined ? null : (now - since) / 1e6,
    prefixes: routes.length,
    pending,
    peerAsn: negotiated?.peerAsn ?? null,
    holdSeconds: negotiated === undefined ? null : negotiated.holdTime / 1e6,
    bfd: bfd?.state ?? null,
    lastError: lastError === undefined ? null : { text: lastError.text, agoSeconds: (now - lastError.at) / 1e6 },
  };
}

export function bgpJson({ nodes, silent, announcements, routes, forecasts }: BgpReport): object {
  return {
    peers: nodes.flatMap(({ node, now, peers }) => peers.map((peer) => peerJson(node, now, peer))),
    nodesWithoutSpeaker: silent,
    announcements: announcements.map(({ because, ...each }) => ({ ...each, because: because ?? null })),
    routes,
    forecasts,
  };
}

export function consequenceJson({ at, fault, clients, routes }: Consequence): object {
  return {
    seconds: at / 1e6,
    fault,
    clients: clients.map(({ client, silent, shaky, lost }) => ({
      client,
      silentSeconds: silent / 1e6,
      shakySeconds: shaky / 1e6,
      lost,
    })),
    routes: routes.map(({ lasted, ...route }) => ({
      ...route,
      lastedSeconds: lasted === undefined ? null : lasted / 1e6,
    })),
  };
}
