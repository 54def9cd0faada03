import { Sha256 } from "../impl/wire/sha256.ts";
import { encodeUtf8 } from "../impl/wire/text.ts";
import { type Micros } from "../impl/wire/time.ts";
import { type Scheduler, type Trace } from "./world.ts";

const LINES_KEPT = 1000;
const LINES_PER_HASH = 256;

/**
 * The canonical record of a run. A line is `<seconds> <component> <what> <detail>`; the hash covers every line, also
 * those that are no longer kept.
 */
export class RunTrace implements Trace {
  readonly #clock: Pick<Scheduler, "now">;
  readonly #kept: number;
  /** Covers all lines but the pending ones. */
  #digest: Uint8Array = new Uint8Array();
  #pending: string[] = [];
  /** The time that was formatted last: many lines are of one instant. */
  #time = { of: -1, text: "" };
  #lines: string[] = [];
  #written = 0;

  /** Keeps the last `kept` lines; Infinity keeps all. */
  constructor(clock: Pick<Scheduler, "now">, kept = LINES_KEPT) {
    this.#clock = clock;
    this.#kept = kept;
  }

  write(component: string, what: string, detail: string): void {
    const { now } = this.#clock;
    if (now !== this.#time.of) this.#time = { of: now, text: formatTime(now) };
    const line = `${this.#time.text} ${component} ${what} ${detail}`;
    this.#pending.push(line);
    if (++this.#written % LINES_PER_HASH === 0) {
      this.#digest = this.#fold();
      this.#pending = [];
    }
    this.#lines.push(line);
    if (this.#lines.length >= 2 * this.#kept + 1) this.#lines = this.#lines.slice(this.#lines.length - this.#kept);
  }

  /** How many lines were written, kept or not. */
  get written(): number {
    return this.#written;
  }

  lines(): readonly string[] {
    return this.#lines.slice(Math.max(0, this.#lines.length - this.#kept));
  }

  /** A SHA-256 over all lines so far, in hex. Asking for it changes nothing. */
  hash(): string {
    return [...this.#fold()].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  #fold(): Uint8Array {
    const text = [...this.#pending, ""].join("\n");
    return new Sha256().update(this.#digest).update(encodeUtf8(text)).digest();
  }
}

/** Seconds, always with six decimals. */
function formatTime(time: Micros): string {
  const digits = String(time).padStart(7, "0");
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

export interface Difference {
  /** Counts from 0. */
  readonly line: number;
  /** What the one trace says there; undefined where it has ended. */
  readonly one: string | undefined;
  readonly other: string | undefined;
}

/** The first line in which two traces differ. */
export function firstDifference(one: readonly string[], other: readonly string[]): Difference | undefined {
  const length = Math.max(one.length, other.length);
  for (let line = 0; line < length; line++) {
    if (one[line] !== other[line]) return { line, one: one[line], other: other[line] };
  }
  return undefined;
}
