// What one node shall tell one peer, worked out from the cluster's objects and nothing else: MetalLB's rules, written down a
// second time, apart from the speaker.
import { type BgpAdvertisement, type Config, type Peer, type Pool } from "../../impl/api/config.ts";
import {
  type EndpointSlice,
  EXCLUDE_LABEL,
  type KubeObject,
  type NodeObject,
  objectKey,
  type Service,
  SERVICE_NAME_LABEL,
} from "../../impl/api/kubernetes.ts";
import { type ConfigurationState } from "../../impl/api/metallb.ts";
import { type ConfigResources, NO_RESOURCES, parseConfig } from "../../impl/api/parse-config.ts";
import { type Labels, matchesAny, type Selector } from "../../impl/api/selector.ts";
import { type Family, familyOf, type Ip, parseIp } from "../../impl/wire/ip.ts";
import { contains, maskTo, type Prefix } from "../../impl/wire/prefix.ts";
import { ingressOf } from "./addresses.ts";
import { type Observation } from "./invariant.ts";

export interface SessionFacts {
  readonly internal: boolean;
  readonly families: readonly Family[];
}

const RESOURCE_KINDS: Readonly<Record<string, keyof ConfigResources>> = {
  IPAddressPool: "pools",
  L2Advertisement: "l2Advertisements",
  BGPAdvertisement: "bgpAdvertisements",
  BGPPeer: "bgpPeers",
  BFDProfile: "bfdProfiles",
  Community: "communities",
  Namespace: "namespaces",
  Node: "nodes",
  Secret: "secrets",
};

/** Every object of the cluster as it is now. */
export class ClusterView {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  note(observation: Observation): void {
    if (observation.kind !== "object") return;
    const { object, deleted } = observation;
    const all = this.#objects.get(object.kind) ?? new Map<string, KubeObject>();
    this.#objects.set(object.kind, all);
    if (deleted) all.delete(objectKey(object));
    else all.set(objectKey(object), object);
  }

  list<T extends KubeObject>(kind: T["kind"]): readonly T[] {
    return [...(this.#objects.get(kind)?.values() ?? [])] as readonly KubeObject[] as readonly T[];
  }

  /** What the speaker of a node has to follow; undefined while that is not valid, and an older one stays in force. */
  configFor(node: string): Config | undefined {
    const state = this.list<ConfigurationState>("ConfigurationState").find(
      ({ metadata }) => metadata.name === `speaker-${node}`,
    );
    if (state?.status?.result !== undefined && state.status.result !== "Valid") return undefined;
    const entries = Object.entries(RESOURCE_KINDS).map(([kind, field]) => [field, this.list(kind)]);
    const resources: ConfigResources = { ...NO_RESOURCES, ...Object.fromEntries(entries) };
    const result = parseConfig(resources, { namespace: this.#namespace, component: "speaker", nodeName: node });
    return "config" in result ? result.config : undefined;
  }
}

export interface DesireOptions {
  readonly ignoreExcludeLabel: boolean;
  readonly lbClass: string;
}

/** By prefix, what is said about it, in one line. */
export function desiredRoutes(
  view: ClusterView,
  options: DesireOptions,
  node: string,
  config: Config,
  peer: Peer,
  session: SessionFacts,
): ReadonlyMap<Prefix, string> {
  const offers = new Map<Prefix, BgpAdvertisement[]>();
  const self = view.list<NodeObject>("Node").find(({ metadata }) => metadata.name === node);
  for (const service of self === undefined ? [] : view.list<Service>("Service")) {
    const ips = ingressOf(service).map((ip) => parseIp(ip));
    for (const advertisement of self === undefined
      ? []
      : advertisementsFor(view, options, self, service, ips, config)) {
      if (advertisement.peers.length > 0 && !advertisement.peers.includes(peer.name)) continue;
      for (const ip of ips) {
        if (!session.families.includes(familyOf(ip))) continue;
        const prefix = maskTo(
          ip,
          familyOf(ip) === "ipv4" ? advertisement.aggregationLength : advertisement.aggregationLengthV6,
        );
        offers.set(prefix, [...(offers.get(prefix) ?? []), advertisement]);
      }
    }
  }
  const asn = peer.localAsn ?? peer.myAsn;
  return new Map([...offers].map(([prefix, from]) => [prefix, wordsOf(from, asn, session.internal)]));
}

const applies = (selectors: readonly Selector[], labels: Labels): boolean =>
  selectors.length === 0 || matchesAny(selectors, labels);

/** The advertisements by which a node announces a Service; none where it must not. */
function advertisementsFor(
  view: ClusterView,
  options: DesireOptions,
  self: NodeObject,
  service: Service,
  ips: readonly Ip[],
  config: Config,
): readonly BgpAdvertisement[] {
  const { type, loadBalancerClass = "", externalTrafficPolicy } = service.spec;
  if (type !== "LoadBalancer" || loadBalancerClass !== options.lbClass || ips.length === 0) return [];
  const holds = ({ prefixes }: Pool): boolean => ips.every((ip) => prefixes.some((prefix) => contains(prefix, ip)));
  const advertisements = ([...config.pools.values()].find(holds)?.bgpAdvertisements ?? []).filter(
    ({ nodeSelectors, serviceSelectors }) =>
      applies(nodeSelectors, self.metadata.labels ?? {}) && applies(serviceSelectors, service.metadata.labels ?? {}),
  );
  if (disagree(advertisements, ips)) return [];
  const unavailable = (self.status?.conditions ?? []).some(
    (condition) => condition.type === "NetworkUnavailable" && condition.status === "True",
  );
  const excluded = self.metadata.labels?.[EXCLUDE_LABEL] !== undefined && !options.ignoreExcludeLabel;
  if (unavailable || excluded) return [];
  const nodes = servingNodes(view, service);
  const serves = externalTrafficPolicy === "Local" ? nodes.includes(self.metadata.name) : nodes.length > 0;
  return serves ? advertisements : [];
}

/** Two advertisements give one peer different preferences for one prefix. */
function disagree(advertisements: readonly BgpAdvertisement[], ips: readonly Ip[]): boolean {
  const length = (one: BgpAdvertisement, ip: Ip): number =>
    familyOf(ip) === "ipv4" ? one.aggregationLength : one.aggregationLengthV6;
  return advertisements.some((one) =>
    advertisements.some(
      (other) =>
        one.localPref !== other.localPref &&
        ips.some((ip) => length(one, ip) === length(other, ip)) &&
        (one.peers.length === 0 || other.peers.length === 0 || one.peers.some((name) => other.peers.includes(name))),
    ),
  );
}

/** The node of each endpoint that can serve; empty for one that is on none. */
function servingNodes(view: ClusterView, { metadata }: Service): readonly string[] {
  const slices = view
    .list<EndpointSlice>("EndpointSlice")
    .filter(
      (slice) =>
        slice.metadata.namespace === metadata.namespace &&
        slice.metadata.labels?.[SERVICE_NAME_LABEL] === metadata.name,
    );
  return slices.flatMap(({ endpoints = [] }) =>
    endpoints
      .filter(
        ({ addresses, conditions: { ready, serving } = {} }) =>
          addresses.length > 0 && (ready !== false || serving === true),
      )
      .map(({ nodeName = "" }) => nodeName),
  );
}

/** The rules of annotations stand in docs/configuration.md. */
function wordsOf(advertisements: readonly BgpAdvertisement[], asn: number, internal: boolean): string {
  const leaving = advertisements.some(({ gracefulShutdown }) => gracefulShutdown);
  // RFC 8326 section 5.
  const all = new Set([...advertisements.flatMap(({ communities }) => communities), ...(leaving ? ["65535:0"] : [])]);
  const large = [...all].flatMap((text) => (text.startsWith("large:") ? [text.slice("large:".length)] : []));
  const standard = [...all].filter((text) => !text.startsWith("large:"));
  const wanted = leaving ? 0 : (advertisements.find(({ localPref }) => localPref !== 0)?.localPref ?? 100);
  const length = 1 + Math.max(0, ...advertisements.map(({ prepend }) => prepend));
  return routeWords({
    path: internal ? [] : Array.from({ length }, () => asn),
    localPref: internal ? wanted : undefined,
    med: advertisements.find(({ multiExitDisc }) => multiExitDisc !== undefined)?.multiExitDisc,
    standard,
    large,
  });
}

export interface RouteParts {
  readonly path: readonly number[];
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  readonly standard: readonly string[];
  readonly large: readonly string[];
}

/** As an operator would read it off a router. */
export function routeWords({ path, localPref, med, standard, large }: RouteParts): string {
  const communities = [...standard.toSorted(), ...large.toSorted()].join(" ") || "none";
  const numbers = `preference ${localPref ?? "none"}, MED ${med ?? "none"}`;
  return `path ${path.join(" ") || "empty"}, ${numbers}, communities ${communities}`;
}
