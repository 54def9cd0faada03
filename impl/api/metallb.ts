// The nine kinds of group metallb.io, as objects of the API.
import { type Condition, type KubeObject, type LabelSelector } from "./kubernetes.ts";

/** An integer of the API; a bigint only where a number would not be exact. */
export type Int64 = number | bigint;

export interface IPAddressPool extends KubeObject {
  readonly kind: "IPAddressPool";
  readonly spec: {
    readonly addresses: readonly string[];
    readonly autoAssign?: boolean;
    readonly avoidBuggyIPs?: boolean;
    readonly serviceAllocation?: {
      readonly priority?: number;
      readonly namespaces?: readonly string[];
      readonly namespaceSelectors?: readonly LabelSelector[];
      readonly serviceSelectors?: readonly LabelSelector[];
    };
  };
  readonly status?: {
    readonly assignedIPv4: Int64;
    readonly assignedIPv6: Int64;
    readonly availableIPv4: Int64;
    readonly availableIPv6: Int64;
  };
}

export interface L2Advertisement extends KubeObject {
  readonly kind: "L2Advertisement";
  readonly spec?: {
    readonly ipAddressPools?: readonly string[];
    readonly ipAddressPoolSelectors?: readonly LabelSelector[];
    readonly nodeSelectors?: readonly LabelSelector[];
    readonly interfaces?: readonly string[];
    readonly serviceSelectors?: readonly LabelSelector[];
    readonly preferredNodeSelectors?: readonly { readonly weight: number; readonly preference: LabelSelector }[];
  };
}

export interface BGPAdvertisement extends KubeObject {
  readonly kind: "BGPAdvertisement";
  readonly spec?: {
    readonly aggregationLength?: number;
    readonly aggregationLengthV6?: number;
    readonly localPref?: number;
    readonly communities?: readonly string[];
    readonly ipAddressPools?: readonly string[];
    readonly ipAddressPoolSelectors?: readonly LabelSelector[];
    readonly nodeSelectors?: readonly LabelSelector[];
    readonly peers?: readonly string[];
    readonly serviceSelectors?: readonly LabelSelector[];
  };
}

export interface BGPPeerV1Beta1 extends KubeObject {
  readonly apiVersion: "metallb.io/v1beta1";
  readonly kind: "BGPPeer";
  readonly spec?: {
    readonly myASN: number;
    readonly peerASN: number;
    readonly peerAddress: string;
    readonly sourceAddress?: string;
    readonly peerPort?: number;
    readonly holdTime?: string;
    readonly keepaliveTime?: string;
    readonly routerID?: string;
    readonly nodeSelectors?: readonly LabelSelector[];
    readonly password?: string;
    readonly bfdProfile?: string;
    readonly ebgpMultiHop?: boolean;
  };
}

/** BGPPeer v1beta2, the version that is stored. */
export interface BGPPeer extends KubeObject {
  readonly apiVersion: "metallb.io/v1beta2";
  readonly kind: "BGPPeer";
  readonly spec?: {
    readonly myASN: number;
    readonly peerASN?: number;
    readonly localASN?: number;
    readonly dynamicASN?: "internal" | "external";
    readonly peerAddress?: string;
    readonly interface?: string;
    readonly sourceAddress?: string;
    readonly peerPort?: number;
    readonly holdTime?: string;
    readonly keepaliveTime?: string;
    readonly connectTime?: string;
    readonly routerID?: string;
    readonly nodeSelectors?: readonly LabelSelector[];
    readonly password?: string;
    readonly passwordSecret?: { readonly name?: string; readonly namespace?: string };
    readonly bfdProfile?: string;
    readonly enableGracefulRestart?: boolean;
    readonly ebgpMultiHop?: boolean;
    readonly vrf?: string;
    readonly disableMP?: boolean;
    readonly dualStackAddressFamily?: boolean;
  };
}

export interface BFDProfile extends KubeObject {
  readonly kind: "BFDProfile";
  readonly spec?: {
    readonly receiveInterval?: number;
    readonly transmitInterval?: number;
    readonly detectMultiplier?: number;
    readonly echoInterval?: number;
    readonly echoMode?: boolean;
    readonly passiveMode?: boolean;
    readonly minimumTtl?: number;
  };
}

export interface Community extends KubeObject {
  readonly kind: "Community";
  readonly spec?: { readonly communities?: readonly { readonly name?: string; readonly value?: string }[] };
}

export interface ServiceL2Status extends KubeObject {
  readonly kind: "ServiceL2Status";
  readonly status?: {
    readonly node?: string;
    readonly serviceName?: string;
    readonly serviceNamespace?: string;
    readonly interfaces?: readonly { readonly name?: string }[];
  };
}

export interface ServiceBGPStatus extends KubeObject {
  readonly kind: "ServiceBGPStatus";
  readonly status?: {
    readonly node?: string;
    readonly serviceName?: string;
    readonly serviceNamespace?: string;
    readonly peers?: readonly string[];
  };
}

export interface ConfigurationState extends KubeObject {
  readonly kind: "ConfigurationState";
  readonly status?: {
    readonly result?: "Valid" | "Invalid" | "Unknown";
    readonly errorSummary?: string;
    readonly conditions?: readonly Condition[];
  };
}
