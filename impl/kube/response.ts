// What the API server answers, and what it says when it refuses: metav1.Status.
import { type KubeInput } from "../ports.ts";
import { type Micros, seconds } from "../wire/time.ts";
import { fieldsOf, itemsOf, readJson, textOf } from "./json.ts";

/** Why a request failed. */
export interface Failure {
  /** The HTTP status; 0 where there was no answer. */
  readonly code: number;
  /** The Status' reason (Conflict, NotFound, Expired …), or the connection's error (ECONNREFUSED …). */
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly string[];
  readonly retryAfter: Micros | undefined;
}

/** Reads a Status object; `code` serves where it has none. */
export function readFailure(value: unknown, code: number, retryAfter?: Micros): Failure {
  const status = fieldsOf(value);
  const details = fieldsOf(status["details"]);
  const asked = details["retryAfterSeconds"];
  return {
    code: typeof status["code"] === "number" ? status["code"] : code,
    reason: textOf(status["reason"]) ?? "",
    message: textOf(status["message"]) ?? "",
    causes: itemsOf(details["causes"]).map((cause) => textOf(fieldsOf(cause)["reason"]) ?? ""),
    retryAfter: retryAfter ?? (typeof asked === "number" ? seconds(asked) : undefined),
  };
}

export const noAnswer = (because: string): Failure => ({
  code: 0,
  reason: because,
  message: because,
  causes: [],
  retryAfter: undefined,
});

/** An answer while it arrives. */
export class Answer {
  #status = 0;
  #retryAfter: Micros | undefined;
  readonly #parts: string[] = [];

  get status(): number {
    return this.#status;
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  head(input: Extract<KubeInput, { readonly kind: "response" }>): void {
    this.#status = input.status;
    this.#retryAfter = retryAfterOf(input.headers);
  }

  chunk(text: string): void {
    this.#parts.push(text);
  }

  /** The body once it is complete; undefined where it is no JSON. */
  json(): unknown {
    return readJson(this.#parts.join(""));
  }

  failure(): Failure {
    return readFailure(this.json(), this.#status, this.#retryAfter);
  }
}

/** RFC 9110 section 10.2.3, in seconds: the API server sends no dates. */
function retryAfterOf(headers: Readonly<Record<string, string>>): Micros | undefined {
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === "retry-after" && /^\d{1,6}$/.test(value)) return seconds(Number(value));
  }
  return undefined;
}
