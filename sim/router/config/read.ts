// Reads an frr.conf statement by statement, as FRR's own shell does: a statement that its context does not know is tried in
// the contexts around it.
import { ConfigError } from "../../../impl/wire/errors.ts";
import { newDraft } from "./draft.ts";
import { type Frame, type Reading } from "./grammar.ts";
import { type ConfigProblem, type ReadResult } from "./model.ts";
import { resolve } from "./resolve.ts";
import { topFrame } from "./top-statements.ts";

/** How many statements a problem lists at most. */
const LISTED = 12;

const EXITS: ReadonlySet<string> = new Set(["exit", "exit-address-family", "exit-vrf", "exit-route-map", "quit"]);

function unknown(
  text: string,
  frame: Frame,
  { fitted, known }: Extract<Reading, { readonly kind: "unknown" }>,
): string {
  const starts = fitted === 0 ? known.map((pattern) => pattern.split(" ")[0] ?? "") : known;
  const all = [...new Set(starts)].sort();
  const listed = all.slice(0, LISTED).join(", ");
  const more = all.length > LISTED ? ` and ${all.length - LISTED} more` : "";
  return `"${text}" is not supported in ${frame.name}; what is: ${listed}${more}`;
}

class Reader {
  readonly #top: Frame;
  #contexts: readonly Frame[];

  constructor(top: Frame) {
    this.#top = top;
    this.#contexts = [top];
  }

  read(text: string): void {
    const words = text.split(/\s+/);
    const [first = ""] = words;
    if (words.length === 1 && EXITS.has(first))
      this.#contexts = this.#contexts.slice(0, Math.max(1, this.#contexts.length - 1));
    else if (text === "end") this.#contexts = [this.#top];
    else this.#statement(text, first === "no" ? words.slice(1) : words, first === "no");
  }

  #statement(text: string, words: readonly string[], no: boolean): void {
    let nearest:
      | { readonly frame: Frame; readonly reading: Extract<Reading, { readonly kind: "unknown" }> }
      | undefined;
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
    if (nearest !== undefined) throw new ConfigError("", unknown(text, nearest.frame, nearest.reading));
  }
}

/**
 * The configuration that a file makes, and after it lines typed in configuration mode; or everything that is wrong with them.
 * Typed lines are counted on from the file's.
 */
export function readFrrConfig(text: string, typed: readonly string[] = []): ReadResult {
  const draft = newDraft();
  const reader = new Reader(topFrame(draft));
  const problems: ConfigProblem[] = [];
  const file = text.split("\n");
  for (const [index, raw] of [...file, "end", ...typed].entries()) {
    const statement = raw.trim();
    if (statement === "" || /^[!#]/.test(statement)) continue;
    try {
      reader.read(statement);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push({ line: index + 1, problem: error.message });
    }
  }
  return problems.length > 0 ? { problems } : { config: resolve(draft) };
}
