// CustomResourceDefinitions of the kinds: https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/
import { type Column, GROUP, type Kind, type KindVersion } from "./kinds/kind.ts";
import { type JsonValue, type OpenApi, toOpenApi } from "./schema/openapi.ts";

const API_VERSION = { type: "string", description: "The API group and version of this object." } as const;
const KIND = { type: "string", description: "The kind of this object." } as const;

function rootSchema(version: KindVersion): OpenApi {
  const { description = "", properties = {}, ...rest } = toOpenApi(version.schema);
  const own = properties as OpenApi;
  return {
    description,
    ...rest,
    properties: { apiVersion: API_VERSION, kind: KIND, metadata: { type: "object" }, ...own },
  };
}

function columnForm({ name, type, jsonPath, priority }: Column): OpenApi {
  return { name, type, jsonPath, ...(priority === undefined ? {} : { priority }) };
}

function versionForm(version: KindVersion): JsonValue {
  const { name, storage, deprecated, columns } = version;
  return {
    name,
    served: true,
    storage,
    ...(deprecated === undefined ? {} : { deprecated: true, deprecationWarning: deprecated }),
    ...(columns.length === 0 ? {} : { additionalPrinterColumns: columns.map(columnForm) }),
    schema: { openAPIV3Schema: rootSchema(version) },
    subresources: { status: {} },
  };
}

/** Kinds with two versions are converted by the controller. */
function conversionForm(namespace: string): OpenApi {
  const service = { name: "metallb-webhook-service", namespace, path: "/convert" };
  return {
    strategy: "Webhook",
    webhook: { clientConfig: { service }, conversionReviewVersions: ["v1beta1", "v1beta2"] },
  };
}

export function crdName(kind: Kind): string {
  return `${kind.plural}.${GROUP}`;
}

/** `namespace` is where the controller runs. */
export function customResourceDefinition(kind: Kind, namespace: string): OpenApi {
  const { plural, singular } = kind;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: crdName(kind) },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { kind: kind.kind, listKind: `${kind.kind}List`, plural, singular },
      ...(kind.versions.length > 1 ? { conversion: conversionForm(namespace) } : {}),
      versions: kind.versions.map(versionForm),
    },
  };
}
