// From metallb.io objects to the configuration they mean: the rules of load time.
import { advertisePools, type ParsedBgp } from "./advertised-pools.ts";
import { parseBgpAdvertisement, parseL2Advertisement } from "./advertisement-config.ts";
import { parseBfdProfiles } from "./bfd-config.ts";
import { parseCommunities } from "./community-config.ts";
import { type BfdProfile, type Config, type Peer, type Pool } from "./config.ts";
import { storedPeer } from "./conversion.ts";
import {
  type KubeObject,
  type LabelSelector,
  type NamespaceObject,
  type NodeObject,
  objectKey,
  type Secret,
} from "./kubernetes.ts";
import {
  type BFDProfile,
  type BGPAdvertisement,
  type BGPPeer,
  type BGPPeerV1Beta1,
  type Community,
  type IPAddressPool,
  type L2Advertisement,
} from "./metallb.ts";
import { parsePeers } from "./peer-config.ts";
import { reportPeerConflicts } from "./peer-conflicts.ts";
import { parsePools } from "./pool-config.ts";
import { type Problem, ProblemList } from "./problem.ts";
import { type Labels, matches, readSelector } from "./selector.ts";
import { firstDuplicate } from "./selector-list.ts";
import { wellFormed } from "./well-formed.ts";

/** Every object that a component has read; the order of a list does not matter. */
export interface ConfigResources {
  readonly pools: readonly IPAddressPool[];
  readonly l2Advertisements: readonly L2Advertisement[];
  readonly bgpAdvertisements: readonly BGPAdvertisement[];
  readonly bgpPeers: readonly (BGPPeer | BGPPeerV1Beta1)[];
  readonly bfdProfiles: readonly BFDProfile[];
  readonly communities: readonly Community[];
  readonly namespaces: readonly NamespaceObject[];
  readonly nodes: readonly NodeObject[];
  readonly secrets: readonly Secret[];
}

export const NO_RESOURCES: ConfigResources = {
  pools: [],
  l2Advertisements: [],
  bgpAdvertisements: [],
  bgpPeers: [],
  bfdProfiles: [],
  communities: [],
  namespaces: [],
  nodes: [],
  secrets: [],
};

export interface ParseOptions {
  /** Where the load balancer runs; secrets are looked up there. */
  readonly namespace: string;
  /** The controller reads only pools and communities; a speaker reads what concerns its node. */
  readonly component: "controller" | "speaker";
  /** The speaker's node; without it no peer and no advertisement is left out. */
  readonly nodeName?: string;
  /** The labels of that node where `nodes` does not hold it. */
  readonly nodeLabels?: Labels;
}

/** All problems, in the order in which MetalLB would meet them; a status reports the first. */
export type ParseResult = { readonly config: Config } | { readonly problems: readonly Problem[] };

function byName<T extends KubeObject>(objects: readonly T[]): readonly T[] {
  return [...objects].sort((a, b) => {
    const left = objectKey(a);
    const right = objectKey(b);
    return left < right ? -1 : Number(left > right);
  });
}

function mayConcern(selectors: readonly LabelSelector[], labels: Labels): boolean {
  if (selectors.length === 0) return true;
  return selectors.some((selector) => {
    const compiled = readSelector(selector);
    // An invalid selector is kept so that parsing reports it.
    return compiled === undefined || matches(compiled, labels);
  });
}

function ownLabels(resources: ConfigResources, options: ParseOptions): Labels | undefined {
  if (options.nodeName === undefined) return options.nodeLabels;
  const node = resources.nodes.find((candidate) => candidate.metadata.name === options.nodeName);
  return node?.metadata.labels ?? options.nodeLabels ?? {};
}

/** Only the peers and BGP advertisements that select the speaker's own node. Layer 2 advertisements all stay: the election needs them. */
function concerning(resources: ConfigResources, options: ParseOptions): ConfigResources {
  const labels = ownLabels(resources, options);
  if (labels === undefined) return resources;
  const concerns = (object: { readonly spec?: { readonly nodeSelectors?: readonly LabelSelector[] } }): boolean =>
    mayConcern(object.spec?.nodeSelectors ?? [], labels);
  return {
    ...resources,
    bgpPeers: resources.bgpPeers.filter(concerns),
    bgpAdvertisements: resources.bgpAdvertisements.filter(concerns),
  };
}

function secretsOf(resources: ConfigResources, namespace: string): ReadonlyMap<string, Secret> {
  const own = resources.secrets.filter((secret) => (secret.metadata.namespace ?? namespace) === namespace);
  return new Map(own.map((secret) => [secret.metadata.name, secret]));
}

function reportEqualAdvertisements(objects: readonly BGPAdvertisement[], problems: ProblemList): void {
  const identities = objects.map((object) => JSON.stringify([objectKey(object), object.spec]));
  const duplicate = firstDuplicate(identities);
  const second = duplicate === undefined ? undefined : objects[duplicate.index];
  if (duplicate === undefined || second === undefined) return;
  const numbers = `${identities.indexOf(duplicate.value) + 1} and ${duplicate.index + 1}`;
  const what = `duplicate definition of bgpadvertisements. advertisement ${numbers} are equal`;
  problems.about(second)("metadata.name", what);
}

function parsePoolConfig(
  resources: ConfigResources,
  foreign: readonly BGPAdvertisement[],
  problems: ProblemList,
): ReadonlyMap<string, Pool> {
  const aliases = parseCommunities(byName(resources.communities), problems);
  const pools = parsePools(byName(resources.pools), resources.namespaces, problems);
  const l2 = byName(resources.l2Advertisements).map((object) => parseL2Advertisement(object, problems));
  const advertisements = byName(resources.bgpAdvertisements);
  reportEqualAdvertisements(advertisements, problems);
  const bgp: readonly ParsedBgp[] = advertisements.map((object) => parseBgpAdvertisement(object, aliases, problems));
  // What is wrong with advertisements of other nodes is theirs to report.
  const others = byName(foreign).map((object) => parseBgpAdvertisement(object, aliases, new ProblemList()));
  return advertisePools([...pools.values()], l2, bgp, others, resources.nodes, problems);
}

/** BFD's echo function cannot protect sessions that carry IPv6 prefixes. */
function reportEcho(
  pools: ReadonlyMap<string, Pool>,
  peers: ReadonlyMap<string, Peer>,
  profiles: ReadonlyMap<string, BfdProfile>,
  objects: readonly BGPAdvertisement[],
  problems: ProblemList,
): void {
  const usesEcho = (peer: Peer): boolean => profiles.get(peer.bfdProfile ?? "")?.echoMode ?? false;
  for (const pool of pools.values()) {
    if (!pool.prefixes.some((prefix) => prefix.includes(":"))) continue;
    for (const advertisement of pool.bgpAdvertisements) {
      const object = objects.find((candidate) => candidate.metadata.name === advertisement.name);
      const reached = [...peers.values()].filter(
        (peer) => advertisement.peers.length === 0 || advertisement.peers.includes(peer.name),
      );
      const peer = reached.find(usesEcho);
      if (peer === undefined || object === undefined) continue;
      const reference = `references peer ${peer.name} which has bfd echo enabled, which is not possible`;
      problems.about(object)(
        "spec.peers",
        `pool ${pool.name} has bgpadvertisement ${advertisement.name} which ${reference}`,
      );
    }
  }
}

function parseForController(resources: ConfigResources, problems: ProblemList): Config {
  const { pools, communities, namespaces } = resources;
  const own = { ...NO_RESOURCES, pools, communities, namespaces };
  return { pools: parsePoolConfig(own, [], problems), peers: new Map(), bfdProfiles: new Map() };
}

function parseForSpeaker(resources: ConfigResources, options: ParseOptions, problems: ProblemList): Config {
  const own = concerning(resources, options);
  const peerObjects = byName(own.bgpPeers).map(storedPeer);
  reportPeerConflicts(peerObjects, own.nodes, problems);
  const bfdProfiles = parseBfdProfiles(byName(own.bfdProfiles), problems);
  const peers = parsePeers(peerObjects, bfdProfiles, secretsOf(own, options.namespace), problems);
  const foreign = resources.bgpAdvertisements.filter((object) => !own.bgpAdvertisements.includes(object));
  const pools = parsePoolConfig(own, foreign, problems);
  reportEcho(pools, peers, bfdProfiles, own.bgpAdvertisements, problems);
  return { pools, peers, bfdProfiles };
}

function wellFormedOf(resources: ConfigResources, problems: ProblemList): ConfigResources {
  return {
    ...resources,
    bgpPeers: wellFormed(resources.bgpPeers, problems),
    bfdProfiles: wellFormed(resources.bfdProfiles, problems),
    communities: wellFormed(resources.communities, problems),
    pools: wellFormed(resources.pools, problems),
    l2Advertisements: wellFormed(resources.l2Advertisements, problems),
    bgpAdvertisements: wellFormed(resources.bgpAdvertisements, problems),
  };
}

export function parseConfig(resources: ConfigResources, options: ParseOptions): ParseResult {
  const problems = new ProblemList();
  const own = wellFormedOf(resources, problems);
  const config =
    options.component === "controller" ? parseForController(own, problems) : parseForSpeaker(own, options, problems);
  return problems.all.length === 0 ? { config } : { problems: problems.all };
}
