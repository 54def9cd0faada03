// The kinds that Assay reads and writes, and where the API server keeps them.
import {
  type ConfigMap,
  type EndpointSlice,
  type EventObject,
  type KubeObject,
  type NamespaceObject,
  type NodeObject,
  type Pod,
  type Secret,
  type Service,
} from "../api/kubernetes.ts";
import {
  type BFDProfile,
  type BGPAdvertisement,
  type BGPPeer,
  type Community,
  type ConfigurationState,
  type IPAddressPool,
  type L2Advertisement,
  type ServiceBGPStatus,
  type ServiceL2Status,
} from "../api/metallb.ts";

export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: T["kind"];
  readonly namespaced: boolean;
  /** Never set: it ties the resource to its type. */
  readonly object?: T;
}

function resource<T extends KubeObject>(
  groupVersion: string,
  plural: string,
  kind: T["kind"],
  namespaced = true,
): Resource<T> {
  const slash = groupVersion.indexOf("/");
  const group = groupVersion.slice(0, Math.max(slash, 0));
  return { group, version: groupVersion.slice(slash + 1), plural, kind, namespaced };
}

export const RESOURCES = {
  services: resource<Service>("v1", "services", "Service"),
  nodes: resource<NodeObject>("v1", "nodes", "Node", false),
  namespaces: resource<NamespaceObject>("v1", "namespaces", "Namespace", false),
  pods: resource<Pod>("v1", "pods", "Pod"),
  secrets: resource<Secret>("v1", "secrets", "Secret"),
  configMaps: resource<ConfigMap>("v1", "configmaps", "ConfigMap"),
  events: resource<EventObject>("v1", "events", "Event"),
  endpointSlices: resource<EndpointSlice>("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
  leases: resource("coordination.k8s.io/v1", "leases", "Lease"),
  deployments: resource("apps/v1", "deployments", "Deployment"),
  ipAddressPools: resource<IPAddressPool>("metallb.io/v1beta1", "ipaddresspools", "IPAddressPool"),
  l2Advertisements: resource<L2Advertisement>("metallb.io/v1beta1", "l2advertisements", "L2Advertisement"),
  bgpAdvertisements: resource<BGPAdvertisement>("metallb.io/v1beta1", "bgpadvertisements", "BGPAdvertisement"),
  bgpPeers: resource<BGPPeer>("metallb.io/v1beta2", "bgppeers", "BGPPeer"),
  bfdProfiles: resource<BFDProfile>("metallb.io/v1beta1", "bfdprofiles", "BFDProfile"),
  communities: resource<Community>("metallb.io/v1beta1", "communities", "Community"),
  serviceL2Statuses: resource<ServiceL2Status>("metallb.io/v1beta1", "servicel2statuses", "ServiceL2Status"),
  serviceBgpStatuses: resource<ServiceBGPStatus>("metallb.io/v1beta1", "servicebgpstatuses", "ServiceBGPStatus"),
  configurationStates: resource<ConfigurationState>("metallb.io/v1beta1", "configurationstates", "ConfigurationState"),
} as const;

export const apiVersionOf = ({ group, version }: Resource): string => (group === "" ? version : `${group}/${version}`);

/** The path of a collection, of an object or of its subresource, without query. */
export function pathOf(resource: Resource, namespace?: string, name?: string, subresource?: string): string {
  const root = resource.group === "" ? "/api" : `/apis/${encodeURIComponent(resource.group)}`;
  const parts = [root, resource.version];
  if (resource.namespaced && namespace !== undefined) parts.push("namespaces", encodeURIComponent(namespace));
  parts.push(resource.plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join("/");
}
