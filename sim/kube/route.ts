// Request paths: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
import { ApiError } from "./api-error.ts";
import { type ServedKind, type ServedVersion, SERVED } from "./kinds.ts";

export interface Route {
  readonly kind: ServedKind;
  readonly version: ServedVersion;
  /** Undefined: every namespace, or a kind that has none. */
  readonly namespace: string | undefined;
  /** Undefined: the collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly parameters: ReadonlyMap<string, string>;
}

function parametersOf(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split("&")) {
    const [name = "", ...rest] = part.split("=");
    if (name !== "") parameters.set(decode(name), decode(rest.join("=")));
  }
  return parameters;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new ApiError("BadRequest", `${text} is not a URI component`);
  }
}

const noSuchPath = (): ApiError => new ApiError("NotFound", "the server could not find the requested resource");

function findVersion(group: string, version: string, plural: string): Pick<Route, "kind" | "version"> {
  const kind = SERVED.find((served) => served.group === group && served.plural === plural);
  const found = kind?.versions.find(({ name }) => name === version);
  if (kind === undefined || found === undefined) throw noSuchPath();
  return { kind, version: found };
}

/** The parts after group and version. `namespaces` is both a kind and the beginning of other kinds' paths. */
function placeOf(parts: readonly string[]): {
  readonly namespace?: string;
  readonly plural: string;
  readonly rest: readonly string[];
} {
  const [first = "", second = "", third, ...rest] = parts;
  const nested = first === "namespaces" && third !== undefined && third !== "status" && third !== "finalize";
  return nested ? { namespace: second, plural: third, rest } : { plural: first, rest: parts.slice(1) };
}

export function routeOf(url: string): Route {
  const cut = url.indexOf("?");
  const path = cut < 0 ? url : url.slice(0, cut);
  const parts = path.split("/").slice(1).map(decode);
  const [root, ...tail] = parts.at(-1) === "" ? parts.slice(0, -1) : parts;
  if (root !== "api" && root !== "apis") throw noSuchPath();
  const [group = "", version = "", ...below] = root === "api" ? ["", ...tail] : tail;
  const { namespace, plural, rest } = placeOf(below);
  const found = findVersion(group, version, plural);
  const [name, subresource, ...more] = rest;
  if (more.length > 0 || (namespace !== undefined && !found.kind.namespaced)) throw noSuchPath();
  if (name !== undefined && found.kind.namespaced && namespace === undefined) throw noSuchPath();
  const parameters = parametersOf(cut < 0 ? "" : url.slice(cut + 1));
  return { ...found, namespace, name, subresource, parameters };
}
