// Who may read /metrics: the API server says, as for MetalLB. The token of the request is reviewed, and then whether its user
// may `get` the path. https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
import { createHash } from "node:crypto";
import { type Input, type KubeRequest } from "../../ports.ts";

/** What carries requests to the API server. */
export interface ReviewPort {
  request(request: KubeRequest): void;
  abort(request: string): void;
}

export type Access =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly status: 401 | 403 | 500; readonly because: string };

/** A scrape every few seconds shall not be two requests each. */
const TRUST_MS = 60_000;
const PATIENCE_MS = 10_000;
const TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Of both kinds of review. */
interface ReviewStatus {
  readonly allowed?: boolean;
  readonly authenticated?: boolean;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

export class AccessReview {
  readonly #port: ReviewPort;
  readonly #now: () => number;
  readonly #waiting = new Map<string, { status: number; text: string; done: (answer: Answer) => void }>();
  /** Until when a token, by its hash, is good for a path. */
  readonly #trusted = new Map<string, number>();
  #requests = 0;

  /** `connect` gets where outcomes are to be told; `now` in milliseconds. */
  constructor(connect: (deliver: (input: Input) => void) => ReviewPort, now: () => number = () => performance.now()) {
    this.#port = connect((input) => this.#hear(input));
    this.#now = now;
  }

  /** Never rejects: what cannot be found out is not allowed. */
  async check(authorization: string | undefined, path: string): Promise<Access> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return { allowed: false, status: 401, because: "Unauthorized" };
    const key = createHash("sha256").update(`${path}\n${token}`).digest("base64");
    const now = this.#now();
    for (const [old, until] of this.#trusted) if (until <= now) this.#trusted.delete(old);
    if (this.#trusted.has(key)) return { allowed: true };
    const access = await this.#review(token, path);
    if (access.allowed) this.#trusted.set(key, now + TRUST_MS);
    return access;
  }

  async #review(token: string, path: string): Promise<Access> {
    const reviewed = await this.#create(TOKENS, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token },
    });
    if (reviewed === undefined) return { allowed: false, status: 500, because: "the token could not be reviewed" };
    if (reviewed.authenticated !== true) return { allowed: false, status: 401, because: "Unauthorized" };
    const { username: user, uid, groups, extra } = reviewed.user ?? {};
    const access = await this.#create(ACCESS, {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user, uid, groups, extra, nonResourceAttributes: { path, verb: "get" } },
    });
    if (access === undefined) return { allowed: false, status: 500, because: "access could not be reviewed" };
    if (access.allowed === true) return { allowed: true };
    return { allowed: false, status: 403, because: `Authorization denied for user ${user}` };
  }

  /** The status of the answer; none where the API server did not give one. */
  async #create(path: string, object: object): Promise<ReviewStatus | undefined> {
    const { status, text } = await this.#post(path, JSON.stringify(object));
    if (status !== 200 && status !== 201) return undefined;
    try {
      const review: { readonly status?: ReviewStatus } = JSON.parse(text);
      return review.status;
    } catch {
      return undefined;
    }
  }

  #post(path: string, body: string): Promise<Answer> {
    const request = `access/${++this.#requests}`;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(request);
        this.#port.abort(request);
        resolve({ status: 0, text: "" });
      }, PATIENCE_MS);
      const done = (answer: Answer): void => {
        clearTimeout(timer);
        resolve(answer);
      };
      this.#waiting.set(request, { status: 0, text: "", done });
      const headers = { accept: "application/json", "content-type": "application/json" };
      this.#port.request({ kind: "request", request, method: "POST", path, headers, body });
    });
  }

  #hear(input: Input): void {
    if (input.kind !== "response" && input.kind !== "chunk" && input.kind !== "responseEnd") return;
    const waiting = this.#waiting.get(input.request);
    if (waiting === undefined) return;
    if (input.kind === "response") waiting.status = input.status;
    else if (input.kind === "chunk") waiting.text += input.text;
    else {
      this.#waiting.delete(input.request);
      waiting.done(input.error === undefined ? waiting : { status: 0, text: "" });
    }
  }
}
