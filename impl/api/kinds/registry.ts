// All kinds of group metallb.io.
import { bfdProfile } from "./bfd-profile.ts";
import { bgpAdvertisement } from "./bgp-advertisement.ts";
import { bgpPeer } from "./bgp-peer.ts";
import { community } from "./community.ts";
import { configurationState } from "./configuration-state.ts";
import { ipAddressPool } from "./ip-address-pool.ts";
import { GROUP, type Kind, type KindVersion } from "./kind.ts";
import { l2Advertisement } from "./l2-advertisement.ts";
import { serviceBgpStatus, serviceL2Status } from "./service-status.ts";

/** In the order of their plurals. */
export const KINDS: readonly Kind[] = [
  bfdProfile,
  bgpAdvertisement,
  bgpPeer,
  community,
  configurationState,
  ipAddressPool,
  l2Advertisement,
  serviceBgpStatus,
  serviceL2Status,
];

/** The kind and version that an object names, if they exist. */
export function findKind(
  apiVersion: string,
  kind: string,
): { readonly kind: Kind; readonly version: KindVersion } | undefined {
  const found = KINDS.find((candidate) => candidate.kind === kind);
  const version = found?.versions.find((candidate) => `${GROUP}/${candidate.name}` === apiVersion);
  return found === undefined || version === undefined ? undefined : { kind: found, version };
}
