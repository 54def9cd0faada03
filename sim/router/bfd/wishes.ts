// Which BFD sessions BGP neighbours and the configuration ask for (RFC 5882 section 10.2).
import { type BgpInstance } from "../bgp/instance.ts";
import { isInternal } from "../bgp/connect-options.ts";
import { type Neighbor } from "../bgp/neighbor.ts";
import { type RouterConfig } from "../config/model.ts";
import { type NextHops } from "../next-hops.ts";
import { type BfdWish } from "./sessions.ts";

export const bfdKey = (vrf: string | undefined, neighbor: Neighbor): string =>
  (vrf === undefined ? "" : `${vrf} `) + neighbor.identity.key;

export function configuredWishes({ bfdPeers }: RouterConfig): ReadonlyMap<string, BfdWish> {
  return new Map(
    bfdPeers.map(({ peer, local, multihop, device, vrf, ...settings }) => [
      `configured ${vrf ?? ""} ${peer} ${device ?? ""}`,
      { peer, local, multihop, device, vrf, settings },
    ]),
  );
}

export function neighborWishes(instance: BgpInstance, nextHops: NextHops): ReadonlyMap<string, BfdWish> {
  const wishes = new Map<string, BfdWish>();
  for (const neighbor of instance.neighbors()) {
    const { address: peer, settings, identity, heldDown } = neighbor;
    if (settings.bfd === undefined || peer === undefined || heldDown !== undefined) continue;
    const { vrf, config } = instance;
    const { updateSource, bfd } = settings;
    // As FRR: external neighbours with ebgp-multihop, internal ones that are on no own subnet.
    const multihop = isInternal(settings, config.asn)
      ? nextHops.resolve(peer, identity.device)?.onLink !== true
      : settings.minTtl === undefined
        ? settings.ttl > 1
        : settings.minTtl < 255;
    const local = typeof updateSource === "string" ? updateSource : undefined;
    wishes.set(bfdKey(vrf, neighbor), { peer, local, device: identity.device, vrf, multihop, settings: bfd });
  }
  return wishes;
}
