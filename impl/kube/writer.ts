import { stringifyJson } from "../api/json.ts";
import { type KubeObject } from "../api/kubernetes.ts";
import { type Instant, type KubeInput, type KubeRequest, type Random } from "../ports.ts";
import { unreachable } from "../wire/brand.ts";
import { earliest, type Micros, millis, plus, seconds } from "../wire/time.ts";
import { BackOff } from "./back-off.ts";
import { get, type Outbox, query, type RequestNames, send } from "./exchange.ts";
import { fieldsOf, textOf } from "./json.ts";
import { pathOf } from "./resources.ts";
import { Answer, type Failure, noAnswer } from "./response.ts";
import { type Action, type Write } from "./write.ts";

const MOST_IN_FLIGHT = 32;
const SILENCE = seconds(30);
const FIRST_WAIT = millis(500);
const LONGEST_WAIT = seconds(30);
/** Conflicts are answered at once, but one who never wins must not spin. */
const CONFLICTS_AT_ONCE = 5;

/** What the writer needs to know of the mirrors, and tells them. */
export interface Mirrors {
  latest(write: Write): KubeObject | undefined;
  /** A write returned this object. */
  wrote(write: Write, object: unknown, out: Outbox): void;
}

/** A fresh read, which counts more than the mirror until the write is through. */
interface Fresh {
  readonly object: KubeObject | undefined;
}

interface Task {
  /** The newest intent; replaced while the task waits or is in flight. */
  write: Write;
  fresh: Fresh | undefined;
  conflicts: number;
  readonly backOff: BackOff;
}

interface Flight {
  readonly task: Task;
  /** What was sent; the task may hold a newer intent by now. */
  readonly write: Write;
  readonly step: Action["verb"] | "read";
  readonly answer: Answer;
  silentAt: Micros;
}

/** Makes intents true: one task for each tag, many in flight, and no request that would change nothing. */
export class Writer {
  readonly #random: Random;
  readonly #requests: RequestNames;
  readonly #mirrors: Mirrors;
  /** For the API server as a whole: it does not answer, or asks everybody to wait. */
  readonly #backOff: BackOff;
  readonly #queue = new Map<string, Task>();
  readonly #delayed = new Map<string, { readonly task: Task; readonly until: Micros }>();
  readonly #flights = new Map<string, Flight>();
  /** Tags in flight, and whether a newer intent came meanwhile. */
  readonly #flying = new Map<string, { readonly task: Task; again: boolean }>();
  #pausedUntil: Micros | undefined;
  #firstDelayed: Micros | undefined;

  constructor(random: Random, requests: RequestNames, mirrors: Mirrors) {
    this.#random = random;
    this.#requests = requests;
    this.#mirrors = mirrors;
    this.#backOff = new BackOff(random, FIRST_WAIT, LONGEST_WAIT);
  }

  write(intent: Write): void {
    const flying = this.#flying.get(intent.tag);
    if (flying !== undefined) {
      flying.task.write = intent;
      flying.again = true;
      return;
    }
    const waiting = this.#queue.get(intent.tag) ?? this.#delayed.get(intent.tag)?.task;
    if (waiting !== undefined) waiting.write = intent;
    else this.#queue.set(intent.tag, this.#task(intent));
  }

  #task(write: Write): Task {
    const backOff = new BackOff(this.#random, FIRST_WAIT, LONGEST_WAIT);
    return { write, fresh: undefined, conflicts: 0, backOff };
  }

  /** Nothing waits to be sent. */
  get idle(): boolean {
    return this.#queue.size === 0;
  }

  /** Sends what may be sent now. */
  flush(now: Instant, out: Outbox): void {
    if (this.#pausedUntil !== undefined && this.#pausedUntil > now.monotonic) return;
    this.#pausedUntil = undefined;
    for (const [tag, task] of this.#queue) {
      if (this.#flights.size >= MOST_IN_FLIGHT) return;
      this.#queue.delete(tag);
      this.#begin(task, now, out);
    }
  }

  #begin(task: Task, now: Instant, out: Outbox): void {
    const { write, fresh } = task;
    const latest = fresh === undefined ? this.#mirrors.latest(write) : fresh.object;
    const action = write.build(latest);
    if (action === undefined) {
      // After a conflict somebody else has made it true.
      if (fresh !== undefined)
        out.changes.push({ kind: "written", tag: write.tag, ok: true, status: 200, object: latest });
      return;
    }
    this.#send(task, action.verb, now, out, (request) => requestOf(request, write, action));
  }

  #send(task: Task, step: Flight["step"], now: Instant, out: Outbox, make: (request: string) => KubeRequest): void {
    const { write } = task;
    const request = this.#requests.next(`${write.resource.plural}/${step}`);
    this.#flights.set(request, {
      task,
      write,
      step,
      answer: new Answer(),
      silentAt: plus(now.monotonic, SILENCE),
    });
    if (!this.#flying.has(write.tag)) this.#flying.set(write.tag, { task, again: false });
    out.effects.push(make(request));
  }

  /** Takes a part of an answer; false where it belongs to somebody else. */
  handle(input: KubeInput, now: Instant, out: Outbox): boolean {
    const flight = this.#flights.get(input.request);
    if (flight === undefined) return false;
    flight.silentAt = plus(now.monotonic, SILENCE);
    if (input.kind === "response") flight.answer.head(input);
    else if (input.kind === "chunk") flight.answer.chunk(input.text);
    else {
      this.#flights.delete(input.request);
      this.#ended(flight, input.error, now, out);
    }
    return true;
  }

  wake(now: Instant, out: Outbox): void {
    for (const [request, flight] of this.#flights) {
      if (flight.silentAt > now.monotonic) continue;
      this.#flights.delete(request);
      out.effects.push({ kind: "abortRequest", request });
      this.#ended(flight, "no answer", now, out);
    }
    if (this.#firstDelayed === undefined || this.#firstDelayed > now.monotonic) return;
    this.#firstDelayed = undefined;
    for (const [tag, { task, until }] of this.#delayed) {
      if (until > now.monotonic) {
        this.#firstDelayed = earliest(this.#firstDelayed, until);
        continue;
      }
      this.#delayed.delete(tag);
      this.#queue.set(tag, task);
    }
  }

  deadline(): Micros | undefined {
    let first = earliest(this.#firstDelayed, this.#queue.size > 0 ? this.#pausedUntil : undefined);
    for (const flight of this.#flights.values()) first = earliest(first, flight.silentAt);
    return first;
  }

  #ended(flight: Flight, error: string | undefined, now: Instant, out: Outbox): void {
    const { task, answer } = flight;
    if (error === undefined && answer.ok) {
      this.#backOff.succeeded();
      return flight.step === "read" ? this.#read(flight, answer.json(), now, out) : this.#succeeded(flight, out);
    }
    const failure = error === undefined ? answer.failure() : noAnswer(error);
    if (flight.step === "read" && failure.code === 404) return this.#read(flight, undefined, now, out);
    switch (verdictOn(failure, flight.step)) {
      case "done":
        return this.#succeeded(flight, out);
      case "conflict":
        return this.#conflict(flight, failure, now, out);
      case "busy":
        task.fresh = undefined;
        this.#pausedUntil = plus(now.monotonic, this.#backOff.next(failure.retryAfter));
        return this.#requeue(task);
      case "later":
        return this.#delay(task, failure, now);
      case "refused": {
        const { code: status, reason, message } = failure;
        out.changes.push({
          kind: "written",
          tag: flight.write.tag,
          ok: false,
          status,
          object: undefined,
          reason,
          message,
        });
        return this.#landed(task);
      }
    }
  }

  #read(flight: Flight, value: unknown, now: Instant, out: Outbox): void {
    const { task } = flight;
    const object = readObject(value, flight.write);
    if (object !== undefined) this.#mirrors.wrote(flight.write, value, out);
    task.fresh = { object };
    this.#flying.delete(task.write.tag);
    this.#begin(task, now, out);
  }

  #succeeded(flight: Flight, out: Outbox): void {
    const { task, write, answer, step } = flight;
    const value = step === "delete" ? undefined : answer.json();
    if (value !== undefined) this.#mirrors.wrote(write, value, out);
    const object = readObject(value, write);
    out.changes.push({ kind: "written", tag: write.tag, ok: true, status: answer.status, object });
    this.#landed(task);
  }

  /** The task is over, unless a newer intent came while it was in flight. */
  #landed(task: Task): void {
    const { tag } = task.write;
    const again = this.#flying.get(tag)?.again ?? false;
    this.#flying.delete(tag);
    if (again) this.#queue.set(tag, this.#task(task.write));
  }

  /** Somebody else wrote first, or the object is there already: look again before building anew. */
  #conflict(flight: Flight, failure: Failure, now: Instant, out: Outbox): void {
    const { task, write } = flight;
    const { name } = write;
    task.conflicts++;
    if (name === undefined || task.conflicts > CONFLICTS_AT_ONCE) return this.#delay(task, failure, now);
    this.#send(task, "read", now, out, (request) => get(request, pathOf(write.resource, write.namespace, name)));
  }

  #delay(task: Task, failure: Failure, now: Instant): void {
    const { tag } = task.write;
    const until = plus(now.monotonic, task.backOff.next(failure.retryAfter));
    task.conflicts = 0;
    task.fresh = undefined;
    this.#flying.delete(tag);
    this.#delayed.set(tag, { task, until });
    this.#firstDelayed = earliest(this.#firstDelayed, until);
  }

  #requeue(task: Task): void {
    const { tag } = task.write;
    this.#flying.delete(tag);
    this.#queue.set(tag, task);
  }
}

type Verdict = "done" | "conflict" | "busy" | "later" | "refused";

function verdictOn({ code, reason }: Failure, step: Flight["step"]): Verdict {
  if (code === 0 || code === 429 || code === 503) return "busy";
  if (code === 404 && step === "delete") return "done";
  if (code === 409) return "conflict";
  // 401 while a token rotates; 408 and every 5xx may pass.
  if (code === 401 || code === 408 || code >= 500) return "later";
  return reason === "Expired" ? "later" : "refused";
}

function requestOf(request: string, write: Write, action: Action): KubeRequest {
  const { resource, namespace, name, subresource } = write;
  const path = pathOf(resource, namespace, name, subresource);
  switch (action.verb) {
    case "create":
      return send(request, "POST", pathOf(resource, namespace), stringifyJson(action.object));
    case "replace":
      return send(request, "PUT", path, stringifyJson(action.object));
    case "mergePatch":
      return send(request, "PATCH", path, stringifyJson(action.patch), "application/merge-patch+json");
    case "apply": {
      const parameters = query({ fieldManager: action.fieldManager, force: true });
      return send(request, "PATCH", path + parameters, stringifyJson(action.object), "application/apply-patch+yaml");
    }
    case "delete": {
      const preconditions = action.uid === undefined ? {} : { preconditions: { uid: action.uid } };
      return send(
        request,
        "DELETE",
        path,
        stringifyJson({ kind: "DeleteOptions", apiVersion: "v1", ...preconditions }),
      );
    }
    default:
      return unreachable(action);
  }
}

function readObject(value: unknown, write: Write): KubeObject | undefined {
  return isObject(value) && value.kind === write.resource.kind ? value : undefined;
}

function isObject(value: unknown): value is KubeObject {
  const { apiVersion, kind, metadata } = fieldsOf(value);
  const { name } = fieldsOf(metadata);
  return [apiVersion, kind, name].every((text) => textOf(text) !== undefined);
}
