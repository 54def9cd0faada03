// Short ways to write the Kubernetes objects of scenarios.
import { type EndpointSlice, type KubeObject, type LabelSelector, SERVICE_NAME_LABEL } from "../impl/api/kubernetes.ts";

/** The namespace that the load balancer runs in. */
export const SYSTEM = "metallb-system";

type Labels = Readonly<Record<string, string>>;

/** Any object with a spec. */
function objectOf(apiVersion: string, kind: string, metadata: KubeObject["metadata"], spec: object): KubeObject {
  const whole: KubeObject & { readonly spec: object } = { apiVersion, kind, metadata, spec };
  return whole;
}

export interface PoolSpec {
  readonly autoAssign?: boolean;
  readonly avoidBuggyIPs?: boolean;
  readonly labels?: Labels;
  readonly serviceAllocation?: {
    readonly priority?: number;
    readonly namespaces?: readonly string[];
    readonly namespaceSelectors?: readonly LabelSelector[];
    readonly serviceSelectors?: readonly LabelSelector[];
  };
}

export function pool(name: string, addresses: readonly string[], spec: PoolSpec = {}): KubeObject {
  const { labels, ...rest } = spec;
  const metadata = { name, namespace: SYSTEM, ...(labels === undefined ? {} : { labels }) };
  return objectOf("metallb.io/v1beta1", "IPAddressPool", metadata, { addresses, ...rest });
}

export interface L2Spec {
  readonly ipAddressPools?: readonly string[];
  readonly ipAddressPoolSelectors?: readonly LabelSelector[];
  readonly nodeSelectors?: readonly LabelSelector[];
  readonly serviceSelectors?: readonly LabelSelector[];
  readonly interfaces?: readonly string[];
  readonly preferredNodeSelectors?: readonly { readonly weight: number; readonly preference: LabelSelector }[];
}

export function l2Advertisement(name: string, spec: L2Spec = {}): KubeObject {
  return objectOf("metallb.io/v1beta1", "L2Advertisement", { name, namespace: SYSTEM }, spec);
}

/** The AS of the cluster and of the first router in every topology with routers. */
export const CLUSTER_ASN = 64_500;
export const ROUTER_ASN = 64_501;

export interface PeerSpec {
  /** CLUSTER_ASN unless told. */
  readonly myASN?: number;
  /** ROUTER_ASN unless told, or dynamicASN stands in its place. */
  readonly peerASN?: number;
  readonly dynamicASN?: "internal" | "external";
  readonly localASN?: number;
  readonly peerAddress?: string;
  readonly interface?: string;
  readonly peerPort?: number;
  readonly sourceAddress?: string;
  readonly holdTime?: string;
  readonly keepaliveTime?: string;
  readonly connectTime?: string;
  readonly routerID?: string;
  readonly nodeSelectors?: readonly LabelSelector[];
  readonly password?: string;
  readonly passwordSecret?: { readonly name: string; readonly namespace?: string };
  readonly bfdProfile?: string;
  readonly enableGracefulRestart?: boolean;
  readonly ebgpMultiHop?: boolean;
  readonly vrf?: string;
  readonly dualStackAddressFamily?: boolean;
}

export function bgpPeer(name: string, spec: PeerSpec): KubeObject {
  const peerAsn = spec.dynamicASN === undefined ? { peerASN: ROUTER_ASN } : {};
  const whole = { myASN: CLUSTER_ASN, ...peerAsn, ...spec };
  return objectOf("metallb.io/v1beta2", "BGPPeer", { name, namespace: SYSTEM }, whole);
}

/** As the deprecated version writes it; the API server converts it. */
export function bgpPeerV1Beta1(name: string, spec: object): KubeObject {
  const whole = { myASN: CLUSTER_ASN, peerASN: ROUTER_ASN, ...spec };
  return objectOf("metallb.io/v1beta1", "BGPPeer", { name, namespace: SYSTEM }, whole);
}

export interface BgpSpec {
  readonly aggregationLength?: number;
  readonly aggregationLengthV6?: number;
  readonly localPref?: number;
  readonly communities?: readonly string[];
  readonly ipAddressPools?: readonly string[];
  readonly ipAddressPoolSelectors?: readonly LabelSelector[];
  readonly nodeSelectors?: readonly LabelSelector[];
  readonly serviceSelectors?: readonly LabelSelector[];
  readonly peers?: readonly string[];
}

export function bgpAdvertisement(name: string, spec: BgpSpec = {}, annotations?: Labels): KubeObject {
  const metadata = { name, namespace: SYSTEM, ...(annotations === undefined ? {} : { annotations }) };
  return objectOf("metallb.io/v1beta1", "BGPAdvertisement", metadata, spec);
}

export interface BfdSpec {
  /** Milliseconds. */
  readonly receiveInterval?: number;
  readonly transmitInterval?: number;
  readonly detectMultiplier?: number;
  readonly echoInterval?: number;
  readonly echoMode?: boolean;
  readonly passiveMode?: boolean;
  readonly minimumTtl?: number;
}

export function bfdProfile(name: string, spec: BfdSpec = {}): KubeObject {
  return objectOf("metallb.io/v1beta1", "BFDProfile", { name, namespace: SYSTEM }, spec);
}

/** Names for communities: `{ gold: "64500:123" }`. */
export function communityNames(name: string, values: Labels): KubeObject {
  const communities = Object.entries(values).map(([alias, value]) => ({ name: alias, value }));
  return objectOf("metallb.io/v1beta1", "Community", { name, namespace: SYSTEM }, { communities });
}

/** What a BGPPeer's passwordSecret names. */
export function passwordSecret(name: string, password: string): KubeObject {
  const whole: KubeObject & { readonly type: string; readonly data: Labels } = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: SYSTEM },
    type: "kubernetes.io/basic-auth",
    data: { password: Buffer.from(password).toString("base64") },
  };
  return whole;
}

export interface ServiceSpec {
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly selector?: Labels;
  readonly policy?: "Cluster" | "Local";
  readonly families?: readonly ("IPv4" | "IPv6")[];
  readonly familyPolicy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
  readonly ports?: readonly { readonly name?: string; readonly protocol?: "TCP" | "UDP"; readonly port: number }[];
  readonly type?: string;
  readonly loadBalancerIP?: string;
  readonly loadBalancerClass?: string;
}

/** A Service of type LoadBalancer on port 80; it selects `app: NAME` unless told otherwise. */
export function service(name: string, spec: ServiceSpec = {}): KubeObject {
  const { namespace = "default", labels, annotations, policy, families, familyPolicy, ports } = spec;
  const metadata = {
    name,
    namespace,
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return objectOf("v1", "Service", metadata, {
    type: spec.type ?? "LoadBalancer",
    selector: spec.selector ?? { app: name },
    ports: (ports ?? [{ port: 80 }]).map((port) => ({ protocol: "TCP", targetPort: port.port, ...port })),
    ...(policy === undefined ? {} : { externalTrafficPolicy: policy }),
    ...(families === undefined ? {} : { ipFamilies: families }),
    ...(familyPolicy === undefined ? {} : { ipFamilyPolicy: familyPolicy }),
    ...(spec.loadBalancerIP === undefined ? {} : { loadBalancerIP: spec.loadBalancerIP }),
    ...(spec.loadBalancerClass === undefined ? {} : { loadBalancerClass: spec.loadBalancerClass }),
  });
}

export interface DeploymentSpec {
  readonly namespace?: string;
  readonly labels?: Labels;
  /** Pins every pod to one node. */
  readonly node?: string;
  readonly nodeSelector?: Labels;
}

/** A Deployment whose pods carry `app: NAME` and answer on every port. */
export function deployment(name: string, replicas: number, spec: DeploymentSpec = {}): KubeObject {
  const labels = spec.labels ?? { app: name };
  const metadata = { name, namespace: spec.namespace ?? "default" };
  return objectOf("apps/v1", "Deployment", metadata, {
    replicas,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        containers: [{ name: "server", image: "registry.k8s.io/e2e-test-images/agnhost:2.47" }],
        ...(spec.node === undefined ? {} : { nodeName: spec.node }),
        ...(spec.nodeSelector === undefined ? {} : { nodeSelector: spec.nodeSelector }),
      },
    },
  });
}

/** Selects nodes by name, one selector each. */
export function nodesNamed(...names: readonly string[]): readonly LabelSelector[] {
  return names.map((name) => ({ matchLabels: { "kubernetes.io/hostname": name } }));
}

/** What an EndpointSlice says of one endpoint. */
export type EndpointSpec = NonNullable<EndpointSlice["endpoints"]>[number];

/** An EndpointSlice of somebody's own making. */
export function endpointSlice(name: string, service: string, endpoints: readonly EndpointSpec[]): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "default", labels: { [SERVICE_NAME_LABEL]: service } },
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "", protocol: "TCP", port: 80 }],
  };
}

export function namespace(name: string, labels: Labels = {}): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}
