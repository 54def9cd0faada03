// metav1.Status: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
}

export interface StatusBody {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: object;
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

const CODES = {
  BadRequest: 400,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  Conflict: 409,
  AlreadyExists: 409,
  Expired: 410,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

export type Reason = keyof typeof CODES;

/** A request that the server refuses. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly body: StatusBody;

  constructor(reason: Reason, message: string, details?: StatusDetails) {
    super(message);
    const code = CODES[reason];
    const base = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason } as const;
    this.body = details === undefined ? { ...base, code } : { ...base, details, code };
  }
}

/** What an error speaks about: `services "web"`, `ipaddresspools.metallb.io "first"`. */
export interface Subject {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

export const qualified = ({ group, plural }: Subject): string => (group === "" ? plural : `${plural}.${group}`);

const detailsOf = ({ group, plural }: Subject, name: string): StatusDetails =>
  group === "" ? { name, kind: plural } : { name, group, kind: plural };

export const notFound = (subject: Subject, name: string): ApiError =>
  new ApiError("NotFound", `${qualified(subject)} "${name}" not found`, detailsOf(subject, name));

export const alreadyExists = (subject: Subject, name: string): ApiError =>
  new ApiError("AlreadyExists", `${qualified(subject)} "${name}" already exists`, detailsOf(subject, name));

export function conflict(subject: Subject, name: string, why?: string): ApiError {
  const because = why ?? "the object has been modified; please apply your changes to the latest version and try again";
  const message = `Operation cannot be fulfilled on ${qualified(subject)} "${name}": ${because}`;
  return new ApiError("Conflict", message, detailsOf(subject, name));
}

/** Several things are wrong with an object; each is a cause with its field. */
export function invalid(subject: Subject, name: string, causes: readonly Cause[]): ApiError {
  const { group, kind } = subject;
  const listed = causes.map(({ field, message }) => (field === undefined ? message : `${field}: ${message}`));
  const text = listed.length === 1 ? (listed[0] ?? "") : `[${listed.join(", ")}]`;
  const object = group === "" ? kind : `${kind}.${group}`;
  return new ApiError("Invalid", `${object} "${name}" is invalid: ${text}`, { name, group, kind, causes });
}

export const expired = (message: string): ApiError => new ApiError("Expired", message);

export function success(subject: Subject, name: string, uid: string | undefined): StatusBody {
  const details = { ...detailsOf(subject, name), ...(uid === undefined ? {} : { uid }) };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details, code: 200 };
}
