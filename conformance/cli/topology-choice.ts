// The topology that fits the manifests best, where a person names none.
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { readIp } from "../../impl/wire/ip.ts";
import { contains, maskTo } from "../../impl/wire/prefix.ts";
import { type RemoteAs, type RouterConfig } from "../../sim/router/config/model.ts";
import { MANAGEMENT_LINK } from "../topology/load.ts";
import { findTopology, shippedTopologies } from "../topology/find.ts";
import { type InterfaceSpec, type Station, type Topology } from "../topology/model.ts";
import { asksForIpv6 } from "./pools.ts";
import { few } from "./words.ts";
import { part, texts } from "./workloads.ts";

export interface ChosenTopology {
  readonly topology: Topology;
  readonly notes: readonly string[];
}

const PLAIN = "lan-3";
const DUAL = "dual-stack";
/** For manifests that announce both on Layer 2 and to routers. */
const MIXED = "mixed-l2-bgp";
/** For sessions that carry both families. */
const BOTH_FAMILIES = "bgp-dual-stack";

const isKind = (kind: string) => (object: KubeObject) =>
  object.kind === kind && object.apiVersion.startsWith("metallb.io/");

const linksOf = ({ interfaces }: Station): readonly InterfaceSpec[] =>
  interfaces.filter(({ name }) => name !== MANAGEMENT_LINK);

const routersOf = ({ stations }: Topology): readonly Station[] => stations.filter(({ frr }) => frr !== undefined);

/** Whom a peer asks for: `192.0.2.1 in AS 64501`. */
function askedFor(peer: KubeObject): string {
  const address = part(peer, "spec", "peerAddress");
  const link = part(peer, "spec", "interface");
  const asn = part(peer, "spec", "peerASN");
  const where = typeof address === "string" ? address : typeof link === "string" ? `a router on ${link}` : "nobody";
  return typeof asn === "number" && asn > 0 ? `${where} in AS ${asn}` : where;
}

/** Whether some router of a topology is the one that a BGPPeer means; `strict`: and takes its AS numbers. */
function fits(peer: KubeObject, topology: Topology, strict: boolean): boolean {
  const spec = { own: part(peer, "spec", "myASN"), remote: part(peer, "spec", "peerASN") };
  const [text = ""] = texts([part(peer, "spec", "peerAddress")]);
  const address = readIp(text);
  const link = part(peer, "spec", "interface");
  return routersOf(topology).some((station) => {
    const config = station.frr?.config;
    if (config === undefined) return false;
    if (address !== undefined) {
      const here = linksOf(station).some((each) => each.addresses.some(({ ip }) => ip === address));
      return here && (!strict || takes(config, topology, spec));
    }
    return config.bgp.some(({ neighbors }) =>
      neighbors.some(
        (each) => each.peer.kind === "interface" && isAcross(topology, station.name, each.peer.device, link),
      ),
    );
  });
}

/** Whether a cable goes from a router's interface to this one of a node. */
function isAcross({ cables, nodes }: Topology, router: string, device: string, link: unknown): boolean {
  return cables.some((ends) => {
    const own = ends.find(({ name, port }) => name === router && port === device);
    const other = ends.find((end) => end !== own);
    return own !== undefined && other !== undefined && nodes.includes(other.name) && other.port === link;
  });
}

interface Asns {
  readonly own: unknown;
  readonly remote: unknown;
}

const isAs = (remoteAs: RemoteAs, asn: unknown, local: number): boolean => {
  if (typeof remoteAs === "number") return remoteAs === asn;
  return (asn === local) === (remoteAs === "internal");
};

/** A router with a neighbour among the nodes that has the AS of the peer. */
function takes({ bgp }: RouterConfig, { stations, nodes }: Topology, { own, remote }: Asns): boolean {
  const addresses = stations
    .filter(({ name }) => nodes.includes(name))
    .flatMap((station) => linksOf(station).flatMap((link) => link.addresses.map(({ ip }) => ip)));
  return bgp.some(({ asn, neighbors, listen }) => {
    const isRemote = remote === undefined || remote === 0 || remote === asn;
    const isNeighbour = neighbors.some(
      ({ peer, remoteAs }) => peer.kind === "address" && addresses.includes(peer.ip) && isAs(remoteAs, own, asn),
    );
    const isListened = listen.ranges.some(
      ({ prefix, settings }) => addresses.some((ip) => contains(prefix, ip)) && isAs(settings.remoteAs, own, asn),
    );
    return isRemote && (isNeighbour || isListened);
  });
}

/** `192.0.2.1 in AS 64501`: routers on a subnet of the nodes. */
function routerWords(topology: Topology): readonly string[] {
  const subnets = topology.stations
    .filter(({ name }) => topology.nodes.includes(name))
    .flatMap((station) =>
      linksOf(station).flatMap((link) => link.addresses.map(({ ip, length }) => maskTo(ip, length))),
    );
  return routersOf(topology).flatMap((station) => {
    const links = linksOf(station).flatMap((link) => link.addresses.map(({ ip }) => ip));
    const near = links.find((ip) => subnets.some((subnet) => contains(subnet, ip)));
    const asns = station.frr?.config.bgp.map(({ asn }) => asn) ?? [];
    return near === undefined ? [] : `${near} in AS ${asns.join(", ")}`;
  });
}

/** `192.0.2.1 in AS 64501 (bgp-ecmp, bgp-spine)`. */
function knownRouters(topologies: readonly Topology[]): string {
  const places = new Map<string, string[]>();
  for (const topology of topologies) {
    for (const words of routerWords(topology)) places.set(words, [...(places.get(words) ?? []), topology.name]);
  }
  return [...places].map(([words, names]) => `${words} (${names.join(", ")})`).join("; ");
}

/** What a person has to know whose peers are not there. */
export function peerNotes(objects: readonly KubeObject[], topology: Topology): readonly string[] {
  const peers = objects.filter(isKind("BGPPeer"));
  const absent = peers.filter((peer) => !fits(peer, topology, false));
  const refused = peers.filter((peer) => !absent.includes(peer) && !fits(peer, topology, true));
  const words = (each: readonly KubeObject[]): string =>
    few(each.map((peer) => `${peer.metadata.name} (${askedFor(peer)})`));
  return [
    ...(absent.length === 0 ? [] : [`no router of ${topology.name} is whom these BGPPeers ask for: ${words(absent)}`]),
    ...(refused.length === 0
      ? []
      : [
          `the routers of ${topology.name} at these addresses have other AS numbers, or no such neighbours: ${words(refused)}`,
        ]),
  ];
}

/** Routers that would refuse a peer weigh most, then what the files do not need. */
function misfitOf(topology: Topology, peers: readonly KubeObject[], mixed: boolean): number {
  const refused = peers.filter((peer) => !fits(peer, topology, true)).length;
  const configs = routersOf(topology).flatMap(({ frr }) => frr?.config.bgp ?? []);
  const hasVrf = configs.some(({ vrf }) => vrf !== undefined);
  const isUnnumbered = configs.some(({ neighbors }) => neighbors.some(({ peer }) => peer.kind === "interface"));
  const asks = (field: string): boolean => peers.some((peer) => part(peer, "spec", field) !== undefined);
  const needless = [
    hasVrf !== asks("vrf"),
    isUnnumbered !== asks("interface"),
    (topology.name === MIXED) !== mixed,
    (topology.name === BOTH_FAMILIES) !== peers.some((peer) => part(peer, "spec", "dualStackAddressFamily") === true),
  ].filter((each) => each).length;
  return refused * 10_000 + needless * 1000 + topology.stations.length;
}

/** The smallest that has every router that is asked for; else the one for Layer 2, with a note of what is missing. */
export function chooseTopology(objects: readonly KubeObject[]): ChosenTopology {
  const peers = objects.filter(isKind("BGPPeer"));
  const dual = asksForIpv6(objects);
  const plain = findTopology(dual ? DUAL : PLAIN);
  if (peers.length === 0) {
    return { topology: plain, notes: dual ? [`the files ask for IPv6: simulated on ${plain.name}`] : [] };
  }
  const mixed = objects.some(isKind("L2Advertisement"));
  const all = shippedTopologies()
    .map(findTopology)
    .filter((topology) => routersOf(topology).length > 0);
  const [best] = all
    .filter((topology) => peers.every((peer) => fits(peer, topology, false)))
    .toSorted((a, b) => misfitOf(a, peers, mixed) - misfitOf(b, peers, mixed) || (a.name < b.name ? -1 : 1));
  if (best !== undefined) {
    return { topology: best, notes: [`the routers that the BGPPeers ask for are in ${best.name}: simulated there`] };
  }
  const notes = [
    `no topology that comes with Assay has every router that the BGPPeers ask for, so BGP has nobody to talk to on ${plain.name}. Change the peers, or describe your network in a folder for --topology. Routers that there are: ${knownRouters(all)}`,
  ];
  return { topology: plain, notes };
}
