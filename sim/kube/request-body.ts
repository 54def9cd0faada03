import { parseJson } from "../../impl/api/json.ts";
import { validate } from "../../impl/api/schema/validate.ts";
import { type Instant } from "../../impl/ports.ts";
import { unreachable } from "../../impl/wire/brand.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { ApiError, invalid, notFound } from "./api-error.ts";
import { groupVersion } from "./kinds.ts";
import { fieldsOf, isObject, objectProblem, type StoredObject, textOf } from "./object.ts";
import { jsonPatch, mergePatch, strategicMergePatch } from "./patch.ts";
import { type DeleteOptions } from "./registry.ts";
import { type Route } from "./route.ts";
import { causesOf } from "./schema-strategy.ts";
import { applyPatch } from "./apply.ts";
import { toStored } from "./version.ts";

interface Body {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const PATCHES = {
  "application/merge-patch+json": "merge",
  "application/json-patch+json": "json",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
} as const;

function contentTypeOf({ headers }: Body): string {
  const [, value = "application/json"] =
    Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type") ?? [];
  return value.split(";")[0]?.trim().toLowerCase() ?? "";
}

const unsupported = (type: string): ApiError =>
  new ApiError("UnsupportedMediaType", `the body of the request was in an unknown format - ${type} is not accepted`);

function jsonOf(text: string | undefined): unknown {
  try {
    return parseJson(text ?? "", "body");
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new ApiError("BadRequest", `couldn't parse the request body: ${error.message}`);
  }
}

/** The object that a body holds, in the stored version. */
export function objectOf(request: Body, route: Route): StoredObject {
  const type = contentTypeOf(request);
  if (type !== "application/json") throw unsupported(type);
  return checkedObject(jsonOf(request.body), route);
}

function checkedObject(value: unknown, route: Route): StoredObject {
  const { kind, version, name, parameters } = route;
  const apiVersion = groupVersion(kind.group, version.name);
  // Only built-in kinds may leave out what the path says already.
  const implied = version.schema === undefined ? { apiVersion, kind: kind.kind } : {};
  const given: unknown = { ...implied, metadata: {}, ...fieldsOf(value) };
  const problem = objectProblem(given);
  if (problem !== undefined) throw new ApiError("BadRequest", problem);
  if (!isObject(given)) throw new ApiError("BadRequest", "metadata is not an object");
  if (given.apiVersion !== apiVersion || given.kind !== kind.kind) {
    const message = `${given.kind} in version "${given.apiVersion}" cannot be handled as a ${kind.kind} of "${apiVersion}"`;
    throw new ApiError("BadRequest", message);
  }
  const named = given.metadata.name;
  if (name !== undefined && named !== undefined && named !== name) {
    const message = `the name of the object (${named}) does not match the name on the URL (${name})`;
    throw new ApiError("BadRequest", message);
  }
  if (version.schema === undefined) return given;
  const { spec, status } = given;
  const problems = validate(version.schema, { spec, status });
  const unknown = problems.filter(({ reason }) => reason === "unknownField");
  if (unknown.length > 0 && parameters.get("fieldValidation") === "Strict") {
    const listed = unknown.map(({ path }) => `unknown field "${path}"`).join(", ");
    throw new ApiError(
      "BadRequest",
      `${kind.kind} in version "${version.name}" cannot be handled: strict decoding error: ${listed}`,
    );
  }
  const stored = toStored(kind, given);
  // The stored version is checked once more with everything that is only known then.
  const causes = stored === given ? [] : causesOf(problems);
  if (causes.length > 0) throw invalid(kind, named, causes);
  return stored;
}

/** The object that a patch makes of the one that is stored; an apply patch may make a new one. */
export function patched(request: Body, route: Route, old: StoredObject | undefined, now: Instant): StoredObject {
  const type = contentTypeOf(request);
  const kind = Object.entries(PATCHES).find(([name]) => name === type)?.[1];
  if (kind === undefined) throw unsupported(type);
  const patch = jsonOf(request.body);
  if (kind === "apply") {
    const { parameters, subresource } = route;
    const manager = parameters.get("fieldManager") ?? "";
    if (manager === "") throw new ApiError("BadRequest", "fieldManager is required for apply patch");
    const config = checkedObject(patch, route);
    const options = { manager, force: parameters.get("force") === "true", subresource };
    return applyPatch(old, config, options, now);
  }
  if (old === undefined) throw notFound(route.kind, route.name ?? "");
  return checkedObject(patchedDocument(kind, old, patch, route), route);
}

function patchedDocument(
  kind: "merge" | "json" | "strategic",
  old: StoredObject,
  patch: unknown,
  route: Route,
): unknown {
  switch (kind) {
    case "merge":
      return mergePatch(old, patch);
    case "json":
      return jsonPatch(old, patch);
    case "strategic":
      // Only the types of built-in kinds know the keys of their lists.
      if (route.version.schema !== undefined) throw unsupported("application/strategic-merge-patch+json");
      return strategicMergePatch(old, patch);
    default:
      return unreachable(kind);
  }
}

/** From the query and from a DeleteOptions body. */
export function deleteOptionsOf(request: Body, route: Route): DeleteOptions {
  const body = fieldsOf(request.body === undefined || request.body === "" ? {} : jsonOf(request.body));
  const preconditions = fieldsOf(body["preconditions"]);
  const uid = textOf(preconditions["uid"]);
  const resourceVersion = textOf(preconditions["resourceVersion"]);
  const grace = Number(route.parameters.get("gracePeriodSeconds") ?? body["gracePeriodSeconds"]);
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(Number.isNaN(grace) ? {} : { gracePeriodSeconds: grace }),
  };
}
