// What a speaker watches, and how little of it is kept.
import {
  type EndpointSlice,
  type NodeObject,
  type ObjectMeta,
  type Pod,
  SERVICE_NAME_LABEL,
  type Service,
} from "../api/kubernetes.ts";
import { type KubeClient } from "../kube/client.ts";
import { RESOURCES } from "../kube/resources.ts";
import { NODE_LABEL } from "./node-statuses.ts";

export interface SpeakerWatches {
  readonly namespace: string;
  readonly podName: string;
  readonly nodeName: string;
  /** Selects the Pods of all speakers; undefined: only this speaker's own Pod is watched. */
  readonly podLabels: string | undefined;
}

export const configurationStateName = (nodeName: string): string => `speaker-${nodeName}`;

export function watchAll(client: KubeClient, { namespace, podName, nodeName, podLabels }: SpeakerWatches): void {
  client.watch({ resource: RESOURCES.services, project: projectService });
  client.watch({ resource: RESOURCES.endpointSlices, labelSelector: SERVICE_NAME_LABEL, project: projectSlice });
  client.watch({ resource: RESOURCES.nodes, project: projectNode });
  client.watch({ resource: RESOURCES.namespaces });
  const ofSpeakers =
    podLabels === undefined ? { fieldSelector: `metadata.name=${podName}` } : { labelSelector: podLabels };
  client.watch({ resource: RESOURCES.pods, namespace, ...ofSpeakers, project: projectPod });
  client.watch({ resource: RESOURCES.ipAddressPools, namespace });
  client.watch({ resource: RESOURCES.l2Advertisements, namespace });
  client.watch({ resource: RESOURCES.bgpAdvertisements, namespace });
  client.watch({ resource: RESOURCES.bgpPeers, namespace });
  client.watch({ resource: RESOURCES.bfdProfiles, namespace });
  client.watch({ resource: RESOURCES.communities, namespace });
  client.watch({ resource: RESOURCES.secrets, namespace, fieldSelector: "type=kubernetes.io/basic-auth" });
  client.watch({ resource: RESOURCES.serviceL2Statuses, namespace });
  // Every node has its own, for every Service.
  const own = `${NODE_LABEL}=${nodeName}`;
  client.watch({ resource: RESOURCES.serviceBgpStatuses, namespace, labelSelector: own });
  const state = `metadata.name=${configurationStateName(nodeName)}`;
  client.watch({ resource: RESOURCES.configurationStates, namespace, fieldSelector: state });
}

/** Annotations may be 256 kB long; only those that are the load balancer's are read, and only of Services. */
function projectMeta({ name, namespace, uid, resourceVersion, labels }: ObjectMeta): ObjectMeta {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(labels === undefined ? {} : { labels }),
  };
}

function ownAnnotations({ annotations = {} }: ObjectMeta): Pick<ObjectMeta, "annotations"> {
  const own = Object.entries(annotations).filter(([name]) => /^metallb\.(io|universe\.tf)\//.test(name));
  return own.length === 0 ? {} : { annotations: Object.fromEntries(own) };
}

/** A kubelet reports images and capacities every few minutes: 10 to 20 kB that nobody reads here. */
function projectNode({ apiVersion, kind, metadata, status }: NodeObject): NodeObject {
  const conditions = (status?.conditions ?? []).filter(({ type }) => type === "NetworkUnavailable");
  return { apiVersion, kind, metadata: projectMeta(metadata), status: { conditions } };
}

function projectSlice({ apiVersion, kind, metadata, addressType, endpoints = [] }: EndpointSlice): EndpointSlice {
  return {
    apiVersion,
    kind,
    metadata: projectMeta(metadata),
    addressType,
    endpoints: endpoints.map(({ conditions, nodeName }) => ({
      addresses: [],
      ...(conditions === undefined ? {} : { conditions }),
      ...(nodeName === undefined ? {} : { nodeName }),
    })),
  };
}

function projectService({ apiVersion, kind, metadata, spec, status }: Service): Service {
  const { type, loadBalancerClass, externalTrafficPolicy } = spec;
  return {
    apiVersion,
    kind,
    metadata: { ...projectMeta(metadata), ...ownAnnotations(metadata) },
    spec: {
      ...(type === undefined ? {} : { type }),
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
      ...(externalTrafficPolicy === undefined ? {} : { externalTrafficPolicy }),
    },
    ...(status === undefined ? {} : { status }),
  };
}

function projectPod({ apiVersion, kind, metadata, status }: Pod): Pod {
  const { podIP, phase } = status ?? {};
  return {
    apiVersion,
    kind,
    metadata: projectMeta(metadata),
    status: { ...(podIP === undefined ? {} : { podIP }), ...(phase === undefined ? {} : { phase }) },
  };
}
