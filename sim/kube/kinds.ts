// The kinds that the server serves and how each of them is treated.
import { GROUP, type Kind } from "../../impl/api/kinds/kind.ts";
import { KINDS } from "../../impl/api/kinds/registry.ts";
import { type SchemaNode } from "../../impl/api/schema/schema.ts";

export interface ServedVersion {
  readonly name: string;
  readonly schema?: SchemaNode;
  readonly deprecated?: string;
}

export interface ServedKind {
  readonly group: string;
  /** The stored version is the last. */
  readonly versions: readonly [...ServedVersion[], ServedVersion];
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** What belongs to the status subresource, and may be changed through it apart from the status. */
  readonly status: "none" | "statusOnly" | "statusAndMetadata";
  /** Counts changes of the spec in metadata.generation. */
  readonly counted: boolean;
  /** Refuses updates that carry no resourceVersion. */
  readonly strict: boolean;
}

type Traits = Partial<Pick<ServedKind, "namespaced" | "status" | "counted" | "strict">>;

function builtIn(groupVersion: string, plural: string, kind: string, traits: Traits = {}): ServedKind {
  const [group, version] = groupVersion.includes("/") ? groupVersion.split("/") : ["", groupVersion];
  const treated = { namespaced: true, status: "none", counted: false, strict: false, ...traits } as const;
  const versions = [{ name: version ?? "" }] as const;
  return { group: group ?? "", versions, plural, singular: kind.toLowerCase(), kind, ...treated };
}

const BUILT_IN: readonly ServedKind[] = [
  builtIn("v1", "configmaps", "ConfigMap"),
  builtIn("v1", "endpoints", "Endpoints"),
  builtIn("v1", "events", "Event"),
  builtIn("v1", "namespaces", "Namespace", { namespaced: false, status: "statusAndMetadata" }),
  builtIn("v1", "nodes", "Node", { namespaced: false, status: "statusAndMetadata" }),
  builtIn("v1", "pods", "Pod", { status: "statusAndMetadata", counted: true }),
  builtIn("v1", "secrets", "Secret"),
  builtIn("v1", "serviceaccounts", "ServiceAccount"),
  // The status of a Service takes changes of its metadata along: MetalLB's annotation lives on that.
  builtIn("v1", "services", "Service", { status: "statusAndMetadata" }),
  builtIn("apps/v1", "daemonsets", "DaemonSet", { status: "statusOnly", counted: true }),
  builtIn("apps/v1", "deployments", "Deployment", { status: "statusOnly", counted: true }),
  builtIn("coordination.k8s.io/v1", "leases", "Lease", { strict: true }),
  builtIn("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", { counted: true }),
];

function custom({ kind, plural, singular, versions }: Kind): ServedKind {
  const served = versions
    .toSorted((a, b) => Number(a.storage) - Number(b.storage))
    .map(({ name, schema, deprecated }) => ({ name, schema, ...(deprecated === undefined ? {} : { deprecated }) }));
  const stored = served.pop();
  if (stored === undefined) throw new Error(`${kind} has no version`);
  return {
    group: GROUP,
    versions: [...served, stored],
    plural,
    singular,
    kind,
    namespaced: true,
    status: "statusOnly",
    counted: true,
    strict: true,
  };
}

/** In the order of group and plural. */
export const SERVED: readonly ServedKind[] = [...BUILT_IN, ...KINDS.map(custom)];

export function storedVersion(kind: ServedKind): ServedVersion {
  const last = kind.versions.at(-1);
  if (last === undefined) throw new Error(`${kind.kind} has no version`);
  return last;
}

export const groupVersion = (group: string, version: string): string =>
  group === "" ? version : `${group}/${version}`;

/** The name of the collection that holds a kind's objects. */
export const collectionOf = ({ group, plural }: ServedKind): string => (group === "" ? plural : `${plural}.${group}`);
