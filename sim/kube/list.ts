// Lists in pages: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
import { ApiError, expired } from "./api-error.ts";
import { type StoredObject } from "./object.ts";
import { type Matcher } from "./selector-text.ts";
import { type Storage } from "./storage.ts";

export interface ListQuery {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly matcher: Matcher | undefined;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface ListPage {
  readonly objects: readonly StoredObject[];
  readonly revision: number;
  /** Undefined on the last page. */
  readonly token: string | undefined;
  /** Undefined where a selector makes it unknown. */
  readonly remaining: number | undefined;
}

export const tooLarge = (wanted: number, current: number): ApiError =>
  new ApiError("Timeout", `Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });

/** A resourceVersion; undefined where any will do. */
export function revisionOf(parameters: ReadonlyMap<string, string>): number | undefined {
  const text = parameters.get("resourceVersion") ?? "";
  if (text === "" || text === "0") return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new ApiError("BadRequest", `Invalid value: "${text}": invalid resource version`);
  return Number(text);
}

function wholeNumber(parameters: ReadonlyMap<string, string>, name: string): number {
  const text = parameters.get(name) ?? "0";
  if (!/^\d{1,9}$/.test(text)) throw new ApiError("BadRequest", `${name}: "${text}" is not a number`);
  return Number(text);
}

/** All pages of a list show the collection at the revision of the first. */
function startOf(parameters: ReadonlyMap<string, string>, storage: Storage): { revision: number; after: string } {
  const token = parameters.get("continue") ?? "";
  if (token !== "") {
    const match = /^(\d{1,15}):(.+)$/s.exec(token);
    if (match === null) throw new ApiError("BadRequest", "continue key is not valid");
    const revision = Number(match[1]);
    if (revision >= storage.compacted) return { revision, after: match[2] ?? "" };
    throw expired("The provided continue parameter is too old to display a consistent list result.");
  }
  const wanted = revisionOf(parameters) ?? 0;
  if (wanted > storage.revision) throw tooLarge(wanted, storage.revision);
  if (parameters.get("resourceVersionMatch") !== "Exact") return { revision: storage.revision, after: "" };
  if (wanted < storage.compacted) throw expired(`The resourceVersion for the provided list is too old: ${wanted}`);
  return { revision: wanted, after: "" };
}

export function listPage(query: ListQuery, storage: Storage): ListPage {
  const { collection, namespace, matcher, parameters } = query;
  const { revision, after } = startOf(parameters, storage);
  const limit = wholeNumber(parameters, "limit");
  const selected = storage.at(collection, revision).filter(([key, object]) => {
    if (key <= after || (namespace !== undefined && object.metadata.namespace !== namespace)) return false;
    return matcher === undefined || matcher(object);
  });
  const page = limit === 0 ? selected : selected.slice(0, limit);
  const rest = selected.length - page.length;
  const [lastKey = ""] = page.at(-1) ?? [];
  return {
    objects: page.map(([, object]) => object),
    revision,
    token: rest === 0 ? undefined : `${revision}:${lastKey}`,
    remaining: rest === 0 || matcher !== undefined ? undefined : rest,
  };
}
