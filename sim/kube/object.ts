// Objects as the server keeps them. Nothing alters one in place: a change makes a new one.
import { type ObjectMeta } from "../../impl/api/kubernetes.ts";

export interface Metadata extends ObjectMeta {
  readonly finalizers?: readonly string[];
  readonly deletionGracePeriodSeconds?: number;
  readonly managedFields?: readonly ManagedFields[];
}

export interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly fieldsType: string;
  readonly fieldsV1: Fields;
}

export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of an object; of anything else, none. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

const isTextMap = (value: unknown): boolean =>
  value === undefined || (isFields(value) && Object.values(value).every((text) => typeof text === "string"));

/** What is wrong with JSON that shall be an object of the API, or undefined. */
export function objectProblem(value: unknown): string | undefined {
  const { apiVersion, kind, metadata } = fieldsOf(value);
  if (typeof kind !== "string" || kind === "") return "Object 'Kind' is missing";
  if (typeof apiVersion !== "string" || apiVersion === "") return "Object 'apiVersion' is missing";
  const { name = "", labels, annotations, finalizers = [], ownerReferences = [] } = fieldsOf(metadata);
  if (typeof name !== "string") return "metadata.name must be a string";
  if (!isTextMap(labels)) return "metadata.labels must map strings to strings";
  if (!isTextMap(annotations)) return "metadata.annotations must map strings to strings";
  if (!Array.isArray(finalizers) || !Array.isArray(ownerReferences)) return "metadata holds a list that is none";
  return undefined;
}

export function isObject(value: unknown): value is StoredObject {
  return objectProblem(value) === undefined && isFields(fieldsOf(value)["metadata"]);
}

export function withMetadata(object: StoredObject, changes: Readonly<Partial<Metadata>>): StoredObject {
  return { ...object, metadata: { ...object.metadata, ...changes } };
}

/** The members without some of them. */
export function without<T extends object, K extends keyof T>(object: T, ...names: readonly K[]): Omit<T, K> {
  const copy = { ...object };
  for (const name of names) delete copy[name];
  return copy;
}

export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (!isFields(a) || !isFields(b)) return false;
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  if (keys.length !== Object.keys(b).filter((key) => b[key] !== undefined).length) return false;
  return keys.every((key) => equal(a[key], b[key]));
}
