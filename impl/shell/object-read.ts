import { type KubeObject } from "../api/kubernetes.ts";
import { BackOff } from "../kube/back-off.ts";
import { get } from "../kube/exchange.ts";
import { Answer } from "../kube/response.ts";
import { type Effect, type Input, type Instant, type Random } from "../ports.ts";
import { type Micros, millis, plus, seconds } from "../wire/time.ts";

const SILENCE = seconds(30);
const FIRST_WAIT = millis(500);
const LONGEST_WAIT = seconds(30);

type State =
  | { readonly kind: "reading"; readonly answer: Answer; readonly silentAt: Micros }
  | { readonly kind: "waiting"; readonly until: Micros }
  | { readonly kind: "done" };

/** Reads one object once, however often it must ask: for objects that a process may get but not watch. */
export class ObjectRead {
  readonly #path: string;
  readonly #backOff: BackOff;
  readonly #done: (object: KubeObject | undefined, status: number) => void;
  #state: State = { kind: "done" };
  #attempts = 0;

  /** `done` gets undefined where the server refuses: 404, 403 … */
  constructor(path: string, random: Random, done: (object: KubeObject | undefined, status: number) => void) {
    this.#path = path;
    this.#backOff = new BackOff(random, FIRST_WAIT, LONGEST_WAIT);
    this.#done = done;
  }

  /** It has been answered, whatever the answer is. */
  get done(): boolean {
    return this.#state.kind === "done";
  }

  start(now: Instant): readonly Effect[] {
    this.#attempts += 1;
    this.#state = { kind: "reading", answer: new Answer(), silentAt: plus(now.monotonic, SILENCE) };
    return [get(this.#request, this.#path)];
  }

  deadline(): Micros | undefined {
    if (this.#state.kind === "done") return undefined;
    return this.#state.kind === "waiting" ? this.#state.until : this.#state.silentAt;
  }

  wake(now: Instant): readonly Effect[] {
    const due = this.deadline();
    if (due === undefined || due > now.monotonic) return [];
    const abort: Effect = { kind: "abortRequest", request: this.#request };
    return this.#state.kind === "reading" ? [abort, ...this.start(now)] : this.start(now);
  }

  /** False where the input is no part of the answer. */
  handle(input: Input, now: Instant): boolean {
    if (!("request" in input) || input.request !== this.#request) return false;
    if (this.#state.kind !== "reading") return true;
    const { answer } = this.#state;
    if (input.kind === "response") answer.head(input);
    else if (input.kind === "chunk") answer.chunk(input.text);
    else this.#ended(answer, input.error, now);
    return true;
  }

  get #request(): string {
    return `read/${this.#attempts}${this.#path}`;
  }

  #ended(answer: Answer, error: string | undefined, now: Instant): void {
    const code = error === undefined && !answer.ok ? answer.failure().code : 0;
    const passing = error !== undefined || code === 401 || code === 429 || code >= 500;
    if (passing) {
      const retryAfter = error === undefined ? answer.failure().retryAfter : undefined;
      this.#state = { kind: "waiting", until: plus(now.monotonic, this.#backOff.next(retryAfter)) };
      return;
    }
    this.#state = { kind: "done" };
    this.#done(answer.ok ? (answer.json() as KubeObject) : undefined, answer.ok ? 200 : code);
  }
}
