// What the server says it serves: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
import { groupVersion, SERVED, type ServedKind } from "./kinds.ts";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const STATUS_VERBS = ["get", "patch", "update"];

const GROUPS: readonly string[] = [...new Set(SERVED.map(({ group }) => group))].filter((group) => group !== "");

const kindsOf = (group: string): readonly ServedKind[] => SERVED.filter((kind) => kind.group === group);

function versionsOf(group: string): readonly string[] {
  return [...new Set(kindsOf(group).flatMap(({ versions }) => versions.map(({ name }) => name)))]
    .toSorted()
    .toReversed();
}

function groupForm(group: string): object {
  const versions = versionsOf(group).map((version) => ({ groupVersion: groupVersion(group, version), version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function resourcesForm(group: string, version: string): object | undefined {
  const kinds = kindsOf(group).filter(({ versions }) => versions.some(({ name }) => name === version));
  if (kinds.length === 0) return undefined;
  const resources = kinds.flatMap(({ plural: name, singular: singularName, namespaced, kind, status }) => {
    const whole = { name, singularName, namespaced, kind, verbs: VERBS };
    const part = { name: `${name}/status`, singularName: "", namespaced, kind, verbs: STATUS_VERBS };
    return status === "none" ? [whole] : [whole, part];
  });
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: groupVersion(group, version), resources };
}

/** The document at a path of discovery; undefined where the path is none. */
export function discoveryAt(path: string): object | undefined {
  const [root, group, version, ...more] = path.split("/").filter((part) => part !== "");
  if (more.length > 0) return undefined;
  if (root === "version" && group === undefined) return { major: "1", minor: "34", gitVersion: "v1.34.0+sim" };
  if (root === "api" && version === undefined) {
    return group === undefined ? { kind: "APIVersions", apiVersion: "v1", versions: ["v1"] } : resourcesForm("", group);
  }
  if (root !== "apis") return undefined;
  if (group === undefined) return { kind: "APIGroupList", apiVersion: "v1", groups: GROUPS.map(groupForm) };
  if (!GROUPS.includes(group)) return undefined;
  return version === undefined
    ? { kind: "APIGroup", apiVersion: "v1", ...groupForm(group) }
    : resourcesForm(group, version);
}
