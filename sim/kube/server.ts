// A Kubernetes API server as a function of requests and time: https://kubernetes.io/docs/reference/using-api/api-concepts/
import { parseJson, stringifyJson } from "../../impl/api/json.ts";
import { type Instant } from "../../impl/ports.ts";
import { earliest, type Micros, seconds } from "../../impl/wire/time.ts";
import { ApiError, expired, type StatusBody, success } from "./api-error.ts";
import { discoveryAt } from "./discovery.ts";
import { collectionOf, groupVersion, storedVersion } from "./kinds.ts";
import { listPage, type ListQuery, revisionOf, tooLarge } from "./list.ts";
import { Names } from "./names.ts";
import { type StoredObject } from "./object.ts";
import { deleteOptionsOf, objectOf, patched } from "./request-body.ts";
import { type Admission, type Place, Registry, type WriteOptions } from "./registry.ts";
import { type Route, routeOf } from "./route.ts";
import { matcherOf } from "./selector-text.ts";
import { type Storage, type StorageEvent } from "./storage.ts";
import { type Strategy } from "./strategy.ts";
import { toVersion } from "./version.ts";
import { type Exchange, type Sink, Watch } from "./watch.ts";

export interface ServerRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A whole answer, parsed. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What the server is made of; its owner shares the storage with strategies and admission. */
export interface ServerParts {
  /** Names and uids that the server chooses come from it. */
  readonly seed: string;
  readonly storage: Storage;
  /** By collection. */
  readonly strategies: ReadonlyMap<string, Strategy>;
  readonly admission: Admission;
}

const NOTHING_OPEN: Exchange = { abort: () => undefined };
/** How long a watch lasts that names no limit. */
const LONGEST_WATCH_SECONDS = 1800;

interface Context {
  readonly request: ServerRequest;
  readonly route: Route;
  readonly now: Instant;
}

export class KubeServer {
  readonly #storage: Storage;
  readonly #registry: Registry;
  readonly #watches = new Map<string, Set<Watch>>();
  /** Not after the first deadline of a watch; a watch that was abandoned may have left an earlier one. */
  #deadline: Micros | undefined;
  readonly #listeners = new Set<(event: StorageEvent) => void>();

  constructor(parts: ServerParts) {
    this.#storage = parts.storage;
    const names = new Names(parts.seed);
    this.#registry = new Registry({ ...parts, names, changed: (event) => this.#changed(event) });
  }

  /** Answers at once, but for watches, which go on until they time out or are aborted. */
  handle(request: ServerRequest, now: Instant, sink: Sink): Exchange {
    try {
      const document = request.method === "GET" ? discoveryAt(request.path.split("?")[0] ?? "") : undefined;
      if (document !== undefined) {
        respond(sink, 200, stringifyJson(document), {});
        return NOTHING_OPEN;
      }
      const context = { request, now, route: routeOf(request.path) };
      return isWatch(context) ? this.#watch(context, sink) : this.#answer(context, sink);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      respond(sink, error.body.code, stringifyJson(error.body), retryHeader(error.body));
      return NOTHING_OPEN;
    }
  }

  /** A request that is no watch, for whoever lives inside the control plane. */
  call(method: string, path: string, now: Instant, body?: unknown, headers = JSON_HEADERS): Answer {
    let status = 0;
    let text = "";
    const sink: Sink = {
      head: (code) => {
        status = code;
      },
      chunk: (piece) => {
        text += piece;
      },
      end: () => undefined,
    };
    const request = { method, path, headers, ...(body === undefined ? {} : { body: stringifyJson(body) }) };
    this.handle(request, now, sink);
    return { status, body: parseJson(text) };
  }

  /** Calls `listener` after each change has been stored. */
  onChange(listener: (event: StorageEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Whoever watches from before this moment gets 410 Gone. */
  compact(): void {
    this.#storage.compact();
  }

  /** Ends every watch, as a server that restarts does. */
  dropWatches(error?: string): void {
    for (const watch of this.#openWatches()) watch.close(error);
    this.#watches.clear();
  }

  deadline(): Micros | undefined {
    return this.#deadline;
  }

  tick(now: Instant): void {
    if (this.#deadline === undefined || this.#deadline > now.monotonic) return;
    this.#deadline = undefined;
    for (const watches of this.#watches.values()) {
      for (const watch of watches) {
        watch.tick(now, this.#storage.revision);
        if (!watch.open) watches.delete(watch);
        this.#deadline = earliest(this.#deadline, watch.deadline());
      }
    }
  }

  *#openWatches(): Iterable<Watch> {
    for (const watches of this.#watches.values()) yield* watches;
  }

  #changed(event: StorageEvent): void {
    for (const watch of this.#watches.get(event.collection) ?? []) watch.change(event);
    for (const listener of this.#listeners) listener(event);
  }

  #answer(context: Context, sink: Sink): Exchange {
    const { request, route } = context;
    const { version } = route;
    const warning = version.deprecated === undefined ? {} : { warning: `299 - "${version.deprecated}"` };
    const { code, text } = this.#outcome(context);
    respond(sink, code, text, request.method === "GET" ? {} : warning);
    return NOTHING_OPEN;
  }

  #outcome(context: Context): { readonly code: number; readonly text: string } {
    const { request, route, now } = context;
    const place = placeOf(route);
    switch (request.method) {
      case "GET":
        return {
          code: 200,
          text: place === undefined ? this.#list(route) : this.#text(route, this.#registry.get(place)),
        };
      case "POST":
        if (place !== undefined) break;
        return this.#create(context);
      case "PUT":
        if (place === undefined) break;
        return this.#stored(route, this.#registry.update(place, objectOf(request, route), now, writeOptions(route)));
      case "PATCH":
        if (place === undefined) break;
        return this.#patch(context, place);
      case "DELETE":
        return place === undefined ? this.#deleteAll(context) : this.#delete(context, place);
    }
    throw new ApiError("MethodNotAllowed", "the server does not allow this method on the requested resource");
  }

  #text(route: Route, object: StoredObject): string {
    const { kind, version } = route;
    return this.#storage.text(this.#visible(kind, version.name, object));
  }

  /** Conversions are remembered with the object, so that a watch's text is made once for all. */
  #visible(kind: Route["kind"], version: string, object: StoredObject): StoredObject {
    return storedVersion(kind).name === version ? object : toVersion(kind, version, object);
  }

  #stored(route: Route, object: StoredObject, code = 200): { readonly code: number; readonly text: string } {
    return { code, text: this.#text(route, object) };
  }

  #query(route: Route): ListQuery {
    const { kind, namespace, name, parameters } = route;
    const fields = parameters.get("fieldSelector") ?? "";
    const one = name === undefined ? fields : `metadata.name=${name}`;
    const matcher = matcherOf(parameters.get("labelSelector") ?? "", one);
    return { collection: collectionOf(kind), namespace, matcher, parameters };
  }

  #list(route: Route): string {
    const { kind, version } = route;
    const { objects, revision, token, remaining } = listPage(this.#query(route), this.#storage);
    const metadata = stringifyJson({
      resourceVersion: String(revision),
      ...(token === undefined ? {} : { continue: token }),
      ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
    });
    const apiVersion = groupVersion(kind.group, version.name);
    const items = objects.map((object) => this.#text(route, object)).join(",");
    return `{"kind":"${kind.kind}List","apiVersion":"${apiVersion}","metadata":${metadata},"items":[${items}]}`;
  }

  #watch({ route, now }: Context, sink: Sink): Exchange {
    const { kind, version, parameters } = route;
    const { collection, namespace, matcher } = this.#query(route);
    const from = revisionOf(parameters);
    if (from !== undefined && from > this.#storage.revision) throw tooLarge(from, this.#storage.revision);
    const timeout = seconds(Number(parameters.get("timeoutSeconds") ?? LONGEST_WATCH_SECONDS));
    const apiVersion = groupVersion(kind.group, version.name);
    const text = (object: StoredObject) => this.#text(route, object);
    const bookmarks = isTrue(parameters.get("allowWatchBookmarks"));
    const options = { collection, namespace, matcher, bookmarks, timeout, text, apiVersion, kind: kind.kind };
    sink.head(200, JSON_HEADERS);
    if (from !== undefined && from < this.#storage.compacted) {
      const { body } = expired(`too old resource version: ${from} (${this.#storage.compacted})`);
      sink.chunk(`${stringifyJson({ type: "ERROR", object: body })}\n`);
      sink.end();
      return NOTHING_OPEN;
    }
    const watch = new Watch(options, sink, now);
    const watches = this.#watches.get(collection) ?? new Set();
    this.#watches.set(collection, watches.add(watch));
    this.#deadline = earliest(this.#deadline, watch.deadline());
    this.#catchUp(watch, collection, from, isTrue(parameters.get("sendInitialEvents")));
    return {
      abort: () => {
        watch.abandon();
        watches.delete(watch);
      },
    };
  }

  /** Without a version to start from, a watch begins with everything that is there. */
  #catchUp(watch: Watch, collection: string, from: number | undefined, announceEnd: boolean): void {
    if (from === undefined || announceEnd) {
      for (const [, object] of this.#storage.entries(collection)) watch.initial(object);
    } else {
      for (const event of this.#storage.since(collection, from)) watch.change(event);
    }
    if (announceEnd) watch.bookmark(this.#storage.revision, { "k8s.io/initial-events-end": "true" });
  }

  #create({ request, route, now }: Context): { readonly code: number; readonly text: string } {
    const { kind, namespace } = route;
    const object = objectOf(request, route);
    if (kind.namespaced && namespace === undefined) {
      throw new ApiError("BadRequest", "namespace is required to create this object");
    }
    return this.#stored(route, this.#registry.create(kind, namespace, object, now, writeOptions(route)), 201);
  }

  #patch({ request, route, now }: Context, place: Place): { readonly code: number; readonly text: string } {
    const old = this.#find(place);
    const visible = old === undefined ? undefined : this.#visible(route.kind, route.version.name, old);
    const object = patched(request, route, visible, now);
    const options = writeOptions(route);
    if (old !== undefined) return this.#stored(route, this.#registry.update(place, object, now, options));
    return this.#stored(route, this.#registry.create(route.kind, place.namespace, object, now, options), 201);
  }

  #find({ kind, namespace, name }: Place): StoredObject | undefined {
    return this.#storage.get(collectionOf(kind), namespace === undefined ? name : `${namespace}/${name}`);
  }

  #delete({ request, route, now }: Context, place: Place): { readonly code: number; readonly text: string } {
    const { dryRun } = writeOptions(route);
    const { object, gone } = this.#registry.delete(place, now, deleteOptionsOf(request, route), dryRun);
    if (!gone) return this.#stored(route, object);
    return { code: 200, text: stringifyJson(success(place.kind, place.name, object.metadata.uid)) };
  }

  #deleteAll({ request, route, now }: Context): { readonly code: number; readonly text: string } {
    const { kind } = route;
    const { objects, revision } = listPage(this.#query(route), this.#storage);
    for (const { metadata } of objects) {
      this.#registry.delete(
        { kind, namespace: metadata.namespace, name: metadata.name },
        now,
        deleteOptionsOf(request, route),
      );
    }
    const apiVersion = groupVersion(kind.group, route.version.name);
    const metadata = { resourceVersion: String(revision) };
    return { code: 200, text: stringifyJson({ kind: `${kind.kind}List`, apiVersion, metadata, items: objects }) };
  }
}

const JSON_HEADERS: Readonly<Record<string, string>> = { "content-type": "application/json" };

const isTrue = (text: string | undefined): boolean => text === "true" || text === "1";

const isWatch = ({ request, route }: Context): boolean =>
  request.method === "GET" && isTrue(route.parameters.get("watch"));

function placeOf({ kind, namespace, name }: Route): Place | undefined {
  return name === undefined ? undefined : { kind, namespace, name };
}

function writeOptions({ kind, subresource, parameters }: Route): WriteOptions {
  const dryRun = parameters.get("dryRun") === "All";
  if (subresource === undefined || (subresource === "finalize" && kind.kind === "Namespace")) {
    return { dryRun, subresource: undefined };
  }
  if (subresource === "status" && kind.status !== "none") return { dryRun, subresource };
  throw new ApiError("NotFound", `the server has no subresource ${subresource} of ${kind.plural}`);
}

function retryHeader({ details }: StatusBody): Readonly<Record<string, string>> {
  const after = details?.retryAfterSeconds;
  return after === undefined ? {} : { "retry-after": String(after) };
}

function respond(sink: Sink, code: number, text: string, headers: Readonly<Record<string, string>>): void {
  sink.head(code, { ...JSON_HEADERS, ...headers });
  sink.chunk(text);
  sink.end();
}
