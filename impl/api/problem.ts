import { ConfigError } from "../wire/errors.ts";

/** Something in an object that cannot be used. */
export interface Problem {
  /** `IPAddressPool metallb-system/first`. */
  readonly object: string;
  /** Path of the field: `spec.addresses[1]`; empty for the object itself. */
  readonly path: string;
  /** What is wrong, for a reader who sees object and field beside it. */
  readonly what: string;
  /** The same in the words of MetalLB, as a status or a webhook answer prints it. May have several lines. */
  readonly message: string;
  /**
   * True where another object may still arrive and make it right (a secret, a community alias, a BFD profile): such a
   * problem is reported at load time and never by a webhook.
   */
  readonly transient: boolean;
  /** What had to be taken for granted to find this, where something was. */
  readonly assuming?: string;
}

export interface ProblemDetails {
  /** A second line of the message: what was being done. */
  readonly context?: string;
  readonly transient?: boolean;
  readonly assuming?: string | undefined;
  /** The first line of the message where it is not what the reporter makes of `what`. */
  readonly message?: string;
}

export type Report = (path: string, what: string, details?: ProblemDetails) => void;

interface Identified {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** `IPAddressPool metallb-system/first`. */
export function describeObject(object: Identified): string {
  const { name, namespace } = object.metadata;
  return `${object.kind} ${namespace === undefined || namespace === "" ? "" : `${namespace}/`}${name}`;
}

/** Longer texts come from abuse; a condition of the API holds 32768 characters, an event 1024. */
const MAX_TEXT = 1000;

/** The text, cut where it is too long for a status or an event. */
export function shorten(text: string, length = MAX_TEXT): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** Collects problems in the order in which they are found. */
export class ProblemList {
  readonly #problems: Problem[] = [];

  get all(): readonly Problem[] {
    return this.#problems;
  }

  /** Reports problems of one object; `phrase` makes the message of `what`. */
  about(object: Identified, phrase: (what: string) => string = (what) => what): Report {
    const described = describeObject(object);
    return (path, what, details = {}) => {
      const first = details.message ?? phrase(what);
      const { context, transient = false, assuming } = details;
      const message = context === undefined ? shorten(first) : `${shorten(first)}\n${shorten(context)}`;
      const problem = { object: described, path, what: shorten(what), message, transient };
      this.#problems.push(assuming === undefined ? problem : { ...problem, assuming });
    };
  }
}

/** Runs a parser that throws ConfigError; its error becomes a problem and the result undefined. */
export function attempt<T>(report: Report, parse: () => T, details?: ProblemDetails): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    report(error.path, error.problem, details);
    return undefined;
  }
}

/** The errorSummary of a ConfigurationState: only the first problem counts. */
export function errorSummary(problems: readonly Problem[]): string {
  const first = problems.at(0);
  return first === undefined ? "" : `configuration error: ${first.message}`;
}
