// Manifests as people have them: applied from files, printed by kubectl, rendered by Helm.
import { type CheckProblem } from "../../impl/api/check-source.ts";
import { type KubeObject, type Service } from "../../impl/api/kubernetes.ts";
import { isObject } from "../../impl/api/schema/json-object.ts";
import { checkTexts } from "./check.ts";
import { type SourceText } from "./sources.ts";
import { readSource } from "./yaml-source.ts";

export interface Manifests {
  /** Lists are taken apart, and what only a server writes is gone. */
  readonly objects: readonly KubeObject[];
  /** Namespace of the load balancer: the one that most metallb.io objects name. */
  readonly namespace: string;
  /** What `assay check` has to say. */
  readonly problems: readonly CheckProblem[];
  /** What is no object that an API server could file, by kind. */
  readonly unusable: readonly string[];
  /** A document could not be read at all. */
  readonly broken: boolean;
}

export const isOwnKind = ({ apiVersion }: KubeObject): boolean => apiVersion.startsWith("metallb.io/");

const isKubeObject = (value: unknown): value is KubeObject =>
  isObject(value) &&
  typeof value["kind"] === "string" &&
  typeof value["apiVersion"] === "string" &&
  isObject(value["metadata"]) &&
  typeof value["metadata"]["name"] === "string" &&
  ["string", "undefined"].includes(typeof value["metadata"]["namespace"]);

const USUAL = "metallb-system";

/** An API server refuses these in what is created, or fills them in. */
const SERVER_FIELDS = new Set([
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "managedFields",
  "selfLink",
  "finalizers",
]); // prettier-ignore

/** Numbers beyond 2^53 stand in no field that a simulation reads; JSON has no other integers. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

/** A Service keeps the addresses that it has, as it would when the controller restarts; other statuses are left behind. */
function keptStatus(object: KubeObject): object {
  if (object.kind !== "Service" || object.apiVersion !== "v1") return {};
  const { spec, status } = object as Service;
  const kept = isObject(spec) && spec["type"] === "LoadBalancer" ? status?.loadBalancer : undefined;
  return kept === undefined ? {} : { status: { loadBalancer: kept } };
}

function withoutServerFields(object: KubeObject): KubeObject {
  const { status: _status, metadata, ...rest } = { status: undefined, ...object };
  const kept = Object.entries(metadata).filter(([key]) => !SERVER_FIELDS.has(key));
  return { ...rest, metadata: Object.fromEntries(kept) as unknown as KubeObject["metadata"], ...keptStatus(object) };
}

/** The values of a document: of a List, as kubectl prints it, each item. */
function itemsOf(value: unknown): readonly unknown[] {
  const isList = isObject(value) && Array.isArray(value["items"]) && String(value["kind"]).endsWith("List");
  return isList && Array.isArray(value["items"]) ? value["items"].flatMap(itemsOf) : [value];
}

const describe = (value: unknown): string =>
  isObject(value) && typeof value["kind"] === "string" ? value["kind"] : "a document";

function mostFrequent(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const candidates = [...counts].filter(([, count]) => count === most).map(([name]) => name);
  return candidates.includes(USUAL) ? USUAL : candidates[0];
}

export function readManifests(sources: readonly SourceText[]): Manifests {
  const read = sources.map(({ file, text }) => readSource(file, text));
  const values = read.flatMap(({ documents }) => documents.flatMap(({ value }) => itemsOf(plain(value))));
  const present = values.filter((value) => value !== null && value !== undefined);
  const objects = present.filter(isKubeObject).map(withoutServerFields);
  const named = objects.filter(isOwnKind).flatMap(({ metadata }) => metadata.namespace ?? []);
  const namespace = mostFrequent(named) ?? USUAL;
  return {
    objects,
    namespace,
    unusable: present.filter((value) => !isKubeObject(value)).map(describe),
    problems: checkTexts(sources, namespace).problems,
    broken: read.some(({ problems }) => problems.some(({ fatal }) => fatal)),
  };
}
