// Server-side apply: https://kubernetes.io/docs/reference/using-api/server-side-apply/
// Field owners are those that apply; other writes take no ownership.
import { formatTimestamp } from "../../impl/api/timestamp.ts";
import { type Instant } from "../../impl/ports.ts";
import { ApiError, type Cause } from "./api-error.ts";
import {
  equal,
  type Fields,
  fieldsOf,
  isFields,
  type ManagedFields,
  type StoredObject,
  withMetadata,
} from "./object.ts";
import { mergeKeyOf } from "./patch.ts";

export interface ApplyOptions {
  readonly manager: string;
  /** Takes fields over that others own. */
  readonly force: boolean;
  readonly subresource: string | undefined;
}

/** What identifies an object belongs to nobody. */
function ownedPart(config: StoredObject): Fields {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = config;
  const { labels, annotations, ownerReferences, finalizers } = metadata;
  const owned = Object.entries({ labels, annotations, ownerReferences, finalizers }).filter(
    ([, value]) => value !== undefined,
  );
  return owned.length === 0 ? rest : { metadata: Object.fromEntries(owned), ...rest };
}

/** The steps to a value as fieldsV1 writes them: `f:name` into an object, `k:{"type":"Ready"}` into a list. */
type Steps = readonly string[];

function setOf(field: string, value: unknown): Fields {
  if (Array.isArray(value)) {
    const key = mergeKeyOf(field, value);
    if (key === undefined) return {};
    return Object.fromEntries(value.map((item) => [itemStep(key, item), { ".": {}, ...setOf("", item) }]));
  }
  if (!isFields(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [`f:${name}`, setOf(name, child)]));
}

const itemStep = (key: string, item: unknown): string => `k:${JSON.stringify({ [key]: fieldsOf(item)[key] })}`;

/** Every leaf of a field set. */
function leavesOf(set: Fields, steps: Steps = []): readonly Steps[] {
  const children = Object.entries(set).filter(([step]) => step !== ".");
  if (children.length === 0) return steps.length === 0 ? [] : [steps];
  const own = "." in set ? [steps] : [];
  return [...own, ...children.flatMap(([step, child]) => leavesOf(fieldsOf(child), [...steps, step]))];
}

function childAt(value: unknown, step: string): unknown {
  if (step.startsWith("f:")) return fieldsOf(value)[step.slice(2)];
  return Array.isArray(value) ? value.find((item) => isItem(item, step)) : undefined;
}

function isItem(item: unknown, step: string): boolean {
  const wanted = Object.entries(fieldsOf(JSON.parse(step.slice(2))));
  return wanted.every(([key, value]) => equal(fieldsOf(item)[key], value));
}

const valueAt = (value: unknown, steps: Steps): unknown => steps.reduce<unknown>(childAt, value);

/** The value without what is at `steps`; objects that become empty stay. */
function removedAt(value: unknown, [step, ...rest]: Steps): unknown {
  if (step === undefined) return undefined;
  if (Array.isArray(value)) {
    if (rest.length === 0) return value.filter((item) => !isItem(item, step));
    return value.map((item) => (isItem(item, step) ? removedAt(item, rest) : item));
  }
  const name = step.slice(2);
  if (!isFields(value) || !(name in value)) return value;
  const child = rest.length === 0 ? undefined : removedAt(value[name], rest);
  const { [name]: _removed, ...others } = value;
  return child === undefined ? others : { ...value, [name]: child };
}

function merged(field: string, target: unknown, config: unknown): unknown {
  if (Array.isArray(config)) {
    const before: readonly unknown[] = Array.isArray(target) ? target : [];
    const key = mergeKeyOf(field, [...before, ...config]);
    if (key === undefined) return config;
    const same = (a: unknown, b: unknown): boolean => equal(fieldsOf(a)[key], fieldsOf(b)[key]);
    const kept = before.map((item) => merged("", item, config.find((other) => same(item, other)) ?? {}));
    return [...kept, ...config.filter((item) => !before.some((other) => same(item, other)))];
  }
  if (!isFields(config)) return config;
  const result: Record<string, unknown> = { ...fieldsOf(target) };
  for (const [name, child] of Object.entries(config)) result[name] = merged(name, result[name], child);
  return result;
}

const pathOf = (steps: Steps): string => steps.map((step) => step.slice(2)).join(".");

const sameOwner = (entry: ManagedFields, { manager, subresource }: ApplyOptions): boolean =>
  entry.manager === manager && entry.operation === "Apply" && entry.subresource === subresource;

function conflictsOf(
  old: StoredObject,
  owned: Fields,
  set: Fields,
  others: readonly ManagedFields[],
): readonly Cause[] {
  return leavesOf(set).flatMap((steps) => {
    const owner = others.find((entry) => leavesOf(entry.fieldsV1).some((theirs) => equal(theirs, steps)));
    if (owner === undefined || equal(valueAt(old, steps), valueAt(owned, steps))) return [];
    const message = `conflict with "${owner.manager}" using ${owner.apiVersion}`;
    return [{ reason: "FieldManagerConflict", message, field: `.${pathOf(steps)}` }];
  });
}

function withoutLeaves(set: Fields, gone: readonly Steps[]): Fields {
  let rest: unknown = set;
  for (const steps of gone) rest = removedStep(rest, steps);
  return fieldsOf(rest);
}

function removedStep(set: unknown, [step, ...rest]: Steps): unknown {
  if (step === undefined || !isFields(set) || !(step in set)) return set;
  const { [step]: child, ...others } = set;
  const smaller = rest.length === 0 ? {} : fieldsOf(removedStep(child, rest));
  return Object.keys(smaller).some((name) => name !== ".") ? { ...others, [step]: smaller } : others;
}

/** What applying `config` makes of the object; fields that the manager applied before and now leaves out go. */
export function applyPatch(
  old: StoredObject | undefined,
  config: StoredObject,
  options: ApplyOptions,
  now: Instant,
): StoredObject {
  const owned = ownedPart(config);
  const set = setOf("", owned);
  const entries = old?.metadata.managedFields ?? [];
  const mine = entries.find((entry) => sameOwner(entry, options));
  const others = entries.filter((entry) => entry !== mine);
  const conflicts = old === undefined ? [] : conflictsOf(old, owned, set, others);
  if (conflicts.length > 0 && !options.force) {
    const listed = conflicts.map(({ message, field }) => `${message}: ${field}`).join(", ");
    throw new ApiError("Conflict", `Apply failed with ${conflicts.length} conflicts: ${listed}`, { causes: conflicts });
  }
  const leaves = leavesOf(set);
  const owners = others.map((entry) => ({
    ...entry,
    fieldsV1: withoutLeaves(entry.fieldsV1, conflicts.length > 0 ? leaves : []),
  }));
  const dropped = leavesOf(mine?.fieldsV1 ?? {}).filter(
    (steps) =>
      !leaves.some((kept) => equal(kept, steps)) &&
      !owners.some((entry) => leavesOf(entry.fieldsV1).some((theirs) => equal(theirs, steps))),
  );
  const bare = dropped.reduce<unknown>(removedAt, old ?? config);
  const result = fieldsOf(merged("", bare, owned));
  const { apiVersion, kind, metadata } = config;
  const object = {
    apiVersion,
    kind,
    ...result,
    metadata: { ...metadata, ...fieldsOf(result["metadata"]), name: metadata.name },
  };
  const unchanged = mine !== undefined && equal(mine.fieldsV1, set);
  const entry = unchanged ? mine : managedBy(options, config.apiVersion, set, now);
  return withMetadata(object, { managedFields: [...owners, entry] });
}

function managedBy(
  { manager, subresource }: ApplyOptions,
  apiVersion: string,
  fieldsV1: Fields,
  now: Instant,
): ManagedFields {
  const time = { time: formatTimestamp(now.wall) };
  const entry = { manager, operation: "Apply", apiVersion, ...time, fieldsType: "FieldsV1", fieldsV1 };
  return subresource === undefined ? entry : { ...entry, subresource };
}
