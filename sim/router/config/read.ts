// Reads an frr.conf statement by statement, as FRR's own shell does: a statement that its context does not know is tried in
// the contexts around it.
import { ConfigError } from "../../../impl/wire/errors.ts";
import { newDraft } from "./draft.ts";
import { type Frame, type Reading } from "./grammar.ts";
import { type ConfigProblem, type ReadResult } from "./model.ts";
import { placesOf } from "./places.ts";
import { resolve } from "./resolve.ts";
import { topFrame } from "./top-statements.ts";

/** How many statements a problem lists at most. */
const LISTED = 12;

const EXITS: ReadonlySet<string> = new Set(["exit", "exit-address-family", "exit-vrf", "exit-route-map", "quit"]);

/** Said of a statement that no context knows which is open. */
function unknown(text: string, frame: Frame, reading: Unknown, places: readonly string[]): string {
  if (places.length > 0) return `"${text}" belongs into ${places.join(" or ")}, not into ${frame.name}`;
  const { fitted, known } = reading;
  const patterns = known.map((pattern) => (fitted === 0 ? (pattern.split(" ")[0] ?? "") : pattern.replace(" / ", " ")));
  const all = [...new Set(patterns)].sort();
  const more = all.length > LISTED ? ` and ${all.length - LISTED} more` : "";
  return `"${text}" is not supported in ${frame.name}; what is: ${all.slice(0, LISTED).join(", ")}${more}`;
}

type Unknown = Extract<Reading, { readonly kind: "unknown" }>;

class Reader {
  readonly #top: Frame;
  #contexts: readonly Frame[];

  constructor(top: Frame) {
    this.#top = top;
    this.#contexts = [top];
  }

  read(text: string): void {
    const words = text.split(/\s+/);
    const [first] = words;
    if (text === "end") this.#contexts = [this.#top];
    else if (EXITS.has(text)) this.#contexts = [this.#top, ...this.#contexts.slice(1, -1)];
    else this.#statement(text, first === "no" ? words.slice(1) : words, first === "no");
  }

  #statement(text: string, words: readonly string[], no: boolean): void {
    let nearest: { readonly frame: Frame; readonly reading: Unknown } | undefined;
    for (let depth = this.#contexts.length; depth > 0; depth -= 1) {
      const frame = this.#contexts[depth - 1] ?? this.#top;
      const reading = frame.read(words, no);
      if (reading.kind === "read") {
        const around = this.#contexts.slice(0, depth);
        this.#contexts = reading.entered === undefined ? around : [...around, reading.entered];
        return;
      }
      if (nearest === undefined || reading.fitted > nearest.reading.fitted) nearest = { frame, reading };
    }
    if (nearest === undefined) return;
    throw new ConfigError("", unknown(text, nearest.frame, nearest.reading, placesOf(words, no)));
  }
}

/**
 * What stands indented under a statement that is wrong has no context to be judged in, and what leaves that context was
 * never in it.
 */
class Shadow {
  #indent = Number.POSITIVE_INFINITY;
  #skipped = false;

  cast(raw: string): void {
    this.#indent = raw.length - raw.trimStart().length;
    this.#skipped = false;
  }

  covers(raw: string): boolean {
    const indent = raw.length - raw.trimStart().length;
    if (indent > this.#indent) {
      this.#skipped = true;
      return true;
    }
    const leaves = indent === this.#indent && EXITS.has(raw.trim()) && (this.#skipped || indent > 0);
    this.#indent = Number.POSITIVE_INFINITY;
    return leaves;
  }
}

/**
 * The configuration that a file makes, and after it lines typed in configuration mode (with `end` between what was typed at
 * different times); or everything that is wrong with them. Typed lines are counted on from the file's.
 */
export function readFrrConfig(text: string, typed: readonly string[] = []): ReadResult {
  const draft = newDraft();
  const reader = new Reader(topFrame(draft));
  const problems: ConfigProblem[] = [];
  const shadow = new Shadow();
  for (const [index, raw] of [...text.split("\n"), "end", ...typed].entries()) {
    const statement = raw.trim();
    if (statement === "" || /^[!#]/.test(statement) || shadow.covers(raw)) continue;
    try {
      reader.read(statement);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push({ line: index + 1, problem: error.message });
      shadow.cast(raw);
    }
  }
  return problems.length > 0 ? { problems } : { config: resolve(draft) };
}
