// How a peer is dialled. RFC 5082 (GTSM), RFC 2385 (TCP MD5), RFC 4271 section 8.1.1.
import { type Peer } from "../../api/config.ts";
import { type StreamOptions } from "../../ports.ts";
import { encodeUtf8 } from "../../wire/text.ts";
import { isInternal } from "./hops.ts";

const GREATEST_TTL = 255;

/**
 * Every peer gets the greatest TTL, so that one that enforces GTSM accepts us, over as many hops as it allows. Whether a peer
 * on the link must send it too is the operator's choice, since routers send a TTL of 1 there by default.
 */
export function connectOptions(peer: Peer, requireTtl: boolean): StreamOptions {
  const device = peer.peer.kind === "interface" ? peer.peer.name : peer.vrf;
  const onLink = !peer.ebgpMultiHop && !isInternal(peer);
  return {
    ...(peer.sourceAddress === undefined ? {} : { source: peer.sourceAddress }),
    ...(device === undefined ? {} : { device }),
    ttl: GREATEST_TTL,
    ...(onLink && requireTtl ? { minTtl: GREATEST_TTL } : {}),
    ...(peer.password === undefined ? {} : { md5Key: encodeUtf8(peer.password) }),
  };
}
