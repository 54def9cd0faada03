import { type Effect, type KubeRequest } from "../ports.ts";
import { type Change } from "./change.ts";

/** Where a part of the client puts what it wants done and what it has to tell. */
export interface Outbox {
  readonly effects: Effect[];
  readonly changes: Change[];
}

/** Names requests; no name is used twice, so answers to requests that were given up are recognised as strays. */
export interface RequestNames {
  next(purpose: string): string;
}

export class CountedRequests implements RequestNames {
  #count = 0;

  next(purpose: string): string {
    return `kube/${purpose}/${++this.#count}`;
  }
}

const JSON_BODY = "application/json";

export function get(request: string, path: string): KubeRequest {
  return { kind: "request", request, method: "GET", path, headers: { accept: JSON_BODY } };
}

export function send(
  request: string,
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body: string,
  contentType = JSON_BODY,
): KubeRequest {
  return { kind: "request", request, method, path, headers: { accept: JSON_BODY, "content-type": contentType }, body };
}

/** The query string of the parameters that are set, `?` included. */
export function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const set = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return set.length === 0 ? "" : `?${set.join("&")}`;
}
