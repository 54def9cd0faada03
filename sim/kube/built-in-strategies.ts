// The smaller built-in kinds.
import { type Cause } from "./api-error.ts";
import { encodeBase64 } from "../../impl/api/base64.ts";
import { encodeUtf8 } from "../../impl/wire/text.ts";
import { equal, fieldsOf, listOf, type StoredObject, withMetadata } from "./object.ts";
import { type Strategy } from "./strategy.ts";

/** Every Namespace carries its name as a label, and goes only when it is empty. */
const namespaces: Strategy = {
  prepareCreate: (object) => ({
    ...named(object),
    spec: { finalizers: ["kubernetes"], ...fieldsOf(object["spec"]) },
    status: { phase: "Active" },
  }),
  prepareUpdate: named,
};

function named(object: StoredObject): StoredObject {
  const labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name };
  return withMetadata(object, { labels });
}

const nodes: Strategy = {
  prepareCreate(object) {
    const labels = { "kubernetes.io/hostname": object.metadata.name, ...object.metadata.labels };
    return { ...withMetadata(object, { labels }), spec: fieldsOf(object["spec"]), status: fieldsOf(object["status"]) };
  },
};

const pods: Strategy = {
  prepareCreate(object) {
    const spec = { restartPolicy: "Always", terminationGracePeriodSeconds: 30, ...fieldsOf(object["spec"]) };
    return { ...object, spec, status: { phase: "Pending" } };
  },
  validate: (object, old) => (old === undefined ? [] : podChanges(object, old)),
};

/** A Pod moves to no other node. */
function podChanges(object: StoredObject, old: StoredObject): readonly Cause[] {
  const before = fieldsOf(old["spec"])["nodeName"];
  if (before === undefined || equal(before, fieldsOf(object["spec"])["nodeName"])) return [];
  const message = "Forbidden: pod updates may not change fields other than the image, tolerations and a few more";
  return [{ reason: "FieldValueForbidden", field: "spec", message }];
}

const deployments: Strategy = { prepareCreate: withReplicas, prepareUpdate: withReplicas };

function withReplicas(object: StoredObject): StoredObject {
  return { ...object, spec: { replicas: 1, ...fieldsOf(object["spec"]) } };
}

/** `stringData` is for writing only. */
const secrets: Strategy = { prepareCreate: withData, prepareUpdate: withData };

function withData({ stringData, ...object }: StoredObject): StoredObject {
  const encoded = Object.entries(fieldsOf(stringData)).map(([key, text]) => [
    key,
    encodeBase64(encodeUtf8(String(text))),
  ]);
  const { apiVersion, kind, metadata } = object;
  const data = { ...fieldsOf(object["data"]), ...Object.fromEntries(encoded) };
  return { type: "Opaque", ...object, apiVersion, kind, metadata, data };
}

const endpointSlices: Strategy = {
  validate(object, old) {
    const { addressType } = object;
    if (!["IPv4", "IPv6", "FQDN"].includes(String(addressType))) {
      return [{ reason: "FieldValueRequired", field: "addressType", message: "Required value" }];
    }
    if (old !== undefined && old["addressType"] !== addressType) {
      return [{ reason: "FieldValueInvalid", field: "addressType", message: "Invalid value: field is immutable" }];
    }
    return listOf(object["endpoints"]).flatMap((endpoint, index) =>
      listOf(fieldsOf(endpoint)["addresses"]).length > 0
        ? []
        : [{ reason: "FieldValueRequired", field: `endpoints[${index}].addresses`, message: "Required value" }],
    );
  },
};

/** By collection. */
export const BUILT_IN_STRATEGIES: Readonly<Record<string, Strategy>> = {
  namespaces,
  nodes,
  pods,
  secrets,
  "deployments.apps": deployments,
  "endpointslices.discovery.k8s.io": endpointSlices,
};
