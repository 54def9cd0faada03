// Configurations that are valid and still do not do what their author wants.
import { type KubeObject, type LabelSelector } from "./kubernetes.ts";
import { type ConfigResources } from "./parse-config.ts";
import { matches, readSelector } from "./selector.ts";

export type Advise = (object: KubeObject, field: string, message: string) => void;

interface PoolChoice {
  readonly ipAddressPools?: readonly string[];
  readonly ipAddressPoolSelectors?: readonly LabelSelector[];
}

function selects(selector: LabelSelector, object: KubeObject): boolean {
  const compiled = readSelector(selector);
  return compiled !== undefined && matches(compiled, object.metadata.labels ?? {});
}

function chooses({ ipAddressPools = [], ipAddressPoolSelectors = [] }: PoolChoice, pool: KubeObject): boolean {
  if (ipAddressPools.length + ipAddressPoolSelectors.length === 0) return true;
  const { name } = pool.metadata;
  return ipAddressPools.includes(name) || ipAddressPoolSelectors.some((selector) => selects(selector, pool));
}

function adviseOnNames(
  object: KubeObject,
  field: string,
  kind: string,
  names: readonly string[],
  known: ReadonlySet<string>,
  advise: Advise,
): void {
  for (const [index, name] of names.entries()) {
    if (!known.has(name)) advise(object, `${field}[${index}]`, `no ${kind} ${JSON.stringify(name)} in these files`);
  }
}

export function checkAdvice(resources: ConfigResources, advise: Advise): void {
  const { pools, l2Advertisements, bgpAdvertisements, bgpPeers } = resources;
  const advertisements = [...l2Advertisements, ...bgpAdvertisements];
  const poolNames = new Set(pools.map((pool) => pool.metadata.name));
  const peerNames = new Set(bgpPeers.map((peer) => peer.metadata.name));
  for (const pool of pools) {
    if (advertisements.some(({ spec = {} }) => chooses(spec, pool))) continue;
    advise(pool, "", "no advertisement is for this pool, so nothing announces its addresses");
  }
  for (const advertisement of advertisements) {
    const names = advertisement.spec?.ipAddressPools ?? [];
    adviseOnNames(advertisement, "spec.ipAddressPools", "IPAddressPool", names, poolNames, advise);
  }
  for (const advertisement of bgpAdvertisements) {
    adviseOnNames(advertisement, "spec.peers", "BGPPeer", advertisement.spec?.peers ?? [], peerNames, advise);
    if (bgpPeers.length === 0) advise(advertisement, "", "no BGPPeer in these files to announce to");
  }
}
